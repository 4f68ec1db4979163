"""Scores as tables: what a run's `scores/` folder holds. Format: docs/reference/run-folder.md."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from openasm.archive.tables import Cell, Table, table_of
from openasm.base.parameters import Rules
from openasm.regulation.arrays import FloatArray
from openasm.regulation.cost import cost_measure_of
from openasm.regulation.ratios import Ratios
from openasm.runs.scoring.input_copies import input_tables
from openasm.runs.scoring.inputs import ScoreInputs
from openasm.runs.scoring.score import CohortResult, ScoreResult
from openasm.runs.scoring.words import score_status

COST_EDGES = 10
QUALITY_EDGES = 9


def score_tables(result: ScoreResult, inputs: ScoreInputs) -> dict[str, Table]:
    """Every table of `scores/` but measure_scores, by its name without ending."""
    return {
        "scores": _scores(result),
        "benchmarks": _benchmarks(result),
        "categories": _categories(result),
        "cohorts": _cohorts(result),
        "practices": _practices(result),
        "practice_items": _practice_items(result),
        **input_tables(inputs),
    }


def _numbers(values: FloatArray) -> list[Cell]:
    """Floats, None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def _scores(result: ScoreResult) -> Table:
    parts = [_cohort_scores(result.rules, cohort) for cohort in result.cohorts]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}


def _cohort_scores(rules: Rules, each: CohortResult) -> Table:
    count = len(each.participants)
    scaling = float(each.payment.scaling_factor)
    return {
        "performance_year": [rules.year] * count,
        "tin": [one.tin for one in each.participants],
        "npi": [one.npi for one in each.participants],
        "cohort": [each.cohort] * count,
        "quality_score": _numbers(each.quality.category_score),
        "cost_score": _numbers(each.cost.category_score),
        "improvement_adjustment": _numbers(each.improvement),
        "interoperability_adjustment": _numbers(each.interoperability),
        "complex_patient_adjustment": _numbers(each.complex_patient),
        "small_practice_adjustment": _numbers(each.small_practice),
        "final_score": _numbers(each.final_score),
        "transformed_score": _numbers(each.payment.transformed_score),
        "scaling_factor": [None if math.isnan(scaling) else scaling] * count,
        "payment_adjustment_factor": _numbers(each.payment.factor),
        "payment_multiplier": _numbers(each.payment.multiplier),
        "part_b_paid": [float(one.part_b_paid) for one in each.participants],
        "payment_change_dollars": _numbers(each.payment.change_dollars),
        "status": list(
            score_status(each.final_score.tolist(), each.quality.minimum_submission_met.tolist()),
        ),
    }


BENCHMARK_COLUMNS = (
    "cohort",
    "measure",
    "collection_type",
    "pool_size",
    *(f"e{number}" for number in range(1, COST_EDGES + 1)),
    "source",
    "inverse",
    "worst",
    "median",
    "standard_deviation",
)


def _benchmarks(result: ScoreResult) -> Table:
    return table_of(
        BENCHMARK_COLUMNS, (row for each in result.cohorts for row in _cohort_benchmarks(result.rules, each))
    )


def _cohort_benchmarks(rules: Rules, each: CohortResult) -> Iterator[tuple[Cell, ...]]:
    for (measure, collection_type), size in each.quality.pool_sizes.items():
        benchmark = each.quality.benchmarks.get((measure, collection_type))
        if benchmark is None:
            edges: list[Cell] = [None] * COST_EDGES
            rest: tuple[Cell, ...] = ("none", None, None, None, None)
        else:
            edges = [float(edge) for edge in benchmark.edges_as_rates] + [None]
            worst = -benchmark.worst if benchmark.inverse else benchmark.worst
            rest = ("pool", benchmark.inverse, float(worst), float(benchmark.edges_as_rates[4]), None)
        yield (each.cohort, measure, collection_type, size, *edges, *rest)
    cost = each.cost.benchmark
    measure = cost_measure_of(each.cohort, rules)
    if cost is None:
        yield (
            each.cohort,
            measure,
            "claims",
            each.cost.pool_size,
            *[None] * COST_EDGES,
            "none",
            True,
            None,
            None,
            None,
        )
    else:
        tail = (cost.source, True, None, cost.median, cost.standard_deviation)
        yield (each.cohort, measure, "claims", cost.pool_size, *cost.edges.tolist(), *tail)


def _categories(result: ScoreResult) -> Table:
    parts = [_cohort_categories(result, each) for each in result.cohorts]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}


def _cohort_categories(result: ScoreResult, each: CohortResult) -> Table:
    """The steps between inputs and final score, one row a participant."""
    points = each.quality.measure_points
    counted = ~np.isnan(points)
    activities = result.practices.activities.sum(axis=0)[each.practice]
    return {
        "tin": [one.tin for one in each.participants],
        "npi": [one.npi for one in each.participants],
        "cohort": [each.cohort] * len(each.participants),
        "quality_points": _numbers(np.where(counted, points, 0.0).sum(axis=0)),
        "quality_measures_counted": counted.sum(axis=0).tolist(),
        "minimum_submission_met": each.quality.minimum_submission_met.tolist(),
        "cost_points": _numbers(each.cost.points),
        "activities_attested": activities.tolist(),
        "interoperability_score": _numbers(result.practices.interoperability.score[each.practice]),
        "hcc_points": _numbers(each.hcc_points),
        "dual_points": _numbers(each.dual_points),
        "quality_weight": _numbers(each.quality_weight),
        "cost_weight": _numbers(each.cost_weight),
        "uncapped_factor": _numbers(each.payment.uncapped_factor),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _statistics(values: list[Fraction | None]) -> tuple[int, Cell, Cell, Cell]:
    """How many values there are, their mean, sample standard deviation and median."""
    ratios = Ratios.of_fractions(values)
    if not ratios.present.any():
        return (0, None, None, None)
    centered = ratios.centered()
    return (centered.count, float(centered.mean), math.sqrt(centered.variance()), float(ratios.median()))


COHORT_COLUMNS = (
    "cohort",
    "participants",
    "with_final_score",
    "with_zero",
    "median_final_score",
    "risk_level",
    "midpoint",
    "part_b_in_pool",
    "pool_dollars",
    "transformed_part_b",
    "scaling_factor",
    "undistributed_dollars",
    "net_dollars",
    "hcc_values",
    "hcc_average",
    "hcc_standard_deviation",
    "hcc_median",
    "dual_values",
    "dual_average",
    "dual_standard_deviation",
    "dual_median",
    "cost_benchmark",
)


def _cohorts(result: ScoreResult) -> Table:
    return table_of(COHORT_COLUMNS, (_cohort_row(each) for each in result.cohorts))


def _cohort_row(each: CohortResult) -> tuple[Cell, ...]:
    final = each.final_score
    scored = ~np.isnan(final)
    paid = np.array([float(one.part_b_paid) for one in each.participants])
    transformed = np.where(scored, each.payment.transformed_score, 0.0)
    median = float(np.median(final[scored])) if scored.any() else None
    return (
        each.cohort,
        len(final),
        int(scored.sum()),
        int((final == 0).sum()),
        median,
        each.payment.risk_level,
        float(each.payment.midpoint),
        math.fsum(paid[scored]),
        float(each.payment.pool_dollars),
        math.fsum(transformed * paid),
        float(each.payment.scaling_factor),
        float(each.payment.undistributed_dollars),
        math.fsum(each.payment.change_dollars),
        *_statistics([one.hcc_mean for one in each.participants]),
        *_statistics([one.dual_share for one in each.participants]),
        "none" if each.cost.benchmark is None else each.cost.benchmark.source,
    )


def _practices(result: ScoreResult) -> Table:
    practices = result.practices
    sizes = {one.tin: one.clinicians_in_tin for each in result.cohorts for one in each.participants}
    return {
        "tin": list(practices.tins),
        "clinicians_in_tin": [sizes[tin] for tin in practices.tins],
        "activities_attested": practices.activities.sum(axis=0).tolist(),
        "improvement_adjustment": _numbers(practices.improvement),
        "interoperability_score": _numbers(practices.interoperability.score),
        "interoperability_adjustment": _numbers(practices.interoperability.adjustment),
    }


def _practice_items(result: ScoreResult) -> Table:
    """Long form: a row for each TIN and activity, requirement or source of points."""
    return table_of(("tin", "kind", "item", "met", "earned", "available"), _item_rows(result))


def _item_rows(result: ScoreResult) -> Iterator[tuple[Cell, ...]]:
    practices = result.practices
    names = result.rules["improvement.activities"].texts
    found = practices.interoperability
    for place, tin in enumerate(practices.tins):
        for name, attested in zip(names, practices.activities[:, place].tolist(), strict=True):
            yield (tin, "activity", name, attested, None, None)
        for name, met in found.requirements.items():
            yield (tin, "requirement", name, bool(met[place]), None, None)
        for name, earned in found.earned.items():
            available = found.available.get(name)
            most = None if available is None else float(available[place])
            yield (tin, "points", name, None, float(earned[place]), most)
