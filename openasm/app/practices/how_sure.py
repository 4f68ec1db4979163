"""The page that explains a practice's sums: what each figure is, what it is added up from, and what the projection rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.people.models import Practice
from openasm.app.practices.method import drawn_words, why_two
from openasm.app.published.models import CohortResult, ParticipantResult, PracticeResult, Run
from openasm.app.published.run_tables import projection_of


@dataclass(frozen=True, slots=True)
class Stake:
    """What one cohort's participants can lose at most: risk level x Part B, in cents; None where the run has no risk level."""

    cohort: str
    participants: int
    part_b_cents: int
    risk_level: float | None
    cents: int | None


@access(Permission.SEE_SCORES)
@require_GET
def how_sure_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """How the practice's figures came about and how sure they are."""
    run = Run.objects.newest_of(practice)
    if run is None:
        raise Http404
    people = list(ParticipantResult.objects.filter(practice=practice, run=run).order_by("name", "npi", "cohort"))
    stakes = tuple(_stakes(run, people))
    projection = projection_of(run)
    context = {
        "run": run,
        "summary": PracticeResult.objects.get(practice=practice, run=run),
        "people": people,
        "stakes": stakes,
        "stake_cents": sum(each.cents or 0 for each in stakes),
        "projected": sum(each.dollars_median is not None for each in people),
        "drawn": drawn_words(run),
        "why_two": why_two(run),
        **_method(projection),
    }
    return render(request, "practices/how_sure.html", context)


def _stakes(run: Run, people: list[ParticipantResult]) -> Iterator[Stake]:
    documents = dict(CohortResult.objects.filter(run=run).values_list("cohort", "document"))
    for cohort in sorted({each.cohort for each in people}):
        own = [each for each in people if each.cohort == cohort]
        level = documents.get(cohort, {}).get("risk_level")
        paid = sum(each.part_b_cents for each in own)
        risk = float(level) if level else None
        # Rounded for each participant, as the page Practice adds them up.
        cents = None if risk is None else sum(round(risk * each.part_b_cents) for each in own)
        yield Stake(cohort, len(own), paid, risk, cents)


def _method(projection: dict[str, Any]) -> dict[str, Any]:
    draws = projection.get("draws")
    return {
        "draws": draws,
        "seed": projection.get("seed"),
        "assumptions": projection.get("assumptions", ()),
        "alternatives": projection.get("alternatives", ()),
        "notes": projection.get("notes", ()),
    }
