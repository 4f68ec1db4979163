"""`openasm synth`: one JSON document, exit codes, the next command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, WrongUsage
from openasm.cli.synth import app


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_json_is_one_document(tmp_path):
    result = run("--out", str(tmp_path / "r"), "--seed", "4", "--participants", "2", "--beneficiaries", "40", "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["seed"] == 4
    assert record["counts"]["tables/beneficiaries"] == 40
    assert {problem["code"] for problem in record["problems"]} == {"E015"}
    assert (tmp_path / "r" / "tables" / "claims.json").is_file()


def test_every_format_and_the_next_step(tmp_path):
    arguments = ["--seed", "4", "--participants", "2", "--beneficiaries", "40", "--processes", "1"]
    result = run("--out", str(tmp_path / "r"), *arguments, "--format", "tables,cclf,eob,fhir", "--years", "2026-2027")
    assert result.exit_code == 0, result.output
    assert "openasm claims check" in result.stdout
    assert {path.name for path in (tmp_path / "r").iterdir()} == {
        "manifest.json",
        "clinicians.csv",
        "participants.csv",
        "truth",
        "tables",
        "cclf",
        "eob",
        "fhir",
    }
    assert len((tmp_path / "r" / "fhir" / "patients.ndjson").read_text().splitlines()) == 40


def test_records_alone_end_with_the_command_that_reads_them(tmp_path):
    out = tmp_path / "a [b] region"
    result = run("--out", str(out), "--seed", "4", "--participants", "2", "--beneficiaries", "40", "--format", "fhir")
    assert result.exit_code == 0, result.output
    words = shlex.split(result.stdout.splitlines()[-1])
    records, value_sets = out / "fhir" / "patients.ndjson", out / "fhir" / "value-sets"
    assert words[:5] == ["openasm", "quality", str(records), "--value-sets", str(value_sets)]
    assert records.is_file()
    assert any(value_sets.iterdir())


@pytest.mark.parametrize(
    "options",
    [
        ["--seed", "-1"],
        ["--seed", "1", "--years", "soon"],
        ["--seed", "1", "--format", "x12"],
        ["--seed", "1", "--processes", "-1"],
    ],
)
def test_wrong_usage(tmp_path, options):
    result = run("--out", str(tmp_path / "r"), *options)
    assert isinstance(result.exception, WrongUsage)
    assert not (tmp_path / "r").exists()


def test_a_bad_workbook_is_refused(tmp_path):
    (tmp_path / "list.xlsx").write_text("not a workbook")
    given = ["--heart-failure-codes", str(tmp_path / "list.xlsx")]
    result = run("--out", str(tmp_path / "r"), "--seed", "1", *given)
    assert isinstance(result.exception, InputRefused)
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["list.xlsx"]
