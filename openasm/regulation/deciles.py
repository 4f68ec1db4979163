"""Quality benchmarks, 42 CFR 512.725: deciles of a pool of rates, and points by decile.

Exact over `Ratios` (who is on an edge has reached it), and the same in floats over `(draws, participants)` arrays.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from openasm.base.parameters import Rules
from openasm.regulation.arrays import FloatArray, SmallIntArray
from openasm.regulation.bands import doubtful, edges_reached, exact_tenths, of_band, tenth_starts, tenths
from openasm.regulation.choices import chosen
from openasm.regulation.order import at_places, in_order
from openasm.regulation.ratios import Ratios

PARAMETERS = (
    "quality.smallest_pool",
    "quality.decile_method",
    "quality.maximum_points",
    "quality.partial_points_cap",
    "quality.partial_points_rounding",
)


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
        return tuple(-edge for edge in self.edges) if self.inverse else self.edges


def quality_benchmark(pool: Ratios, *, inverse: bool, rules: Rules) -> QualityBenchmark | None:
    """Exact decile edges of a pool of rates, or None when it is too small (`quality.smallest_pool`).

    >>> from openasm.regulation.rulebook import rules_for
    >>> twenty_one = Ratios.of_fractions([Fraction(place, 20) for place in range(21)])
    >>> quality_benchmark(twenty_one, inverse=False, rules=rules_for(2027)).edges[0]
    Fraction(1, 10)
    """
    chosen(rules, "quality.decile_method")
    if len(pool) < rules["quality.smallest_pool"].integer:
        return None
    ordered = _turned(pool, inverse).order_statistics()
    edges = tuple(ordered.quantile(Fraction(decile, 10)) for decile in range(1, 10))
    return QualityBenchmark(inverse, len(pool), ordered[0], edges)


def points_of(rates: Ratios, benchmark: QualityBenchmark, rules: Rules) -> FloatArray:
    """Points of rates (n,) against a benchmark, decided exactly at edges and rounding boundaries; NaN where no rate.

    A rate is worth 10 from the 90th percentile on; below, its decile plus tenths by the position within the decile.
    """
    chosen(rules, "quality.partial_points_rounding")
    cap, top = rules["quality.partial_points_cap"].number, rules["quality.maximum_points"].number
    turned = _turned(rates, benchmark.inverse)
    distinct = turned.distinct()
    values = turned[distinct.place].value
    edges = np.array([float(edge) for edge in benchmark.edges])
    worst = np.asarray(float(benchmark.worst))
    decile, position, width = _position(values, edges, worst)
    points = _points(decile, position, cap, top)
    for place in np.flatnonzero(doubtful(values, np.append(edges, worst), position, width)):
        points[place] = _exact_points(turned.fraction(int(distinct.place[place])), benchmark, cap, top)
    return np.where(distinct.group >= 0, np.append(points, np.nan)[distinct.group], np.nan)


def decile_edges(rates: FloatArray, *, smallest: int = 1) -> tuple[FloatArray, FloatArray]:
    """Type-7 deciles of the last axis; NaN is no member of the pool. Inverse measures: pass the negated rates.

    rates: (..., pool). Gives edges (..., 9), NaN where the pool has fewer than `smallest` members
    (`quality.smallest_pool`), and worst (...,), both of the same precision. Floats throughout: for simulations.
    """
    ordered, members = in_order(rates)
    last = np.maximum(members - 1, 0)[..., None]
    tenth = np.arange(1, 10) * last  # ten times the position, in whole numbers
    below = tenth // 10
    low = at_places(ordered, below)
    high = at_places(ordered, np.minimum(below + 1, last))
    share = ((tenth % 10) / 10).astype(rates.dtype)
    edges = low + share * (high - low)
    edges[members < smallest] = np.nan
    return edges, ordered[..., 0]


def decile_points(
    rates: FloatArray, edges: FloatArray, worst: FloatArray, *, cap: float = 0.9, top: float = 10.0
) -> FloatArray:
    """Points 1.0-10.0 of rates (..., n) against edges (..., 9) and worst (...,), all better-is-larger.

    NaN rates, and rates against NaN edges, give NaN. The precision is that of the arguments. cap, top:
    `quality.partial_points_cap` and `quality.maximum_points`. Floats decide at edges: for simulations.
    """
    decile, position, _ = _position(rates, edges, worst)
    return _points(decile, position, cap, top)


def decile_steps(
    edges: FloatArray, worst: FloatArray, *, cap: float = 0.9, top: float = 10.0
) -> tuple[FloatArray, FloatArray]:
    """`decile_points` read the other way round: the rates from which more points are earned, and the points earned there.

    edges: (..., 9), worst: (...,). Gives steps (..., 90), rising (NaN: no benchmark), and points (..., 91): the least, then
    those from each step on. Floats decide at edges: for simulations.

    >>> steps, points = decile_steps(np.arange(0.1, 1.0, 0.1), np.asarray(0.0))
    >>> steps[:2].round(3).tolist(), points[:3].tolist()
    ([0.005, 0.015], [1.0, 1.1, 1.2])
    """
    # Nine deciles below the top, of ten steps each: where its nine tenths begin, and its upper edge.
    starts = np.concatenate([worst[..., None], edges[..., :-1]], axis=-1)[..., None]
    positions = tenth_starts()
    steps = np.empty((*edges.shape, len(positions) + 1), dtype=edges.dtype)
    steps[..., :-1] = starts + positions.astype(edges.dtype) * (edges[..., None] - starts)
    steps[..., -1] = edges
    deciles = np.arange(9, dtype=np.uint8).repeat(len(positions) + 1)
    points = np.append(_points(deciles, np.tile(np.append(0.0, positions), 9), cap, top), top)
    return steps.reshape(*edges.shape[:-1], -1), points.astype(edges.dtype) + 0 * edges[..., :1]


def _position(values: FloatArray, edges: FloatArray, worst: FloatArray) -> tuple[SmallIntArray, FloatArray, FloatArray]:
    """Edges at or below each value, its position within the decile (0 or more) and the decile's width.

    From the ninth edge on there is no upper edge: the width is infinite and the position 0.
    """
    reached = edges_reached(values, edges)
    starts = np.concatenate([worst[..., None], edges], axis=-1)
    widths = np.concatenate([np.diff(starts, axis=-1), np.full_like(worst[..., None], np.inf)], axis=-1)
    start, width = of_band(reached, starts, widths)
    position = np.subtract(values, start, out=start)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Below the pool's worst (a TIN row beside an individual one) lies the bottom of decile 1.
        np.maximum(np.divide(position, width, out=position), 0.0, out=position)
    return reached, position, width


def _points(reached: SmallIntArray, position: FloatArray, cap: float, top: float) -> FloatArray:
    points = tenths(position, cap)
    points += reached + 1  # whole points first: the same float as `_exact_points` gives
    return np.minimum(points, top, out=points)


def _exact_points(value: Fraction, benchmark: QualityBenchmark, cap: float, top: float) -> float:
    """`decile_points` of one value in fractions: who lands on an edge has reached it."""
    reached = bisect_right(benchmark.edges, value)
    if reached == 9:
        return top
    low = benchmark.worst if reached == 0 else benchmark.edges[reached - 1]
    # A rate outside the pool (a TIN row beside an individual one) may lie below the pool's worst: the bottom of decile 1.
    position = (value - low) / (benchmark.edges[reached] - low) if value > low else Fraction(0)
    return reached + 1 + exact_tenths(position, cap)


def _turned(rates: Ratios, inverse: bool) -> Ratios:
    """The rates in the direction in which better is larger."""
    return Ratios(-rates.numerator, rates.denominator) if inverse else rates
