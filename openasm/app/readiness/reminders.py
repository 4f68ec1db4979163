"""Mails about tasks of the readiness plan that are due soon or late: no patient, no score, no TIN; each task once before and once after
its day; nobody who wants none. `openasm remind` sends them, every night as a rule.

A mail is noted as sent, with its event, once the mail server has taken it. A round that is killed between the two sends that one mail again
the next time: at least once, never not at all. Rounds follow each other, so that two at once do not both send.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from openasm.app.access.permissions import Permission, has_permission
from openasm.app.attestations.answers import years
from openasm.app.audit.events import Kind, record
from openasm.app.one_at_a_time import one_at_a_time
from openasm.app.people.models import Practice, User
from openasm.app.readiness.models import ReminderSent, RemindersOff
from openasm.app.readiness.plan import PlannedTask, plan_of

SOON_DAYS = 7
"""A task is announced from so many days before its day on."""
LATE_DAYS = 30
"""A task that was due longer ago is not brought up by mail any more: the page still shows it."""


@dataclass(frozen=True, slots=True)
class Due:
    """A task to be reminded of. about: `soon` or `late`."""

    year: int
    each: PlannedTask
    about: str


@dataclass(frozen=True, slots=True)
class Reminded:
    """What a round did. failed: mails that could not be handed over; they go out with the next round."""

    mails: int
    tasks: int
    failed: int


def due_tasks(practice: Practice, *, today: dt.date) -> list[Due]:
    """Open tasks of every year that are due soon or late, by day."""
    found = []
    for year in years():
        for each in plan_of(practice, year, today=today).tasks:
            left = (each.task.due - today).days
            if not each.task.done and -LATE_DAYS <= left <= SOON_DAYS:
                found.append(Due(year, each, "late" if left < 0 else "soon"))
    return sorted(found, key=lambda due: (due.each.task.due, due.each.task.key))


def recipients(practice: Practice) -> list[User]:
    """Members who draft attestations and did not say that they want no reminders."""
    of_it = Q(memberships__practice=practice)
    if practice.system_id is not None:
        of_it |= Q(memberships__system_id=practice.system_id)
    off = RemindersOff.objects.filter(practice=practice).values("user_id")
    people = User.objects.filter(of_it, is_active=True).exclude(pk__in=off).distinct().order_by("email")
    return [each for each in people if has_permission(each, Permission.DRAFT_ATTESTATIONS, practice=practice)]


def send_reminders(*, today: dt.date, address: str = "", send: bool = True) -> Reminded:
    """One round: a mail for each person and practice with tasks they were not reminded of yet.

    address: of the workbench, put into the mails; send: False only counts. A mail that cannot be handed over is tried in the next round.
    """
    with one_at_a_time("remind"):
        return _round(today, address, send)


def _round(today: dt.date, address: str, send: bool) -> Reminded:
    mails = tasks = failed = 0
    for practice in Practice.objects.order_by("pk"):
        people = recipients(practice)
        due = due_tasks(practice, today=today) if people else []
        for person in people if due else ():
            new = _unsent(person, practice, due)
            if not new:
                continue
            if send:
                if not _send(person, practice, new, address=address):
                    failed += 1
                    continue
                _note(person, practice, new)
            mails, tasks = mails + 1, tasks + len(new)
    return Reminded(mails, tasks, failed)


def _unsent(person: User, practice: Practice, due: Iterable[Due]) -> list[Due]:
    rows = ReminderSent.objects.filter(user=person, practice=practice)
    sent = set(rows.values_list("year", "key", "due", "about"))
    return [each for each in due if (each.year, each.each.task.key, each.each.task.due, each.about) not in sent]


def _send(person: User, practice: Practice, due: list[Due], *, address: str) -> bool:
    """Hand a mail to the mail server; False when that fails. Outside any transaction: a slow mail server must not hold up others."""
    count = "1 task" if len(due) == 1 else f"{len(due)} tasks"
    try:
        send_mail(
            f"[OpenASM] {practice.name}: {count} of the readiness plan",
            "\n".join(_lines(practice, due, address)),
            settings.DEFAULT_FROM_EMAIL,
            [person.email],
        )
    except OSError:  # an SMTPException is one too
        return False
    return True


def _note(person: User, practice: Practice, due: list[Due]) -> None:
    """Note what a mail that went out was about, with its event."""
    rows = [
        ReminderSent(
            user=person,
            practice=practice,
            year=each.year,
            key=each.each.task.key,
            due=each.each.task.due,
            about=each.about,
        )
        for each in due
    ]
    with transaction.atomic():
        ReminderSent.objects.bulk_create(rows)
        details = {"what": "reminders", "tasks": len(rows)}
        record(Kind.REMINDED, who=person, practice=practice, subject="readiness", details=details)


def _lines(practice: Practice, due: Iterable[Due], address: str) -> Iterator[str]:
    yield f"Tasks of the readiness plan of {practice.name}:"
    yield ""
    for one in due:
        task = one.each.task
        word = "was due" if one.about == "late" else "is due"
        last = f"; too late after {task.last.isoformat()}" if task.last else ""
        yield f"- {task.what} ({one.year}): {word} {task.due.isoformat()}{last}."
    yield ""
    if address:
        yield f"The plan: {address.rstrip('/')}/practices/{practice.key}/readiness/"
    yield "Each task is announced once before its day and once after it. To get no more of these mails, say so on the page Readiness."


def choose_reminders(person: User, practice: Practice, *, wanted: bool, request: HttpRequest | None = None) -> None:
    """Keep whether somebody wants reminders of a practice, with its event."""
    with transaction.atomic():
        if wanted:
            RemindersOff.objects.filter(user=person, practice=practice).delete()
        else:
            RemindersOff.objects.get_or_create(user=person, practice=practice)
        details = {"what": "reminders", "wanted": wanted}
        record(
            Kind.SETTING_CHANGED, who=person, practice=practice, subject="readiness", details=details, request=request
        )


def wants_reminders(person: User, practice: Practice) -> bool:
    """Whether somebody gets them."""
    return not RemindersOff.objects.filter(user=person, practice=practice).exists()
