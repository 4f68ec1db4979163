"""docs/how-to/from-records-to-payment.md, command by command, on made-up records and on the official cases."""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openasm.quality.demonstration import write_demo_patients, write_demo_value_sets
from openasm.runs.scoring.inputs import QUALITY_COLUMNS
from tests.builders.ecqm_material import DECK, VALUE_SETS, need_material

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "from-records-to-payment.md"
BLOCK = re.compile(r"^```(sh|csv)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DRAWS = ("--draws", "20")  # the page takes the default; the test has less patience


def walk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the page's files and run its commands in order; every one must succeed."""
    monkeypatch.chdir(folder)
    (folder / "inputs").mkdir()
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    for kind, name, content in blocks:
        if kind == "csv":
            (folder / name).write_text(content, encoding="utf-8")
    commands = [shlex.split(line) for kind, _, content in blocks if kind == "sh" for line in content.splitlines()]
    assert [command[1] for command in commands if command[0] == "openasm"] == ["quality", "score", "project", "report"]
    for program, *arguments in commands:
        if program == "cp":
            shutil.copy(*arguments)
            continue
        extra = DRAWS if arguments[0] == "project" else ("--jobs", "1") if arguments[0] == "quality" else ()
        command = [sys.executable, "-c", "from openasm.cli.main import main; main()", *arguments, *extra]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def check(folder: Path) -> dict[str, str]:
    """What the walk must leave behind; gives the row that was handed over."""
    (handed,) = rows(folder / "inputs" / "quality.csv")
    assert list(handed) == [column.name for column in QUALITY_COLUMNS]
    (scored,) = [row for row in rows(folder / "run" / "scores" / "measure_scores.csv") if row["measure"] == "236"]
    assert (scored["level"], scored["eligible"], scored["met"]) == ("tin", handed["eligible"], handed["met"])
    assert (folder / "run" / "scores" / "projection.json").stat().st_size > 0
    assert "Test Clinician 1" in (folder / "run" / "report.html").read_text(encoding="utf-8")
    return handed


def test_walk_on_made_up_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo_value_sets(tmp_path / "value-sets")
    write_demo_patients(tmp_path / "records", 5, 80, 2026)
    walk(tmp_path, monkeypatch)
    handed = check(tmp_path)
    assert int(handed["met"]) > 0


@pytest.mark.shared
def test_walk_on_the_official_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_material()
    (tmp_path / "records").mkdir()
    shutil.copy(DECK / "CMS165.ndjson.gz", tmp_path / "records")
    shutil.copytree(VALUE_SETS, tmp_path / "value-sets")
    walk(tmp_path, monkeypatch)
    handed = check(tmp_path)
    expected = [row for row in rows(DECK / "expected.csv") if row["measure"] == "CMS165" and row["denominator"] == "1"]
    assert int(handed["eligible"]) == len(expected)
    assert int(handed["met"]) == sum(row["numerator"] == "1" for row in expected)
    assert int(handed["exclusions"]) == sum(row["denominator_exclusion"] == "1" for row in expected)
