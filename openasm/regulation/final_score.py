"""Final score, 42 CFR 512.745."""

from __future__ import annotations

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.ratios import Ratios


def small_practice_adjustment(clinicians_in_tin: IntArray, rules: Rules) -> FloatArray:
    """+15 for a solo practice, +10 for up to 15 clinicians, else 0; any shape."""
    raise NotImplementedError


def is_small_practice(clinicians_in_tin: IntArray, rules: Rules) -> BoolArray:
    """Whether TIN-level quality rows are allowed (`final_score.small_practice_clinicians`)."""
    raise NotImplementedError


def complex_patient_adjustment(hcc_mean: Ratios, dual_share: Ratios, rules: Rules) -> FloatArray:
    """0-10 points from the cohort's HCC risk scores and dual-eligible shares, shape (participants,)."""
    raise NotImplementedError


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

    quality, cost: category scores 0-1, NaN: not scored. minimum_submission_met false (or deadline missed): exactly 0.
    """
    raise NotImplementedError
