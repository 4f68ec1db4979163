"""`openasm rules`: what it prints, to people, to pipes and to programs."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, RuleUnpublished, WrongUsage
from openasm.cli import rules as command
from openasm.cli.main import COMMANDS
from openasm.cli.rule_parts import PARTS
from openasm.regulation.rulebook import rule_book

ROOMS = Path(__file__).parents[2] / "openasm"
BAD = Path(__file__).parents[1] / "fixtures" / "bad" / "rules"


def run(*arguments):
    return CliRunner().invoke(command.app, list(arguments))


def test_every_value_with_its_source_in_one_line():
    result = run("--year", "2027")
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    assert len(lines) == len({entry.name for entry in rule_book().entries})
    [risk] = [line for line in lines if line.startswith("  payment.risk_level ")]
    assert risk == (
        "  payment.risk_level = 0.09 (fraction) | 2027-2028 | cms | 42 CFR 512.750(c)(1)(i); ASM model page, 17 Jul 2026 "
        "| ASM model page as of 17 Jul 2026 | 9% in the first two performance years."
    )
    [share] = [line for line in lines if line.startswith("  payment.redistributed_share ")]
    assert "| 2027 | secondary (unconfirmed) |" in share
    assert "Next: openasm" in result.stdout


def test_all_years_when_none_is_asked_for():
    lines = [line for line in run().stdout.splitlines() if line.startswith("  payment.risk_level ")]
    assert [line.split(" | ")[1] for line in lines] == ["2027-2028", "2029", "2030", "2031"]


def test_unconfirmed_only():
    result = run("--year", "2027", "--unconfirmed")
    lines = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    assert lines
    assert all("(unconfirmed)" in line for line in lines)


def test_json_is_one_document():
    result = run("--year", "2027", "--json")
    document = json.loads(result.stdout)
    assert document["year"] == 2027
    assert document["count"] == len(document["parameters"])
    by_name = {each["name"]: each for each in document["parameters"]}
    assert by_name["payment.risk_level"]["value"] == 0.09
    assert by_name["quality.measures"]["value"]["heart_failure"] == ["492", "008", "005", "236", "377"]
    assert document["unconfirmed"] == sum(not each["confirmed"] for each in document["parameters"])
    required = {"name", "title", "unit", "value", "years", "citation", "edition", "status", "note"}
    assert all(required <= set(each) for each in document["parameters"])


def test_the_users_values_show_as_theirs(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        "section: payment\nparameters:\n  risk_level:\n    values:\n      - {years: [2027], value: 0.08, citation: my letter}\n",
        encoding="utf-8",
    )
    lines = run("--rules", str(overlay)).stdout.splitlines()
    shown = [line for line in lines if line.startswith("  payment.risk_level ")]
    assert "= 0.08 (fraction) | 2027 | user | my letter |" in shown[0]
    assert "= 0.09 (fraction) | 2028 | cms |" in shown[1]


def test_years_without_values():
    assert isinstance(run("--year", "2028").exception, RuleUnpublished)
    assert isinstance(run("--year", "2040").exception, RuleUnpublished)
    borrowed = run("--year", "2028", "--assume-year", "2027")
    assert "secondary, borrowed from 2027 (unconfirmed)" in borrowed.stdout


def test_what_is_missing_for_a_year():
    result = run("--missing", "2028")
    assert "payment.redistributed_share" in result.stdout.splitlines()
    assert "payment.risk_level" not in result.stdout.splitlines()
    assert "payment.redistributed_share" in json.loads(run("--missing", "2028", "--json").stdout)["missing"]
    assert json.loads(run("--missing", "2027", "--json").stdout)["missing"] == []


def test_a_bad_overlay_is_refused():
    assert isinstance(run("--rules", str(BAD / "percent_sign.yaml")).exception, InputRefused)


def test_tables_on_a_terminal_cut_nothing(monkeypatch, capsys):
    for columns in ("80", "600"):
        monkeypatch.setenv("COLUMNS", columns)
        command.print_tables(rule_book().entries)
        printed = capsys.readouterr().out
        assert "…" not in printed
    for entry in rule_book().entries:
        assert entry.citation in printed
    assert "assumed (unconfirmed)" in printed


PACKAGED = {path for folder in ("specifications", "parameters") for path in ROOMS.glob(f"*/{folder}/*.yaml")}
OF_ANOTHER_FORM = {"ecqms.yaml", "other_measures.yaml", "attribution.yaml"}


def test_every_file_of_values_belongs_to_a_part():
    shown = {entry.source_file for part in PARTS.values() for entry in part.book().entries}
    assert {path.name for path in PACKAGED} - OF_ANOTHER_FORM == shown


@pytest.mark.parametrize("name", PARTS)
def test_every_part_prints_its_values_with_their_source(name):
    document = json.loads(run("--of", name, "--year", "2027", "--json").stdout)
    assert document["of"] == name
    assert all(each["citation"] and each["status"] and each["unit"] for each in document["parameters"])
    assert {each["name"] for each in document["parameters"]} == {
        entry.name for entry in PARTS[name].book().entries if 2027 in entry.years
    }


def test_the_users_values_of_another_part(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        "section: heart_failure\nparameters:\n  confirm_days:\n    values:\n"
        "      - {years: [2027], value: 90, citation: my letter}\n",
        encoding="utf-8",
    )
    lines = run("--of", "cost-measure", "--rules", str(overlay)).stdout.splitlines()
    shown = [line for line in lines if line.startswith("  heart_failure.confirm_days ")]
    assert "= 90 (days) | 2027 | user | my letter |" in shown[0]
    assert "= 180 (days) | 2028-2031 |" in shown[1]
    refused = run("--of", "mips", "--rules", str(overlay)).exception
    assert isinstance(refused, WrongUsage)
    assert "cannot be replaced" in str(refused)


@pytest.mark.parametrize("part", [each for each in PARTS.values() if each.given_with.startswith("openasm ")])
def test_the_command_that_takes_ones_own_values_exists(part):
    _, name, *words, option, _ = part.given_with.split()
    found = get_command(importlib.import_module(COMMANDS[name][0]).app)
    for word in words:
        found = getattr(found, "commands", {}).get(word, found) if word.islower() else found
    assert any(option in each.opts for each in found.params), part.given_with


def test_a_part_there_is_not():
    assert "cost-measure" in str(run("--of", "weather").exception)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (0.09, "0.09"),
        ([1, "a"], "[1, a]"),
        ({"a": {"b": [1]}, "c": False}, "a: {b: [1]}, c: no"),
    ],
)
def test_values_as_text(value, text):
    assert command.value_text(value) == text
