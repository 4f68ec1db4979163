"""docs/how-to/who-is-in.md, command by command, and what it says of the files and findings."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from openasm.cli import data, eligibility, episodes, lookup, roster, synth
from openasm.participants.findings import Finding

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "who-is-in.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|csv)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
APPS = {
    "data": data.app,
    "lookup": lookup.app,
    "roster": roster.app,
    "synth": synth.app,
    "eligibility": eligibility.app,
    "episodes": episodes.app,
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_command_runs_and_gives_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: dict[str, str] = {}
    for kind, name, content in BLOCK.findall(TEXT):
        if kind == "csv":
            (tmp_path / name).write_text(content, encoding="utf-8")
            continue
        for line in content.splitlines():
            program, command, *arguments = shlex.split(line)
            assert program == "openasm"
            result = CliRunner().invoke(APPS[command], arguments)
            assert result.exit_code == 0, (line, result.output, result.exception)
            said[line] = result.output
    assert len(said) == 24
    one = next(output for line, output in said.items() if "2999000013 " in line and "lookup" in line)
    assert "MADE UP HEART GROUP" in one  # of the newest version
    changed = next(output for line, output in said.items() if "compare" in line)
    assert "CLINICIANGONE" in changed
    assert "MADE UP CARDIOLOGY" in changed
    assert any("36055" in line and "yes" in output for line, output in said.items())
    assert any("14450" in line and "cannot tell" in output for line, output in said.items())
    found = {row["npi"]: row["finding"] for row in rows(tmp_path / "eligibility" / "scores" / "eligibility.csv")}
    assert found["2999000534"] == "listed, fails a test"
    assert len(rows(tmp_path / "eligibility" / "worksheets" / "tin_questions.csv")) > 0
    packs = sorted(path.name for path in (tmp_path / "with-notice" / "notices").iterdir())
    assert packs == ["notice-2999000534-low_back_pain-2027.pdf", "notice-2999000534-low_back_pain-2027.xlsx"]
    named = set(re.findall(r"^\| `((?:scores|worksheets)/[a-z_.]+|manifest\.json)`", TEXT, re.MULTILINE))
    assert len(named) == 8
    assert {"roster.csv", "systems.csv", "years.csv", "sites.csv"} <= {
        path.name for path in (tmp_path / "who-is-in" / "scores").iterdir()
    }
    sites = {row["zip"]: row["in_mandatory_area"] for row in rows(tmp_path / "eligibility" / "scores" / "sites.csv")}
    assert sites == {
        "14620": "yes",
        "14214": "cannot tell",
        "13210": "yes",
        "14450": "cannot tell",
        "90033": "cannot tell",
    }
    assert all((tmp_path / "eligibility" / name).is_file() for name in named)


def test_findings_and_options_named_exist() -> None:
    findings = {finding.value for finding in Finding}
    quoted = set(re.findall(r"`((?:not )?listed, [^`]+)`", TEXT))
    assert quoted
    assert quoted <= findings
    known = {
        option for app in APPS.values() for parameter in _parameters(get_command(app)) for option in parameter.opts
    }
    assert set(re.findall(r"--[a-z][a-z0-9-]+", TEXT)) <= known


def _parameters(command):
    yield from command.params
    for each in getattr(command, "commands", {}).values():
        yield from each.params
