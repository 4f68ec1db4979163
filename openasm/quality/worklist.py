"""The open gaps in the order of a working day: windows that close soonest first, then those that can wait, then those that are lost.

`gaps.csv` lists gaps by measure and patient; a worklist lists the same gaps by what is to be done when. Kinds stay apart: care that
is still to be given, a reason or diagnosis that is still to be written down, and data that may exist but did not arrive.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Window(StrEnum):
    """Where a gap's window lies as of a day."""

    OPEN = "open"  # can be closed now
    LATER = "later"  # opens after the day
    CLOSED = "closed"  # its last day has passed
    LOST = "lost"  # nothing closes it any more this year


class OpenGap(NamedTuple):
    """One line of gaps.csv. due None: nothing closes the gap any more; earliest None: it can be closed at once."""

    measure: str
    group: int
    patient: str
    kind: str
    missing: str
    earliest: date | None
    due: date | None


_ORDER = {Window.OPEN: 0, Window.LATER: 1, Window.CLOSED: 2, Window.LOST: 3}
_KINDS = {"care": 0, "documentation": 1, "data": 2}


def window(gap: OpenGap, as_of: date | None) -> Window:
    """Where the gap stands as of a day; without a day, as if the year had just begun.

    >>> gap = OpenGap("CMS90", 1, "p", "care", "", date(2027, 3, 1), date(2027, 7, 29))
    >>> [window(gap, day).value for day in (None, date(2027, 2, 1), date(2027, 3, 1), date(2027, 7, 30))]
    ['open', 'later', 'open', 'closed']
    """
    if gap.due is None:
        return Window.LOST
    if as_of is None:
        return Window.OPEN
    if gap.due < as_of:
        return Window.CLOSED
    return Window.LATER if gap.earliest is not None and gap.earliest > as_of else Window.OPEN


def days_left(gap: OpenGap, as_of: date | None) -> int | None:
    """Days from a day to the last one on which the gap can be closed; None without a day, or once it is too late."""
    if as_of is None or gap.due is None or gap.due < as_of:
        return None
    return (gap.due - as_of).days


def order_key(gap: OpenGap, as_of: date | None) -> str:
    """Sorts by window (open, later, closed, lost), then by the day that counts (later: the first, else the last), then care before
    documentation before data. All keys are of one length."""
    place = window(gap, as_of)
    day = gap.earliest if place is Window.LATER else gap.due
    return f"{_ORDER[place]}{day or date.max}{gap.due or date.max}{_KINDS[gap.kind]}"
