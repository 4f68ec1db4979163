"""Final score, 42 CFR 512.745: categories by weight, plus adjustments, clipped to 0-100."""

from __future__ import annotations

import math

import numpy as np

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.choices import chosen
from openasm.regulation.ratios import Ratios

PARAMETERS = (
    "quality.weight",
    "cost.weight",
    "final_score.form",
    "final_score.lowest",
    "final_score.highest",
    "final_score.one_category_scored",
    "final_score.no_category_scored",
    "final_score.small_practice_clinicians",
    "final_score.small_practice_points",
    "final_score.solo_practice_points",
    "final_score.complex_patient_base",
    "final_score.complex_patient_slope",
    "final_score.complex_patient_threshold",
    "final_score.complex_patient_maximum",
    "final_score.minimum_submission_failed_score",
    "final_score.rounding",
)

# Final scores are sums of tenths and of complex-patient points. A sum this close to 0 is 0 but for the last digits of floats,
# and 0 is a cliff: the factor drops to minus the risk level.
ZERO_WITHIN = 1e-9


def is_small_practice(clinicians_in_tin: IntArray, rules: Rules) -> BoolArray:
    """Whether TIN-level quality rows are allowed (`final_score.small_practice_clinicians`); any shape."""
    return clinicians_in_tin <= rules["final_score.small_practice_clinicians"].integer


def small_practice_adjustment(clinicians_in_tin: IntArray, rules: Rules) -> FloatArray:
    """+15 for a solo practice, +10 for up to 15 clinicians, else 0; any shape.

    >>> from openasm.regulation.rulebook import rules_for
    >>> small_practice_adjustment(np.array([1, 2, 15, 16]), rules_for(2027)).tolist()
    [15.0, 10.0, 10.0, 0.0]
    """
    small = np.where(
        is_small_practice(clinicians_in_tin, rules), rules["final_score.small_practice_points"].number, 0.0
    )
    return np.where(clinicians_in_tin == 1, rules["final_score.solo_practice_points"].number, small)


def complex_patient_adjustment(hcc_mean: Ratios, dual_share: Ratios, rules: Rules) -> FloatArray:
    """0-10 points from the cohort's mean HCC risk scores and dual-eligible shares, shape (participants,).

    Each indicator: base + slope x z for values at the cohort's median or above, never below 0; the sum at most the maximum. An
    empty value earns nothing and stays out of mean, standard deviation and median. Citation: 42 CFR 414.1380(c)(3), by analogy.

    The surprise: a value at the median but below the mean can still earn points, up to 1.5 less what it lies below.
    """
    chosen(rules, "final_score.complex_patient_threshold")
    total = indicator_points(hcc_mean, rules) + indicator_points(dual_share, rules)
    return np.minimum(total, rules["final_score.complex_patient_maximum"].number)


def indicator_points(values: Ratios, rules: Rules) -> FloatArray:
    """Points of one indicator of complexity, shape (participants,); 0 for everyone when all values are equal."""
    points = np.zeros(len(values))
    if not values.present.any():
        return points
    centered = values.centered()
    variance = centered.variance()
    if variance == 0:
        return points
    base, slope = rules["final_score.complex_patient_base"].number, rules["final_score.complex_patient_slope"].number
    reaches = values.at_least(values.median())
    z = centered.difference / math.sqrt(variance)
    return np.where(reaches, np.maximum(base + slope * z, 0.0), 0.0)


def final_score(
    quality: FloatArray,
    cost: FloatArray,
    *,
    improvement: FloatArray,
    interoperability: FloatArray,
    complex_patient: FloatArray,
    small_practice: FloatArray,
    minimum_submission_met: BoolArray,
    rules: Rules,
) -> FloatArray:
    """Final score 0-100, shape (participants,) or (draws, participants) by broadcasting; NaN: no final score.

    quality, cost: category scores 0-1, NaN: not scored; the other arrays in points. minimum_submission_met false (or the
    deadline missed): exactly 0, whatever else was earned. Citation: 42 CFR 512.745.

    The surprise: with only one category scored it takes the whole weight, and with neither there is no final score, unless the
    minimum submission failed, which is always 0. A score of 0 is exactly 0.0.

    >>> from openasm.regulation.rulebook import rules_for
    >>> one = np.ones(1)
    >>> final_score(0.65 * one, 0.72 * one, improvement=-10 * one, interoperability=-2.5 * one, complex_patient=3.1 * one,
    ...     small_practice=10 * one, minimum_submission_met=one > 0, rules=rules_for(2027)).round(9).tolist()
    [69.1]
    """
    for name in ("form", "one_category_scored", "no_category_scored", "rounding"):
        chosen(rules, f"final_score.{name}")
    weight_quality, weight_cost = category_weights(quality, cost, rules)
    total = 100 * (weight_quality * np.fmax(quality, 0.0) + weight_cost * np.fmax(cost, 0.0))  # NaN counts as 0
    total = total + improvement + interoperability + complex_patient + small_practice
    total *= np.abs(total) >= ZERO_WITHIN
    np.clip(total, rules["final_score.lowest"].number, rules["final_score.highest"].number, out=total)
    total += 0 * np.fmax(quality, cost)  # NaN where neither is scored
    # Without the minimum submission: off turns the total to NaN, which the score for failing it then fills.
    failed = rules["final_score.minimum_submission_failed_score"].number
    off = np.where(minimum_submission_met, 0.0, np.nan).astype(total.dtype)
    instead = np.where(minimum_submission_met, np.nan, failed).astype(total.dtype)
    return np.fmax(total + off, instead)


def category_weights(quality: FloatArray, cost: FloatArray, rules: Rules) -> tuple[FloatArray, FloatArray]:
    """The weights of quality and cost in force for each participant; both 0 where neither is scored.

    >>> from openasm.regulation.rulebook import rules_for
    >>> [each.tolist() for each in category_weights(np.array([0.5, 0.5]), np.array([0.5, np.nan]), rules_for(2027))]
    [[0.5, 1.0], [0.5, 0.0]]
    """
    own_quality, own_cost = rules["quality.weight"].number, rules["cost.weight"].number
    no_quality, no_cost = np.isnan(quality), np.isnan(cost)
    precision = np.result_type(quality, cost)
    weight_quality = (own_quality + own_cost * no_cost.astype(precision)) * ~no_quality
    weight_cost = (own_cost + own_quality * no_quality.astype(precision)) * ~no_cost
    return weight_quality, weight_cost
