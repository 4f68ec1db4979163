"""The page *Practice*: its clinicians with score, range, dollars at stake and readiness; sort, filter, CSV and XLSX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported
from openasm.app.look import charts
from openasm.app.look.exports import Cell, csv_response, xlsx_response
from openasm.app.look.tables import Column, chosen, paged, sorted_table
from openasm.app.look.templatetags.look import chance, signed_cents, signed_dollars
from openasm.app.people.models import Practice
from openasm.app.practices.readiness import Check, checks_of
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import CohortResult, ParticipantResult, PracticeResult, Run

CHART_ROWS = 15
COLUMNS = (
    Column("name", "Clinician"),
    Column("final_score", "Final score", number=True, descending=True),
    Column("change_cents", "If the year ended now", number=True),
    Column("dollars_median", "Expected range", number=True),
    Column("probability_of_cut", "Chance of a cut", number=True, descending=True),
    Column("part_b_cents", "At stake", number=True, descending=True),
    Column("", "Readiness"),
)
HEADER = (
    *("npi", "name", "cohort", "status", "final_score", "factor", "part_b_dollars", "payment_change_dollars"),
    *(
        "dollars_5th_percentile",
        "dollars_median",
        "dollars_95th_percentile",
        "chance_of_cut",
        "at_stake_dollars",
        "open",
    ),
)


@dataclass(frozen=True, slots=True)
class Clinician:
    """A row of the table: the result, its page, what can be lost at most (cents), what is still open, and its range drawn."""

    result: ParticipantResult
    address: str
    stake_cents: int | None
    open_checks: tuple[Check, ...]
    range_chart: SafeString


class Brief(NamedTuple):
    """What the page adds up and draws of every participant."""

    npi: str
    name: str
    cohort: str
    change_cents: int | None
    part_b_cents: int
    dollars_p5: float | None
    dollars_p95: float | None


# By payment change: those without one come as the database has it.
_EVERYONE = Prepared[tuple[Any, ...]](
    lambda: (
        ParticipantResult.objects.filter(practice=Given("practice"), run=Given("run"))
        .order_by("change_cents", "pk")
        .values_list(*Brief._fields)
    )
)
_SUMMARY = Prepared[PracticeResult](lambda: PracticeResult.objects.filter(practice=Given("practice"), run=Given("run")))
_COHORTS = Prepared[tuple[str, dict[str, str]]](
    lambda: CohortResult.objects.filter(run=Given("run")).values_list("cohort", "document")
)


@access(Permission.SEE_SCORES)
@require_GET
def practice_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """Where each clinician stands."""
    run = Run.objects.newest_of(practice)
    if run is None:
        return render(request, "practices/no_run.html")
    rows = _filtered(request, practice, run)
    table = sorted_table(request, rows, COLUMNS, by="name")
    page = paged(request, table.rows)
    everyone = [Brief(*row) for row in _EVERYONE.all(practice=practice.pk, run=run.pk)]
    risk = _risk_levels(run)
    return render(
        request,
        "practices/practice.html",
        {
            "run": run,
            "summary": _SUMMARY.first(practice=practice.pk, run=run.pk),
            "clinicians": list(_clinicians(page, practice, risk, everyone)),
            "page": page,
            "headers": table.headers,
            "cohorts": sorted({each.cohort for each in everyone}),
            "cohort": request.GET.get("cohort", ""),
            "asked": request.GET.get("q", ""),
            "stake_cents": sum(_stake(each, risk) or 0 for each in everyone),
            "chart": _chart(everyone),
            "chart_rows": everyone[:CHART_ROWS],
        },
    )


@access(Permission.SEE_SCORES, confirm=True)
@require_GET
def clinicians_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """The table as CSV or XLSX, filtered as on the page."""
    run = Run.objects.newest_of(practice)
    if run is None or form not in ("csv", "xlsx"):
        raise Http404
    results = list(_filtered(request, practice, run).order_by("name", "pk"))
    rows = list(_file_rows(results, _risk_levels(run)))
    exported(request, what="clinicians", rows=len(rows), form=form)
    make = csv_response if form == "csv" else xlsx_response
    return make(f"clinicians {practice.name} {run.performance_year}", HEADER, rows)


def _filtered(request: PageRequest, practice: Practice, run: Run) -> QuerySet[ParticipantResult]:
    rows = ParticipantResult.objects.filter(practice=practice, run=run)
    cohort = chosen(request, "cohort", ("heart_failure", "low_back_pain"))
    if cohort:
        rows = rows.filter(cohort=cohort)
    asked = request.GET.get("q", "").strip()
    return rows.filter(Q(name__icontains=asked) | Q(npi__startswith=asked)) if asked else rows


def _risk_levels(run: Run) -> dict[str, float]:
    """The largest factor of each cohort: what Part B payments can fall by."""
    rows = _COHORTS.all(run=run.pk)
    return {cohort: float(document["risk_level"]) for cohort, document in rows if document.get("risk_level")}


def _stake(each: ParticipantResult | Brief, risk: dict[str, float]) -> int | None:
    level = risk.get(each.cohort)
    return None if level is None else round(level * each.part_b_cents)


def _clinicians(
    page: Iterable[ParticipantResult], practice: Practice, risk: dict[str, float], everyone: Sequence[Brief]
) -> Iterator[Clinician]:
    lows = [each.dollars_p5 for each in everyone if each.dollars_p5 is not None]
    highs = [each.dollars_p95 for each in everyone if each.dollars_p95 is not None]
    span = (min([0.0, *lows]), max([0.0, *highs]))
    address = reverse("clinician", kwargs={"practice": practice.key, "npi": "0"})
    for each in page:
        drawn = SafeString("")
        if each.dollars_p5 is not None and each.dollars_median is not None and each.dollars_p95 is not None:
            title = f"{signed_dollars(each.dollars_p5)} to {signed_dollars(each.dollars_p95)}"
            drawn = charts.range_bar(each.dollars_p5, each.dollars_median, each.dollars_p95, span=span, title=title)
        own = address.replace("/0/", f"/{each.npi}/")
        yield Clinician(
            each, own, _stake(each, risk), tuple(check for check in checks_of(each) if not check.met), drawn
        )


def _chart(everyone: Sequence[Brief]) -> SafeString:
    return charts.bars(
        [
            charts.Bar(
                each.name or each.npi,
                each.change_cents / 100,
                signed_cents(each.change_cents),
                "bad" if each.change_cents < 0 else "good",
            )
            for each in everyone[:CHART_ROWS]
            if each.change_cents is not None
        ],
        title="Payment change by clinician, lowest first; the table below holds the numbers",
    )


def _file_rows(results: Iterable[ParticipantResult], risk: dict[str, float]) -> Iterator[tuple[Cell, ...]]:
    for each in results:
        stake = _stake(each, risk)
        yield (
            *(each.npi, each.name, each.cohort, each.status, each.final_score, each.factor),
            *(each.part_b_cents / 100, None if each.change_cents is None else each.change_cents / 100),
            *(each.dollars_p5, each.dollars_median, each.dollars_p95),
            chance(each.probability_of_cut) if each.probability_of_cut is not None else None,
            None if stake is None else stake / 100,
            "; ".join(check.title for check in checks_of(each) if not check.met),
        )
