"""The words of a result: statuses and plain reasons. Listed in docs/reference/run-folder.md."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from openasm.base.parameters import Rules
from openasm.regulation.cost import CostFinding, CostResult, cost_measure_of
from openasm.regulation.quality import Finding

SCORED = "scored"
ZERO = "zero"
EXCLUDED = "excluded"
NOT_USED = "not_used"

STATUS_TEXT = {
    "scored": "has a final score",
    "zero_minimum_submission": "final score 0: no measure other than the claims measure was submitted completely enough",
    "zero": "final score 0 after all adjustments",
    "no_final_score": "neither quality nor cost could be scored; payments stay as they are",
}


def score_status(final_scores: Sequence[float], minimum_met: Sequence[bool]) -> Iterator[str]:
    """The status of each participant, one of `STATUS_TEXT`."""
    for final, met in zip(final_scores, minimum_met, strict=True):
        if math.isnan(final):
            yield "no_final_score"
        elif not met:
            yield "zero_minimum_submission"
        else:
            yield "scored" if final > 0 else "zero"


def percent(value: float) -> str:
    """A share as people read it.

    >>> percent(0.75)
    '75%'
    """
    return f"{value * 100:.1f}".rstrip("0").rstrip(".") + "%"


def quality_reason(
    finding: Finding, *, rules: Rules, cases: int, completeness: float, by_claims: bool, pool_size: int
) -> str:
    """Why a quality measure counts as it does, in one sentence without a full stop."""
    least = rules["quality.case_minimum"].integer
    match finding:
        case Finding.NOT_SUBMITTED:
            return "required measure that was not submitted: 0 points, and it counts"
        case Finding.NOT_CALCULATED:
            return "no row: the measure is left out"
        case Finding.NOTHING_ELIGIBLE:
            return "no eligible case: the measure is left out"
        case Finding.INCOMPLETE:
            needed = percent(rules["quality.data_completeness"].number)
            return f"{percent(completeness)} of eligible cases reported, {needed} needed: 0 points, and it counts"
        case Finding.TOO_FEW_CASES:
            what = "eligible cases" if by_claims else "cases met or not met"
            return f"{cases} {what}, {least} needed: the measure is left out"
        case Finding.NO_BENCHMARK:
            needed_rates = rules["quality.smallest_pool"].integer
            return f"no benchmark: {pool_size} rates in the pool, {needed_rates} needed: the measure is left out"
        case Finding.SCORED:
            return f"points by decile of {pool_size} rates"


def cost_reason(cost: CostResult, finding: CostFinding, *, episodes: int, cohort: str, rules: Rules) -> str:
    """Why the cost measure counts as it does, in one sentence without a full stop."""
    measure = cost_measure_of(cohort, rules)
    match finding:
        case CostFinding.NO_SCORE:
            return f"no score of {measure}: the category is not scored"
        case CostFinding.TOO_FEW_EPISODES:
            least = rules["cost.case_minimum"].integer
            return f"{episodes} episodes, {least} needed: the category is not scored"
        case CostFinding.POOL_TOO_SMALL:
            needed = rules["cost.smallest_pool"].integer
            return f"no benchmark: {cost.pool_size} scores in the pool, {needed} needed: the category is not scored"
        case CostFinding.NO_SPREAD:
            return "no benchmark: every score in the pool is the same: the category is not scored"
        case CostFinding.SCORED:
            source = cost.benchmark.source if cost.benchmark else "pool"
            if source == "pool":
                return f"points by distance from the median of {cost.pool_size} scores"
            return f"points by published cut points ({source})"
