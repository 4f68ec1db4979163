"""Changes to work items and saved filters: each in one transaction with its history and its audit event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.access.permissions import ROLES, Permission
from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User
from openasm.app.prepared import Given, Prepared
from openasm.app.worklists.models import Case, SavedFilter, Status, WorkEvent, WorkItem
from openasm.base.errors import OpenAsmError, WrongUsage

MOST_AT_ONCE = 2_000
MOST_FILTERS = 30
_WORKERS = tuple(role.value for role, permissions in ROLES.items() if Permission.WORK_GAPS in permissions)


class ChangedMeanwhile(OpenAsmError):
    """Somebody else changed the item after the page was loaded."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Stands for a field that keeps its value."""


KEEP = Unchanged()


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of items; a field that is KEEP stays as it is. due, owner: None takes them away."""

    owner: User | Unchanged | None = KEEP
    status: Status | Unchanged = KEEP
    outcome: str | Unchanged = KEEP
    due: dt.date | Unchanged | None = KEEP
    note: str = ""

    @property
    def changed(self) -> dict[str, Any]:
        """The fields that get a value, but for the note."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "note"}
        return {name: value for name, value in named.items() if not isinstance(value, Unchanged)}


def workers(practice: Practice) -> QuerySet[User]:
    """Who may be given work in a practice: members who work on gaps, here or through its system."""
    here = Q(memberships__practice=practice)
    if practice.system_id is not None:
        here |= Q(memberships__system=practice.system_id)
    found = User.objects.filter(here, memberships__role__in=_WORKERS, is_active=True)
    return found.distinct().order_by("name", "email")


def workers_named(practice: Practice) -> dict[str, User]:
    """The same by number, in one query whose SQL is made once."""
    # No system has the number 0: without one only the members here are found.
    return {str(user.pk): user for user in _WORKERS_OF.all(practice=practice.pk, system=practice.system_id or 0)}


_WORKERS_OF = Prepared[User](
    lambda: (
        User.objects.filter(
            Q(memberships__practice=Given("practice")) | Q(memberships__system=Given("system")),
            memberships__role__in=_WORKERS,
            is_active=True,
        )
        .distinct()
        .order_by("name", "email")
    )
)


@transaction.atomic
def change_case(*, case: Case, change: Change, version: int, by: User, request: HttpRequest | None = None) -> WorkItem:
    """Change the work on one case. version: of the item as the person saw it, 0 when there was none; ChangedMeanwhile when it is not."""
    item, _ = WorkItem.objects.select_for_update().get_or_create(
        practice_id=case.practice_id,
        year=case.run.performance_year,
        patient_id=case.patient_id,
        measure=case.measure,
        group=case.group,
        defaults={"npis": case.npis, "version": 0},
    )
    if item.version != version:
        raise ChangedMeanwhile("Somebody changed this while you had it open.")
    changes = {name: value for name, value in change.changed.items() if getattr(item, name) != value}
    if not changes and not change.note:
        raise WrongUsage("Nothing was changed.")
    for name, value in changes.items():
        setattr(item, name, value)
    item.version, item.changed_at = version + 1, timezone.now()
    item.save()
    Case.objects.filter(pk=case.pk).update(item=item)
    WorkEvent.objects.create(
        item=item, who=by, who_text=str(by), changes=_said(changes), note=change.note.strip() or None
    )
    details = {
        "what": "work item",
        "measure": case.measure,
        "fields": [*sorted(changes), *(["note"] * bool(change.note))],
    }
    record(Kind.CHANGED, who=by, practice=case.practice, subject=case.patient.key, details=details, request=request)
    return item


@transaction.atomic
def change_cases(
    *, practice: Practice, cases: Sequence[Case], change: Change, by: User, request: HttpRequest | None = None
) -> int:
    """Change the work on many cases of one practice alike; returns how many. The number of queries does not grow with the cases."""
    changes = change.changed
    if not changes:
        raise WrongUsage("Choose what shall change: an owner, a status or a day.")
    if not cases:
        raise WrongUsage("No case was chosen.")
    if len(cases) > MOST_AT_ONCE:
        raise WrongUsage(f"At most {MOST_AT_ONCE:,} cases can be changed at once; narrow the filter.")
    new = [case for case in cases if case.item_id is None]
    WorkItem.objects.bulk_create(
        (
            WorkItem(
                practice_id=case.practice_id,
                year=case.run.performance_year,
                patient_id=case.patient_id,
                measure=case.measure,
                group=case.group,
                npis=case.npis,
                version=0,
            )
            for case in new
        ),
        batch_size=200,
        ignore_conflicts=True,  # somebody else began the same work a moment ago
    )
    items = _items_of(practice, cases)
    for case in new:
        case.item = items[case.patient_id, case.measure, case.group]
    Case.objects.bulk_update(new, ("item",), batch_size=200)
    chosen = [items[case.patient_id, case.measure, case.group].pk for case in cases]
    WorkItem.objects.filter(pk__in=chosen).update(**changes, version=F("version") + 1, changed_at=timezone.now())
    said = _said(changes)
    WorkEvent.objects.bulk_create(
        (WorkEvent(item_id=pk, who=by, who_text=str(by), changes=said) for pk in chosen), batch_size=500
    )
    details = {"what": "work items", "rows": len(chosen), "fields": sorted(changes), **said}
    record(Kind.CHANGED, who=by, practice=practice, details=details, request=request)
    return len(chosen)


def _items_of(practice: Practice, cases: Sequence[Case]) -> dict[tuple[int, str, int], WorkItem]:
    rows = WorkItem.objects.filter(
        practice=practice, year=cases[0].run.performance_year, patient__in={case.patient_id for case in cases}
    )
    return {(item.patient_id, item.measure, item.group): item for item in rows}


def _said(changes: dict[str, Any]) -> dict[str, str]:
    """Changes as a history keeps them: the owner by name, days as ISO text, empty for taken away."""
    said = {}
    for name, value in changes.items():
        said[name] = "" if value is None else value.isoformat() if isinstance(value, dt.date) else str(value)
    return said


@transaction.atomic
def save_filter(*, practice: Practice, by: User, name: str, query: dict[str, str], request: HttpRequest) -> SavedFilter:
    """Keep a filter under a name; one of that name is replaced."""
    title = " ".join(name.split())[:60]
    if not title:
        raise WrongUsage("Give the filter a name.")
    mine = SavedFilter.objects.filter(user=by, practice=practice)
    if mine.exclude(name=title).count() >= MOST_FILTERS:
        raise WrongUsage(f"You have {MOST_FILTERS} filters here; take one away first.")
    saved, _ = SavedFilter.objects.update_or_create(user=by, practice=practice, name=title, defaults={"query": query})
    record(Kind.CHANGED, who=by, practice=practice, details={"what": "saved filter"}, request=request)
    return saved


@transaction.atomic
def delete_filter(*, saved: SavedFilter, by: User, request: HttpRequest) -> None:
    """Take a saved filter away."""
    practice = saved.practice
    saved.delete()
    record(Kind.CHANGED, who=by, practice=practice, details={"what": "saved filter removed"}, request=request)
