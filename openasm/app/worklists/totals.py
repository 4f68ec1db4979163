"""How many cases a list has and what they are worth: added up from what publishing counted, so that no page reads every case.

Only for the patients of one clinician the cases themselves are counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from openasm.app.access.request import PatientScope
from openasm.app.published.models import Run
from openasm.app.worklists.models import Case, CaseCount, PublishedWorklist, Status
from openasm.app.worklists.selection import NOBODY, Selection, in_window, selected


@dataclass(frozen=True, slots=True)
class Total:
    """Cases and their worth in cents."""

    cases: int
    cents: int


@dataclass(frozen=True, slots=True)
class OfMeasure:
    """Open cases of one measure: how many, worth in cents, how many end soon, are nobody's, and are mine to work on."""

    measure: str
    cases: int
    cents: int
    soon: int
    nobody: int
    mine: int


def total_of(
    scope: PatientScope, published: PublishedWorklist, selection: Selection, *, today: dt.date, me: int
) -> Total:
    """The cases of a filter that a person may see. me: the number of the account that asks."""
    run = published.run
    if scope.npi is not None or selection.npi:
        return _counted(selected(visible_cases(scope, published, selection.npi), selection, today=today, me=me))
    counts = CaseCount.objects.filter(in_window(selection.window, today), practice=scope.practice, run=run)
    if selection.measure:
        counts = counts.filter(measure=selection.measure)
    found = counts.aggregate(count=Sum("cases", default=0), worth=Sum("cents", default=0))
    everything = Total(found["count"], found["worth"])
    if not (selection.owner or selection.status):
        return everything
    worked = _worked(scope, run)
    wanted = _counted(selected(worked, selection, today=today, me=me))
    if selection.owner not in ("", NOBODY) or selection.status not in ("", "todo"):
        return wanted
    without = _counted(selected(worked, replace(selection, owner="", status=""), today=today, me=me))
    return Total(everything.cases - without.cases + wanted.cases, everything.cents - without.cents + wanted.cents)


def visible_cases(scope: PatientScope, published: PublishedWorklist, npi: str = "") -> QuerySet[Case]:
    """The cases of a worklist that a person may see; npi: of this clinician alone, found by the texts that name the clinician."""
    rows: QuerySet[Case] = Case.objects.visible(scope, published.run)
    for each in {scope.npi, npi} - {None, ""}:
        rows = rows.filter(npis__in=[text for text in published.whom if f" {each} " in text])
    return rows


def _counted(cases: QuerySet[Case]) -> Total:
    found = cases.aggregate(count=Count("pk"), worth=Sum("cents", default=0))
    return Total(found["count"], found["worth"])


def open_by_measure(
    scope: PatientScope, published: PublishedWorklist, *, today: dt.date, me: int
) -> tuple[OfMeasure, ...]:
    """Open cases of each measure as of a day, by measure."""
    run = published.run
    owned = {"owned": Count("pk", filter=Q(item__owner__isnull=False)), "mine": Count("pk", filter=_mine(me))}
    soon = in_window("soon", today)
    if scope.npi is not None:
        visible = visible_cases(scope, published).filter(in_window("open", today))
        own: Any = visible.values("measure").annotate(
            count=Count("pk"), worth=Sum("cents", default=0), soon=Count("pk", filter=soon), **owned
        )
        return _by_measure(own, {})
    counts = CaseCount.objects.filter(in_window("open", today), practice=scope.practice, run=run)
    rows: Any = counts.values("measure").annotate(
        count=Sum("cases"), worth=Sum("cents"), soon=Sum("cases", filter=soon, default=0)
    )
    worked: Any = _worked(scope, run).filter(in_window("open", today)).values("measure").annotate(**owned)
    return _by_measure(rows, {row["measure"]: row for row in worked.order_by("measure")})


def _worked(scope: PatientScope, run: Run) -> QuerySet[Case]:
    """The practice's cases that somebody works on, found through the work: there is less of it than there are cases."""
    assert scope.npi is None
    found: QuerySet[Case] = Case.objects.filter(run=run, item__practice=scope.practice)
    return found


def _mine(me: int) -> Q:
    return Q(item__owner=me) & ~Q(item__status__in=(Status.WAITING.value, Status.NOT_POSSIBLE.value))


def _by_measure(rows: Iterable[dict[str, Any]], worked: dict[str, dict[str, Any]]) -> tuple[OfMeasure, ...]:
    nothing = {"owned": 0, "mine": 0}
    found = [(row, worked.get(row["measure"], nothing) if "owned" not in row else row) for row in rows]
    return tuple(
        OfMeasure(row["measure"], row["count"], row["worth"], row["soon"], row["count"] - work["owned"], work["mine"])
        for row, work in sorted(found, key=lambda each: str(each[0]["measure"]))
    )
