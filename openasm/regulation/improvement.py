"""Improvement activities, 42 CFR 512.735."""

from __future__ import annotations

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.attestations import Attestations


def attested_activities(attestations: Attestations, *, tins: int, rules: Rules) -> BoolArray:
    """Which activities count, shape (activities, tins): attested `yes` over at least 90 continuous days of the year."""
    raise NotImplementedError


def improvement_adjustment(activities_attested: IntArray, rules: Rules) -> FloatArray:
    """Points on the final score (0, -10, -20) for the number of activities attested (2, 1, 0); any shape."""
    raise NotImplementedError
