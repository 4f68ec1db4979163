"""Rates on a grid: in a draw, everyone on the same place of the grid earns the same points, which one table tells.

Points rise with the rate in at most 91 steps. So a draw's table of points by place is filled stretch by stretch, and scoring
thousands of peers is one look-up each, instead of placing each rate between the deciles and working out its tenths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from openasm.projection.standing import Numbers

FINEST = 8192  # steps that a grid divides its range into at least half of and at most


@dataclass(frozen=True, slots=True)
class Grid:
    """Evenly spaced values, the first `low`. spacing: a power of two, so that single precision holds every value exactly.

    Only so do peers tie with an edge exactly where many have the same rate.
    """

    low: float
    spacing: float
    size: int

    @classmethod
    def over(cls, values: Numbers) -> Grid:
        """The finest grid of at most FINEST steps over the range of some values; rates from 0 to 1: 1/8192 apart.

        >>> Grid.over(np.array([0.0, 0.3, 1.0]))
        Grid(low=0.0, spacing=0.0001220703125, size=8193)
        """
        least, most = float(np.min(values)), float(np.max(values))
        spacing = 2.0 ** math.ceil(math.log2((most - least) / FINEST)) if most > least else 1.0
        first, last = math.floor(least / spacing), math.ceil(most / spacing)
        return cls(first * spacing, spacing, last - first + 1)

    def places(self, values: Numbers) -> Numbers:
        """The place nearest to each value, 16-bit numbers."""
        return np.round((np.asarray(values, dtype=np.float64) - self.low) / self.spacing).astype(np.uint16)

    def values(self, places: Numbers, added: Numbers) -> Numbers:
        """The value of each place, single precision, with something added (0, or NaN for no value)."""
        result = np.multiply(places, np.float32(self.spacing), dtype=np.float32)
        result += np.float32(self.low) + added
        return result

    def staircase(self, steps: Numbers, heights: Numbers) -> Numbers:
        """The height at each place of the grid in each draw, (draws, size).

        steps: the least value of each height but the first, rising, (draws, k); heights: (draws, k + 1). NaN steps are never
        reached.
        """
        draws, count = steps.shape
        bounds = np.zeros((draws, count + 2))  # the first place of each stretch, and the end of the last
        reached = np.subtract(steps, self.low, out=bounds[:, 1:-1], dtype=np.float64)
        reached /= self.spacing
        np.ceil(reached, out=reached)
        np.fmin(np.maximum(reached, 0.0, out=reached), self.size, out=reached)  # `fmin` takes NaN to the end
        bounds[:, -1] = self.size
        stretches = (bounds[:, 1:] - bounds[:, :-1]).astype(np.int64)
        return np.repeat(heights.ravel(), stretches.ravel()).reshape(draws, self.size)


def looked_up(tables: Numbers, places: Numbers) -> Numbers:
    """One row of `tables` (draws, size) a draw, read at that draw's places (draws, n)."""
    draws, size = tables.shape
    at = places.astype(np.int64)
    at += np.arange(0, draws * size, size)[:, None]
    return np.asarray(np.take(tables.ravel(), at))
