"""Today: what each part sees, deadlines as of a day, changes against the run before, problems that name nobody else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from openasm.app.published import publish
from openasm.app.published.models import DataProblem, ParticipantResult, PracticeResult, Run
from openasm.app.published.publish import publish_run
from openasm.app.today.changes import changes_between
from openasm.app.today.deadlines import deadlines, years_on
from openasm.app.today.problems import names_others
from openasm.app.worklists.models import Case
from tests.app.conftest import CLINICIAN_NPI, Stage, signed_in_client
from tests.app.run_folders import CANARY_NAMES, TINS, write_small_run

TODAY = dt.datetime(2027, 12, 2, 12, tzinfo=dt.UTC)


def today(stage: Stage, part: str, moment: dt.datetime = TODAY) -> str:
    with time_machine.travel(moment, tick=False):
        response = signed_in_client(stage.people[part]).get(f"/practices/{stage.elm.key}/today/")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_manager_sees_the_practice(stage: Stage) -> None:
    text = today(stage, "manager")
    assert "Cases closing within 30 days" in text
    assert "Hand them out" in text
    assert "005 ACE inhibitor, ARB or ARNI in heart failure" in text
    assert "A made-up warning" in text
    assert "3 times" in text
    assert "This is the first run of 2027" in text
    assert "CANARYPATIENT" not in text, "no patient is named here"


def test_a_clinician_sees_the_own_part(stage: Stage) -> None:
    text = today(stage, "clinician")
    assert "Your final score" in text
    assert "71.5" in text
    assert "Your patients’ gaps" in text
    assert "Data problems" not in text
    assert "008 Beta-blocker" in text, "open from December on, counts for both clinicians"
    assert "CANARYPATIENT" not in text


def test_a_viewer_sees_no_gaps(stage: Stage) -> None:
    text = today(stage, "viewer")
    assert "payment change in 2029" in text
    assert "/worklist/" not in text
    assert "Gaps</h2>" not in text


def test_a_practice_without_a_run_is_told_how_to_begin(stage: Stage) -> None:
    PracticeResult.objects.filter(practice=stage.elm).delete()
    Case.objects.filter(practice=stage.elm).delete()
    text = today(stage, "manager")
    assert "openasm publish" not in text
    assert "Upload files and start a run" in text
    assert "Upload files and start a run" not in today(stage, "viewer")
    assert "Ask an editor or the administrator" in today(stage, "viewer")
    assert "Deadlines" in text


def test_an_old_run_is_said_to_be_old(stage: Stage) -> None:
    assert "days old" not in today(stage, "viewer", dt.datetime(2027, 12, 6, 12, tzinfo=dt.UTC))
    assert "36 days old" in today(stage, "viewer", dt.datetime(2027, 12, 7, 12, tzinfo=dt.UTC))


def test_what_the_newest_run_changed(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_analyze", lambda: None)
    publish_run(write_small_run(tmp_path / "next", shift=2.25), by=None)
    for part in ("manager", "clinician", "viewer"):
        text = today(stage, part)
        assert "Against the run of Nov 1, 2027" in text
        assert "+2.2" in text
        assert ("Test Clinician 3" in text) is (part != "clinician")
    assert "2 cases before, 2 now" in today(stage, "manager")


def test_movers_by_dollars_then_points_and_those_who_left(stage: Stage) -> None:
    now = list(ParticipantResult.objects.filter(practice=stage.elm).order_by("npi"))
    earlier = [ParticipantResult.objects.get(pk=each.pk) for each in now]
    now[0].change_cents, now[1].final_score = (now[0].change_cents or 0) + 5_000, None
    left = earlier.pop()
    found = changes_between(now[:2], [*earlier, left], before=stage.run, worklists={}, run=stage.run)
    assert [(each.result.npi, each.cents, each.points, each.new) for each in found.movers] == [
        (now[0].npi, 5_000, 0.0, False)
    ]
    assert [each.npi for each in found.gone] == [left.npi]
    found = changes_between(now, earlier, before=stage.run, worklists={}, run=stage.run)
    assert [(each.result.npi, each.new) for each in found.movers] == [(now[0].npi, False), (left.npi, True)]
    same = changes_between(earlier, earlier, before=stage.run, worklists={}, run=stage.run)
    assert same.nothing


def test_problems_that_name_another_practice_are_left_out(stage: Stage) -> None:
    own = frozenset({TINS[0], CLINICIAN_NPI})
    for found, others in (
        ("", False),
        (f"TIN {TINS[0]} and NPI {CLINICIAN_NPI}", False),
        (f"TIN {TINS[1]}", True),
        (f"{CLINICIAN_NPI} but also 2999000047", True),
        ("12345678901 lines", False),
    ):
        assert names_others(DataProblem(title="x", found=found), own=own) is others
    DataProblem.objects.update(found=f"TIN {TINS[1]}")
    assert "The run has no warning that concerns this practice." in today(stage, "manager")


@pytest.mark.parametrize(
    ("day", "years"),
    [
        ((2026, 10, 2), ()),
        ((2026, 10, 3), (2027,)),
        ((2027, 9, 30), (2027,)),
        ((2027, 12, 31), (2027, 2028)),
        ((2028, 3, 31), (2027, 2028)),
        ((2028, 4, 1), (2028,)),
        ((2032, 3, 31), (2031,)),
        ((2032, 4, 1), ()),
    ],
)
def test_years_whose_work_is_not_over(day: tuple[int, int, int], years: tuple[int, ...]) -> None:
    assert years_on(dt.date(*day)) == years


def test_deadlines_of_a_day(stage: Stage) -> None:
    def texts(*day: int) -> dict[str, str]:
        return {each.task.key: each.text for each in deadlines(stage.elm, today=dt.date(*day))}

    september = texts(2027, 9, 25)
    assert september["arrangement_signed"] == "Late; 8 days to the last day", "3 October leaves 90 days"
    assert "participation" not in september, "advice of last year"
    march = texts(2028, 3, 25)
    assert march["submission"].startswith(("Late; 6", "In "))
    assert texts(2028, 4, 1).keys() & {"submission", "package"} == set()
    assert texts(2026, 12, 30)["participation"] == "In 1 day"
    assert texts(2026, 12, 31)["participation"] == "Today"
    assert texts(2027, 1, 1)["participation"] == "1 day late"
    tasks = deadlines(stage.elm, today=dt.date(2027, 9, 25))
    assert [each.task.due for each in tasks] == sorted(each.task.due for each in tasks)


@pytest.mark.parametrize("part", ["manager", "clinician", "viewer"])
def test_queries_do_not_grow(part: str, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_analyze", lambda: None)
    publish_run(write_small_run(tmp_path / "next", shift=3.0), by=None)
    client = signed_in_client(stage.people[part])
    address = f"/practices/{stage.elm.key}/today/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    first = ParticipantResult.objects.filter(practice=stage.elm).order_by("-pk").first()
    top = ParticipantResult.objects.order_by("-pk").first()
    assert first is not None
    assert top is not None
    for place in range(20):
        first.pk, first.npi = top.pk + 1 + place, f"29990{place:05d}"
        first.save(force_insert=True)
    with CaptureQueriesContext(connection) as more:
        client.get(address)
    assert len(more) == len(few) <= 40
    assert json.dumps(CANARY_NAMES[0]) not in "".join(each["sql"] for each in more)


def test_run_of_another_practice_alone_is_not_shown(stage: Stage, sign_in: Callable[..., Client]) -> None:
    PracticeResult.objects.filter(practice=stage.elm).delete()
    assert Run.objects.newest_of(stage.elm) is None
    text = sign_in("manager").get(f"/practices/{stage.elm.key}/today/").content.decode()
    assert "A made-up warning" not in text
