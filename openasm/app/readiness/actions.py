"""Noting something about a task, with its event."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User
from openasm.app.readiness.models import TaskEntry, TaskState
from openasm.base.errors import WrongUsage


def note_task(
    *,
    practice: Practice,
    year: int,
    key: str,
    base: int,
    state: TaskState,
    owner: str,
    due: dt.date | None,
    evidence: str,
    by: User,
    request: HttpRequest | None = None,
) -> TaskEntry:
    """Add an entry. base: number of the entry the person saw, 0 for none; WrongUsage when somebody was faster."""
    entry = TaskEntry(practice=practice, year=year, key=key, number=base + 1, state=state.value, owner=owner)
    entry.due, entry.evidence, entry.by = due, evidence, by.email
    try:
        with transaction.atomic():
            entry.save()
            details = {"year": year, "task": key, "state": state.value, "due": "" if due is None else due.isoformat()}
            record(Kind.CHANGED, who=by, practice=practice, subject="readiness", details=details, request=request)
    except IntegrityError:
        raise WrongUsage(
            "Somebody else changed this task since you loaded it. Nothing was saved; look and repeat."
        ) from None
    return entry
