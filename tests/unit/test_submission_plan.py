"""`openasm submit plan`, and the plan as a calendar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openasm.regulation.rulebook import rules_for
from openasm.submission.calendar import calendar_text
from openasm.submission.readiness import PracticeFacts, readiness_plan
from tests.builders.submissions import NOW, TIN, practice
from tests.unit.test_submission_package import openasm

FACTS = PracticeFacts(TIN, ("heart_failure", "low_back_pain"), 2, 4, done=frozenset({"participation"}))
PLAN = readiness_plan(FACTS, rules=rules_for(2027))


def test_the_calendar_keeps_to_its_form() -> None:
    text = calendar_text(PLAN, tin=TIN, year=2027, moment=NOW)
    assert text == calendar_text(PLAN, tin=TIN, year=2027, moment=NOW)
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert all(len(line.encode()) <= 75 for line in lines)
    assert "\n" not in text.replace("\r\n", "")
    assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == len(PLAN) - 1
    unfolded = text.replace("\r\n ", "")
    assert len({line for line in unfolded.split("\r\n") if line.startswith("UID:")}) == len(PLAN) - 1
    assert "DTSTART;VALUE=DATE:20270919" in text
    assert "DTEND;VALUE=DATE:20270920" in text
    assert TIN not in text
    for line in unfolded.split("\r\n"):
        if line.startswith(("SUMMARY:", "DESCRIPTION:")):
            assert ", " not in line.replace("\\,", "")
            assert ";" not in line.replace("\\;", "")


def test_the_command(tmp_path: Path) -> None:
    run, _ = practice(size=4).write(tmp_path)
    base = ("plan", run, "--tin", TIN, "--today", "2027-10-04")
    done = openasm(*base, "--ics", tmp_path / "plan.ics", "--data", "claims,records", "--done", "package")
    assert done.returncode == 0
    assert "missed Have the arrangement signed" in done.stdout
    assert "[the whole final score]" in done.stdout
    assert (tmp_path / "plan.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    tasks = {task["key"]: task for task in json.loads(openasm(*base, "--json").stdout)}
    assert tasks["submission"]["last"] == "2028-03-31"
    assert tasks["arrangement_signed"]["state"] == "missed"
    assert {"records_feed", "claims_feed", "level"} <= set(tasks)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--tin", "900000001"), 5),
        (("--tin", TIN, "--today", "soon"), 2),
        (("--tin", TIN, "--done", "nothing"), 2),
        (("--tin", TIN, "--data", "rumours"), 2),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    run, _ = practice().write(tmp_path)
    assert openasm("plan", run, *arguments).returncode == code
