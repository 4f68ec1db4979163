"""Cost category, 42 CFR 512.730."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from openasm.base.parameters import Rules
from openasm.regulation.arrays import FloatArray, IntArray
from openasm.regulation.ratios import Ratios


class CostFinding(IntEnum):
    """Why a participant has a cost score, or none."""

    NO_SCORE = 0  # no row
    TOO_FEW_EPISODES = 1
    POOL_TOO_SMALL = 2
    NO_SPREAD = 3  # every score in the pool is the same
    SCORED = 4


@dataclass(frozen=True, slots=True, eq=False)
class CostBenchmark:
    """Ten rising upper edges of the bands for 10, 9, ..., 1 points, in dollars."""

    source: str  # `pool`, `mips-2024`, `mips-2025`
    pool_size: int  # 0 for published cut points
    edges: FloatArray  # (10,)
    median: float
    standard_deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class CostResult:
    """Cost of one cohort, shape (participants,)."""

    finding: IntArray  # CostFinding
    points: FloatArray  # 1.0-10.0, NaN: not scored
    category_score: FloatArray  # 0-1, NaN: not scored
    benchmark: CostBenchmark | None  # None: pool too small or without spread
    pool_size: int


def cost_measure_of(cohort: str, rules: Rules) -> str:
    """The cohort's cost measure id (`cost.measures`)."""
    raise NotImplementedError


def score_cost(scores: Ratios, episodes: IntArray, *, cohort: str, rules: Rules, benchmark: str = "pool") -> CostResult:
    """The cost category of one cohort, exact at every edge.

    scores: dollars, no value where a participant has no row; episodes: (participants,), 0 where no row;
    benchmark: `pool`, or `mips-2024` / `mips-2025` for published cut points.
    """
    raise NotImplementedError


def cost_edges(scores: FloatArray, multiples: FloatArray) -> FloatArray:
    """Edges (..., 10) of pools (..., n) of scores (NaN: not a member): median + sample SD x multiples. NaN: no spread."""
    raise NotImplementedError


def cost_points(scores: FloatArray, edges: FloatArray) -> FloatArray:
    """Points 1.0-10.0 of scores (..., n) against edges (..., 10); NaN stays NaN."""
    raise NotImplementedError


def grid_multiples(rules: Rules) -> FloatArray:
    """The ten multiples of the standard deviation, rising (`cost.grid_multiples`)."""
    raise NotImplementedError
