"""What `openasm claims` shows people: pasteable commands, eighty columns, problems first, and a refusal that says nothing else."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.claims.contract import CLAIMS_TABLES, SETTINGS
from openasm.cli.claims import app
from openasm.cli.export import app as export
from tests.builders import cclf

ANNA = "1SA0A00AA00"
BRACKETS = "claims of [x] practice"


def folder(out: Path, days: list[dt.date], **first: object) -> Path:
    """Tables of a line a day, in every setting in turn; first: more of the first line."""
    basics = {"beneficiary": ANNA, "line": 1, "cost_cents": 1000, "cost_basis": "allowed"}
    clinician = {"tin": "000000012", "npi": "2999000047", "specialty": "06", "line_diagnosis": "I5022"}
    lines: list[dict[str, Any]] = [
        {
            **basics,
            "claim_id": f"{number:04d}",
            "setting": SETTINGS[number % len(SETTINGS)],
            "from_date": day,
            "thru_date": day,
            **(clinician if number % len(SETTINGS) == 0 else {}),
        }
        for number, day in enumerate(days)
    ]
    lines[0] |= first
    months = sorted({day.replace(day=1) for day in days})
    rows: dict[str, list[dict[str, Any]]] = {
        "claim_lines": lines,
        "claim_diagnoses": [{"beneficiary": ANNA, "claim_id": "0000", "position": 1, "code": "I5022"}],
        "enrollment": [{"beneficiary": ANNA, "month": month, "part_a": True, "part_b": True} for month in months],
        "beneficiaries": [{"beneficiary": ANNA, "birth_date": dt.date(1950, 5, 5), "sex": "female"}],
    }
    out.mkdir(parents=True)
    for name, each in rows.items():
        empty = dict.fromkeys(CLAIMS_TABLES[name].names)
        pq.write_table(pa.Table.from_pylist([{**empty, **row} for row in each]), out / f"{name}.parquet")
    return out


def days_of(first: tuple[int, int], months: int, a_month: int = 24) -> list[dt.date]:
    places = [first[0] * 12 + first[1] - 1 + month for month in range(months)]
    return [dt.date(place // 12, place % 12 + 1, day + 1) for place in places for day in range(a_month)]


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
    assert done.exception is None, done.exception
    return done.stdout


def loaded(tmp_path: Path, days: list[dt.date], **first: object) -> Path:
    out = tmp_path / BRACKETS
    run("load", "--format", "tables", str(folder(tmp_path / "in", days, **first)), "--out", str(out))
    return out


def test_the_next_command_can_be_pasted(tmp_path: Path) -> None:
    source, out = folder(tmp_path / "in [bold]", days_of((2026, 1), 6)), tmp_path / BRACKETS / ("long " * 20)
    out.parent.mkdir()
    said = run("load", "--format", "tables", str(source), "--out", str(out))
    (line,) = (each for each in said.splitlines() if each.startswith("Next: "))
    words = shlex.split(line.removeprefix("Next: "))
    assert words == ["openasm", "claims", "check", str(out)]
    said = run(*words[2:])
    (line,) = (each for each in said.splitlines() if each.startswith("Next: "))
    assert shlex.split(line.removeprefix("Next: "))[:3] == ["openasm", "episodes", str(out)]


def test_a_key_for_exports_anywhere(tmp_path: Path) -> None:
    key = tmp_path / "key [a] b.json"
    done = CliRunner().invoke(export, ["--new-key", str(key)])
    assert done.exception is None, done.exception
    assert shlex.split(done.stdout.splitlines()[-1])[-1] == str(key)


def test_the_check_fits_eighty_columns_and_names_only_what_was_found(tmp_path: Path) -> None:
    days = days_of((2025, 7), 18)
    out = loaded(tmp_path, [*days, dt.date(2045, 1, 9)], tin=None)
    path = out / "claim_lines.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("cost_basis")
    broken = ["guessed", *table["cost_basis"].to_pylist()[1:]]
    pq.write_table(table.set_column(place, "cost_basis", pa.array(broken)), path)
    said = run("check", str(out)).splitlines()
    assert max(len(line) for line in said if not line.startswith("Next: ")) <= 80
    text = "\n".join(said)
    assert "…" not in text
    assert said.index("Problems:") < next(number for number, line in enumerate(said) if line.startswith("What the"))
    assert "T005 claim_lines.parquet cost_basis" in text
    assert "  professional lines without TIN: 1 of 55 (1.8%)" in said
    assert "0.0%" not in text
    assert "Nothing found: professional lines without NPI," in text
    (heads,) = (line.split() for line in said if line.split()[:1] == ["month"])
    assert heads == ["month", "dme", "drug", "health", "hospice", "inpatient", "outpatient", "professional", "snf"]
    months = [line.split() for line in said if line.startswith("  202")]
    assert [cells[0] for cells in months] == [f"{day:%Y-%m}" for day in days if day.day == 1]
    assert all(sum(map(int, cells[1:])) == 24 for cells in months)
    assert "Lines outside these months: 1 in 2045-01." in said
    assert "Run-out: The last months look complete." in said


def test_claims_whose_days_a_mistyped_date_once_decided(tmp_path: Path) -> None:
    """A folder loaded before dates were weighed: the check says what is wrong and shows no two hundred empty months."""
    out = loaded(tmp_path, [*days_of((2026, 1), 8), dt.date(2045, 1, 9)])
    manifest = json.loads((out / "claims.json").read_text())
    (out / "claims.json").write_text(json.dumps(manifest | {"data_end": "2045-01-31"}))
    said = run("check", str(out)).splitlines()
    assert "  lines outside the months that hold nearly all others: 1 of 193 (0.5%)" in said
    assert "load the claims again" in " ".join(" ".join(said).split())
    assert "  2026-09 to 2044-12: none" in said
    assert len(said) < 50
    assert any("Cannot be told" in line for line in said)


def test_lines_without_a_day_or_setting_are_described(tmp_path: Path) -> None:
    out = loaded(tmp_path, days_of((2026, 1), 8))
    path = out / "claim_lines.parquet"
    table = pq.read_table(path)
    for place, column in ((3, "from_date"), (4, "setting")):
        values = table[column].to_pylist()
        values[place] = None
        at = table.column_names.index(column)
        table = table.set_column(at, column, pa.array(values, table.schema.field(column).type))
    pq.write_table(table, path)
    said = run("check", str(out))
    assert "T004 claim_lines.parquet from_date" in said
    assert "unknown" in said
    volumes = json.loads(run("check", str(out), "--json"))["volumes"]
    assert sum(row["lines"] for row in volumes) == 8 * 24 - 1


def test_numbers_too_wide_for_the_screen_go_into_a_second_table(tmp_path: Path) -> None:
    out = loaded(tmp_path, days_of((2026, 1), 3))
    done = CliRunner().invoke(app, ["check", str(out)], env={"COLUMNS": "50"})
    lines = done.stdout.splitlines()
    assert sum(line.split()[:1] == ["month"] for line in lines) == 2
    assert sum(line.startswith("  2026-02") for line in lines) == 2
    assert max(len(line) for line in lines if not line.startswith("Next: ")) <= 50


@pytest.mark.parametrize(
    ("months", "thin", "expected"),
    [
        (2, 0, "cover 2 months, and at least 6"),
        (5, 0, "cover 5 months, and at least 6"),
        (6, 0, "look complete"),
        (9, 2, "2026-08 25%, 2026-09 25% of a usual month's lines. Costs of episodes that end in these"),
    ],
)
def test_run_out_is_told_only_where_it_can_be(tmp_path: Path, months: int, thin: int, expected: str) -> None:
    whole = days_of((2026, 1), months)
    days = [day for day in whole if day.day <= 6 or day.month <= months - thin]
    out = loaded(tmp_path, days)
    (record,) = (json.loads(run("check", str(out), "--json"))["run_out"],)
    assert record["can_be_told"] is (months >= 6)
    assert (record["usual_lines_a_month"] is None) is (months < 6)
    assert len(record["months_looked_at"]) == min(months, 3)
    said = " ".join(run("check", str(out)).split())
    assert expected in said
    assert ("Cannot be told" in said) is (months < 6)


def test_run_out_cannot_be_told_after_a_gap(tmp_path: Path) -> None:
    out = loaded(tmp_path, [*days_of((2025, 1), 3), *days_of((2026, 1), 3)])
    record = json.loads(run("check", str(out), "--json"))["run_out"]
    assert record["can_be_told"] is False
    assert "no lines to compare" in record["effect"]
    assert set(record["share_of_usual"].values()) == {None}


def test_what_a_diagnosis_without_a_line_does_is_said_as_it_is(tmp_path: Path) -> None:
    out = loaded(tmp_path, days_of((2026, 1), 6))
    path = out / "claim_diagnoses.parquet"
    table = pq.read_table(path)
    alone = table.to_pylist()[0] | {"claim_id": "9999"}
    pq.write_table(pa.concat_tables([table, pa.Table.from_pylist([alone], schema=table.schema)]), path)
    said = " ".join(run("check", str(out)).split())
    assert "diagnoses without a claim line: 1 of 2 (50.0%) They count nowhere" in said


def test_a_refusal_inside_the_engine_prints_problems_and_nothing_else(tmp_path: Path) -> None:
    """As a process of its own, so that whatever an engine says at the end is seen."""
    path = cclf.write(tmp_path / "in" / "CCLF5.txt", "CCLF5", [cclf.visit(number, 1, ANNA) for number in range(9)])
    cclf.write(tmp_path / "in" / "CCLF8.txt", "CCLF8", [cclf.person(ANNA)])
    path.write_bytes(path.read_bytes().replace(b"\n", b" \n", 1))
    command = "from openasm.cli.main import main; main()"
    arguments = ["claims", "load", "--format", "cclf", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    first, *others = done.stderr.splitlines()
    assert first == f"Input refused: {len(others)} problem{'s' if len(others) > 1 else ''}; nothing was written."
    assert others
    assert all(line.startswith("  C107 CCLF5.txt") for line in others), done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_refusal_lists_problems_as_the_files_are_read(tmp_path: Path) -> None:
    """The fixture lacks columns and has several bad values in a row."""
    bad = Path(__file__).parents[1] / "fixtures" / "bad" / "claims" / "tables"
    command = "from openasm.cli.main import main; main()"
    arguments = ["claims", "load", "--format", "tables", str(bad), "--out", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    places = [re.match(r"  C\d{3} (\w+\.csv)(?:, row (\d+))?", line) for line in done.stderr.splitlines()[1:]]
    found = [(place[1], int(place[2] or 0)) for place in places if place]
    files = list(dict.fromkeys(file for file, _ in found))
    assert len(found) > 5
    assert found == sorted(found, key=lambda each: (files.index(each[0]), each[1]))
    assert "row 0" not in done.stderr
