"""The page that explains what closing a case is worth: the run's own values for each participant of the practice and a measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.people.models import Practice
from openasm.app.published.models import Run
from openasm.app.published.run_tables import run_with
from openasm.app.worklists.measures import named, number_of
from openasm.app.worklists.models import newest_worklist
from openasm.app.worklists.rows import clinician_names
from openasm.base.errors import NotFound


@dataclass(frozen=True, slots=True)
class Worth:
    """What closing cases of a measure is worth to one participant, as the run wrote it (see scores/gap_worth.csv).

    a_case: points of final score of one case on average; point_dollars: of one point; both None where they are not known.
    """

    name: str
    npi: str
    whole_practice: bool
    benchmark: str
    open_cases: int
    points_now: float
    points_all: float
    final_score_all: float
    a_case: float | None
    point_dollars: float | None
    dollars: float | None


@access(Permission.SEE_SCORES)
@require_GET
def worth_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """How the worth of closing a case is worked out, for one measure."""
    published = newest_worklist(practice)
    run = published.run if published is not None else Run.objects.newest_of(practice)
    year = run.performance_year if run is not None else 0
    asked = request.GET.get("measure", "")
    found = {} if run is None else _by_measure(run, practice)
    offered = [named(number, year) for number in sorted(found, key=lambda number: named(number, year).label)]
    chosen = next((each for each in offered if each.number == asked), offered[0] if offered else None)
    context = {
        "run": run,
        "offered": offered,
        "chosen": chosen,
        "asked": named(asked, year) if run is not None and asked.isalnum() and asked not in found else None,
        "rows": found[chosen.number] if chosen is not None else (),
    }
    return render(request, "worklists/worth.html", context)


def _by_measure(run: Run, practice: Practice) -> dict[str, list[Worth]]:
    """Rows of a run's gap_worth for a practice by the number a worklist has; empty where the run brought none."""
    try:
        rows = run_with(run, practice).table("gap_worth").rows()
    except NotFound:
        return {}
    names = clinician_names(practice, run)
    found: dict[str, list[Worth]] = {}
    for row in rows:
        number = number_of(row["measure"], run.performance_year)
        found.setdefault(number, []).append(_worth(row, names))
    return found


def _worth(row: Mapping[str, str], names: Mapping[str, str]) -> Worth:
    cases, gained = int(row["open_cases"]), float(row["final_score_all"])
    dollars = float(row["dollars_all"]) if row["dollars_all"] else None
    return Worth(
        names.get(row["npi"], row["npi"]),
        row["npi"],
        row["level"] == "tin",
        row["benchmark"],
        cases,
        float(row["points_now"]),
        float(row["points_all"]),
        gained,
        gained / cases if cases else None,
        dollars / gained if dollars is not None and gained else None,
        float(row["dollars_per_case"]) if row["dollars_per_case"] else None,
    )
