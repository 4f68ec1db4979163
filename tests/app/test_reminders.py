"""Mails of the readiness plan: to whom, about what, once, without patients; none for those who want none."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.test import Client
from typer.testing import CliRunner

from openasm.app.audit.models import AuditEvent
from openasm.app.readiness.actions import note_task
from openasm.app.readiness.models import ReminderSent, TaskState
from openasm.app.readiness.reminders import LATE_DAYS, SOON_DAYS, Reminded, due_tasks, recipients, send_reminders
from openasm.base.errors import WrongUsage
from openasm.cli.remind import app
from tests.app.attesting import YEAR
from tests.app.conftest import Stage
from tests.app.run_folders import CANARY_NAMES
from tests.app.test_faults import on_sqlite, python, rows

DUE = dt.date(2027, 9, 19)  # arrangement_signed


def keys(stage: Stage, day: dt.date) -> dict[str, str]:
    return {each.each.task.key: each.about for each in due_tasks(stage.elm, today=day)}


@pytest.mark.parametrize(
    ("offset", "about"),
    [
        (SOON_DAYS + 1, None),
        (SOON_DAYS, "soon"),
        (0, "soon"),
        (-1, "late"),
        (-LATE_DAYS, "late"),
        (-LATE_DAYS - 1, None),
    ],
)
def test_a_task_is_due_from_a_week_before_to_a_month_after(stage: Stage, offset: int, about: str | None) -> None:
    assert keys(stage, DUE - dt.timedelta(days=offset)).get("arrangement_signed") == about


def test_those_who_draft_attestations_are_reminded(stage: Stage) -> None:
    assert [each.email.split("@")[0] for each in recipients(stage.elm)] == [
        "attester",
        "manager",
        "nurse",
        "system.manager",
    ]


def test_each_task_is_told_once_before_and_once_after(stage: Stage) -> None:
    first = send_reminders(today=DUE, address="https://asm.example.test/")
    assert first.mails == 5  # four of Elm, one of Oak
    assert len(mail.outbox) == 5
    text = next(each for each in mail.outbox if each.to == ["nurse@example.test"])
    assert "Elm" in text.subject
    assert f"is due {DUE.isoformat()}" in text.body
    assert f"https://asm.example.test/practices/{stage.elm.key}/readiness/" in text.body
    assert send_reminders(today=DUE) == Reminded(0, 0, 0)
    after = send_reminders(today=DUE + dt.timedelta(days=1))
    assert after.mails == 5
    assert "was due 2027-09-19" in mail.outbox[-1].body
    assert send_reminders(today=DUE + dt.timedelta(days=1)).mails == 0
    events = AuditEvent.objects.filter(kind="reminded", practice=stage.elm.key)
    assert events.count() == 8


def test_a_task_with_another_day_is_told_again(stage: Stage) -> None:
    send_reminders(today=DUE)
    note_task(
        practice=stage.elm,
        year=YEAR,
        key="arrangement_signed",
        base=0,
        state=TaskState.OPEN,
        owner="Test Person",
        due=DUE + dt.timedelta(days=3),
        evidence="",
        by=stage.people["nurse"],
    )
    mail.outbox.clear()
    assert send_reminders(today=DUE).mails == 4
    assert "2027-09-22" in mail.outbox[0].body
    assert "Test Person" not in mail.outbox[0].body


def test_mails_hold_no_patient_no_tin_and_no_score(stage: Stage) -> None:
    send_reminders(today=DUE)
    said = "".join(f"{each.subject}{each.body}" for each in mail.outbox)
    assert not [each for each in (*CANARY_NAMES, stage.elm.tin, stage.oak.tin, "$", "points") if each in said]


def test_whoever_wants_none_gets_none(stage: Stage, sign_in: Callable[..., Client]) -> None:
    client = sign_in("nurse")
    address = f"/practices/{stage.elm.key}/readiness/"
    assert "Stop the mails" in client.get(address).content.decode()
    page = client.post(f"{address}reminders/", {"wanted": "no"}, follow=True)
    assert "Remind me by mail" in page.content.decode()
    send_reminders(today=DUE)
    assert all(each.to != ["nurse@example.test"] for each in mail.outbox)
    client.post(f"{address}reminders/", {"wanted": "yes"})
    mail.outbox.clear()
    send_reminders(today=DUE)
    assert [each.to for each in mail.outbox] == [["nurse@example.test"]]
    assert AuditEvent.objects.filter(kind="setting_changed", subject="readiness").count() == 2


def test_a_mail_that_fails_goes_out_the_next_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **more: object) -> int:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr("openasm.app.readiness.reminders.send_mail", away)
        assert send_reminders(today=DUE) == Reminded(0, 0, 5)
    assert not ReminderSent.objects.exists()
    assert not AuditEvent.objects.filter(kind="reminded").exists(), "nothing is said to have been sent"
    assert send_reminders(today=DUE).mails == 5
    assert AuditEvent.objects.filter(kind="reminded").count() == 5


def test_one_mail_that_fails_holds_back_no_other(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def choosy(subject: str, body: str, sender: str, to: list[str]) -> int:
        if to == ["manager@example.test"]:
            raise SMTPServerDisconnected
        return mail.send_mail(subject, body, sender, to)

    with monkeypatch.context() as patched:
        patched.setattr("openasm.app.readiness.reminders.send_mail", choosy)
        done = send_reminders(today=DUE)
    assert (done.mails, done.failed) == (4, 1)
    mail.outbox.clear()
    assert send_reminders(today=DUE).mails == 1
    assert [each.to for each in mail.outbox] == [["manager@example.test"]]


KILLED = """
import sys, time
from pathlib import Path
from openasm.app.server import configure, migrate
configure(Path(sys.argv[1])); migrate()
import datetime as dt
from openasm.app.access.permissions import Role
from openasm.app.people.actions import add_member
from openasm.app.people.models import Practice, User
from openasm.app.readiness import reminders

practice, new = Practice.objects.get_or_create(tin="900000001", defaults={"name": "Elm"})
if new:
    user = User.objects.create_user("attester@example.test", None, name="Test")
    add_member(user=user, role=Role.ATTESTER, practice=practice, by=None)

def halt(*_, **__):
    print("there", flush=True)
    time.sleep(60)

if sys.argv[2] in ("_send", "_note"):
    setattr(reminders, sys.argv[2], halt)
print(reminders.send_reminders(today=dt.date(2027, 9, 19)).mails, flush=True)
"""


@on_sqlite
def test_a_round_killed_before_or_after_a_mail_loses_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for where, mails in (("_send", 0), ("_note", 1)):  # before the mail is handed over, and after it
        process = python(KILLED, data, where)
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.communicate()
        assert len(list(data.glob("mail/*"))) == mails
        assert rows(data, "readiness_remindersent") == 0, "what is not sure to be sent is not noted"
    for mails in (1, 0):
        output, errors = python(KILLED, data, "nowhere").communicate(timeout=120)
        assert output == f"{mails}\n", errors
    assert len(list(data.glob("mail/*"))) == 2
    assert rows(data, "readiness_remindersent") > 0


def test_counting_sends_nothing(stage: Stage) -> None:
    assert send_reminders(today=DUE, send=False).mails == 5
    assert mail.outbox == []
    assert not ReminderSent.objects.exists()


def test_the_command_on_an_empty_workbench(tmp_path: Path) -> None:
    program = "from openasm.cli.main import main; main()"
    arguments = ["remind", "--data", str(tmp_path / "data"), "--today", "2027-09-19"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 mails sent, about 0 tasks.")


@pytest.mark.parametrize("wrong", [("--today", "19 September"), ("--address", "ftp://there")])
def test_the_command_refuses_what_it_cannot_read(tmp_path: Path, wrong: tuple[str, str]) -> None:
    done = CliRunner().invoke(app, ["--data", str(tmp_path / "data"), *wrong])
    assert isinstance(done.exception, WrongUsage)
    assert not (tmp_path / "data").exists()
