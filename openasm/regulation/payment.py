"""Payment adjustment, 42 CFR 512.750: from final scores to factors and dollars. One cohort a call.

    pool      = r x R x sum(B)          over participants with a final score
    scaling   = R x sum(B) / sum(T x B)
    factor    = r x T x scaling - r     (a final score of 0: -r)

r is the risk level, R the redistributed share, B the Part B covered professional services paid, T the transformed score. Without a
cap the dollars of a cohort sum to -(1 - R) x r x sum(B).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openasm.base.parameters import Rules
from openasm.regulation.arrays import FloatArray
from openasm.regulation.choices import chosen
from openasm.regulation.order import in_order, median_of

PARAMETERS = (
    "payment.risk_level",
    "payment.redistributed_share",
    "payment.transform",
    "payment.transform_slope",
    "payment.transform_midpoint_choice",
    "payment.transform_midpoint",
    "payment.pool_base",
    "payment.scaling",
    "payment.factor_above_zero",
    "payment.factor_at_zero",
    "payment.positive_factor_cap",
    "payment.multiplier",
    "payment.rounding",
    "payment.display_decimals",
)


@dataclass(frozen=True, slots=True, eq=False)
class Payment:
    """Payment of one cohort. Arrays (participants,) or (draws, participants); totals () or (draws,)."""

    transformed_score: FloatArray  # 0 where the final score is 0, NaN where there is none
    uncapped_factor: FloatArray
    factor: FloatArray  # 0 where there is no final score
    multiplier: FloatArray  # 1 + factor
    change_dollars: FloatArray  # factor x Part B paid
    risk_level: float
    midpoint: FloatArray  # of the transform; NaN when it is the median of no scores
    pool_dollars: FloatArray  # r x R x sum(B)
    scaling_factor: FloatArray  # NaN when nobody with payments scores above 0
    undistributed_dollars: FloatArray  # what the cap on positive factors withholds


def payment(final_score: FloatArray, part_b_paid: FloatArray, rules: Rules) -> Payment:
    """Final scores (NaN: none) and Part B dollars to factors, multipliers and dollars. Citation: 42 CFR 512.750.

    final_score: (participants,) or (draws, participants); part_b_paid: (participants,), or as final_score.

    Surprises: the scaling factor depends on everyone's payments and scores, so one participant's factor moves when others'
    scores do. When nobody with payments scores above 0 there is nobody to distribute to: no scaling factor exists, a score above
    0 keeps its payments (factor 0), and the whole pool stays undistributed; the identity of the sum holds only otherwise.

    >>> from openasm.regulation.rulebook import rules_for
    >>> result = payment(np.array([60.0, 0.0]), np.array([1000.0, 1000.0]), rules_for(2027))
    >>> result.factor.round(4).tolist(), float(result.pool_dollars)
    ([0.063, -0.09], 153.0)
    """
    midpoint = transform_midpoint(final_score, rules)
    transformed = transformed_score(final_score, midpoint, rules)
    paid = paid_with_final_score(final_score, part_b_paid, rules)
    share = rules["payment.redistributed_share"].number
    risk = rules["payment.risk_level"].number
    paid_sum = paid.sum(axis=-1)
    scaling = scaling_factor(transformed, paid, rules)
    uncapped = adjustment_factor(final_score, transformed, scaling, rules)
    factor = capped_factor(uncapped, rules)
    chosen(rules, "payment.multiplier")
    chosen(rules, "payment.rounding")
    return Payment(
        transformed_score=transformed,
        uncapped_factor=uncapped,
        factor=factor,
        multiplier=1 + factor,
        change_dollars=factor * part_b_paid,
        risk_level=risk,
        midpoint=midpoint,
        pool_dollars=np.asarray(risk * share * paid_sum),
        scaling_factor=scaling,
        undistributed_dollars=np.asarray(((uncapped - factor) * part_b_paid).sum(axis=-1)),
    )


def transform_midpoint(final_score: FloatArray, rules: Rules) -> FloatArray:
    """The midpoint of the transform, () or (draws,): fixed, or the median of the cohort's final scores (zeros included)."""
    if chosen(rules, "payment.transform_midpoint_choice") == "fixed":
        return np.full(final_score.shape[:-1], rules["payment.transform_midpoint"].number, dtype=final_score.dtype)
    return median_of(*in_order(final_score))


def transformed_score(final_score: FloatArray, midpoint: FloatArray, rules: Rules) -> FloatArray:
    """1 / (1 + exp(-slope x (F - midpoint))); 0 where F = 0; NaN stays NaN. midpoint: () or (draws,).

    >>> from openasm.regulation.rulebook import rules_for
    >>> transformed_score(np.array([50.0, 0.0]), np.asarray(50.0), rules_for(2027)).tolist()
    [0.5, 0.0]
    """
    chosen(rules, "payment.transform")
    slope = rules["payment.transform_slope"].number
    with np.errstate(over="ignore"):  # a slope as steep as a step: exp overflows to infinity and the score to 0
        logistic = 1 / (1 + np.exp(-slope * (final_score - midpoint[..., None])))
    return np.asarray(logistic * (final_score != 0))


def paid_with_final_score(final_score: FloatArray, part_b_paid: FloatArray, rules: Rules) -> FloatArray:
    """Part B dollars that count for the pool: 0 where there is no final score (`payment.pool_base`)."""
    chosen(rules, "payment.pool_base")
    without = np.isnan(final_score)
    return np.where(without, 0.0, part_b_paid) if without.any() else np.broadcast_to(part_b_paid, final_score.shape)


def scaling_factor(transformed: FloatArray, paid: FloatArray, rules: Rules) -> FloatArray:
    """R x sum(B) / sum(T x B), () or (draws,); NaN when sum(T x B) is 0. paid: 0 where there is no final score.

    >>> from openasm.regulation.rulebook import rules_for
    >>> scaling_factor(np.array([0.9, 0.5, 0.2]), np.array([1e5, 2e5, 5e4]), rules_for(2027)).round(12).item()
    1.4875
    """
    chosen(rules, "payment.scaling")
    weighted = (np.fmax(transformed, 0.0) * paid).sum(axis=-1)  # NaN counts as 0
    share = rules["payment.redistributed_share"].number
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weighted > 0, share * paid.sum(axis=-1) / weighted, np.nan)


def adjustment_factor(
    final_score: FloatArray, transformed: FloatArray, scaling: FloatArray, rules: Rules
) -> FloatArray:
    """r x T x scaling - r; -r where F = 0; 0 where there is no final score or no scaling. Before the cap. scaling: () or (draws,)."""
    chosen(rules, "payment.factor_above_zero")
    chosen(rules, "payment.factor_at_zero")
    risk = rules["payment.risk_level"].number
    scaled = transformed * (risk * scaling[..., None]) - risk  # -r where F = 0, as T is 0 there
    if np.isnan(scaled).any():
        return np.where(final_score == 0, -risk, np.nan_to_num(scaled))
    return np.asarray(scaled)


def capped_factor(factor: FloatArray, rules: Rules) -> FloatArray:
    """Factors cut at +r, or left alone (`payment.positive_factor_cap`)."""
    if chosen(rules, "payment.positive_factor_cap") == "none":
        return factor
    return np.minimum(factor, rules["payment.risk_level"].number)


def displayed_factor(factor: float, rules: Rules) -> str:
    """A factor as people see it: signed, with the rule's decimals (`payment.display_decimals`).

    >>> from openasm.regulation.rulebook import rules_for
    >>> displayed_factor(0.0304875, rules_for(2027))
    '+0.0305'
    """
    return f"{factor:+.{rules['payment.display_decimals'].integer}f}"
