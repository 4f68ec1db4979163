"""The audit's chain: whole after honest work, broken by every way of tampering; the database refuses change itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction

from openasm.app.audit.chain import forget_head, link, noted_head, verify
from openasm.app.audit.events import Kind, Outcome, record
from openasm.app.audit.models import AppendOnly, AuditEvent, AuditHead
from tests.app.conftest import Stage


def sql(*statements: str) -> None:
    """Statements behind the guards' back, as somebody with the database file would give them."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        else:
            cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
            cursor.execute("ALTER TABLE audit_audithead DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def events(stage: Stage) -> list[AuditEvent]:
    """Ten events more."""
    made = [
        record(Kind.CHANGED, who=stage.people["nurse"], practice=stage.elm, details={"number": number})
        for number in range(10)
    ]
    assert verify().whole
    return made


def test_each_event_follows_from_the_one_before(events: list[AuditEvent]) -> None:
    positions = list(AuditEvent.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, len(positions) + 1))
    found = verify()
    assert found.whole
    assert found.events == events[-1].position


def test_a_clock_set_back_neither_breaks_nor_turns_the_chain(stage: Stage) -> None:
    with time_machine.travel(dt.datetime(2027, 5, 1, 8, tzinfo=dt.UTC), tick=False) as clock:
        first = record(Kind.CHANGED, who=None, practice=stage.elm)
        clock.shift(dt.timedelta(days=-3))
        second = record(Kind.CHANGED, who=None, practice=stage.elm)
    assert second.at < first.at
    assert verify().whole
    assert [each.pk for each in AuditEvent.objects.all()[:2]] == [second.pk, first.pk], (
        "in the order in which they were written"
    )


@pytest.mark.parametrize(
    "field", ["kind", "outcome", "who", "practice", "subject", "details", "request", "address", "at"]
)
def test_a_changed_field_is_found(events: list[AuditEvent], field: str) -> None:
    value = "'2020-01-01 00:00:00'" if field == "at" else "'other'"
    sql(f"UPDATE audit_auditevent SET {field} = {value} WHERE position = {events[4].position}")
    found = verify()
    assert not found.whole
    assert str(events[4].position) in found.findings[0]


def test_a_deleted_event_is_found(events: list[AuditEvent]) -> None:
    sql(f"DELETE FROM audit_auditevent WHERE position = {events[4].position}")
    assert not verify().whole


def test_a_cut_off_tail_is_found(events: list[AuditEvent]) -> None:
    sql(f"DELETE FROM audit_auditevent WHERE position >= {events[7].position}")
    assert any("cut off" in finding for finding in verify().findings)


def test_a_cut_off_tail_with_its_head_put_back_is_found_by_the_note(
    events: list[AuditEvent], settings: object, tmp_path: Path
) -> None:
    settings.DATA = tmp_path  # type: ignore[attr-defined]
    forget_head(events[-1].position, events[-1].hash)
    assert verify().whole
    last = events[6]
    sql(
        f"DELETE FROM audit_auditevent WHERE position > {last.position}",
        f"UPDATE audit_audithead SET position = {last.position}, hash = '{last.hash}'",
    )
    assert noted_head() == (events[-1].position, events[-1].hash)
    assert any("note in the data folder" in finding for finding in verify().findings)


def test_an_inserted_event_is_found(events: list[AuditEvent]) -> None:
    last = events[-1]
    sql(
        "INSERT INTO audit_auditevent (position, at, kind, outcome, who, practice, subject, details, request, address, hash) "
        f"VALUES ({last.position + 1}, '2027-01-01 00:00:00', 'changed', 'done', '', '', '', '', '', '', '{'a' * 64}')"
    )
    assert len(verify().findings) >= 2


def test_exchanged_events_are_found(events: list[AuditEvent]) -> None:
    first, second = events[2], events[3]
    sql(
        f"UPDATE audit_auditevent SET position = -1 WHERE position = {first.position}",
        f"UPDATE audit_auditevent SET position = {first.position} WHERE position = {second.position}",
        f"UPDATE audit_auditevent SET position = {second.position} WHERE position = -1",
    )
    assert not verify().whole


def test_a_chain_made_anew_without_the_key_is_found(events: list[AuditEvent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openasm.app.audit.chain.audit_key", lambda: b"another key")
    event = events[-1]
    event.details = '{"number":99}'
    forged = link(events[-2].hash, event)
    monkeypatch.undo()
    sql(f"UPDATE audit_auditevent SET details = '{event.details}', hash = '{forged}' WHERE position = {event.position}")
    assert not verify().whole


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET who = 'x'",
        "DELETE FROM audit_auditevent",
        "DELETE FROM audit_audithead",
        "UPDATE audit_audithead SET position = 1",
    ],
)
def test_the_database_itself_refuses(events: list[AuditEvent], statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert verify().whole


def test_models_refuse(events: list[AuditEvent]) -> None:
    with pytest.raises(AppendOnly):
        AuditEvent.objects.update(who="x")
    with pytest.raises(AppendOnly):
        AuditEvent.objects.all().delete()
    with pytest.raises(AppendOnly):
        events[0].save()
    with pytest.raises(AppendOnly):
        events[0].delete()


def test_an_event_goes_with_its_change_or_not_at_all(stage: Stage) -> None:
    before = AuditHead.objects.get().position

    def change_that_fails() -> None:
        with transaction.atomic():
            record(Kind.CHANGED, who=stage.people["nurse"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_that_fails()
    assert AuditHead.objects.get().position == before
    assert verify().whole


def test_refusals_and_sign_ins_are_noted(stage: Stage, sign_in: Callable) -> None:
    sign_in("outsider").get(f"/practices/{stage.elm.key}/")
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.kind, event.outcome, event.who) == ("refused", Outcome.REFUSED, "outsider@example.test")
    assert event.practice == stage.elm.key
    assert event.at.tzinfo == dt.UTC
