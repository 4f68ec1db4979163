"""The page *Clinician*: one participant's score and payment, the explanation of every number, the scorecard as PDF."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import CharField
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported
from openasm.app.clinicians.explanation import shown_explanation
from openasm.app.clinicians.forecast import forecast_of
from openasm.app.clinicians.measures import (
    COST,
    category_chart,
    category_rows,
    measure_chart,
    measure_rows,
)
from openasm.app.clinicians.score_parts import score_parts, waterfall_steps
from openasm.app.look import charts
from openasm.app.look.templatetags.look import day, points
from openasm.app.people.models import Practice
from openasm.app.practices.readiness import checks_of
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import (
    Benchmark,
    CohortResult,
    CostCategory,
    MeasureResult,
    ParticipantResult,
    ProjectionSummary,
    Run,
)
from openasm.report.titles import STATUS_TITLES

MOST_RUNS = 12  # of the line over runs


@dataclass(frozen=True, slots=True)
class Place:
    """What an address of this page names: the run shown, the results of the NPI in it (one a cohort), and the one asked for."""

    run: Run
    results: tuple[ParticipantResult, ...]
    chosen: ParticipantResult


@access(Permission.SEE_SCORES)
@require_GET
def clinician_page(request: PageRequest, practice: Practice, npi: str) -> HttpResponse:
    """Where one clinician stands, why, and what would help."""
    place = _place(request, practice, npi)
    run, result = place.run, place.chosen
    of_result = {"practice": practice, "run": run, "npi": npi}
    benchmarks = list(Benchmark.objects.filter(run=run, cohort=result.cohort).order_by("pk"))
    measured = MeasureResult.objects.filter(**of_result, cohort=result.cohort).order_by("pk")
    measures = measure_rows(measured, benchmarks)
    categories = category_rows(CostCategory.objects.filter(**of_result, cohort__in=(result.cohort, "")))
    cohort = CohortResult.objects.filter(run=run, cohort=result.cohort).first()
    parts = score_parts(result)
    cost = next((row for row in measures if row.line.measure.startswith(COST)), None)
    context = {
        **_frame(place),
        "parts": parts,
        "waterfall": charts.waterfall(
            waterfall_steps(result, parts),
            title="From categories to the final score; the table below holds the numbers",
        ),
        "stake_cents": _stake(result, cohort),
        "open_checks": [check for check in checks_of(result) if not check.met],
        "measures": measures,
        "measure_chart": measure_chart(measures),
        "cost": cost,
        "cost_benchmark": next((each for each in benchmarks if each.measure.startswith(COST)), None),
        "categories": categories,
        "category_chart": category_chart(categories, title="Cost a year of episode against peers, by service category"),
        "forecast": forecast_of(_projection(result)),
        **_history(practice, run, result),
    }
    return render(request, "clinicians/clinician.html", context)


@access(Permission.SEE_SCORES)
@require_GET
def explanation_page(request: PageRequest, practice: Practice, npi: str) -> HttpResponse:
    """How every number of one participant came about, with formula, source and how sure each rule value is."""
    place = _place(request, practice, npi)
    explanation = shown_explanation(place.run, practice, place.chosen, _projection(place.chosen))
    context = {**_frame(place), "explanation": explanation}
    return render(request, "clinicians/explanation.html", context)


@access(Permission.SEE_SCORES, confirm=True)
@require_GET
def scorecard_file(request: PageRequest, practice: Practice, npi: str) -> HttpResponse:
    """The clinician's scorecard as a PDF, from the kept copy of the run."""
    place = _place(request, practice, npi)
    if not (place.run.folder / "manifest.json").is_file():
        messages.warning(
            request, "The scorecard needs the copy of the run, which is not on this machine. Publish the run here."
        )
        return redirect("clinician", practice=practice.key, npi=npi)
    from openasm.report.files import write_report  # draws charts: heavy, and needed only here

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scorecard.pdf"
        write_report(place.run.folder, form="pdf", tins=(practice.tin,), npi=npi, out=path, run_name=place.run.name)
        content = path.read_bytes()
    exported(request, what="scorecard", rows=len(place.results), form="pdf")
    response = HttpResponse(content, content_type="application/pdf")
    name = slugify(f"scorecard {place.chosen.name or npi} {place.run.performance_year}")
    response["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


_RESULTS = Prepared[ParticipantResult](
    lambda: (
        ParticipantResult.objects.filter(practice=Given("practice"), run=Given("run"), npi=Given("npi", CharField()))
        .select_related("projection")
        .order_by("cohort")
    )
)


def _projection(result: ParticipantResult) -> ProjectionSummary | None:
    """The projection that was read with a result; None where it has none."""
    return getattr(result, "projection", None)


def _place(request: PageRequest, practice: Practice, npi: str) -> Place:
    """The newest run's results of an NPI in this practice; Http404 when it has none."""
    run = Run.objects.newest_of(practice)
    if run is None:
        raise Http404
    found = tuple(_RESULTS.all(practice=practice.pk, run=run.pk, npi=npi))
    if not found:
        raise Http404
    asked = request.GET.get("cohort", "")
    return Place(run, found, next((each for each in found if each.cohort == asked), found[0]))


def _frame(place: Place) -> dict[str, Any]:
    return {
        "run": place.run,
        "result": place.chosen,
        "results": place.results,
        "status": STATUS_TITLES.get(place.chosen.status, place.chosen.status),
    }


def _stake(result: ParticipantResult, cohort: CohortResult | None) -> int | None:
    """The most that can be lost, in cents: risk level x Part B; None where the run does not say the risk level."""
    level = "" if cohort is None else cohort.document.get("risk_level", "")
    return round(float(level) * result.part_b_cents) if level else None


def _history(practice: Practice, run: Run, result: ParticipantResult) -> dict[str, Any]:
    """The final score over the published runs of the same performance year."""
    rows = ParticipantResult.objects.filter(
        practice=practice, npi=result.npi, cohort=result.cohort, run__performance_year=run.performance_year
    ).select_related("run")
    found: Sequence[ParticipantResult] = list(rows.order_by("-run_id")[:MOST_RUNS])[::-1]
    scored = [(day(each.run.made_at), each.final_score) for each in found if each.final_score is not None]
    return {
        "history": found if len(found) > 1 else (),
        "history_chart": charts.line(
            scored,
            title="Final score over the published runs; the table below holds the numbers",
            text=[points(score) for _, score in scored],
        ),
    }
