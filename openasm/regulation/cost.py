"""Cost category, 42 CFR 512.730: from episode scores to a category score.

One measure a cohort, compared with the cohort's median in standard deviations. The median is exact and the standard deviation is
a square root, so edges are compared by squares wherever floats are too close to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import IntEnum
from fractions import Fraction

import numpy as np

from openasm.base.errors import NotFound, WrongUsage
from openasm.base.parameters import Rules
from openasm.regulation.arrays import FloatArray, IntArray, SmallIntArray
from openasm.regulation.bands import doubtful, edges_reached, of_band, tenths
from openasm.regulation.choices import chosen
from openasm.regulation.order import at_places, in_order, median_of
from openasm.regulation.ratios import Ratios

PARAMETERS = (
    "cost.measures",
    "cost.case_minimum",
    "cost.benchmark_pool",
    "cost.benchmark_center",
    "cost.benchmark_spread",
    "cost.standard_deviation_divisor",
    "cost.smallest_pool",
    "cost.no_spread",
    "cost.grid_multiples",
    "cost.partial_points_cap",
    "cost.partial_points_rounding",
    "cost.maximum_points",
    "published_benchmarks.cost_hf_1",
    "published_benchmarks.cost_lbp_1",
)

BENCHMARKS = ("pool", "mips-2024", "mips-2025")
BANDS = 10


class CostFinding(IntEnum):
    """Why a participant has a cost score, or none."""

    NO_SCORE = 0  # no row
    TOO_FEW_EPISODES = 1
    POOL_TOO_SMALL = 2
    NO_SPREAD = 3  # every score in the pool is the same
    SCORED = 4


@dataclass(frozen=True, slots=True)
class Edge:
    """A band's upper edge, exact: `whole + multiple x square root of the variance`."""

    whole: Fraction
    multiple: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class CostBenchmark:
    """Ten rising upper edges of the bands for 10, 9, ..., 1 points, in dollars."""

    source: str  # one of BENCHMARKS
    pool_size: int  # 0 for published cut points
    edges: FloatArray  # (10,)
    median: float  # of published cut points: the middle of the 7-point band
    standard_deviation: float  # of published cut points: the width of the 7-point band
    exact_edges: tuple[Edge, ...]
    variance: Fraction  # what the edges' multiples are of; 0 for published cut points


@dataclass(frozen=True, slots=True, eq=False)
class CostResult:
    """Cost of one cohort, shape (participants,)."""

    finding: IntArray  # CostFinding
    points: FloatArray  # 1.0-10.0, NaN: not scored
    category_score: FloatArray  # 0-1, NaN: not scored
    benchmark: CostBenchmark | None  # None: pool too small or without spread
    pool_size: int


def cost_measure_of(cohort: str, rules: Rules) -> str:
    """The cohort's cost measure id (`cost.measures`). NotFound for an unknown cohort."""
    measure = rules["cost.measures"].table.get(cohort)
    if not isinstance(measure, str):
        raise NotFound(f"There is no cohort named {cohort} in the rule.")
    return measure


def score_cost(scores: Ratios, episodes: IntArray, *, cohort: str, rules: Rules, benchmark: str = "pool") -> CostResult:
    """The cost category of one cohort, exact at every edge.

    scores: dollars, no value where a participant has no row; episodes: (participants,), 0 where no row; benchmark: `pool`, or
    `mips-2024` / `mips-2025` for CMS's published MIPS cut points (WrongUsage otherwise). Citation: 42 CFR 512.730.

    The surprise: on the working grid a cost at the cohort's median earns 7.5 of 10 points, not 5.
    """
    if benchmark not in BENCHMARKS:
        raise WrongUsage(f"There is no cost benchmark named {benchmark}; use one of {', '.join(BENCHMARKS)}.")
    chosen(rules, "cost.benchmark_pool")
    chosen(rules, "cost.no_spread")
    enough = scores.present & (episodes >= rules["cost.case_minimum"].integer)
    finding = np.full(len(scores), CostFinding.SCORED, dtype=np.int64)
    pool = scores[enough]
    found: CostBenchmark | None
    if benchmark == "pool":
        found = pool_benchmark(pool, rules)
        if found is None:
            small = len(pool) < rules["cost.smallest_pool"].integer
            finding[:] = CostFinding.POOL_TOO_SMALL if small else CostFinding.NO_SPREAD
    else:
        found = published_benchmark(cost_measure_of(cohort, rules), benchmark, rules)
    finding[~enough] = CostFinding.TOO_FEW_EPISODES
    finding[~scores.present] = CostFinding.NO_SCORE
    points = np.full(len(scores), np.nan)
    if found is not None:
        points[enough] = points_of(pool, found, rules)
    return CostResult(finding, points, category_score(points, rules), found, len(pool))


def pool_benchmark(pool: Ratios, rules: Rules) -> CostBenchmark | None:
    """Median and standard deviation of a pool of scores as ten edges; None when it is too small or all scores are equal.

    Equal scores are told by their exact values: a float standard deviation of equal scores need not be 0.
    """
    chosen(rules, "cost.benchmark_center")
    chosen(rules, "cost.benchmark_spread")
    if len(pool) < rules["cost.smallest_pool"].integer:
        return None
    degrees_lost = 1 if chosen(rules, "cost.standard_deviation_divisor") == "n_minus_1" else 0
    variance = pool.centered().variance(degrees_lost)
    if variance == 0:
        return None
    median = pool.median()
    edges = tuple(Edge(median, multiple) for multiple in rules["cost.grid_multiples"].numbers)
    deviation = _root(variance)
    return CostBenchmark(
        source="pool",
        pool_size=len(pool),
        edges=np.array([float(median) + float(edge.multiple) * deviation for edge in edges]),
        median=float(median),
        standard_deviation=deviation,
        exact_edges=edges,
        variance=variance,
    )


def published_benchmark(measure: str, source: str, rules: Rules) -> CostBenchmark:
    """CMS's published MIPS cut points of a cost measure; source: `mips-2024` or `mips-2025`.

    NotFound for a measure or year without cut points, or with nothing but placeholders.

    >>> from openasm.regulation.rulebook import rules_for
    >>> published_benchmark("COST_HF_1", "mips-2024", rules_for(2027)).edges[0].item()
    8001.85
    """
    names = {"COST_HF_1": "published_benchmarks.cost_hf_1", "COST_LBP_1": "published_benchmarks.cost_lbp_1"}
    year = source.removeprefix("mips-")
    row = rules[names[measure]].table.get(year) if measure in names else None
    cuts = row.get("cut_points") if isinstance(row, Mapping) and row.get("mock") is False else None
    if not isinstance(cuts, tuple):
        raise NotFound(f"There are no published cut points of {measure} for {year}.")
    exact = [Fraction(cut) for cut in cuts if isinstance(cut, int | Fraction)]
    return CostBenchmark(
        source=source,
        pool_size=0,
        edges=np.array([float(cut) for cut in exact]),
        median=float((exact[2] + exact[3]) / 2),
        standard_deviation=float(exact[3] - exact[2]),
        exact_edges=tuple(Edge(cut, Fraction(0)) for cut in exact),
        variance=Fraction(0),
    )


def points_of(scores: Ratios, benchmark: CostBenchmark, rules: Rules) -> FloatArray:
    """Points of scores (n,), decided exactly at edges and rounding boundaries; NaN where no score.

    Below the first edge 10; from the last edge on 1; in between the band's whole points plus tenths by how far the score
    lies below the band's upper edge. A score on an edge belongs to the band above it (fewer points).
    """
    chosen(rules, "cost.partial_points_rounding")
    cap = rules["cost.partial_points_cap"].number
    distinct = scores.distinct()
    values = scores[distinct.place].value
    band, position, width = _position(values, benchmark.edges)
    points = _points(band, position, cap)
    for place in np.flatnonzero(doubtful(values, benchmark.edges, position, width)):
        points[place] = _exact_points(scores.fraction(int(distinct.place[place])), benchmark, cap)
    return np.where(distinct.group >= 0, np.append(points, np.nan)[distinct.group], np.nan)


def category_score(points: FloatArray, rules: Rules) -> FloatArray:
    """Category score 0-1 from cost points of any shape; NaN stays NaN."""
    return points / rules["cost.maximum_points"].number


def grid_multiples(rules: Rules) -> FloatArray:
    """The ten multiples of the standard deviation, rising (`cost.grid_multiples`)."""
    return np.array([float(multiple) for multiple in rules["cost.grid_multiples"].numbers])


def cost_edges(scores: FloatArray, multiples: FloatArray, *, degrees_lost: int = 1, smallest: int = 2) -> FloatArray:
    """Edges (..., 10) of pools (..., n) of scores (NaN: not a member): median + standard deviation x multiples.

    NaN where all scores of a pool are equal or fewer than `smallest` (`cost.smallest_pool`). Floats throughout: for
    simulations. degrees_lost: 1 for the divisor n - 1, 0 for n.
    """
    ordered, members = in_order(scores)
    median = median_of(ordered, members)
    last = np.maximum(members - 1, 0)[..., None]
    spread = at_places(ordered, last)[..., 0] > ordered[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        above = ordered - ordered[..., :1]  # from the least: never below 0, so that `fmax` may count NaN as 0
        mean = np.fmax(above, 0.0).sum(axis=-1) / members
        off = np.subtract(above, mean[..., None].astype(scores.dtype), out=above)
        squares = np.fmax(np.square(off, out=off), 0.0).sum(axis=-1)
        deviation = np.where(spread & (members >= smallest), np.sqrt(squares / (members - degrees_lost)), np.nan)
    return (median[..., None] + deviation[..., None] * multiples).astype(scores.dtype)


def cost_points(scores: FloatArray, edges: FloatArray, *, cap: float = 0.9) -> FloatArray:
    """Points 1.0-10.0 of scores (..., n) against edges (..., 10); NaN (in either) gives NaN.

    cap: `cost.partial_points_cap`. Floats decide at edges: for simulations.
    """
    band, position, _ = _position(scores, edges)
    return _points(band, position, cap)


def _position(values: FloatArray, edges: FloatArray) -> tuple[SmallIntArray, FloatArray, FloatArray]:
    """Edges at or below each value; how far below its band's upper edge it lies (0-1), and the band's width.

    The outer bands are as good as the one next to them: their points do not depend on the position.
    """
    reached = edges_reached(values, edges)
    ends = np.concatenate([edges[..., 1:2], edges[..., 1:], edges[..., -1:]], axis=-1)
    inner = np.diff(edges, axis=-1)
    widths = np.concatenate([inner[..., :1], inner, inner[..., -1:]], axis=-1)
    end, width = of_band(reached, ends, widths)
    with np.errstate(invalid="ignore", divide="ignore"):
        position = np.subtract(end, values, out=end)
        np.divide(position, width, out=position)
    return reached, position, width


def _points(reached: SmallIntArray, position: FloatArray, cap: float) -> FloatArray:
    """Below the first edge 10, from the last one on 1, else the whole points of the band and the tenths; NaN stays NaN."""
    points = tenths(position, cap)
    points *= (reached > 0) & (reached < BANDS)  # no tenths in the outer bands
    points += BANDS - reached
    return np.maximum(points, 1.0, out=points)


def _exact_points(value: Fraction, benchmark: CostBenchmark, cap: float) -> float:
    """`cost_points` of one value, comparing by squares: no square root is ever taken."""
    edges, variance = benchmark.exact_edges, benchmark.variance
    reached = sum(not _negative(value - edge.whole, -edge.multiple, variance) for edge in edges)
    if reached == 0:
        return 10.0
    if reached == BANDS:
        return 1.0
    low, high = edges[reached - 1], edges[reached]
    tenth = 0
    while tenth < 10:
        # (high - value) / (high - low) >= (tenth + 1/2) / 10, multiplied out
        share = Fraction(2 * tenth + 1, 20)
        whole = high.whole - value - share * (high.whole - low.whole)
        multiple = high.multiple - share * (high.multiple - low.multiple)
        if _negative(whole, multiple, variance):
            break
        tenth += 1
    return BANDS - reached + min(cap, tenth / 10)


def _negative(whole: Fraction, multiple: Fraction, variance: Fraction) -> bool:
    """Whether whole + multiple x square root of variance lies below 0, by comparing squares.

    >>> _negative(Fraction(-3), Fraction(2), Fraction(2))  # -3 + 2.83
    True
    """
    if whole >= 0 and multiple >= 0:
        return False
    if whole < 0 and multiple <= 0:
        return True
    rational, surd = whole * whole, multiple * multiple * variance
    return rational > surd if whole < 0 else surd > rational


def _root(value: Fraction) -> float:
    """The square root as the nearest float, however large the fraction's integers are.

    >>> _root(Fraction(9, 4))
    1.5
    """
    with localcontext(prec=50):
        return float((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())
