"""Which cases a list shows, in which order, and which part of them: read from an address, kept as a saved filter.

Pages follow each other by key, not by number: the last row's place is the start of the next page, so that page 2,000 costs what page 1
does. `id` is the order of the list (see models.Case); by worth the key is worth and id together.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import DateField, Q, QuerySet

from openasm.app.prepared import Given, Prepared, Several, values_of
from openasm.app.worklists.models import Case, Status

if TYPE_CHECKING:
    from openasm.app.worklists.asking import Asked

PAGE = 50
SOON_DAYS = 30
WINDOWS = {
    "open": "Can be closed now",
    "soon": f"Last {SOON_DAYS} days",
    "later": "Opens later",
    "past": "Too late this year",
    "all": "All",
}
SORTS = {"due": "Worth something, last day first", "worth": "Dollars first"}
SCORED = {"yes": "Scored here", "no": "Nobody here is scored on", "all": "All"}
WORK = {
    "todo": "To do",
    "working": "In progress",
    "waiting": "Done, waiting for the data",
    "not_possible": "Cannot be closed",
}
MINE, NOBODY = "me", "none"
NAMES = ("window", "measure", "scored", "npi", "owner", "status", "sort")


Place = tuple[int, int]  # worth in cents (0 in the order of days) and number of a case
_Day = dt.date | Given
_TODAY, _SOON = Given("today", DateField()), Given("soon", DateField())


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter. Empty texts take nothing away. owner: `me`, `none` or an account's number; scored: measures on which somebody of the
    practice is scored, `no`, nobody is, or `all`.
    """

    window: str = "open"
    measure: str = ""
    npi: str = ""
    owner: str = ""
    status: str = ""
    sort: str = "due"
    scored: str = "yes"

    @property
    def of_scored(self) -> bool | None:
        """Whether cases' measures must be scored here or must not; None: either, as where a measure is chosen by name."""
        return None if self.measure or self.scored == "all" else self.scored == "yes"

    def owned_by(self, me: int) -> int:
        """The account that `owner` stands for; 0, which is none, where it stands for nobody or anybody."""
        return me if self.owner == MINE else int(self.owner) if self.owner not in ("", NOBODY) else 0

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
        scored=one_of("scored", tuple(SCORED), "yes"),
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
    if selection.of_scored is not None:
        rows = rows.filter(scored=selection.of_scored)
    if selection.npi:
        rows = rows.filter(npis__contains=f" {selection.npi} ")
    return rows.filter(of_work(selection.owner, selection.status, whose=selection.owned_by(me)))


def of_work(owner: str, status: str, *, whose: int | Given) -> Q:
    """Cases by the work on them. whose: the account that an owner other than nobody stands for."""
    found = Q()
    if owner == NOBODY:
        found &= Q(item__isnull=True) | Q(item__owner__isnull=True)
    elif owner:
        found &= Q(item__owner=whose)
    if status == "todo":
        return found & (Q(item__isnull=True) | Q(item__status=Status.OPEN.value))
    return found & Q(item__status=status) if status else found


@dataclass(frozen=True, slots=True)
class Part:
    """One page of a list. earlier, later: values of `?before=` and `?after=` for its neighbours, empty at the ends."""

    cases: tuple[Case, ...]
    earlier: str
    later: str


def part_of(asked: Asked, *, sort: str, after: str = "", before: str = "", size: int = PAGE) -> Part:
    """The page after or before a place; without one, or with one that is none, the first. Cases come with patient, work and owner."""
    back = bool(before) and _place(before, sort) is not None
    place = _place(before if back else after, sort)
    # First which ones: what goes with a row (patient, work, owner) is read for the page alone, however many rows are sorted.
    places = asked.places(sort, place, back, size + 1)
    if not places:
        return Part((), "", "")
    more = len(places) > size
    places = places[:size]
    rows_by_place = {case.pk: case for case in _cases(len(places)).all(**values_of("place", places))}
    found = [rows_by_place[place] for place in places]
    if back:
        found.reverse()
    first, last = _key(found[0], sort), _key(found[-1], sort)
    earlier = first if (more if back else place is not None) else ""
    later = last if (back or more) else ""
    return Part(tuple(found), earlier, later)


@functools.lru_cache(maxsize=PAGE + 1)
def _cases(places: int) -> Prepared[Case]:
    """Cases of some places with their patient, work and its owner."""
    return Prepared(
        lambda: Case.objects.filter(pk__in=Several("place", places)).select_related("patient", "item__owner")
    )


def _key(case: Case, sort: str) -> str:
    return str(case.pk) if sort == "due" else f"{case.cents or 0}.{case.pk}"


def _place(text: str, sort: str) -> Place | None:
    """Worth and id of a place in an address; None when it is none of this order."""
    worth, dot, number = text.rpartition(".")
    if bool(dot) is not (sort == "worth"):
        return None
    try:
        place = int(worth or "0"), int(number)
    except ValueError:
        return None
    return place if all(abs(value) < 1 << 62 for value in place) else None


def order_of(sort: str, *, back: bool) -> tuple[str, ...]:
    """How a list is sorted, or sorted the other way round. By worth the rows have `worth`."""
    ahead = ("id",) if sort == "due" else ("-worth", "id")
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in ahead) if back else ahead


def beyond(place: Place | tuple[Given, Given], sort: str, *, back: bool) -> Q:
    """Cases behind a place of a list, or before it."""
    worth, number = place
    if sort == "due":
        return Q(id__lt=number) if back else Q(id__gt=number)
    if back:  # the first part is said again, so that the index is entered at the place
        return Q(worth__gte=worth) & (Q(worth__gt=worth) | Q(id__lt=number))
    return Q(worth__lte=worth) & (Q(worth__lt=worth) | Q(id__gt=number))
