"""Points within a band: the whole points of the band plus tenths by position, cut at 0.9."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np

from openasm.regulation.arrays import BoolArray, FloatArray, SmallIntArray

EDGE_DOUBT = 1e-9  # relative distance from an edge below which a float does not decide
TENTH_DOUBT = 1e-6  # distance of ten times the position from a rounding boundary below which a float does not decide


def edges_reached(values: FloatArray, edges: FloatArray) -> SmallIntArray:
    """How many of the rising edges (..., m) lie at or below each value (..., n); 0 for NaN.

    >>> edges_reached(np.array([0.1, 0.5, 2.0]), np.array([0.5, 1.0])).tolist()
    [0, 1, 2]
    """
    shape = np.broadcast_shapes(values.shape, (*edges.shape[:-1], 1))
    reached = np.zeros(shape, dtype=np.uint8)
    passed = np.empty(shape, dtype=np.bool_)
    for place in range(edges.shape[-1]):
        np.greater_equal(values, edges[..., place : place + 1], out=passed)
        reached += passed.view(np.uint8)
    return reached


def of_band(band: SmallIntArray, *tables: FloatArray) -> tuple[FloatArray, ...]:
    """What each table (..., k) holds for the band each value (..., n) lies in; the leading axes are the same.

    >>> [each.tolist() for each in of_band(np.array([[0, 1], [1, 1]]), np.array([[1.0, 2.0], [3.0, 4.0]]))]
    [[[1.0, 2.0], [4.0, 4.0]]]
    """
    first = tables[0]
    size = first.shape[-1]
    start = np.arange(0, first.size, size).reshape(*first.shape[:-1], 1)
    place = band + start  # in the flattened table: one look-up for all axes
    return tuple(np.asarray(np.take(table.ravel(), place)) for table in tables)


def tenths(position: FloatArray, cap: float) -> FloatArray:
    """A position within a band (0-1) rounded half up to one decimal, at most `cap`, never below 0; NaN stays NaN.

    >>> tenths(np.array([0.25, 0.98]), 0.9).tolist()
    [0.3, 0.9]
    """
    result = position * 10
    result += 0.5
    np.floor(result, out=result)
    np.maximum(result, 0.0, out=result)
    result /= 10
    return np.minimum(result, cap, out=result)


def tenth_starts() -> FloatArray:
    """The positions within a band from which `tenths` gives 0.1, 0.2, ... 0.9: rounding half up.

    >>> tenth_starts()[:2].tolist()
    [0.05, 0.15]
    """
    return (np.arange(1, 10) - 0.5) / 10


def exact_tenths(position: Fraction, cap: float) -> float:
    """The same for an exact position, with the same float as `tenths` gives."""
    return min(cap, max(0, floor(position * 10 + Fraction(1, 2))) / 10)


def doubtful(values: FloatArray, edges: FloatArray, position: FloatArray, width: FloatArray) -> BoolArray:
    """Where floats are too close to an edge or to a rounding boundary to decide, shape (n,).

    values, position, width: (n,); edges: (m,). width: that of the band a value lies in.
    """
    scale = max(float(np.abs(values).max(initial=0.0)), float(np.abs(edges).max(initial=0.0)), 1e-300)
    near_edge = (np.abs(values[:, None] - edges[None, :]) <= EDGE_DOUBT * scale).any(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ten = position * 10 + 0.5
        near_tenth = np.abs(ten - np.round(ten)) <= np.maximum(TENTH_DOUBT, 1e-12 * scale / width)
    return np.asarray(near_edge | near_tenth, dtype=np.bool_)
