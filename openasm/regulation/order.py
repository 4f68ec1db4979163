"""Order statistics of many pools at once: sorted once, read at the places wanted. NaN is no member of a pool."""

from __future__ import annotations

import numpy as np

from openasm.regulation.arrays import FloatArray, IntArray


def in_order(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """The values of the last axis rising, NaN last, and how many are no NaN (...,)."""
    ordered = np.sort(values, axis=-1)
    size = ordered.shape[-1]
    if size == 0:
        return ordered, np.zeros(ordered.shape[:-1], dtype=np.int64)
    missing = np.isnan(ordered)
    return ordered, np.where(missing[..., -1], missing.argmax(axis=-1), size)  # the first NaN, as they come last


def at_places(ordered: FloatArray, places: IntArray) -> FloatArray:
    """The values at some places (..., k) of the last axis (..., n); the leading axes are the same.

    >>> at_places(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[0, 2], [1, 1]])).tolist()
    [[1.0, 3.0], [5.0, 5.0]]
    """
    size = ordered.shape[-1]
    start = np.arange(0, ordered.size, size).reshape(*ordered.shape[:-1], 1)
    return np.asarray(np.take(ordered.ravel(), places + start))


def median_of(ordered: FloatArray, members: IntArray) -> FloatArray:
    """The middle value of sorted pools, or the mean of the two in the middle, (...,); NaN for an empty pool.

    >>> median_of(*in_order(np.array([3.0, 1.0, np.nan, 2.0, 10.0]))).item()
    2.5
    """
    last = np.maximum(members - 1, 0)
    middle = at_places(ordered, np.stack([last // 2, (last + 1) // 2], axis=-1))
    return np.asarray((middle[..., 0] + middle[..., 1]) / 2)
