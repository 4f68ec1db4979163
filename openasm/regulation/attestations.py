"""What TINs attest, as columns: one item's answers over all TINs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from openasm.regulation.arrays import IntArray


class Answer(IntEnum):
    """What stands in the answer column."""

    NONE = 0  # empty, or no row
    YES = 1
    NO = 2
    EXCLUDED = 3


@dataclass(frozen=True, slots=True)
class AttestationRow:
    """One row of attestations.csv. answer: `yes`, `no`, `excluded` or None."""

    tin: str
    item: str
    answer: str | None
    numerator: int | None = None
    denominator: int | None = None
    start: dt.date | None = None
    end: dt.date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AttestedItem:
    """One item over TINs, shape (tins,). numerator, denominator: -1 where empty; start, end: date ordinals, 0 where empty."""

    answer: IntArray
    numerator: IntArray
    denominator: IntArray
    start: IntArray
    end: IntArray


Attestations = Mapping[str, AttestedItem]  # an item nobody reported may be absent


def attestations_of(rows: Iterable[AttestationRow], tins: Sequence[str]) -> Attestations:
    """The rows as columns in the order of `tins`; rows of other TINs are left out."""
    raise NotImplementedError


def days_within(start: IntArray, end: IntArray, *, year: int) -> IntArray:
    """Days of each closed period that lie in the calendar year (`end - start + 1`); 0 where a date is missing."""
    raise NotImplementedError
