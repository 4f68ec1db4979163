"""The page *Episodes*: what drives cost, the list with its outliers, one episode day by day, attributed patients.

Every view sees patients through `request.patients` alone and notes that it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, F, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported, patients_viewed
from openasm.app.clinicians.measures import CategoryRow, category_chart, category_rows, category_title
from openasm.app.episodes.choice import STANDINGS, Choice, choice_of, reason_text
from openasm.app.episodes.listing import (
    EPISODE_HEADER,
    PATIENT_HEADER,
    all_patients,
    badge_of,
    by_patient,
    clinicians_of,
    drawn_rows,
    episode_cells,
    episode_rows,
    patient_cells,
    patient_rows,
    summary_from,
    summary_of,
)
from openasm.app.episodes.timeline import timeline
from openasm.app.episodes.totals import narrowed, total_of
from openasm.app.look import charts
from openasm.app.look.exports import csv_response, xlsx_response
from openasm.app.look.tables import Column, paged, sorted_table
from openasm.app.look.templatetags.look import cents, words
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import CostCategory, Episode, EpisodeService, ParticipantResult, Run

COLUMNS = (
    Column("", "Patient"),
    Column("start", "Days"),
    Column("annualized_cents", "A year", number=True, descending=True),
    Column("expected_cents", "Expected", number=True, descending=True),
    Column("ratio", "Ratio", number=True, descending=True),
    Column("", "Standing"),
    Column("", "Clinicians"),
)
PATIENT_COLUMNS = (
    Column("", "Patient"),
    Column("episodes", "Episodes", number=True, descending=True),
    Column("counted", "Counted", number=True, descending=True),
    Column("cents", "Observed cost", number=True, descending=True),
    Column("ratio", "Mean ratio", number=True, descending=True),
    Column("last_day", "Last day", descending=True),
)


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def episodes_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """What drives the cost of episodes, and which ones."""
    run = Run.objects.newest_of(practice, with_patients=True)
    if run is None:
        return render(request, "episodes/no_run.html")
    costs = _costs(request, run)
    choice = choice_of(request, run, costs)
    total = total_of(request.patients, run, choice)
    rows = narrowed(choice.applied_to(Episode.objects.visible(request.patients, run)), total)
    summary = summary_of(rows) if total is None else summary_from(total)
    table = sorted_table(request, rows, COLUMNS, by="-annualized_cents")
    # First which ones: what a row shows is read for the page alone, however many rows are sorted.
    page = paged(request, table.rows.values_list("pk", flat=True), count=summary.episodes)
    shown = episode_rows(page, dict(choice.clinicians))
    if shown:
        patients_viewed(request, page="episodes", count=len(shown))
    context = {
        **_frame(run, choice),
        "headers": table.headers,
        "page": page,
        "rows": shown,
        "drawn": drawn_rows(shown, practice),
        "summary": summary,
        **_drivers(costs, choice, choice.clinician or request.patients.npi or ""),
    }
    return render(request, "episodes/episodes.html", context)


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def patients_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """The patients whose episodes are attributed to the practice."""
    run = Run.objects.newest_of(practice, with_patients=True)
    if run is None:
        return render(request, "episodes/no_run.html")
    choice = choice_of(request, run, _costs(request, run))
    total = total_of(request.patients, run, choice)
    if total is not None and request.patients.npi is None and not choice.is_narrowed:
        rows = all_patients(request.patients, run)
    else:
        rows = by_patient(narrowed(choice.applied_to(Episode.objects.visible(request.patients, run)), total))
    table = sorted_table(request, rows, PATIENT_COLUMNS, by="-cents", unique="patient_id")
    page = paged(request, table.rows, count=None if total is None else total.patients)
    shown = patient_rows(page)
    if shown:
        patients_viewed(request, page="attributed_patients", count=len(shown))
    context = {**_frame(run, choice), "headers": table.headers, "page": page, "rows": shown}
    return render(request, "episodes/patients.html", context)


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def episode_page(request: PageRequest, practice: Practice, number: int) -> HttpResponse:
    """One episode: what it cost, day by day where its services were kept."""
    run = Run.objects.newest_of(practice, with_patients=True)
    if run is None:
        raise Http404
    visible = Episode.objects.visible(request.patients, run).select_related("patient")
    episode = visible.filter(pk=number).first()
    if episode is None:
        raise Http404
    patients_viewed(request, page="episode", subject=episode.patient.key)
    services = list(EpisodeService.objects.filter(episode=episode).order_by("date", "pk"))
    people = ParticipantResult.objects.filter(practice=practice, run=run).values_list("npi", "name")
    names = dict(people)
    costs = sorted(episode.costs.items(), key=lambda each: (-each[1], each[0]))
    context = {
        "run": run,
        "episode": episode,
        "badge_kind": badge_of(episode)[0],
        "badge_text": badge_of(episode)[1],
        "reason": reason_text(episode.excluded_reason),
        "clinicians": clinicians_of(episode, names),
        "costs": costs,
        "cost_chart": charts.bars(
            [charts.Bar(category_title(name), amount / 100, cents(amount), "focus") for name, amount in costs],
            title="Cost of the episode by service category; the table below holds the numbers",
        ),
        "services": [(each, names.get(each.npi, "")) for each in services],
        "timeline": timeline(episode, services),
        "others": list(visible.filter(patient=episode.patient).exclude(pk=episode.pk).order_by("-start", "pk")[:20]),
    }
    return render(request, "episodes/episode.html", context)


@access(Permission.EXPORT_PATIENTS, confirm=True, patients=True)
@require_GET
def episodes_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """The list as CSV or XLSX, filtered as on the page."""
    rows = _for_file(request, form).order_by(F("annualized_cents").desc(), "pk")
    cells = list(episode_cells(rows))
    exported(request, what="episodes", rows=len(cells), form=form)
    return _saved(f"episodes {practice.name}", form, EPISODE_HEADER, cells)


@access(Permission.EXPORT_PATIENTS, confirm=True, patients=True)
@require_GET
def patients_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """The attributed patients as CSV or XLSX, filtered as on the page."""
    cells = list(patient_cells(list(_for_file(request, form).order_by("patient_id", "pk"))))
    exported(request, what="attributed_patients", rows=len(cells), form=form)
    return _saved(f"attributed patients {practice.name}", form, PATIENT_HEADER, cells)


def _for_file(request: PageRequest, form: str) -> Any:
    run = Run.objects.newest_of(request.practice, with_patients=True)
    if run is None or form not in ("csv", "xlsx"):
        raise Http404
    choice = choice_of(request, run, _costs(request, run))
    return choice.applied_to(Episode.objects.visible(request.patients, run)).select_related("patient")


def _saved(name: str, form: str, header: Sequence[str], cells: Sequence[Any]) -> HttpResponse:
    return csv_response(name, header, cells) if form == "csv" else xlsx_response(name, header, cells)


def _frame(run: Run, choice: Choice) -> dict[str, Any]:
    return {"run": run, "choice": choice, "standings": STANDINGS.items()}


_COSTS = Prepared[CostCategory](
    lambda: CostCategory.objects.filter(
        Q(npi="") | Q(npi=Given("npi", CharField())), practice=Given("practice"), run=Given("run")
    ).order_by("cohort", "pk")
)


def _costs(request: PageRequest, run: Run) -> list[CostCategory]:
    """Cost by service category of the whole practice, and of the clinician asked for (or the only one to be seen)."""
    own = request.patients.npi or request.GET.get("clinician", "")
    return _COSTS.all(practice=request.practice.pk, run=run.pk, npi=own)


def _drivers(costs: Sequence[CostCategory], choice: Choice, npi: str) -> dict[str, Any]:
    """For each cohort shown its service categories with their chart: the clinician's where it has some, else the practice's."""
    whose = npi if any(each.npi == npi for each in costs) else ""
    found: list[tuple[str, tuple[CategoryRow, ...], SafeString]] = []
    for cohort in sorted({each.cohort for each in costs if choice.cohort in ("", each.cohort)}):
        rows = category_rows(each for each in costs if each.cohort == cohort and each.npi == whose)
        if rows:
            title = f"{words(cohort) if cohort else 'Cost'} a year of episode against peers, by service category"
            found.append((cohort, rows, category_chart(rows, title=title)))
    return {"drivers": found, "whose": dict(choice.clinicians).get(whose, "")}
