"""How many cases a list has and what they are worth: added up from what publishing counted, so that no page reads every case.

Only for the patients of one clinician the cases themselves are counted.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, Q, QuerySet, Sum

from openasm.app.access.request import PatientScope
from openasm.app.prepared import Given, Prepared, Several, values_of
from openasm.app.worklists.asking import asked_for, naming
from openasm.app.worklists.models import Case, CaseCount, PublishedWorklist, Status
from openasm.app.worklists.selection import NOBODY, Selection, days_of, in_window, of_work


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
        return Total(*asked_for(scope, published, selection, today=today, me=me).counted())
    counts = _counts(selection.window, bool(selection.measure), selection.of_scored).first(
        practice=scope.practice.pk, run=run.pk, measure=selection.measure, **days_of(today)
    )
    everything = Total(*(counts or (0, 0)))
    if not (selection.owner or selection.status):
        return everything
    # Cases that nobody works on are everybody's to do: those that somebody works on tell the difference.
    kind = selection.owner and _KINDS.get(selection.owner, "somebody")
    found = _worked(selection.window, bool(selection.measure), selection.of_scored, kind, selection.status).first(
        practice=scope.practice.pk,
        run=run.pk,
        measure=selection.measure,
        owner=selection.owned_by(me),
        **days_of(today),
    )
    cases, cents, wanted, worth = found or (0, 0, 0, 0)
    if selection.owner not in ("", NOBODY) or selection.status not in ("", "todo"):
        return Total(wanted, worth)
    return Total(everything.cases - cases + wanted, everything.cents - cents + worth)


_KINDS = {NOBODY: NOBODY}


@functools.cache
def _worked(
    window: str, of_measure: bool, scored: bool | None, owner: str, status: str
) -> Prepared[tuple[int, int, int, int]]:
    """Cases that somebody works on and their worth, all of them and those of an owner and a status."""
    wanted = of_work(owner, status, whose=Given("owner"))
    return Prepared(
        lambda: (
            _in_work()
            .filter(in_window(window), **_narrowed(of_measure, scored))
            .values("run")
            .annotate(
                all=Count("pk"),
                all_cents=Sum("cents", default=0),
                wanted=Count("pk", filter=wanted),
                wanted_cents=Sum("cents", filter=wanted, default=0),
            )
            .values_list("all", "all_cents", "wanted", "wanted_cents")
        )
    )


@functools.cache
def _counts(window: str, of_measure: bool, scored: bool | None) -> Prepared[tuple[int, int]]:
    """Cases of a window and their worth, of all measures, of one, or of those scored here or not."""
    narrowed = _narrowed(of_measure, scored)
    return Prepared(
        lambda: (
            CaseCount.objects.filter(in_window(window), practice=Given("practice"), run=Given("run"), **narrowed)
            .values("run")
            .annotate(count=Sum("cases"), worth=Sum("cents"))
            .values_list("count", "worth")
        )
    )


def _narrowed(of_measure: bool, scored: bool | None) -> dict[str, Any]:
    chosen = {"measure": Given("measure", CharField())} if of_measure else {}
    return chosen if scored is None else {**chosen, "scored": scored}


def visible_cases(scope: PatientScope, published: PublishedWorklist, npi: str = "") -> QuerySet[Case]:
    """The cases of a worklist that a person may see; npi: of this clinician alone, found by the texts that name the clinician."""
    rows: QuerySet[Case] = Case.objects.visible(scope, published.run)
    for each in filter(None, {scope.npi, npi}):
        rows = rows.filter(npis__in=naming(published, each))
    return rows


def _in_work() -> Any:
    """The practice's cases that somebody works on, found through the work: there is less of it than there are cases."""
    return Case.objects.filter(run=Given("run"), item__practice=Given("practice"))


def open_by_measure(
    scope: PatientScope, published: PublishedWorklist, *, today: dt.date, me: int
) -> tuple[OfMeasure, ...]:
    """Open cases of each measure on which somebody here is scored, as of a day, by measure."""
    here = {"practice": scope.practice.pk, "run": published.run_id, "me": me, **days_of(today)}
    rows: list[tuple[str, int, int, int, int, int]]
    if scope.npi is None:
        work = {measure: (owned, mine) for measure, owned, mine in _OPEN_WORK.all(**here)}
        rows = [(*row, *work.get(row[0], (0, 0))) for row in _OPEN.all(**here)]
    else:
        texts = naming(published, scope.npi)
        rows = _open_of_clinician(len(texts)).all(**here, **values_of("text", texts)) if texts else []
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
        CaseCount.objects.filter(in_window("open"), scored=True, practice=Given("practice"), run=Given("run"))
        .values("measure")
        .annotate(count=Sum("cases"), worth=Sum("cents"), ending=Sum("cases", filter=in_window("soon"), default=0))
        .values_list("measure", "count", "worth", "ending")
    )
)
_OPEN_WORK = Prepared[tuple[str, int, int]](lambda: _worked_on(_in_work().filter(in_window("open"), scored=True)))


@functools.lru_cache(maxsize=64)
def _open_of_clinician(texts: int) -> Prepared[tuple[str, int, int, int, int, int]]:
    """Open cases with one of some texts that name a clinician."""
    naming = Several("text", texts, CharField())
    return Prepared(
        lambda: (
            Case.objects.filter(
                in_window("open"), scored=True, practice=Given("practice"), run=Given("run"), npis__in=naming
            )
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
