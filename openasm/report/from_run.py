"""From a run folder to what its report says."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from openasm.archive.projection import ParticipantProjection, Projection, Spread, has_projection, read_projection
from openasm.archive.run import Run, read_run
from openasm.base.errors import NotFound
from openasm.report.cells import integer, number
from openasm.report.cohort_view import cohort_views
from openasm.report.content import AlternativeLine, Clinician, MeasureLine, Report, RuleLine, ScoreStep
from openasm.report.groups import Key, Row, key_of
from openasm.report.practice_view import COST_CATEGORIES, CostPools, attestations_of, driver_tables, rate_tables
from openasm.report.titles import COHORT_TITLES, STATUS_TITLES, measure_title

FEW = 12  # participants whose details fit one page; of more, a practice has to be named

People = Mapping[Key, Row]


def report_of(path: Path, *, tins: Sequence[str] = (), npi: str = "") -> Report:
    """What the report of a run says.

    tins: practices whose clinicians are shown one by one; npi: one clinician alone. Without either, everyone is shown in a
    run of up to 12 entries, and only the cohort in a larger one. NotFound for a TIN or NPI that is not in the run.
    """
    run = read_run(path)
    projection = read_projection(path) if has_projection(path) else None
    scores = list(run.table("scores").rows())
    people: People = {key_of(row): row for row in run.table("inputs/participants").rows()}
    chosen = _chosen(scores, tins, npi)
    clinicians = _clinicians(run, chosen, people, projection)
    organizations = {who.tin: who.organization for who in clinicians}
    mine = {who.cohort for who in clinicians}
    return Report(
        kind="clinician" if npi else "practice" if clinicians else "cohort",
        title=_title(clinicians, list(dict.fromkeys(filter(None, organizations.values()))), npi),
        run_name=str(run.manifest.get("name", path.name)),
        performance_year=run.year,
        payment_year=run.payment_year,
        made=moment_day(str(run.manifest.get("ended", ""))),
        program_version=str(run.manifest.get("version", "")),
        cohorts=tuple(view for view in cohort_views(run, scores, people) if not npi or view.cohort in mine),
        clinicians=tuple(clinicians),
        attestations=attestations_of(run, organizations),
        rates=rate_tables(clinicians),
        drivers=driver_tables(run, clinicians, practices=not npi),
        rules=rule_lines(run),
        assumptions=_assumptions(projection),
        problems=tuple(run.manifest.get("problems", ())),
        inputs=tuple((str(each["name"]), str(each["sha256"])) for each in run.manifest.get("inputs", ())),
        notes=tuple(run.manifest.get("notes", ())),
        together=_together(projection, clinicians),
        absent=_absent(run, clinicians),
        made_up=is_made_up(run),
    )


def rule_lines(run: Run) -> tuple[RuleLine, ...]:
    """The rule values a run used."""
    return tuple(
        RuleLine(
            rule.name,
            rule.title,
            value_text(rule.value),
            rule.unit,
            rule.status,
            rule.confirmed,
            rule.citation,
            rule.note if rule.assumed_from_year is None else f"assumed from {rule.assumed_from_year}. {rule.note}",
        )
        for rule in run.parameters.values()
    )


def is_made_up(run: Run) -> bool:
    """Whether a run's clinicians do not exist: every NPI begins with 2, as those of the demonstrations do.

    An NPI may begin with 1 or 2 (45 CFR 162.406); those issued so far begin with 1.
    """
    npis = run.table("scores").texts("npi")
    return bool(npis) and all(npi.startswith("2") for npi in npis)


def _absent(run: Run, clinicians: Sequence[Clinician]) -> tuple[str, ...]:
    """What a practice would like to see and the run does not hold, and how to get it."""
    sentences = []
    if clinicians and any(who.forecast is None and who.final_score is not None for who in clinicians):
        sentences.append("The range of the payment and what would help most are shown once `openasm project` was run.")
    if any(who.forecast is not None and not who.forecast.levers for who in clinicians):
        sentences.append(
            "What would help most is worked out for up to 200 participants at once: `openasm project` with --tin does it for a "
            "practice."
        )
    if clinicians and not run.has_table(COST_CATEGORIES):
        sentences.append(
            "What drives cost against peers is shown where the run was made from claims: `openasm run` does it in one go, "
            "`openasm episodes` writes it to its scores/categories.csv."
        )
    return tuple(sentences)


def _keyed(run: Run, table: str) -> People:
    return {key_of(row): row for row in run.table(table).rows()}


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
    wanted = {key_of(row) for row in chosen}
    measures: dict[Key, list[Row]] = defaultdict(list)
    for line in run.table("measure_scores").rows():
        if key_of(line) in wanted:
            measures[key_of(line)].append(line)
    benchmarks = {
        (row["cohort"], row["measure"], row["collection_type"]): row for row in run.table("benchmarks").rows()
    }
    categories = _keyed(run, "categories")
    forecasts = {(each.tin, each.npi, each.cohort): each for each in projection.participants} if projection else {}
    pools = CostPools(run, {row["cohort"] for row in chosen}, benchmarks.values())
    found = []
    for place, row in enumerate(chosen, start=1):
        key = key_of(row)
        person = people[key]
        lines = [_measure_line(each, benchmarks) for each in measures[key]]
        forecast = forecasts.get(key)
        if forecast is not None and forecast.dollars.median is None:
            forecast = None
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
                clinicians_in_tin=integer(person.get("clinicians_in_tin", "")),
                status=row["status"],
                status_text=STATUS_TITLES.get(row["status"], row["status"]),
                final_score=number(row["final_score"]),
                factor=number(row["payment_adjustment_factor"]),
                part_b_paid=number(row["part_b_paid"]),
                change_dollars=number(row["payment_change_dollars"]),
                steps=_steps(run, row, categories[key], person),
                measures=tuple(line for line in lines if not line.measure.startswith("COST")),
                cost=next((line for line in lines if line.measure.startswith("COST")), None),
                peer_costs=pools.peer_costs(
                    row["cohort"], next((each for each in measures[key] if each["measure"].startswith("COST")), None)
                ),
                forecast=forecast,
                alternatives=_alternatives(projection, forecast) if projection and forecast else (),
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
        rate=number(row["rate"]),
        completeness=number(row["completeness"]),
        points=number(row["points"]),
        status=row["status"],
        reason=row["reason"],
        lower_is_better=benchmark.get("inverse") == "yes",
        eligible=integer(row["eligible"]),
        met=integer(row["met"]),
        not_met=integer(row["not_met"]),
        pool_median=number(benchmark.get("median", "")),
        pool_top=number(benchmark.get("e1" if cost else "e9", "")),
        source=benchmark.get("source", ""),
    )


def _steps(run: Run, row: Row, category: Row, person: Row) -> tuple[ScoreStep, ...]:
    """The waterfall: weighted categories, then what is added and taken away.

    When one of quality and cost is not scored the other takes its weight, as in `final_score.single_category`.
    """
    if row["status"] in ("zero_minimum_submission", "no_final_score"):
        return ()
    quality, cost = number(row["quality_score"]), number(row["cost_score"])
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
    interoperability = number(category.get("interoperability_score", ""))
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
        steps.append(ScoreStep(label, number(row[column]) or 0.0, how))
    return tuple(steps)


def _rule(run: Run, name: str) -> float:
    return float(run.parameter(name).value)


def _alternatives(projection: Projection, forecast: ParticipantProjection) -> tuple[AlternativeLine, ...]:
    titles = {each.key: f"{each.title}: {each.changed}".removesuffix(": ") for each in projection.alternatives}
    return tuple(
        AlternativeLine(titles.get(each.key, each.key), each.median_dollars, each.change_dollars)
        for each in forecast.alternatives
    )


def _together(projection: Projection | None, clinicians: Sequence[Clinician]) -> Spread | None:
    """The range of a practice's sum over draws, where exactly one practice is shown and all of it was projected."""
    tins = {who.tin for who in clinicians}
    if projection is None or len(tins) != 1:
        return None
    for practice in projection.practices:
        if practice.tin in tins and practice.participants == len(clinicians):
            return practice.dollars if practice.dollars.median is not None else None
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


def moment_day(moment: str) -> str:
    """`2026-11-22T10:00:00Z` as `22 November 2026`; anything else as it stands."""
    try:
        day = dt.datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{day.day} {day:%B %Y}"


def value_text(value: object) -> str:
    """A rule value as text; long tables are left to `openasm rules`.

    >>> value_text([0.5, True])
    '0.5, yes'
    """
    if isinstance(value, Mapping):
        text = "; ".join(f"{key}: {value_text(item)}" for key, item in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(value_text(item) for item in value)
    else:
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return text if len(text) <= 400 else f"{text[:400]} … (openasm rules)"
