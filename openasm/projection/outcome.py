"""Draws in a few numbers: spreads, probabilities, histograms, and the final score that breaks even."""

from __future__ import annotations

import numpy as np

from openasm.archive.projection import CohortProjection, Histogram, Spread
from openasm.projection.simulate import CohortDraws, CohortModel
from openasm.projection.standing import Numbers
from openasm.regulation.payment import adjustment_factor, transformed_score

SHARES = (0.05, 0.25, 0.50, 0.75, 0.95)
BINS = 30


def spread_of(values: Numbers) -> Spread:
    """Mean and percentiles of some draws (draws,); NaN draws are left out.

    >>> spread_of(np.array([1.0, 2.0, 3.0])).median
    2.0
    """
    return spreads_of(np.asarray(values)[None, :])[0]


def spreads_of(values: Numbers) -> list[Spread]:
    """The same for many quantities at once, (quantities, draws)."""
    ordered = np.sort(values, axis=1)
    result = []
    for row in ordered:
        present = row[: len(row) - int(np.count_nonzero(np.isnan(row)))]
        if not len(present):
            result.append(Spread(None, None, None, None, None, None))
            continue
        low, first, middle, third, high = (_quantile(present, share) for share in SHARES)
        mean = float(present.mean(dtype=np.float64))
        # A mean of equal numbers may differ from them in the last digit; held to the range it never does.
        mean = min(max(mean, float(present[0])), float(present[-1]))
        result.append(Spread(mean, low, first, middle, third, high))
    return result


def _quantile(ordered: Numbers, share: float) -> float:
    """Linear interpolation between order statistics, as for the rule's deciles (type 7)."""
    position = share * (len(ordered) - 1)
    below = int(position)
    low = float(ordered[below])
    high = float(ordered[min(below + 1, len(ordered) - 1)])
    return low + (position - below) * (high - low)


def histogram_of(values: Numbers, *, bins: int = BINS) -> Histogram | None:
    """Counts of draws in equal bins over their range; None without any value."""
    present = np.asarray(values, dtype=np.float64)
    present = present[~np.isnan(present)]
    if not len(present):
        return None
    low, high = float(present.min()), float(present.max())
    if high - low < 1e-9 * max(1.0, abs(low)):
        return Histogram((low, high), (len(present),))
    counts, edges = np.histogram(present, bins=bins, range=(low, high))
    return Histogram(tuple(float(edge) for edge in edges), tuple(int(count) for count in counts))


def share_below(values: Numbers) -> float:
    """Share of draws below 0."""
    return float(np.mean(np.asarray(values) < 0))


def share_above(values: Numbers) -> float:
    """Share of draws above 0."""
    return float(np.mean(np.asarray(values) > 0))


def break_even_scores(model: CohortModel, draws: CohortDraws) -> Numbers:
    """The final score at which the factor is 0, in each draw (draws,), to a twentieth of a point; NaN where none is."""
    rules = model.scenario.rules
    scores = np.linspace(0.0, rules["final_score.highest"].number, 2001)
    result = np.full(len(draws.scaling), np.nan)
    for first in range(0, len(result), 500):
        some = slice(first, first + 500)
        grid = np.broadcast_to(scores, (len(draws.scaling[some]), len(scores)))
        transformed = transformed_score(grid, draws.midpoint[some], rules)
        gain = adjustment_factor(grid, transformed, draws.scaling[some], rules) >= 0
        reached = gain.any(axis=1)
        result[some] = np.where(reached, scores[gain.argmax(axis=1)], np.nan)
    return result


def cohort_projection(model: CohortModel, draws: CohortDraws) -> CohortProjection:
    """The simulated cohort in a few numbers."""
    return CohortProjection(
        cohort=model.cohort,
        participants=model.size,
        peers_drawn=model.size - len(model.focal),
        median_final_score=spread_of(draws.median_final_score),
        break_even=spread_of(break_even_scores(model, draws)),
        scaling_factor=spread_of(draws.scaling),
        share_cut=spread_of(draws.share_cut),
        undistributed_dollars=spread_of(draws.undistributed),
    )
