"""A system rolled up: its practices' newest results together, for those who hold a role in the system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openasm.app.access.permissions import ROLES, Permission
from openasm.app.access.rules import PageRequest, signed_in
from openasm.app.people.models import Practice, System
from openasm.app.published.models import PracticeResult


@dataclass(frozen=True, slots=True)
class Line:
    """One practice with its newest result, None before its first."""

    practice: Practice
    result: PracticeResult | None


@dataclass(frozen=True, slots=True)
class Sums:
    """The practices' results together, payments in cents. practices: with a result; years: performance years of these results."""

    practices: int
    participants: int
    part_b_cents: int
    change_cents: int
    years: tuple[int, ...]


@signed_in
@require_GET
def system_page(request: PageRequest, system: str) -> HttpResponse:
    """Where each practice of a system stands, and all together; for strangers the system does not exist."""
    found = System.objects.filter(key=system).first()
    if found is None or not _may_see(request, found):
        raise Http404
    lines = lines_of(found)
    return render(request, "people/roll_up.html", {"system": found, "lines": lines, "sums": sums_of(lines)})


def _may_see(request: PageRequest, system: System) -> bool:
    grants = (grant for grant in request.user.grants if grant.system == system.pk)
    return any(Permission.SEE_SCORES in ROLES[grant.role] for grant in grants)


def lines_of(system: System) -> tuple[Line, ...]:
    """The system's practices by name, each with its newest result; two queries."""
    practices = list(system.practices.order_by("name", "tin"))
    newest: dict[int, PracticeResult] = {}
    for result in PracticeResult.objects.filter(practice__in=practices).select_related("run").order_by("run_id"):
        newest[result.practice_id] = result
    return tuple(Line(practice, newest.get(practice.pk)) for practice in practices)


def sums_of(lines: Iterable[Line]) -> Sums:
    """What the results are together."""
    results = [line.result for line in lines if line.result is not None]
    return Sums(
        practices=len(results),
        participants=sum(each.participants for each in results),
        part_b_cents=sum(each.part_b_cents for each in results),
        change_cents=sum(each.change_cents for each in results),
        years=tuple(sorted({each.run.performance_year for each in results})),
    )
