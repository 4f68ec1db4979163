"""The rows of `scores/`: participants, measures, benchmarks, practices, cost categories, problems, projections."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from openasm.app.published.bulk import Loader, first_free
from openasm.app.published.models import (
    Benchmark,
    CohortResult,
    CostCategory,
    DataProblem,
    MeasureResult,
    ParticipantResult,
    PracticeItem,
    PracticeResult,
    ProjectionSummary,
    Row,
    Run,
    RunTables,
)
from openasm.app.published.reading import Source, in_cents, number, table_or_none, whole, yes_no
from openasm.app.published.run_tables import run_tables
from openasm.archive.projection import ParticipantProjection, Projection

_PARTICIPANT = (
    *("practice", "npi", "cohort", "name", "state", "status"),
    *("quality_score", "cost_score", "quality_weight", "cost_weight", "quality_points", "quality_measures_counted"),
    *("minimum_submission_met", "cost_points", "improvement_adjustment", "interoperability_adjustment"),
    *("complex_patient_adjustment", "small_practice_adjustment", "activities_attested", "interoperability_score"),
    *("final_score", "factor", "part_b_cents", "change_cents"),
    *("score_p5", "score_p95", "dollars_p5", "dollars_median", "dollars_p95", "probability_of_cut", "point_dollars"),
)
_PRACTICE = (
    *("practice", "participants", "clinicians_in_tin", "activities_attested", "improvement_adjustment"),
    *("interoperability_score", "interoperability_adjustment", "part_b_cents", "change_cents"),
    *("dollars_p5", "dollars_median", "dollars_p95", "probability_of_cut"),
)
_MEASURE = (
    *("practice", "npi", "cohort", "measure", "collection_type", "level", "rate", "completeness", "points", "status"),
    *("finding", "reason", "eligible", "met", "not_met", "exclusions", "exceptions"),
)
_BENCHMARK = (
    *("cohort", "measure", "collection_type", "pool_size", "edges", "source", "inverse", "worst", "median"),
    "standard_deviation",
)
_CATEGORY = ("practice", "npi", "cohort", "category", "episodes", "services", "cents_a_year", "peers_cents_a_year")
_PROBLEM = ("code", "severity", "file", "row", "column", "title", "found", "expected", "next_step", "count")

Key = tuple[str, str, str]  # TIN, NPI, cohort


def load_scores(
    source: Source, run: Run, practices: Mapping[str, int], loader: Loader, projection: Projection | None
) -> dict[str, int]:
    """Put every table of a run's scores into the loader. Returns rows by kind. projection: `source.projection()`."""
    ids: dict[Key, int] = {}
    counts = {
        "participants": _add(
            loader,
            run,
            ParticipantResult,
            _PARTICIPANT,
            _participants(source, practices, projection, ids, first_free(ParticipantResult)),
        ),
        "practices": _add(loader, run, PracticeResult, _PRACTICE, _practice_results(source, practices, projection)),
        "measures": _add(loader, run, MeasureResult, _MEASURE, _measures(source, practices)),
    }
    _add(loader, run, ProjectionSummary, ("participant", "document"), _projections(projection, ids))
    _add(loader, run, CohortResult, ("cohort", "document"), _cohorts(source))
    _add(loader, run, Benchmark, _BENCHMARK, _benchmarks(source))
    _add(loader, run, RunTables, ("practice", "document"), run_tables(source, practices, projection))
    items = ("practice", "kind", "item", "met", "earned", "available")
    _add(loader, run, PracticeItem, items, _items(source, practices))
    _add(loader, run, CostCategory, _CATEGORY, _categories(source, practices))
    counts["problems"] = _add(loader, run, DataProblem, _PROBLEM, _problems(source))
    return counts


def _add(loader: Loader, run: Run, model: type[Row], columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> int:
    numbered = ((place, run.pk, *row) for place, row in zip(itertools.count(first_free(model)), rows))
    return loader.add(model, ("id", "run", *columns), numbered)


def _participants(
    source: Source, practices: Mapping[str, int], projection: Projection | None, ids: dict[Key, int], first: int
) -> Iterator[tuple[Any, ...]]:
    """One row a participant. `ids` notes each one's row, in the order in which `_add` numbers them."""
    steps = {(row["tin"], row["npi"], row["cohort"]): row for row in _rows(source, "categories")}
    people = {(row["tin"], row["npi"], row["cohort"]): row for row in _rows(source, "inputs/participants")}
    projected = (
        {} if projection is None else {(each.tin, each.npi, each.cohort): each for each in projection.participants}
    )
    for place, row in enumerate(source.run.table("scores").rows(), start=first):
        key = (row["tin"], row["npi"], row["cohort"])
        ids[key] = place
        step, person = steps.get(key, {}), people.get(key, {})
        yield (
            *(
                practices[row["tin"]],
                row["npi"],
                row["cohort"],
                person.get("name", "")[:200],
                person.get("state", "")[:2],
            ),
            *(row["status"], number(row["quality_score"]), number(row["cost_score"])),
            *(number(step.get("quality_weight")), number(step.get("cost_weight")), number(step.get("quality_points"))),
            *(whole(step.get("quality_measures_counted")), yes_no(step.get("minimum_submission_met"))),
            *(number(step.get("cost_points")), number(row["improvement_adjustment"])),
            *(number(row["interoperability_adjustment"]), number(row["complex_patient_adjustment"])),
            *(number(row["small_practice_adjustment"]), whole(step.get("activities_attested"))),
            *(number(step.get("interoperability_score")), number(row["final_score"])),
            *(number(row["payment_adjustment_factor"]), in_cents(row["part_b_paid"]) or 0),
            *(in_cents(row["payment_change_dollars"]), *_spread(projected.get(key))),
        )


def _spread(each: ParticipantProjection | None) -> tuple[float | None, ...]:
    if each is None:
        return (None,) * 7
    return (
        *(each.final_score.p5, each.final_score.p95, each.dollars.p5, each.dollars.median, each.dollars.p95),
        *(each.probability_of_cut, each.point_dollars),
    )


def _projections(projection: Projection | None, ids: Mapping[Key, int]) -> Iterator[tuple[Any, ...]]:
    for each in projection.participants if projection is not None else ():
        place = ids.get((each.tin, each.npi, each.cohort))
        if place is not None:
            yield place, json.dumps(asdict(each))


def _practice_results(
    source: Source, practices: Mapping[str, int], projection: Projection | None
) -> Iterator[tuple[Any, ...]]:
    attested = {row["tin"]: row for row in _rows(source, "practices")}
    projected = {} if projection is None else {each.tin: each for each in projection.practices}
    sums: dict[str, list[int]] = {}
    people: dict[str, set[str]] = {}
    for row in source.run.table("scores").rows():
        own = sums.setdefault(row["tin"], [0, 0])
        own[0] += in_cents(row["part_b_paid"]) or 0
        own[1] += in_cents(row["payment_change_dollars"]) or 0
        people.setdefault(row["tin"], set()).add(row["npi"])
    for tin, (part_b, change) in sums.items():
        row, forecast = attested.get(tin, {}), projected.get(tin)
        dollars = forecast.dollars if forecast is not None else None
        yield (
            *(practices[tin], len(people[tin]), whole(row.get("clinicians_in_tin"))),
            *(whole(row.get("activities_attested")), number(row.get("improvement_adjustment"))),
            *(
                number(row.get("interoperability_score")),
                number(row.get("interoperability_adjustment")),
                part_b,
                change,
            ),
            *((dollars.p5, dollars.median, dollars.p95) if dollars is not None else (None, None, None)),
            forecast.probability_of_cut if forecast is not None else None,
        )


def _measures(source: Source, practices: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(source, "measure_scores"):
        yield (
            *(practices[row["tin"]], row["npi"], row["cohort"], row["measure"], row["collection_type"], row["level"]),
            *(number(row["rate"]), number(row["completeness"]), number(row["points"]), row["status"], row["finding"]),
            *(row["reason"], whole(row["eligible"]), whole(row["met"]), whole(row["not_met"])),
            *(whole(row["exclusions"]), whole(row["exceptions"])),
        )


def _cohorts(source: Source) -> Iterator[tuple[Any, ...]]:
    for row in _rows(source, "cohorts"):
        yield row["cohort"], json.dumps(row)


def _benchmarks(source: Source) -> Iterator[tuple[Any, ...]]:
    for row in _rows(source, "benchmarks"):
        edges = [float(row[f"e{place}"]) for place in range(1, 11) if row.get(f"e{place}")]
        yield (
            *(row["cohort"], row["measure"], row["collection_type"], whole(row["pool_size"]), json.dumps(edges)),
            *(row["source"], yes_no(row["inverse"]), number(row["worst"]), number(row["median"])),
            number(row["standard_deviation"]),
        )


def _items(source: Source, practices: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(source, "practice_items"):
        if row["tin"] in practices:
            yield (
                *(practices[row["tin"]], row["kind"], row["item"], yes_no(row["met"]), number(row["earned"])),
                number(row["available"]),
            )


def _categories(source: Source, practices: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    """Of a whole run `cost_categories`; of `openasm episodes` alone `categories`, without a cohort."""
    for folder in (source.run, *source.others):
        table = table_or_none(folder, "cost_categories") or table_or_none(folder, "categories")
        if table is None or "category" not in table.columns:
            continue
        for row in table.rows():
            if row["tin"] in practices:
                yield (
                    *(practices[row["tin"]], row["npi"], row.get("cohort", ""), row["category"]),
                    *(whole(row["episodes"]) or 0, whole(row["services"]) or 0, in_cents(row["dollars_a_year"]) or 0),
                    in_cents(row["peers_dollars_a_year"]),
                )
        return


def _problems(source: Source) -> Iterator[tuple[Any, ...]]:
    """Warnings of the manifests, and of a whole run its data_problems."""
    for folder in (source.run, *source.others):
        table = table_or_none(folder, "data_problems")
        found: Iterator[Mapping[str, Any]] = (
            iter(folder.manifest.get("problems", ())) if table is None else table.rows()
        )
        for each in found:
            yield (
                *(each["code"], each["severity"], str(each["file"])[:200], whole(str(each["row"] or ""))),
                *(str(each["column"])[:120], each["title"], each["found"], each["expected"], each["next_step"]),
                whole(str(each["count"])) or 1,
            )


def _rows(source: Source, name: str) -> Iterator[dict[str, str]]:
    table = table_or_none(source.run, name)
    return iter(()) if table is None else table.rows()
