"""Payment adjustment, 42 CFR 512.750. One cohort a call."""

from __future__ import annotations

from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.regulation.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Payment:
    """Payment of one cohort. Arrays (participants,) or (draws, participants); totals () or (draws,)."""

    transformed_score: FloatArray  # 0 where the final score is 0, NaN where there is none
    uncapped_factor: FloatArray
    factor: FloatArray  # 0 where there is no final score
    multiplier: FloatArray  # 1 + factor
    change_dollars: FloatArray  # factor x Part B paid
    risk_level: float
    midpoint: FloatArray  # ()
    pool_dollars: FloatArray  # () r x R x sum(B)
    scaling_factor: FloatArray  # ()
    undistributed_dollars: FloatArray  # () what the cap on positive factors withholds


def payment(final_score: FloatArray, part_b_paid: FloatArray, rules: Rules) -> Payment:
    """Final scores (NaN: none) and Part B dollars to factors, multipliers and dollars."""
    raise NotImplementedError


def transformed_score(final_score: FloatArray, midpoint: FloatArray, rules: Rules) -> FloatArray:
    """1 / (1 + exp(-slope x (F - midpoint))); 0 where F = 0; NaN stays NaN."""
    raise NotImplementedError
