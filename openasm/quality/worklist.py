"""The open gaps in the order of a working day: windows that close soonest first, then those that can wait, then those that are lost.

`gaps.csv` lists gaps by measure and patient; a worklist lists the same gaps by what is to be done when. Kinds stay apart: care that
is still to be given, a reason or diagnosis that is still to be written down, and data that may exist but did not arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from openasm.quality.attribution import Clinician
from openasm.quality.populations import Gap

WORKLIST_HEADER = (
    "window,due,days_left,earliest,kind,measure,group,patient,missing,counts_for,final_score_points,dollars"
)


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


class Worklist:
    """Lines of worklist.csv, each behind a key that sorts it into its place, and without its last two fields: what the gap is worth
    is known only when all patients are counted."""

    def __init__(self, as_of: date | None) -> None:
        self.as_of = as_of
        self._views: dict[tuple[str, date | None, date | None], tuple[str, Window, str]] = {}
        self._whom: dict[frozenset[Clinician], str] = {}

    def line(
        self, measure: str, group: int, patient: str, gap: Gap, clinicians: frozenset[Clinician]
    ) -> tuple[Window, bytes]:
        """The window of a patient's gap and its line; clinicians: for whom the patient counts."""
        kind, missing, due, earliest = gap
        view = self._views.get((kind, earliest, due))  # many gaps share kind and days
        if view is None:
            view = self._views[kind, earliest, due] = self._view(kind, missing, earliest, due)
        head, place, days = view
        whom = self._whom.get(clinicians)
        if whom is None:
            whom = self._whom[clinicians] = " ".join(sorted(f"{each.tin}/{each.npi}" for each in clinicians))
        said = missing.replace('"', '""')
        return (
            place,
            f'{head}{measure},{group},{patient},\0{days},{measure},{group},{patient},"{said}",{whom}\n'.encode(),
        )

    def _view(self, kind: str, missing: str, earliest: date | None, due: date | None) -> tuple[str, Window, str]:
        """Key, window and first fields of the lines of every gap of a kind with these days."""
        gap = OpenGap("", 0, "", kind, missing, earliest, due)
        place, left = window(gap, self.as_of), days_left(gap, self.as_of)
        return (
            order_key(gap, self.as_of),
            place,
            f"{place},{due or ''},{'' if left is None else left},{earliest or ''},{kind}",
        )


Worth = Callable[[str, frozenset[Clinician]], tuple[float, float | None]]


def worklist_text(lines: Iterable[bytes], worth: Worth | None) -> bytes:
    """Finished lines of worklist.csv from sorted ones of `Worklist`.

    worth: measure and clinicians -> points of final score and dollars of one case met, summed over those for whom the patient counts.
    The gaps of one patient and measure are ways to the same case, so theirs do not add up.
    """
    if worth is None:
        return b"".join([line[line.index(b"\0") + 1 : -1] + b",,\n" for line in lines])
    known: dict[tuple[bytes, bytes], bytes] = {}
    found = []
    for line in lines:
        text = line[line.index(b"\0") + 1 : -1]
        cells = text.split(b",", 7)
        if cells[6] != b"1" or cells[0] not in _CAN_BE_CLOSED:
            found.append(text + b",,\n")
            continue
        key = cells[5], text.rpartition(b",")[2]
        if key not in known:
            points, dollars = worth(key[0].decode(), _clinicians(key[1].decode()))
            known[key] = f",{points:.4f},{'' if dollars is None else f'{dollars:.2f}'}\n".encode()
        found.append(text + known[key])
    return b"".join(found)


_CAN_BE_CLOSED = (Window.OPEN.encode(), Window.LATER.encode())


def _clinicians(whom: str) -> frozenset[Clinician]:
    return frozenset(Clinician(*each.split("/")) for each in whom.split())
