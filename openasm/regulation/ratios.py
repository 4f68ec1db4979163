"""Exact fractions in bulk: what decides at edges, ties and rounding boundaries.

A rate is two integers (met over met + not met), a dollar amount a decimal text: both are exact fractions. Arithmetic in floats
is fast and almost always right; where a float comes close to an edge, these fractions decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openasm.regulation.arrays import BoolArray, FloatArray, IntArray

_FLOAT_HOLDS = 2**53  # integers up to here are exact as floats
_PRODUCT_FITS = 2**31  # products of two integers up to here fit into 64 bits


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """The distinct values of some ratios, rising. place: (k,) where each stands first; group: (n,) which one each ratio is.

    Ratios without a value have the group -1.
    """

    place: IntArray
    group: IntArray
    count: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Exact fractions, shape (n,): integer numerators and denominators; denominator 0 means "no value".

    >>> Ratios.of_fractions([Fraction(1, 4), None, 2]).value.tolist()
    [0.25, nan, 2.0]
    """

    numerator: NDArray[Any]  # int64, or Python integers where 64 bits are not enough
    denominator: NDArray[Any]  # never negative

    @classmethod
    def of_counts(cls, numerator: NDArray[Any], denominator: NDArray[Any]) -> Ratios:
        """Counts over counts (met over met + not met); a denominator of 0 is "no value"."""
        return cls(np.asarray(numerator), np.asarray(denominator))

    @classmethod
    def of_fractions(cls, values: Iterable[Fraction | int | None]) -> Ratios:
        """Exact numbers as the files give them; None means "no value"."""
        pairs = [(0, 0) if value is None else (value.numerator, value.denominator) for value in values]
        return cls(_integers([pair[0] for pair in pairs]), _integers([pair[1] for pair in pairs]))

    def followed_by(self, others: Ratios) -> Ratios:
        """These ratios, then the others.

        >>> Ratios.of_fractions([1]).followed_by(Ratios.of_fractions([Fraction(1, 2)])).value.tolist()
        [1.0, 0.5]
        """
        parts = zip((self.numerator, self.denominator), (others.numerator, others.denominator), strict=True)
        return Ratios(*(np.concatenate(pair) for pair in parts))

    def __len__(self) -> int:
        return len(self.numerator)

    def __getitem__(self, places: Any) -> Ratios:
        """The ratios at a mask, slice or index array."""
        return Ratios(self.numerator[places], self.denominator[places])

    @property
    def present(self) -> BoolArray:
        """Where there is a value."""
        return np.asarray(self.denominator != 0, dtype=np.bool_)

    @property
    def value(self) -> FloatArray:
        """The nearest floats, NaN where there is no value.

        Correctly rounded, so two ratios whose floats differ are in the order of their floats.
        """
        result = np.full(len(self), np.nan)
        present = self.present
        numerator, denominator = self.numerator[present], self.denominator[present]
        if _largest(numerator) <= _FLOAT_HOLDS and _largest(denominator) <= _FLOAT_HOLDS:
            result[present] = numerator.astype(np.float64) / denominator.astype(np.float64)
        else:
            result[present] = [int(top) / int(bottom) for top, bottom in zip(numerator, denominator, strict=True)]
        return result

    def fraction(self, place: int) -> Fraction:
        """One value, exact; ZeroDivisionError where there is none."""
        return Fraction(int(self.numerator[place]), int(self.denominator[place]))

    def distinct(self) -> Distinct:
        """The distinct values, rising."""
        present = np.flatnonzero(self.present)
        group = np.full(len(self), -1, dtype=np.int64)
        _, first, member, count = np.unique(
            self.value[present], return_index=True, return_inverse=True, return_counts=True
        )
        place = present[first]
        if not _same(self[present], self[place[member]]):
            exact = [self.fraction(int(each)) for each in present]
            order = {value: rank for rank, value in enumerate(sorted(set(exact)))}
            member = np.array([order[value] for value in exact], dtype=np.int64)
            _, first, count = np.unique(member, return_index=True, return_counts=True)
            place = present[first]
        group[present] = member
        return Distinct(place, group, count)

    def order_statistics(self, distinct: Distinct | None = None) -> OrderStatistics:
        """The values in rising order, to be picked one by one."""
        return OrderStatistics(self, self.distinct() if distinct is None else distinct)

    def median(self) -> Fraction:
        """The middle value, or the mean of the two in the middle; at least one value must be present."""
        return self.order_statistics().quantile(Fraction(1, 2))

    def at_least(self, least: Fraction) -> BoolArray:
        """Where the value is `least` or more, exactly; never where there is none."""
        value = self.value
        result = np.asarray(value > float(least), dtype=np.bool_)
        for place in np.flatnonzero(value == float(least)):
            result[place] = self.fraction(int(place)) >= least
        return result

    def centered(self) -> Centered:
        """Differences from the mean and the variance, without cancellation; at least one value must be present."""
        present = self.present
        tops = [int(each) for each in self.numerator[present]]
        bottoms = [int(each) for each in self.denominator[present]]
        common = math.lcm(*set(bottoms))
        scaled = [top * (common // bottom) for top, bottom in zip(tops, bottoms, strict=True)]
        count, total = len(scaled), sum(scaled)
        difference = np.full(len(self), np.nan)
        difference[present] = [(count * each - total) / (count * common) for each in scaled]
        squares = Fraction(count * sum(each * each for each in scaled) - total * total, count * common * common)
        return Centered(count, Fraction(total, count * common), squares, difference)


@dataclass(frozen=True, slots=True, eq=False)
class Centered:
    """Mean and spread of some ratios. difference: (n,) each value minus the mean, as the nearest float."""

    count: int
    mean: Fraction
    sum_of_squares: Fraction  # of the differences from the mean
    difference: FloatArray

    def variance(self, degrees_lost: int = 1) -> Fraction:
        """Sum of squares over n - 1 (or n); 0 when that divisor is 0."""
        divisor = self.count - degrees_lost
        return self.sum_of_squares / divisor if divisor > 0 else Fraction(0)


class OrderStatistics:
    """The values of some ratios in rising order."""

    def __init__(self, ratios: Ratios, distinct: Distinct) -> None:
        self._ratios = ratios
        self._place = distinct.place
        self._up_to = np.cumsum(distinct.count)

    def __len__(self) -> int:
        return int(self._up_to[-1]) if len(self._up_to) else 0

    def __getitem__(self, place: int) -> Fraction:
        """The value at a place, 0 the smallest."""
        return self._ratios.fraction(int(self._place[np.searchsorted(self._up_to, place, side="right")]))

    def quantile(self, share: Fraction) -> Fraction:
        """Linear interpolation between order statistics (type 7): position share x (n - 1).

        >>> Ratios.of_fractions([1, 2, 4]).order_statistics().quantile(Fraction(3, 4))
        Fraction(3, 1)
        """
        position = share * (len(self) - 1)
        below = math.floor(position)
        low = self[below]
        rest = position - below
        return low if rest == 0 else low + rest * (self[below + 1] - low)


def _integers(values: list[int]) -> NDArray[Any]:
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return np.array(values, dtype=object)


def _largest(values: NDArray[Any]) -> int:
    return int(abs(values).max()) if len(values) else 0


def _same(left: Ratios, right: Ratios) -> bool:
    """Whether each left ratio equals its right one, exactly."""
    parts = (left.numerator, left.denominator, right.numerator, right.denominator)
    if all(_largest(part) < _PRODUCT_FITS for part in parts):
        return bool(np.all(left.numerator * right.denominator == right.numerator * left.denominator))
    wide = [part.astype(object) for part in parts]
    return bool(np.all(wide[0] * wide[3] == wide[2] * wide[1]))
