"""Promoting Interoperability, 42 CFR 512.740."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray
from openasm.regulation.attestations import Attestations


@dataclass(frozen=True, slots=True, eq=False)
class InteroperabilityResult:
    """Promoting Interoperability over TINs, shape (tins,)."""

    score: FloatArray  # 0-100
    adjustment: FloatArray  # -10..0 on the final score
    requirements: Mapping[str, BoolArray]  # requirement -> met; any unmet one makes the score 0
    earned: Mapping[str, FloatArray]  # points by objective or measure, before the cap; 0 where a requirement fails
    available: Mapping[str, FloatArray]  # what could be earned after exclusions moved their points


def score_interoperability(attestations: Attestations, *, tins: int, rules: Rules) -> InteroperabilityResult:
    """The PI score and adjustment of each TIN."""
    raise NotImplementedError


def interoperability_adjustment(score: FloatArray, rules: Rules) -> FloatArray:
    """-10 x (1 - PI score / 100); any shape."""
    raise NotImplementedError
