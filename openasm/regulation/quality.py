"""Quality category, 42 CFR 512.725."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.ratios import Ratios

COLLECTION_TYPES = ("ecqm", "cqm", "claims")  # `QualityRows.collection_type` holds the place in this tuple


class Finding(IntEnum):
    """What the tests of a measure row found, in the order in which they are made."""

    NOT_SUBMITTED = 0  # required measure without a row: 0 points, counted
    CLAIMS_NOT_CALCULATED = 1  # claims measure without a row: excluded
    NOTHING_ELIGIBLE = 2  # excluded
    INCOMPLETE = 3  # 0 points, counted
    TOO_FEW_CASES = 4  # excluded
    NO_BENCHMARK = 5  # excluded
    SCORED = 6  # points by decile

    @property
    def counted(self) -> bool:
        """Whether the measure stays in the category's denominator."""
        return self in (Finding.NOT_SUBMITTED, Finding.INCOMPLETE, Finding.SCORED)


@dataclass(frozen=True, slots=True, eq=False)
class QualityRows:
    """The submitted rows of one cohort, columns of shape (rows,).

    A TIN-level row appears once for each participant of the TIN. participant: place of the participant in the cohort;
    measure: place in `measures_of(cohort, rules)`; collection_type: place in COLLECTION_TYPES; tin_level: whether the row
    was reported for the whole TIN; counts as in quality.csv; claims_rate: the given rate of claims rows (no value elsewhere).
    """

    participant: IntArray
    measure: IntArray
    collection_type: IntArray
    tin_level: BoolArray
    eligible: IntArray
    met: IntArray
    not_met: IntArray
    exclusions: IntArray
    exceptions: IntArray
    claims_rate: Ratios


@dataclass(frozen=True, slots=True, eq=False)
class QualityBenchmark:
    """Nine decile edges in the direction in which better is larger (inverse measures: of the negated rate)."""

    inverse: bool
    pool_size: int
    worst: Fraction
    edges: tuple[Fraction, ...]  # e1..e9, rising

    @property
    def edges_as_rates(self) -> tuple[Fraction, ...]:
        """e1..e9 as rates of the measure (an inverse measure's fall from worst to best)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class QualityResult:
    """Quality of one cohort. Shapes: (participants,), (measures, participants) and (rows,)."""

    measures: tuple[str, ...]
    category_score: FloatArray  # (participants,) 0-1, NaN: not scored
    minimum_submission_met: BoolArray  # (participants,)
    measure_points: FloatArray  # (measures, participants) 0-10, NaN: excluded
    measure_finding: IntArray  # (measures, participants) Finding
    chosen_row: IntArray  # (measures, participants) place in the rows, -1: no row counts
    row_finding: IntArray  # (rows,) Finding
    row_points: FloatArray  # (rows,) NaN: excluded
    row_rate: FloatArray  # (rows,) fraction (claims: as given), NaN: no rate
    row_completeness: FloatArray  # (rows,) NaN: nothing eligible, or claims
    row_used: BoolArray  # (rows,) the row that counts for its measure
    row_in_pool: BoolArray  # (rows,) the rate is in the benchmark's pool
    benchmarks: Mapping[tuple[str, str], QualityBenchmark]  # (measure, collection type)
    pool_sizes: Mapping[tuple[str, str], int]  # also of pools too small for a benchmark


def measures_of(cohort: str, rules: Rules) -> tuple[str, ...]:
    """The cohort's measure ids in the order of the rule (`quality.measures`). NotFound for an unknown cohort."""
    raise NotImplementedError


def is_inverse(measure: str, rules: Rules) -> bool:
    """Whether less is better (`quality.inverse_measures`)."""
    raise NotImplementedError


def collection_types_of(measure: str, rules: Rules) -> tuple[str, ...]:
    """How a measure may be collected (`quality.collection_types`)."""
    raise NotImplementedError


def score_quality(rows: QualityRows, *, cohort: str, participants: int, rules: Rules) -> QualityResult:
    """The whole quality category of one cohort, exact at every edge."""
    raise NotImplementedError


def decile_edges(rates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Type-7 deciles of the last axis; NaN is no member of the pool. Inverse measures: pass the negated rates.

    rates: (..., pool). Gives edges (..., 9) and worst (...,); NaN where the pool is empty.
    """
    raise NotImplementedError


def decile_points(rates: FloatArray, edges: FloatArray, worst: FloatArray) -> FloatArray:
    """Points 1.0-10.0 of rates (..., n) against edges (..., 9) and worst (...,), all better-is-larger; NaN stays NaN."""
    raise NotImplementedError


def category_score(points: Sequence[FloatArray]) -> FloatArray:
    """Category score 0-1 from one array of points a measure, each (participants,) or (draws, participants).

    NaN points: the measure is excluded. NaN result: nothing was scored.
    """
    raise NotImplementedError
