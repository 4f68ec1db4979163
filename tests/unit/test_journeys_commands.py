"""Small things people try first: the version, a path that is not there, a year that is none, the wrong kind of run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm import __version__
from openasm.archive.run import read_run
from openasm.base.errors import NotFound, WrongUsage, why_unreadable
from openasm.base.problems import Problems
from openasm.claims.sources.cclf.files import find_files as find_cclf_files
from openasm.claims.sources.eob.stream import find_files as find_fhir_files
from openasm.cli.main import app
from openasm.episodes.specifications.workbook import read_workbook
from openasm.runs.cost.episodes import run_episodes


def test_the_version_needs_no_command() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"openasm {__version__}\n")


@pytest.mark.parametrize("year", [0, -1, 1999, 2100, 99999])
def test_episodes_of_a_year_that_is_none_are_wrong_usage_and_leave_nothing(tmp_path: Path, year: int) -> None:
    with pytest.raises(WrongUsage, match="calendar year"):
        run_episodes(
            tmp_path / "claims",
            tmp_path / "out",
            cohort="heart_failure",
            codes_file=tmp_path / "codes.xlsx",
            year=year,
            now=lambda: pytest.fail("nothing should have begun"),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_no_claims_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "claims.ndjson"
    os.mkfifo(pipe)
    problems = Problems()
    assert find_fhir_files([pipe], problems) == []
    assert find_cclf_files([pipe], tmp_path, problems) == ([], [])
    assert [problem.kind.code for problem in problems] == ["C204", "C106"]


def test_files_that_cannot_be_read_are_described_in_words(tmp_path: Path) -> None:
    (tmp_path / "list.xlsx").write_text("tin,npi\n")
    found = []
    for name in ("list.xlsx", "absent.xlsx", "."):
        problems = Problems()
        assert read_workbook(tmp_path / name, problems) is None
        found += [problem.found for problem in problems]
    assert found == ["a file of another kind, or one cut short", "no such file", "a folder"]
    assert why_unreadable(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "secret")) == "bytes that are not UTF-8 text"


def test_a_run_of_another_command_is_called_that(tmp_path: Path) -> None:
    manifest = {"format": "openasm-run", "format_version": 1, "command": "episodes", "year": 2027, "payment_year": 2029}
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "parameters": []}))
    with pytest.raises(NotFound, match=r"written by openasm episodes\. Give a run of openasm score"):
        read_run(tmp_path).table("scores")
