"""Exact fractions in bulk: what decides at edges, ties and rounding boundaries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from openasm.regulation.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Exact fractions, shape (n,): integer numerators and denominators; denominator 0 means "no value"."""

    numerator: NDArray[Any]
    denominator: NDArray[Any]

    @classmethod
    def of_counts(cls, numerator: NDArray[Any], denominator: NDArray[Any]) -> Ratios:
        """Counts over counts (met over met + not met)."""
        raise NotImplementedError

    @classmethod
    def of_fractions(cls, values: Iterable[Fraction | int | None]) -> Ratios:
        """Exact numbers as the files give them; None means "no value"."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, places: Any) -> Ratios:
        """The ratios at a mask, slice or index array."""
        raise NotImplementedError

    @property
    def present(self) -> BoolArray:
        """Where there is a value."""
        raise NotImplementedError

    @property
    def value(self) -> FloatArray:
        """The nearest floats, NaN where there is no value."""
        raise NotImplementedError

    def fraction(self, place: int) -> Fraction:
        """One value, exact."""
        raise NotImplementedError
