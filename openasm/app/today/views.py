"""The page *Today*. Managers see the practice; a clinician sees the own score, patients and changes; a viewer sees no gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import CharField
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from openasm.app.access.request import PatientScope
from openasm.app.access.rules import PageRequest, Permission, access, patient_scope
from openasm.app.feeds.advice import what_to_do
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import DataProblem, ParticipantResult, PracticeResult, Run
from openasm.app.today.changes import Changes, changes_between, run_before
from openasm.app.today.deadlines import deadlines
from openasm.app.today.problems import MOST, problems_of
from openasm.app.worklists.measures import named
from openasm.app.worklists.models import PublishedWorklist, newest_worklist
from openasm.app.worklists.selection import SOON_DAYS
from openasm.app.worklists.totals import open_by_measure

OLD_DAYS = 35  # a run older than this is worth a word: runs are meant to be made every month at least
MOST_DEADLINES = 8


@access(Permission.SEE_SCORES)
@require_GET
def today_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """What to do today and what it is worth."""
    today, run = timezone.localdate(), Run.objects.newest_of(practice)
    scope = _scope(request, practice)
    own = scope.npi if scope is not None else None
    summary = _SUMMARY.first(practice=practice.pk, run=run.pk) if run is not None else None
    mine = _results(practice, run, own) if own is not None else []
    found = deadlines(practice, today=today)
    context: dict[str, Any] = {
        "today": today,
        "run": run,
        "summary": summary,
        "own": own,
        "mine": mine,
        "deadlines": found[:MOST_DEADLINES],
        "more_deadlines": max(0, len(found) - MOST_DEADLINES),
        "soon_days": SOON_DAYS,
        "old_days": _age(run, today),
    }
    if run is not None:
        context["changes"] = _changes(practice, run, mine, own)
        if own is None:
            context |= _problems(practice, run)
    if scope is not None:
        context["gaps"] = _gaps(request, practice, scope, today)
    return render(request, "today/today.html", context)


def _scope(request: PageRequest, practice: Practice) -> PatientScope | None:
    try:
        return patient_scope(request, practice)
    except PermissionDenied:
        return None


_SUMMARY = Prepared[PracticeResult](
    lambda: PracticeResult.objects.filter(practice=Given("practice"), run=Given("run")).order_by("pk")[:1]
)
_OWN = Prepared[ParticipantResult](
    lambda: ParticipantResult.objects.filter(
        practice=Given("practice"), run=Given("run"), npi=Given("npi", CharField())
    ).order_by("name", "pk")
)
_NPIS = Prepared[str](
    lambda: ParticipantResult.objects.filter(practice=Given("practice"), run=Given("run")).values_list("npi", flat=True)
)
_PROBLEMS = Prepared[DataProblem](lambda: DataProblem.objects.filter(run=Given("run")))


def _results(practice: Practice, run: Run | None, own: str | None) -> list[ParticipantResult]:
    """A run's participants in a practice, or those of one NPI."""
    if run is None:
        return []
    if own is not None:
        return _OWN.all(practice=practice.pk, run=run.pk, npi=own)
    return list(ParticipantResult.objects.filter(practice=practice, run=run).order_by("name", "pk"))


def _age(run: Run | None, today: dt.date) -> int | None:
    """Days since the run, when they are many."""
    days = (today - timezone.localdate(run.made_at)).days if run is not None else 0
    return days if days > OLD_DAYS else None


def _changes(practice: Practice, run: Run, mine: Sequence[ParticipantResult], own: str | None) -> Changes | None:
    before = run_before(practice, run)
    if before is None:
        return None
    earlier = _results(practice, before, own)
    worklists: dict[int, PublishedWorklist] = {}
    if own is None:
        mine = _results(practice, run, None)
        both = PublishedWorklist.objects.filter(practice=practice, run__in=(run, before))
        worklists = {each.run_id: each for each in both}
    return changes_between(mine, earlier, before=before, worklists=worklists, run=run)


def _problems(practice: Practice, run: Run) -> dict[str, Any]:
    own = frozenset({practice.tin, *_NPIS.all(practice=practice.pk, run=run.pk)})
    found = problems_of(_PROBLEMS.all(run=run.pk), own=own)
    shown = [(each, what_to_do(each)) for each in found[:MOST]]
    return {"problems": shown, "more_problems": max(0, len(found) - MOST)}


def _gaps(request: PageRequest, practice: Practice, scope: PatientScope, today: dt.date) -> dict[str, Any] | None:
    """Counts of open cases, none of which names a patient; None before the first worklist."""
    published = newest_worklist(practice)
    if published is None:
        return None
    run = published.run
    measures: list[dict[str, Any]] = [
        {**asdict(row), "named": named(row.measure, run.performance_year)}
        for row in open_by_measure(scope, published, today=today, me=request.user.pk)
    ]
    measures.sort(key=lambda row: (-row["soon"], -row["cents"], row["measure"]))
    sums = {name: sum(row[name] for row in measures) for name in ("cases", "cents", "soon", "nobody", "mine")}
    return {"run": run, "measures": measures, "published": published, **sums}
