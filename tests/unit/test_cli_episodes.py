"""What `openasm episodes` prints: practices and points as in the files, warnings, the next command; and `--codes demonstration`."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text
from openasm.cli import claims, eligibility
from openasm.cli import episodes as command
from openasm.runs.cost.synthesis import synthetic_region

BACK, YEAR = "low_back_pain", "2027"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("region") / "made"
    synthetic_region(3, folder, participants=12, beneficiaries=600)
    return folder / "tables"


def invoked(region: Path, out: Path, *more: str, year: str = YEAR) -> str:
    words = ["--cohort", BACK, "--codes", "demonstration", "--year", year, "--out", str(out), *more]
    done = CliRunner().invoke(command.app, [str(region), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(run: Path, table: str) -> list[dict[str, str]]:
    with (run / "scores" / f"{table}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_summary_says_what_the_files_hold_in_80_columns(
    region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "MOST_PRACTICES", 3)
    out = Path("a run")
    lines = invoked(region, out).splitlines()
    assert max(map(len, lines)) <= 80
    head = lines.index(next(line for line in lines if line.split()[:2] == ["TIN", "Episodes"]))
    table = lines[head : lines.index("", head)]
    practices = sorted((row for row in rows(out, "cost") if not row["npi"]), key=lambda row: -int(row["episodes"]))
    assert table[-1].split() == ["and", str(len(practices) - 3), "more", "in", "scores/cost.csv"]
    mips = {row["tin"]: row for row in rows(out, "mips") if not row["npi"]}
    for line, row in zip(table[1:-1], practices, strict=False):
        tin, episodes, mean, score, *points = line.split()
        assert (tin, episodes, score) == (
            row["tin"],
            row["episodes"],
            dollars_text(float(row["score"]), cents=False),
        )
        assert mean.startswith("$")
        assert points == [mips[tin]["mips_2024_points"], mips[tin]["mips_2025_points"]]
    above = max(
        (row for row in rows(out, "categories") if not row["npi"] and row["peers_dollars_a_year"]),
        key=lambda row: float(row["dollars_a_year"]) - float(row["peers_dollars_a_year"]),
    )
    said = " ".join(" ".join(lines).split())
    assert f"Furthest above peers: TIN {above['tin']}, {above['category']}:" in said
    assert "They are not ASM's scoring" in said
    assert "Next: openasm report 'a run'" in lines
    assert shlex.split(lines[lines.index("Next: openasm report 'a run'")])[-1] == str(out)
    for problem in json.loads((out / "manifest.json").read_text())["problems"]:
        assert f"{problem['code']} " in said
        assert problem["title"] in said


def test_a_table_of_all_has_at_most_ten_lines(region: Path, tmp_path: Path) -> None:
    lines = invoked(region, tmp_path / "run").splitlines()
    head = next(place for place, line in enumerate(lines) if line.split()[:2] == ["TIN", "Episodes"])
    assert 2 < lines.index("", head) - head <= 10


def test_a_year_without_episodes_is_told(region: Path, tmp_path: Path) -> None:
    said = invoked(region, tmp_path / "run", year="2021")
    assert "No low back pain episode ends in 2021." in said
    assert "E024" in said


def test_the_check_of_claims_names_both_ways_to_give_the_list(region: Path) -> None:
    done = CliRunner().invoke(claims.app, ["check", str(region)])
    assert "--codes WORKBOOK.xlsx" in done.stdout
    assert "--codes demonstration, a made-up list" in " ".join(done.stdout.split())


def test_one_word_takes_the_made_up_list(region: Path, tmp_path: Path) -> None:
    document = json.loads(invoked(region, tmp_path / "run", "--json"))
    assert document["demonstration_codes_list"] is True
    assert "E015" in {problem["code"] for problem in document["problems"]}
    words = ["--cohort", "knees", "--codes", "demonstration", "--year", YEAR, "--out", str(tmp_path / "other")]
    assert isinstance(CliRunner().invoke(command.app, [str(region), *words]).exception, WrongUsage)
    given = eligibility._given(Path("demonstration"), Path("mine.xlsx"))
    assert given["heart_failure"].is_file()
    assert given["low_back_pain"] == Path("mine.xlsx")
