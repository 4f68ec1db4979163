"""docs/how-to/reports.md, policy-analysis.md and the notebook, command by command and cell by cell, on a made-up run."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from openasm.episodes.specifications.construction import demonstration_workbook
from openasm.runs.cost.episodes import run_episodes
from openasm.runs.cost.synthesis import synthetic_region
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, npi, tin, write_folder

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|yaml|python)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOTEBOOK = DOCS / "notebooks" / "policy-analysis.ipynb"
LONGEST_OUTPUT = 2000  # characters of a cell


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run the pages speak of: TIN 900000001 with NPI 2000000010."""
    folder = tmp_path_factory.mktemp("pages")
    write_folder(folder / "inputs", cohort_rows(40, seed=3))
    score_folder(folder / "inputs", folder / "run", year=2027, now=dt.datetime(2028, 4, 1, tzinfo=dt.UTC), report=False)
    assert (tin(1), npi(1)) == ("900000001", "2000000010")
    with (folder / "specialties.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("tin", "npi", "specialty_code"), (tin(1), npi(1), "06")])
    synthetic_region(7, folder / "region", participants=6, beneficiaries=500)
    for name, cohort in (("episodes-heart", "heart_failure"), ("episodes-back", "low_back_pain")):
        run_episodes(
            folder / "region" / "tables",
            folder / name,
            cohort=cohort,
            codes_file=demonstration_workbook(cohort),
            year=2027,
            now=lambda: dt.datetime(2028, 2, 1, tzinfo=dt.UTC),
        )
    return folder


def run_page(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Write the page's files, run its commands and its Python; gives the commands."""
    monkeypatch.chdir(place)
    blocks = BLOCK.findall((DOCS / "how-to" / name).read_text(encoding="utf-8"))
    for kind, file, content in blocks:
        if kind == "yaml":
            (place / file).write_text(content, encoding="utf-8")
    commands = [shlex.split(line) for kind, _, content in blocks if kind == "sh" for line in content.splitlines()]
    for program, *arguments in commands:
        assert program == "openasm"
        command = [sys.executable, "-c", "from openasm.cli.main import main; main()", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    for kind, _, content in blocks:
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile(content, name, "exec"), {})
            assert said.getvalue().strip()
    return commands


def test_the_page_on_reports(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = run_page("reports.md", place, monkeypatch)
    assert len(commands) == 8
    of_scores = ("run/report.html", "scorecard.pdf", "practice.xlsx", "practice.pdf")
    for file in (*of_scores, "episodes-heart/report.html", "cost.html", "cost.xlsx"):
        assert (place / file).stat().st_size > 5000


def test_the_page_on_policy_analysis(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = run_page("policy-analysis.md", place, monkeypatch)
    assert len(commands) == 4
    assert (place / "run" / "policy.html").is_file()
    assert "Slope of the logistic function" in (place / "impact.html").read_text(encoding="utf-8")
    specialties = [
        table for table in json.loads((place / "cohort.json").read_text())["tables"] if table["kind"] == "Specialty"
    ]
    assert [group["label"] for group in specialties[0]["groups"]] == ["All", "06 Cardiology", "Not known"]


def test_the_notebook_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    notebook: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    space: dict[str, Any] = {}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 6
    for number, cell in enumerate(cells, start=1):
        assert cell["execution_count"] == number
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), space)
        shown = "".join(line for output in cell["outputs"] for line in output["text"])
        assert said.getvalue() == shown, f"cell {number}"
        assert len(shown) < LONGEST_OUTPUT
    made = space["folder"]
    assert made.parent == tmp_path
    shutil.rmtree(made)
