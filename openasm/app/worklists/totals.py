"""How many cases a list has and what they are worth: added up from what publishing counted, so that no page reads every case.

Only for the patients of one clinician the cases themselves are counted.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import CharField, Count, Q, QuerySet, Sum

from openasm.app.access.request import PatientScope
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import Run
from openasm.app.worklists.models import Case, CaseCount, PublishedWorklist, Status
from openasm.app.worklists.selection import NOBODY, Selection, days_of, in_window, selected


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
    counts = _counts(selection.window, bool(selection.measure)).first(
        practice=scope.practice.pk, run=run.pk, measure=selection.measure, **days_of(today)
    )
    everything = Total(*(counts or (0, 0)))
    if not (selection.owner or selection.status):
        return everything
    worked = _worked(scope, run)
    wanted = _counted(selected(worked, selection, today=today, me=me))
    if selection.owner not in ("", NOBODY) or selection.status not in ("", "todo"):
        return wanted
    without = _counted(selected(worked, replace(selection, owner="", status=""), today=today, me=me))
    return Total(everything.cases - without.cases + wanted.cases, everything.cents - without.cents + wanted.cents)


@functools.cache
def _counts(window: str, of_measure: bool) -> Prepared[tuple[int, int]]:
    """Cases of a window and their worth, of all measures or of one."""
    narrowed = {"measure": Given("measure", CharField())} if of_measure else {}
    return Prepared(
        lambda: (
            CaseCount.objects.filter(in_window(window), practice=Given("practice"), run=Given("run"), **narrowed)
            .values("run")
            .annotate(count=Sum("cases"), worth=Sum("cents"))
            .values_list("count", "worth")
        )
    )


def visible_cases(scope: PatientScope, published: PublishedWorklist, npi: str = "") -> QuerySet[Case]:
    """The cases of a worklist that a person may see; npi: of this clinician alone, found by the texts that name the clinician."""
    rows: QuerySet[Case] = Case.objects.visible(scope, published.run)
    for each in filter(None, {scope.npi, npi}):
        rows = rows.filter(npis__in=_naming(published, each))
    return rows


def _naming(published: PublishedWorklist, npi: str) -> list[str]:
    """The texts of a worklist's cases that name a clinician."""
    return [text for text in published.whom if f" {npi} " in text]


def _worked(scope: PatientScope, run: Run) -> QuerySet[Case]:
    """The practice's cases that somebody works on."""
    assert scope.npi is None
    found: QuerySet[Case] = Case.objects.filter(run=run, item__practice=scope.practice)
    return found


def _counted(cases: QuerySet[Case]) -> Total:
    found = cases.aggregate(count=Count("pk"), worth=Sum("cents", default=0))
    return Total(found["count"], found["worth"])


def open_by_measure(
    scope: PatientScope, published: PublishedWorklist, *, today: dt.date, me: int
) -> tuple[OfMeasure, ...]:
    """Open cases of each measure as of a day, by measure."""
    here = {"practice": scope.practice.pk, "run": published.run_id, "me": me, **days_of(today)}
    rows: list[tuple[str, int, int, int, int, int]]
    if scope.npi is None:
        work = {measure: (owned, mine) for measure, owned, mine in _OPEN_WORK.all(**here)}
        rows = [(*row, *work.get(row[0], (0, 0))) for row in _OPEN.all(**here)]
    else:
        texts = _naming(published, scope.npi)
        named = {f"text{place}": text for place, text in enumerate(texts)}
        rows = _open_of_clinician(len(texts)).all(**here, **named) if texts else []
    return tuple(
        OfMeasure(measure, cases, cents, soon, cases - owned, mine)
        for measure, cases, cents, soon, owned, mine in sorted(rows)
    )


def _worked_on(cases: Any) -> Any:
    """Cases of each measure that somebody has taken, and that are mine to work on."""
    return cases.values("measure").annotate(**_work()).values_list("measure", "owned", "mine")


def _work() -> dict[str, Count]:
    mine = Q(item__owner=Given("me")) & ~Q(item__status__in=(Status.WAITING.value, Status.NOT_POSSIBLE.value))
    return {"owned": Count("pk", filter=Q(item__owner__isnull=False)), "mine": Count("pk", filter=mine)}


_OPEN = Prepared[tuple[str, int, int, int]](
    lambda: (
        CaseCount.objects.filter(in_window("open"), practice=Given("practice"), run=Given("run"))
        .values("measure")
        .annotate(count=Sum("cases"), worth=Sum("cents"), ending=Sum("cases", filter=in_window("soon"), default=0))
        .values_list("measure", "count", "worth", "ending")
    )
)
# Cases that somebody works on are found through the work: there is less of it than there are cases.
_OPEN_WORK = Prepared[tuple[str, int, int]](
    lambda: _worked_on(Case.objects.filter(in_window("open"), run=Given("run"), item__practice=Given("practice")))
)


@functools.lru_cache(maxsize=64)
def _open_of_clinician(texts: int) -> Prepared[tuple[str, int, int, int, int, int]]:
    """Open cases with one of some texts that name a clinician."""
    naming = [Given(f"text{place}", CharField()) for place in range(texts)]
    return Prepared(
        lambda: (
            Case.objects.filter(in_window("open"), practice=Given("practice"), run=Given("run"), npis__in=naming)
            .values("measure")
            .annotate(
                count=Count("pk"),
                worth=Sum("cents", default=0),
                ending=Count("pk", filter=in_window("soon")),
                **_work(),
            )
            .values_list("measure", "count", "worth", "ending", "owned", "mine")
        )
    )
