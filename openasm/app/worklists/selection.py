"""Which cases a list shows, in which order, and which part of them: read from an address, kept as a saved filter.

Pages follow each other by key, not by number: the last row's place is the start of the next page, so that page 2,000 costs what page 1
does. `id` is the order of the list (see models.Case); by worth the key is worth and id together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import DateField, Q, QuerySet

from openasm.app.prepared import Given
from openasm.app.worklists.models import WORTH, Case, Status

PAGE = 50
SOON_DAYS = 30
WINDOWS = {
    "open": "Can be closed now",
    "soon": f"Last {SOON_DAYS} days",
    "later": "Opens later",
    "past": "Too late this year",
    "all": "All",
}
SORTS = {"due": "Last day first", "worth": "Dollars first"}
WORK = {
    "todo": "To do",
    "working": "In progress",
    "waiting": "Done, waiting for the data",
    "not_possible": "Cannot be closed",
}
MINE, NOBODY = "me", "none"
NAMES = ("window", "measure", "npi", "owner", "status", "sort")


_Day = dt.date | Given
_TODAY, _SOON = Given("today", DateField()), Given("soon", DateField())


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter. Empty texts take nothing away. owner: `me`, `none` or an account's number."""

    window: str = "open"
    measure: str = ""
    npi: str = ""
    owner: str = ""
    status: str = ""
    sort: str = "due"

    @property
    def query(self) -> dict[str, str]:
        """Names and values other than the usual ones, as an address or a saved filter has them."""
        usual = Selection()
        return {name: getattr(self, name) for name in NAMES if getattr(self, name) != getattr(usual, name)}

    @property
    def address(self) -> str:
        """The query as text: `?measure=CMS165&owner=me`, empty for the usual list."""
        return f"?{urlencode(self.query)}" if self.query else ""


def selection_from(query: Mapping[str, Any]) -> Selection:
    """A filter from an address or a saved one; what makes no sense is as if it were not there.

    >>> selection_from({"window": "soon", "owner": "x", "measure": "CMS165"}).query
    {'window': 'soon', 'measure': 'CMS165'}
    """

    def one_of(name: str, allowed: Sequence[str], usual: str = "") -> str:
        value = str(query.get(name) or "")
        return value if value in allowed else usual

    measure, npi, owner = (str(query.get(name) or "")[:20] for name in ("measure", "npi", "owner"))
    return Selection(
        window=one_of("window", tuple(WINDOWS), "open"),
        measure=measure if measure.isalnum() else "",
        npi=npi if npi.isascii() and npi.isdigit() and len(npi) == 10 else "",
        owner=owner if owner in (MINE, NOBODY) or (owner.isascii() and owner.isdigit() and len(owner) < 16) else "",
        status=one_of("status", tuple(WORK)),
        sort=one_of("sort", tuple(SORTS), "due"),
    )


def days_of(today: dt.date) -> dict[str, dt.date]:
    """The days that `in_window` asks for as of a day."""
    return {"today": today, "soon": today + dt.timedelta(days=SOON_DAYS)}


def in_window(window: str, *, today: _Day = _TODAY, soon: _Day = _SOON) -> Q:
    """Cases of a window as of a day, both ends counted; see `days_of`."""
    begun = Q(earliest__isnull=True) | Q(earliest__lte=today)
    if window == "open":
        return Q(due__gte=today) & begun
    if window == "soon":
        return Q(due__gte=today, due__lte=soon) & begun
    if window == "later":
        return Q(earliest__gt=today, due__gte=today)
    if window == "past":
        return Q(due__isnull=True) | Q(due__lt=today)
    return Q()


def selected(rows: QuerySet[Case], selection: Selection, *, today: dt.date, me: int) -> QuerySet[Case]:
    """The cases of a filter, without an order. me: the number of the account that asks."""
    rows = rows.filter(in_window(selection.window, **days_of(today)))
    if selection.measure:
        rows = rows.filter(measure=selection.measure)
    if selection.npi:
        rows = rows.filter(npis__contains=f" {selection.npi} ")
    if selection.owner == NOBODY:
        rows = rows.filter(Q(item__isnull=True) | Q(item__owner__isnull=True))
    elif selection.owner:
        rows = rows.filter(item__owner=me if selection.owner == MINE else int(selection.owner))
    if selection.status == "todo":
        rows = rows.filter(Q(item__isnull=True) | Q(item__status=Status.OPEN.value))
    elif selection.status:
        rows = rows.filter(item__status=selection.status)
    return rows


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a list. earlier, later: values of `?before=` and `?after=` for its neighbours, empty at the ends."""

    cases: tuple[Case, ...]
    earlier: str
    later: str


def part_of(rows: QuerySet[Case], *, sort: str, after: str = "", before: str = "", size: int = PAGE) -> Part:
    """The page after or before a place; without one, or with one that is none, the first."""
    if sort == "worth":
        rows = rows.annotate(worth=WORTH)
    back = bool(before) and _place(before, sort) is not None
    place = _place(before if back else after, sort)
    if place is not None:
        rows = rows.filter(_beyond(place, sort, back=back))
    ahead = ("id",) if sort == "due" else ("-worth", "id")
    order = tuple(name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in ahead) if back else ahead
    # First which ones: what goes with a row (patient, work, owner) is read for the page alone, however many rows are sorted.
    places = list(rows.order_by(*order).values_list("pk", flat=True)[: size + 1])
    more = len(places) > size
    rows_by_place = rows.in_bulk(places)
    found = [rows_by_place[place] for place in places]
    found = found[:size]
    if back:
        found.reverse()
    if not found:
        return Part((), "", "")
    first, last = _key(found[0], sort), _key(found[-1], sort)
    earlier = first if (more if back else place is not None) else ""
    later = last if (back or more) else ""
    return Part(tuple(found), earlier, later)


def _key(case: Case, sort: str) -> str:
    return str(case.pk) if sort == "due" else f"{case.cents or 0}.{case.pk}"


def _place(text: str, sort: str) -> tuple[int, int] | None:
    """Worth and id of a place in an address; None when it is none of this order."""
    worth, dot, number = text.rpartition(".")
    if bool(dot) is not (sort == "worth"):
        return None
    try:
        place = int(worth or "0"), int(number)
    except ValueError:
        return None
    return place if all(abs(value) < 1 << 62 for value in place) else None


def _beyond(place: tuple[int, int], sort: str, *, back: bool) -> Q:
    worth, number = place
    if sort == "due":
        return Q(id__lt=number) if back else Q(id__gt=number)
    if back:  # the first part is said again, so that the index is entered at the place
        return Q(worth__gte=worth) & (Q(worth__gt=worth) | Q(id__lt=number))
    return Q(worth__lte=worth) & (Q(worth__lt=worth) | Q(id__gt=number))
