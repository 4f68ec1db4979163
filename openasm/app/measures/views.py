"""The pages *Measures* and one measure: rate, benchmark, completeness, cases, points, and the trend over runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported
from openasm.app.clinicians.measures import COST, MeasureRow, measure_rows
from openasm.app.look import charts
from openasm.app.look.exports import Cell, csv_response, xlsx_response
from openasm.app.look.tables import chosen
from openasm.app.look.templatetags.look import points
from openasm.app.measures.standing import Standing, standings
from openasm.app.measures.trend import MOST_RUNS, moments, trend_chart
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared, Several, values_of
from openasm.app.published.models import Benchmark, MeasureResult, ParticipantResult, PracticeResult, Run
from openasm.app.worklists.measures import number_of
from openasm.base.errors import OpenAsmError
from openasm.base.years import FIRST_PERFORMANCE_YEAR
from openasm.regulation.rulebook import rules_for
from openasm.report.titles import measure_title

COHORTS = ("heart_failure", "low_back_pain")


class OfStandings(NamedTuple):
    """What `standings` reads of a row."""

    run_id: int
    cohort: str
    measure: str
    collection_type: str
    level: str
    npi: str
    rate: float | None
    completeness: float | None
    points: float | None
    status: str
    finding: str
    eligible: int | None
    met: int | None
    not_met: int | None


_STANDINGS = Prepared[tuple[Any, ...]](
    lambda: (
        MeasureResult.objects.filter(run__in=Several("run", 2), practice=Given("practice"))
        .order_by("pk")
        .values_list(*OfStandings._fields)
    )
)
_BENCHMARKS = Prepared[Benchmark](lambda: Benchmark.objects.filter(run=Given("run")).order_by("pk"))
HEADER = (
    *("npi", "name", "cohort", "measure", "title", "collection_type", "level", "rate", "eligible", "met", "not_met"),
    *("exclusions", "exceptions", "completeness", "points", "status", "reason"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a row needs to be scored: share of cases reported, cases, episodes of the cost measure."""

    completeness: float
    cases: int
    episodes: int


@dataclass(frozen=True, slots=True)
class ClinicianRow:
    """One clinician's row of a measure."""

    npi: str
    address: str
    name: str
    row: MeasureRow
    result: MeasureResult


@access(Permission.SEE_SCORES)
@require_GET
def measures_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """Every measure: how the practice stands, and how many of its clinicians it counts for."""
    runs = _runs(practice)
    if not runs:
        return render(request, "measures/no_run.html")
    run, before = runs[0], runs[1] if len(runs) > 1 else None
    cohort = chosen(request, "cohort", COHORTS)
    both = values_of("run", [run.pk, (before or run).pk])
    rows: list[Any] = [  # thousands: as rows, not as objects
        each
        for each in map(OfStandings._make, _STANDINGS.all(practice=practice.pk, **both))
        if cohort in ("", each.cohort)
    ]
    benchmarks = _BENCHMARKS.all(run=run.pk)
    found = standings(
        (each for each in rows if each.run_id == run.pk),
        (each for each in rows if before is not None and each.run_id == before.pk),
        benchmarks,
    )
    context = {
        "run": run,
        "before": before,
        "standings": found,
        "chart": _chart(found),
        "limits": _limits(run.performance_year),
        "cohorts": COHORTS,
        "cohort": cohort,
    }
    return render(request, "measures/measures.html", context)


@access(Permission.SEE_SCORES)
@require_GET
def measure_page(request: PageRequest, practice: Practice, measure: str) -> HttpResponse:
    """One measure: each clinician against its benchmark, and the practice over the runs of the year."""
    runs = _runs(practice)
    rows = list(_rows(request, practice, runs).filter(measure=measure)) if runs else []
    here = [each for each in rows if each.run_id == runs[0].pk]
    if not here:
        raise Http404
    run = runs[0]
    names = dict(ParticipantResult.objects.filter(practice=practice, run=run).values_list("npi", "name"))
    benchmarks = list(Benchmark.objects.filter(run=run, measure=measure).order_by("pk"))
    groups = []
    for cohort, kind in sorted({(each.cohort, each.collection_type) for each in here}):
        own = [each for each in here if (each.cohort, each.collection_type) == (cohort, kind)]
        of_run: dict[int, list[MeasureResult]] = defaultdict(list)
        for each in rows:
            if (each.cohort, each.collection_type) == (cohort, kind):
                of_run[each.run_id].append(each)
        found = moments(runs, of_run)
        groups.append(
            {
                "standing": standings(own, of_run.get(runs[1].pk, ()) if len(runs) > 1 else (), benchmarks)[0],
                "clinicians": _clinicians(own, practice, names, [each for each in benchmarks if each.cohort == cohort]),
                "moments": found,
                "trend": trend_chart(found, title=f"{measure} over the runs of the year; the table holds the numbers"),
            }
        )
    context = {
        "run": run,
        "measure": measure,
        "measure_name": measure_title(measure),
        "groups": groups,
        "limits": _limits(run.performance_year),
        "is_cost": measure.startswith(COST),
        "number": number_of(measure, run.performance_year),
    }
    return render(request, "measures/measure.html", context)


@access(Permission.SEE_SCORES, confirm=True)
@require_GET
def measures_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """Every clinician's row of every measure as CSV or XLSX; the cohort's filter holds."""
    runs = _runs(practice)
    if not runs or form not in ("csv", "xlsx"):
        raise Http404
    run = runs[0]
    names = dict(ParticipantResult.objects.filter(practice=practice, run=run).values_list("npi", "name"))
    rows = list(_file_rows(_rows(request, practice, [run]), names))
    exported(request, what="measures", rows=len(rows), form=form)
    make = csv_response if form == "csv" else xlsx_response
    return make(f"measures {practice.name} {run.performance_year}", HEADER, rows)


_RUNS = Prepared[Run](
    lambda: Run.objects.filter(pk__in=PracticeResult.objects.filter(practice=Given("practice")).values("run")).order_by(
        "-pk"
    )[: 2 * MOST_RUNS]
)


def _runs(practice: Practice) -> list[Run]:
    """The newest runs of the year that the pages show, the newest first."""
    found = _RUNS.all(practice=practice.pk)
    year = found[0].performance_year if found else 0
    return [each for each in found if each.performance_year == year][:MOST_RUNS]


def _rows(request: PageRequest, practice: Practice, runs: Sequence[Run]) -> QuerySet[MeasureResult]:
    rows = MeasureResult.objects.filter(practice=practice, run__in=[run.pk for run in runs]).order_by("pk")
    cohort = chosen(request, "cohort", COHORTS)
    return rows.filter(cohort=cohort) if cohort else rows


def _limits(year: int) -> Limits:
    try:
        rules = rules_for(year)
    except OpenAsmError:  # no values for that year yet: those of the first year, as the runs of it would say
        rules = rules_for(FIRST_PERFORMANCE_YEAR)
    return Limits(
        float(rules["quality.data_completeness"].exact),
        rules["quality.case_minimum"].integer,
        rules["cost.case_minimum"].integer,
    )


def _clinicians(
    rows: Sequence[MeasureResult], practice: Practice, names: dict[str, str], benchmarks: Sequence[Benchmark]
) -> list[ClinicianRow]:
    """Clinicians' rows, the fewest points first, those without points last."""
    shown = zip(rows, measure_rows(rows, benchmarks), strict=True)
    page = reverse("clinician", kwargs={"practice": practice.key, "npi": "0"})
    found = [
        ClinicianRow(each.npi, page.replace("/0/", f"/{each.npi}/"), names.get(each.npi) or each.npi, row, each)
        for each, row in shown
    ]
    return sorted(
        found,
        key=lambda each: (
            *(each.result.points is None, each.result.points or 0.0),
            *(each.name, each.npi, each.result.level),
        ),
    )


def _chart(found: Sequence[Standing]) -> str:
    """Mean points of each measure that counts for somebody."""
    return charts.bars(
        [
            charts.Bar(
                f"{each.row.line.measure} {each.row.line.title}",
                each.points,
                points(each.points),
                "good" if each.points >= 7 else "bad" if each.points < 4 else "focus",
            )
            for each in found
            if each.points is not None
        ],
        title="Mean points of each measure over the clinicians it counts for, of ten; the table below holds the numbers",
        largest=10.0,
    )


def _file_rows(rows: QuerySet[MeasureResult], names: dict[str, str]) -> Iterator[tuple[Cell, ...]]:
    for each in rows:
        yield (
            *(each.npi, names.get(each.npi, ""), each.cohort, each.measure, measure_title(each.measure)),
            *(each.collection_type, each.level, each.rate, each.eligible, each.met, each.not_met, each.exclusions),
            *(each.exceptions, each.completeness, each.points, each.status, each.reason),
        )
