"""From a run folder to what its report says."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from openasm.archive.projection import ParticipantProjection, Projection, Spread, has_projection, read_projection
from openasm.archive.run import Run, read_run
from openasm.base.errors import NotFound
from openasm.report.content import (
    AlternativeLine,
    Clinician,
    CohortView,
    Forecast,
    GroupLine,
    LeverLine,
    MeasureLine,
    RangeLine,
    Report,
    RuleLine,
    ScoreStep,
)
from openasm.report.titles import COHORT_TITLES, STATUS_TITLES, measure_title

FEW = 12  # participants whose details fit one page; of more, a practice has to be named
SIZE_BANDS = (
    (1, 1, "Solo"),
    (2, 15, "2 to 15 clinicians"),
    (16, 99, "16 to 99 clinicians"),
    (100, None, "100 or more"),
)

Row = Mapping[str, str]
People = Mapping[tuple[str, str, str], Row]


def report_of(path: Path, *, tins: Sequence[str] = (), npi: str = "") -> Report:
    """What the report of a run says.

    tins: practices whose clinicians are shown one by one; npi: one clinician alone. Without either, everyone is shown in a
    run of up to 12 entries, and only the cohort in a larger one. NotFound for a TIN or NPI that is not in the run.
    """
    run = read_run(path)
    projection = read_projection(path) if has_projection(path) else None
    scores = list(run.table("scores").rows())
    people: People = {(row["tin"], row["npi"], row["cohort"]): row for row in run.table("inputs/participants").rows()}
    chosen = _chosen(scores, tins, npi)
    clinicians = _clinicians(run, chosen, people, projection)
    organizations = list(dict.fromkeys(who.organization for who in clinicians if who.organization))
    return Report(
        title=_title(clinicians, organizations, npi),
        run_name=str(run.manifest.get("name", path.name)),
        performance_year=run.year,
        payment_year=run.payment_year,
        made=_day(str(run.manifest.get("ended", ""))),
        program_version=str(run.manifest.get("version", "")),
        cohorts=tuple(_cohort_views(run, scores, people)),
        clinicians=tuple(clinicians),
        rules=tuple(
            RuleLine(
                rule.name,
                rule.title,
                _value_text(rule.value),
                rule.unit,
                rule.status,
                rule.confirmed,
                rule.citation,
                rule.note if rule.assumed_from_year is None else f"assumed from {rule.assumed_from_year}. {rule.note}",
            )
            for rule in run.parameters.values()
        ),
        assumptions=_assumptions(projection),
        problems=tuple(run.manifest.get("problems", ())),
        inputs=tuple((str(each["name"]), str(each["sha256"])) for each in run.manifest.get("inputs", ())),
        notes=tuple(run.manifest.get("notes", ())),
        together=_together(projection, clinicians),
    )


def _keyed(run: Run, table: str) -> People:
    return {(row["tin"], row["npi"], row["cohort"]): row for row in run.table(table).rows()}


def _chosen(scores: Sequence[Row], tins: Sequence[str], npi: str) -> list[Row]:
    if not tins and not npi:
        return list(scores) if len(scores) <= FEW else []
    known = {row["tin"] for row in scores}
    for tin in tins:
        if tin not in known:
            raise NotFound(f"No participant of this run is under TIN {tin}.")
    chosen = [row for row in scores if (not tins or row["tin"] in tins) and (not npi or row["npi"] == npi)]
    if not chosen:
        raise NotFound(f"No participant of this run has NPI {npi}" + (" under that TIN." if tins else "."))
    return chosen


def _title(clinicians: Sequence[Clinician], organizations: Sequence[str], npi: str) -> str:
    if npi and clinicians:
        return clinicians[0].name or f"NPI {npi}"
    if len(organizations) == 1:
        return organizations[0]
    return f"{len(organizations)} practices" if clinicians and organizations else "The whole cohort"


def _clinicians(run: Run, chosen: Sequence[Row], people: People, projection: Projection | None) -> list[Clinician]:
    if not chosen:
        return []
    wanted = {(row["tin"], row["npi"], row["cohort"]) for row in chosen}
    measures: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for line in run.table("measure_scores").rows():
        of = (line["tin"], line["npi"], line["cohort"])
        if of in wanted:
            measures[of].append(line)
    benchmarks = {
        (row["cohort"], row["measure"], row["collection_type"]): row for row in run.table("benchmarks").rows()
    }
    categories = _keyed(run, "categories")
    forecasts = {(each.tin, each.npi, each.cohort): each for each in projection.participants} if projection else {}
    titles = {each.key: each.title for each in projection.alternatives} if projection else {}
    changed = {each.key: each.changed for each in projection.alternatives} if projection else {}
    found = []
    for place, row in enumerate(chosen, start=1):
        key = (row["tin"], row["npi"], row["cohort"])
        person = people[key]
        lines = [_measure_line(each, benchmarks) for each in measures[key]]
        forecast = forecasts.get(key)
        found.append(
            Clinician(
                key=f"participant-{place}",
                tin=row["tin"],
                npi=row["npi"],
                cohort=row["cohort"],
                cohort_title=COHORT_TITLES[row["cohort"]],
                name=person.get("name", ""),
                organization=person.get("organization", ""),
                state=person.get("state", ""),
                clinicians_in_tin=int(person["clinicians_in_tin"]) if person.get("clinicians_in_tin") else None,
                status=row["status"],
                status_text=STATUS_TITLES.get(row["status"], row["status"]),
                final_score=_number(row["final_score"]),
                factor=_number(row["payment_adjustment_factor"]),
                part_b_paid=_number(row["part_b_paid"]),
                change_dollars=_number(row["payment_change_dollars"]),
                steps=_steps(run, row, categories[key], person),
                measures=tuple(line for line in lines if not line.measure.startswith("COST")),
                cost=next((line for line in lines if line.measure.startswith("COST")), None),
                forecast=_forecast(forecast, titles, changed) if forecast else None,
            )
        )
    return sorted(found, key=lambda each: (each.change_dollars or 0.0, each.name, each.npi, each.cohort))


def _measure_line(row: Row, benchmarks: Mapping[tuple[str, str, str], Row]) -> MeasureLine:
    collection = row["collection_type"]
    benchmark = benchmarks.get((row["cohort"], row["measure"], collection), {})
    cost = row["measure"].startswith("COST")
    return MeasureLine(
        measure=row["measure"],
        title=measure_title(row["measure"]),
        collection_type=collection,
        level=row["level"],
        rate=_number(row["rate"]),
        completeness=_number(row["completeness"]),
        points=_number(row["points"]),
        status=row["status"],
        reason=row["reason"],
        lower_is_better=benchmark.get("inverse") == "yes",
        pool_median=_number(benchmark.get("median", "")),
        pool_top=_number(benchmark.get("e1" if cost else "e9", "")),
        source=benchmark.get("source", ""),
    )


def _steps(run: Run, row: Row, category: Row, person: Row) -> tuple[ScoreStep, ...]:
    """The waterfall: weighted categories, then what is added and taken away.

    When one of quality and cost is not scored the other takes its weight, as in `final_score.single_category`.
    """
    if row["status"] in ("zero_minimum_submission", "no_final_score"):
        return ()
    quality, cost = _number(row["quality_score"]), _number(row["cost_score"])
    weights = {"quality": _rule(run, "quality.weight"), "cost": _rule(run, "cost.weight")}
    if quality is None or cost is None:
        weights = {"quality": 1.0 if cost is None else 0.0, "cost": 1.0 if quality is None else 0.0}
    steps = []
    if quality is not None:
        counted = category.get("quality_measures_counted", "")
        earned = category.get("quality_points", "")
        how = f"{100 * weights['quality']:.0f} × {quality:.4f}"
        if counted and earned:
            how += f" ({float(earned):.1f} of {int(counted) * 10} points)"
        steps.append(ScoreStep("Quality", 100 * weights["quality"] * quality, how))
    if cost is not None:
        how = f"{100 * weights['cost']:.0f} × {cost:.4f}"
        steps.append(ScoreStep("Cost", 100 * weights["cost"] * cost, how))
    attested = category.get("activities_attested", "")
    interoperability = _number(category.get("interoperability_score", ""))
    size = person.get("clinicians_in_tin", "")
    for label, column, how in (
        ("Improvement activities", "improvement_adjustment", f"{attested} of 2 attested" if attested else ""),
        (
            "Interoperability",
            "interoperability_adjustment",
            f"score {interoperability:.0f} of 100" if interoperability is not None else "",
        ),
        ("Complex patients", "complex_patient_adjustment", "risk scores and dual eligibility against the cohort"),
        ("Small practice", "small_practice_adjustment", f"{size} clinicians in the TIN" if size else ""),
    ):
        steps.append(ScoreStep(label, _number(row[column]) or 0.0, how))
    return tuple(steps)


def _rule(run: Run, name: str) -> float:
    return float(run.parameter(name).value)


def _forecast(each: ParticipantProjection, titles: Mapping[str, str], changed: Mapping[str, str]) -> Forecast | None:
    score, factor, money = _range(each.final_score), _range(each.factor), _range(each.dollars)
    if score is None or factor is None or money is None:
        return None
    histogram = each.dollars_histogram
    return Forecast(
        final_score=score,
        factor=factor,
        dollars=money,
        chance_of_cut=each.probability_of_cut,
        dollars_per_point=each.point_dollars or 0.0,
        histogram_edges=histogram.edges if histogram else (),
        histogram_shares=tuple(float(count) for count in histogram.counts) if histogram else (),
        levers=tuple(LeverLine(lever.title, lever.score, lever.dollars) for lever in each.levers),
        alternatives=tuple(
            AlternativeLine(
                f"{titles.get(other.key, other.key)}: {changed.get(other.key, '')}".rstrip(": "),
                other.median_dollars,
                other.change_dollars,
            )
            for other in each.alternatives
        ),
    )


def _range(spread: Spread) -> RangeLine | None:
    if spread.p5 is None or spread.median is None or spread.p95 is None:
        return None
    return RangeLine(spread.p5, spread.median, spread.p95)


def _cohort_views(run: Run, scores: Sequence[Row], people: People) -> Iterable[CohortView]:
    for summary in run.table("cohorts").rows():
        cohort = summary["cohort"]
        rows = [row for row in scores if row["cohort"] == cohort]
        finals = [value for row in rows if (value := _number(row["final_score"])) is not None]
        positive = [value for value in finals if value > 0]
        counts = [0] * 20
        for value in positive:
            counts[min(19, int(value // 5))] += 1
        changes = [_number(row["payment_change_dollars"]) or 0.0 for row in rows]
        scaling = _number(summary["scaling_factor"])
        yield CohortView(
            cohort=cohort,
            title=COHORT_TITLES[cohort],
            participants=len(rows),
            scored=len(positive),
            zero=sum(value == 0 for value in finals),
            without_score=len(rows) - len(finals),
            median_score=statistics.median(finals) if finals else None,
            gaining=sum(change > 0 for change in changes),
            losing=sum(change < 0 for change in changes),
            net_dollars=math.fsum(changes),
            scaling_factor=scaling,
            histogram_edges=tuple(float(edge) for edge in range(0, 101, 5)),
            histogram_counts=tuple(counts),
            groups=tuple(_groups(rows, people)),
        )


def _groups(rows: Sequence[Row], people: People) -> Iterable[GroupLine]:
    def size_of(row: Row) -> int:
        return int(people[row["tin"], row["npi"], row["cohort"]]["clinicians_in_tin"])

    yield _group("all", "All", rows)
    for low, high, label in SIZE_BANDS:
        members = [row for row in rows if low <= size_of(row) <= (high or math.inf)]
        if members:
            yield _group("practice size", label, members)


def _group(kind: str, label: str, rows: Sequence[Row]) -> GroupLine:
    finals = [value for row in rows if (value := _number(row["final_score"])) is not None]
    factors = [value for row in rows if (value := _number(row["payment_adjustment_factor"])) is not None]
    return GroupLine(
        kind,
        label,
        len(rows),
        statistics.median(finals) if finals else None,
        statistics.median(factors) if factors else None,
        sum(value > 0 for value in factors) / len(factors) if factors else None,
        math.fsum(_number(row["payment_change_dollars"]) or 0.0 for row in rows),
    )


def _together(projection: Projection | None, clinicians: Sequence[Clinician]) -> RangeLine | None:
    """The range of a practice's sum over draws, where exactly one practice is shown and all of it was projected."""
    tins = {who.tin for who in clinicians}
    if projection is None or len(tins) != 1:
        return None
    for practice in projection.practices:
        if practice.tin in tins and practice.participants == len(clinicians):
            return _range(practice.dollars)
    return None


def _assumptions(projection: Projection | None) -> tuple[str, ...]:
    if projection is None:
        return ()
    lines = [
        f"{projection.draws:,} simulated cohorts (seed {projection.seed}); peers: {projection.peers}; "
        f"own sampling error: {projection.own_error.replace('_', ' ')}."
    ]
    lines += projection.notes
    for each in projection.assumptions:
        sure = "" if each.confirmed else " (unconfirmed)"
        unit = f" {each.unit}" if each.unit else ""
        lines.append(f"{each.title}: {each.value}{unit}, {each.status}{sure}. {each.citation}. {each.note}".strip())
    return tuple(lines)


def _day(moment: str) -> str:
    """`2026-11-22T10:00:00Z` as `22 November 2026`; anything else as it stands."""
    try:
        day = dt.datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{day.day} {day:%B %Y}"


def _number(text: str) -> float | None:
    return float(text) if text else None


def _value_text(value: object) -> str:
    """A rule value as text; long tables are left to `openasm rules`."""
    if isinstance(value, Mapping):
        text = "; ".join(f"{key}: {_value_text(item)}" for key, item in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(_value_text(item) for item in value)
    else:
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return text if len(text) <= 400 else f"{text[:400]} … (openasm rules)"
