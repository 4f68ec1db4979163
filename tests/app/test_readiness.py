"""The readiness plan: tailored, dated, noted, as a calendar; what the workbench knows to be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from openasm.app.attestations.actions import take_step
from openasm.app.attestations.answers import Answer
from openasm.app.attestations.steps import Step
from openasm.app.audit.models import AuditEvent
from openasm.app.kept.actions import keep_document
from openasm.app.kept.uploads import checked_attachment
from openasm.app.people.models import Practice
from openasm.app.readiness.models import TaskEntry
from openasm.app.readiness.plan import known_done, plan_of
from tests.app.attesting import YEAR, on, signed
from tests.app.conftest import Stage


def path(stage: Stage, rest: str = "") -> str:
    return f"/practices/{stage.elm.key}/readiness/{rest}"


def test_the_plan_fits_the_practice(stage: Stage) -> None:
    plan = plan_of(stage.elm, YEAR, today=dt.date(2027, 9, 20))
    keys = {each.task.key: each for each in plan.tasks}
    assert {"measures_heart_failure", "measures_low_back_pain", "level"} <= set(keys)
    assert "claims_feed" not in keys  # episodes are there
    assert keys["arrangement_signed"].state == "late"
    assert keys["registration"].task.what.endswith("for each of 3 clinicians")
    assert [each.task.due for each in plan.tasks] == sorted(each.task.due for each in plan.tasks)


def test_without_a_run_there_is_a_plan_all_the_same(stage: Stage) -> None:
    nobody = Practice.objects.create(tin="900000077", name="Ash")
    assert len(plan_of(nobody, YEAR, today=dt.date(2027, 1, 1)).tasks) > 10


def test_the_page_in_few_queries(
    stage: Stage,
    sign_in: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable,
) -> None:
    on(monkeypatch, dt.date(2027, 9, 20))
    client = sign_in("viewer")
    with django_assert_max_num_queries(20):
        text = client.get(path(stage)).content.decode()
    assert "too late after Oct 3, 2027" in text
    assert "whole score" in text
    assert f"{YEAR}/tasks/" not in text  # a viewer has no form
    assert "Done" in client.get(path(stage, "?show=done")).content.decode()


def test_noting_a_task(stage: Stage, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, dt.date(2027, 9, 1))
    address = path(stage, f"{YEAR}/tasks/arrangement_signed/")
    fields = {
        "base": "0",
        "state": "open",
        "owner": "Test Nurse",
        "due": "2027-09-25",
        "evidence": "draft with the lawyer",
    }
    client = sign_in("nurse")
    assert client.post(address, fields).status_code == 302
    slower = sign_in("attester").post(address, {**fields, "owner": "Somebody slower"})
    assert "Nothing was saved" in slower.content.decode()
    assert client.post(address, {**fields, "base": "1", "state": "done", "due": ""}).status_code == 302
    assert [each.owner for each in TaskEntry.objects.all()] == ["Test Nurse", "Test Nurse"]
    text = client.get(path(stage)).content.decode()
    assert "draft with the lawyer" in text
    event = AuditEvent.objects.filter(kind="changed").first()
    assert event is not None
    assert '"task":"arrangement_signed"' in event.details
    assert client.get(path(stage, f"{YEAR}/tasks/nothing/")).status_code == 404


def test_the_calendar_has_open_tasks_with_their_own_days(
    stage: Stage, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, dt.date(2027, 9, 1))
    client = sign_in("nurse")
    client.post(path(stage, f"{YEAR}/tasks/registration/"), {"base": "0", "state": "done"})
    client.post(path(stage, f"{YEAR}/tasks/technology/"), {"base": "0", "state": "open", "due": "2027-05-04"})
    response = client.get(path(stage, f"{YEAR}/calendar.ics"))
    assert response["Content-Type"].startswith("text/calendar")
    text = response.content.decode().replace("\r\n ", "")
    assert "DTSTART;VALUE=DATE:20270504" in text
    assert "Register in CMS" not in text
    assert stage.elm.tin not in text


def test_a_signature_is_known(stage: Stage) -> None:
    signed(stage)
    plan = plan_of(stage.elm, YEAR, today=dt.date(2028, 2, 1))
    task = next(each for each in plan.tasks if each.task.key == "attestation")
    assert (task.state, task.known) == ("done", True)


def test_entries_stay(stage: Stage, sign_in: Callable[..., Client]) -> None:
    sign_in("nurse").post(path(stage, f"{YEAR}/tasks/registration/"), {"base": "0", "state": "done"})
    for statement in ("UPDATE readiness_taskentry SET owner = 'x'", "DELETE FROM readiness_taskentry"):
        with pytest.raises(DatabaseError, match="kept"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_work_of_ia_1_has_begun_with_a_first_day_and_its_document(stage: Stage) -> None:
    assert "activity_1_started" not in known_done(stage.elm, YEAR)
    answers = {"IA_1": Answer("IA_1", "yes", start=dt.date(YEAR, 2, 1))}
    take_step(Step.DRAFT, practice=stage.elm, year=YEAR, base=0, by=stage.people["nurse"], answers=answers)
    assert "activity_1_started" not in known_done(stage.elm, YEAR)
    attachment = checked_attachment("workflow.txt", b"how we do it")
    keep_document(practice=stage.elm, year=YEAR, about="IA_1", attachment=attachment, by=stage.people["nurse"])
    assert "activity_1_started" in known_done(stage.elm, YEAR)
