"""The reference pages of score inputs and run folders say what the program does; the examples in docstrings run."""

from __future__ import annotations

import datetime as dt
import doctest
import importlib
import re
from pathlib import Path

import pytest

from openasm.archive.run import read_run
from openasm.base.problems import Severity, catalogue
from openasm.regulation.cost import CostFinding
from openasm.regulation.quality import Finding
from openasm.regulation.rulebook import rules_for
from openasm.runs.scoring import inputs as score_inputs
from openasm.runs.scoring.attested_items import attested_items
from openasm.runs.scoring.run import score_folder
from openasm.runs.scoring.words import STATUS_TEXT
from tests.builders.score_folders import cohort_rows, write_folder

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
INPUTS = (REFERENCE / "score-inputs.md").read_text(encoding="utf-8")
RUN = (REFERENCE / "run-folder.md").read_text(encoding="utf-8")
MODULES = (
    "openasm.archive.folder",
    "openasm.archive.tables",
    "openasm.archive.trail",
    "openasm.archive.trail_quality",
    "openasm.runs.scoring.input_copies",
    "openasm.runs.scoring.words",
)


def test_every_problem_code_of_score_inputs_is_listed() -> None:
    table = INPUTS[INPUTS.index("## Problems") :]
    listed = set(re.findall(r"S\d{3}", table))
    declared = {code: kind for code, kind in catalogue().items() if re.fullmatch(r"S[0-4]\d\d", code)}
    assert listed == set(declared)
    for line in table.splitlines():
        for code in re.findall(r"S\d{3}", line):
            assert ("warning:" in line) == (declared[code].severity is Severity.WARNING), code


@pytest.mark.parametrize("name", ["participants", "quality", "cost", "attestations"])
def test_every_column_is_described(name: str) -> None:
    columns = getattr(score_inputs, f"{name.removesuffix('s').upper()}_COLUMNS")
    section = next(part for part in INPUTS.split("\n## ") if part.startswith(f"{name}:"))
    cells = {
        word for line in section.splitlines() if line.startswith("| ") for word in re.findall(r"[a-z_]+", line[:70])
    }
    assert {column.name for column in columns} <= cells


def test_every_item_is_named() -> None:
    section = INPUTS[INPUTS.index("## attestations") :].replace(
        "`PI_PHCDRR_1` to `_6`", " ".join(f"PI_PHCDRR_{n}" for n in range(1, 7))
    )
    items = attested_items(rules_for(2027))
    for item in items.all:
        assert item in section
    excludable = section[section.index("`excluded` is possible for") :].split(".\n")[0]
    assert set(re.findall(r"`(PI_[A-Z]+_\d)`", excludable)) == items.with_exclusion


def test_every_status_finding_and_file_of_a_run_is_described(tmp_path: Path) -> None:
    now = dt.datetime(2028, 1, 5, tzinfo=dt.UTC)
    score_folder(write_folder(tmp_path / "inputs", cohort_rows(20)), tmp_path / "run", year=2027, now=now, report=False)
    for path in (tmp_path / "run").rglob("*"):
        assert path.name.removesuffix(".csv") in RUN, path.name
    for word in (*STATUS_TEXT, *(each.name.lower() for each in (*Finding, *CostFinding))):
        assert f"`{word}`" in RUN, word
    for key in read_run(tmp_path / "run").manifest:
        assert f"`{key}`" in RUN, key


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
