"""The table measure_scores: every submitted row, what was required but not submitted, and the cost measure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from openasm.archive.tables import Cell, Table, table_of
from openasm.base.parameters import Rules
from openasm.regulation.cost import CostFinding, cost_measure_of
from openasm.regulation.quality import Finding, collection_types_of
from openasm.runs.scoring import words
from openasm.runs.scoring.score import CohortResult, ScoreResult

COLUMNS = (
    "tin",
    "npi",
    "measure",
    "collection_type",
    "level",
    "rate",
    "completeness",
    "points",
    "status",
    "reason",
    "cohort",
    "eligible",
    "met",
    "not_met",
    "exclusions",
    "exceptions",
    "in_pool",
    "finding",
)


def measure_table(result: ScoreResult) -> Table:
    """One row for each participant and submitted row, missing measure, and cost measure, sorted by participant."""
    return table_of(COLUMNS, (row for each in result.cohorts for row in _cohort_rows(result.rules, each)))


def _cohort_rows(rules: Rules, each: CohortResult) -> Iterator[tuple[Cell, ...]]:
    by_participant: list[list[int]] = [[] for _ in each.participants]
    for place, participant in enumerate(each.row_participant.tolist()):
        by_participant[participant].append(place)
    submitted = _submitted_rows(rules, each)
    missing = (each.quality.chosen_row < 0).tolist()
    findings = each.quality.measure_finding.tolist()
    for participant, rows in enumerate(by_participant):
        for place in rows:
            yield submitted[place]
        with_rows = {each.submitted[place].measure for place in rows}
        for measure, name in enumerate(each.quality.measures):
            if missing[measure][participant] and name not in with_rows:
                yield _missing_row(rules, each, participant, name, Finding(findings[measure][participant]))
        yield _cost_row(rules, each, participant)


def _submitted_rows(rules: Rules, each: CohortResult) -> list[tuple[Cell, ...]]:
    quality = each.quality
    rows: list[tuple[Cell, ...]] = []
    arrays = (
        quality.row_finding.tolist(),
        quality.row_points.tolist(),
        quality.row_rate.tolist(),
        quality.row_completeness.tolist(),
        quality.row_used.tolist(),
        quality.row_in_pool.tolist(),
        each.row_participant.tolist(),
    )
    for row, number, points, rate, completeness, used, in_pool, participant in zip(
        each.submitted, *arrays, strict=True
    ):
        finding = Finding(number)
        by_claims = row.collection_type == "claims"
        reason = words.quality_reason(
            finding,
            rules=rules,
            cases=row.eligible if by_claims else row.met + row.not_met,
            completeness=completeness,
            by_claims=by_claims,
            pool_size=quality.pool_sizes.get((row.measure, row.collection_type), 0),
        )
        status = words.EXCLUDED
        if finding.counted:
            status = words.SCORED if finding is Finding.SCORED else words.ZERO
            if not used:
                status = words.NOT_USED
                reason = f"another row of this measure counts; this one would earn {points:g} points"
        someone = each.participants[participant]
        yield_points = None if status in (words.EXCLUDED, words.NOT_USED) else points
        rows.append(
            (
                row.tin,
                someone.npi,
                row.measure,
                row.collection_type,
                "tin" if row.npi is None else "individual",
                _none_if_nan(rate),
                _none_if_nan(completeness),
                yield_points,
                status,
                reason,
                each.cohort,
                row.eligible,
                row.met,
                row.not_met,
                row.exclusions,
                row.exceptions,
                in_pool,
                finding.name.lower(),
            )
        )
    return rows


def _missing_row(
    rules: Rules, each: CohortResult, participant: int, measure: str, finding: Finding
) -> tuple[Cell, ...]:
    someone = each.participants[participant]
    by_claims = collection_types_of(measure, rules) == ("claims",)
    reason = words.quality_reason(
        finding, rules=rules, cases=0, completeness=math.nan, by_claims=by_claims, pool_size=0
    )
    return (
        someone.tin,
        someone.npi,
        measure,
        "claims" if by_claims else None,
        "individual",
        None,
        None,
        0.0 if finding.counted else None,
        words.ZERO if finding.counted else words.EXCLUDED,
        reason,
        each.cohort,
        *[None] * 5,
        False,
        finding.name.lower(),
    )


def _cost_row(rules: Rules, each: CohortResult, participant: int) -> tuple[Cell, ...]:
    someone = each.participants[participant]
    row = each.cost_rows[participant]
    episodes = row.episodes if row else 0
    finding = CostFinding(int(each.cost.finding[participant]))
    points = float(each.cost.points[participant])
    enough = episodes >= rules["cost.case_minimum"].integer
    return (
        someone.tin,
        someone.npi,
        cost_measure_of(each.cohort, rules),
        "claims",
        "individual",
        float(row.score) if row and row.score is not None else None,
        None,
        _none_if_nan(points),
        words.EXCLUDED if math.isnan(points) else words.SCORED,
        words.cost_reason(each.cost, finding, episodes=episodes, cohort=each.cohort, rules=rules),
        each.cohort,
        episodes if row else None,
        *[None] * 4,
        bool(each.cost.benchmark and each.cost.benchmark.source == "pool" and enough and row and row.score is not None),
        finding.name.lower(),
    )


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value
