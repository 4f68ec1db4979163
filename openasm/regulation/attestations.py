"""What TINs attest, as columns: one item's answers over all TINs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from openasm.regulation.arrays import IntArray


class Answer(IntEnum):
    """What stands in the answer column."""

    NONE = 0  # empty, or no row
    YES = 1
    NO = 2
    EXCLUDED = 3


_ANSWERS = {None: Answer.NONE, "yes": Answer.YES, "no": Answer.NO, "excluded": Answer.EXCLUDED}


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

    @classmethod
    def unanswered(cls, tins: int) -> AttestedItem:
        """An item for which no TIN has a row."""
        empty = np.zeros(tins, dtype=np.int64)
        return cls(empty.copy(), empty - 1, empty - 1, empty.copy(), empty.copy())


Attestations = Mapping[str, AttestedItem]  # an item nobody reported may be absent


def attestations_of(rows: Iterable[AttestationRow], tins: Sequence[str]) -> Attestations:
    """The rows as columns in the order of `tins`; rows of other TINs are left out.

    >>> items = attestations_of([AttestationRow("001234567", "CEHRT", "yes")], ["001234567", "001234568"])
    >>> items["CEHRT"].answer.tolist()
    [1, 0]
    """
    place_of = {tin: place for place, tin in enumerate(tins)}
    items: dict[str, AttestedItem] = {}
    for row in rows:
        place = place_of.get(row.tin)
        if place is None:
            continue
        item = items.get(row.item)
        if item is None:
            item = items[row.item] = AttestedItem.unanswered(len(tins))
        item.answer[place] = _ANSWERS[row.answer]
        item.numerator[place] = -1 if row.numerator is None else row.numerator
        item.denominator[place] = -1 if row.denominator is None else row.denominator
        item.start[place] = 0 if row.start is None else row.start.toordinal()
        item.end[place] = 0 if row.end is None else row.end.toordinal()
    return items


def days_within(start: IntArray, end: IntArray, *, year: int) -> IntArray:
    """Days of each closed period that lie in the calendar year (`end - start + 1`); 0 where a date is missing.

    >>> first, last = dt.date(2027, 1, 1).toordinal(), dt.date(2027, 3, 31).toordinal()
    >>> days_within(np.array([first, first - 31]), np.array([last, last]), year=2027).tolist()
    [90, 90]
    """
    first, last = dt.date(year, 1, 1).toordinal(), dt.date(year, 12, 31).toordinal()
    days = np.minimum(end, last) - np.maximum(start, first) + 1
    return np.where((start > 0) & (end > 0), np.maximum(days, 0), 0)
