"""Points and spans of time as health records write them: to the millisecond, to the day, or only to the month or year.

Measures ask two kinds of question. *By day* compares calendar dates as they are written, whatever the time zone; every
other comparison uses the instant. A value known only to the day (month, year) answers neither yes nor no where its missing
part decides. Population criteria take "unknown" for no, so every comparison here answers whether something is *surely* so.

A moment therefore holds the earliest and the latest it can be, twice: as an instant and as a calendar day. Instants are
counted in quarter milliseconds and days in quarter days, from 1970, so that the bounds of an imprecise value can lie a
quarter outside its range: `a.latest <= b.earliest` is then the whole test. An imprecise value touches nothing at its edge
(a date without time is not surely at or before midnight of that date), which is how Clinical Quality Language compares values
of different precision (CQL 1.5, appendix B, date and time operators).

>>> visit = moment("2026-12-31T22:00:00.000-05:00")
>>> visit.day == moment("2026-12-31").day, visit.earliest > moment("2027-01-01T02:59:59Z").earliest
(True, True)
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

TICKS = 4  # units of a moment in a millisecond, and in a day
TICKS_OF_DAY = 86_400_000 * TICKS
_CACHED = 200_000  # distinct dates and times of day remembered; enough for every second of a day in two zones
_EPOCH = date(1970, 1, 1).toordinal()
FAR = 1 << 60  # beyond every date


class Moment(NamedTuple):
    """A point in time as far as it is known.

    earliest, latest: bounds of the instant in quarter milliseconds since 1970 UTC, equal when known exactly.
    first_day, last_day: bounds of the calendar day as written, in quarter days since 1970, equal when the day is known.
    zone: offset from UTC as written, in quarter milliseconds.
    """

    earliest: int
    latest: int
    first_day: int
    last_day: int
    zone: int = 0

    @property
    def has_time(self) -> bool:
        """Whether the instant is known."""
        return self.earliest == self.latest

    @property
    def has_day(self) -> bool:
        """Whether the calendar day is known."""
        return self.first_day == self.last_day

    @property
    def day(self) -> int:
        """Days since 1970 of the calendar day as written. ValueError when the day is not known."""
        if self.first_day != self.last_day or not -FAR < self.first_day < FAR:
            raise ValueError("the day is not known")
        return self.first_day // TICKS

    @property
    def text(self) -> str:
        """For people: the date as written; `unknown date` when there is none."""
        if self.first_day == self.last_day and -FAR < self.first_day < FAR:
            return iso(self.first_day // TICKS)
        if self.first_day > -FAR and self.last_day < FAR:
            return date_of(self.first_day // TICKS + 1).isoformat()[: 7 if self.last_day - self.first_day < 200 else 4]
        return "unknown date"


UNKNOWN = Moment(-FAR - 1, FAR + 1, -FAR - 1, FAR + 1)
ALWAYS = Moment(-FAR, -FAR, -FAR, -FAR)  # before everything: a start that was never limited
FOREVER = Moment(FAR, FAR, FAR, FAR)  # after everything: an end that has not come


class Span(NamedTuple):
    """A stretch of time, both ends included. A single point is a span whose ends are the same moment."""

    start: Moment
    end: Moment

    @property
    def known_start(self) -> Moment:
        """The start, as far as something can be said of it. A span without start or end overlaps everything, but has no start that lies
        before anything; one with an end and no start began before everything (docs/method/reference-engine-quirks.md)."""
        start = self.start
        if start.earliest < -FAR or (start == ALWAYS and self.end == FOREVER):
            return UNKNOWN
        return start

    @property
    def text(self) -> str:
        """For people: `2026-03-01`, or `2026-03-01 to 2026-03-04`."""
        start, end = self.start.text, self.end.text
        if self.end == FOREVER:
            return f"since {start}" if self.start != ALWAYS else "always"
        return start if start == end else f"{start} to {end}"


NEVER = Span(UNKNOWN, UNKNOWN)  # a span of which nothing is known: nothing is surely true of it


def date_of(day: int) -> date:
    """The calendar date of a day number.

    >>> date_of(20454)
    datetime.date(2026, 1, 1)
    """
    return date.fromordinal(min(max(day + _EPOCH, 1), 3_652_059))


_iso: dict[int, str] = {}


def iso(day: int) -> str:
    """The calendar date of a day number as text."""
    text = _iso.get(day)
    if text is None:
        if len(_iso) >= _CACHED:
            _iso.clear()
        text = _iso[day] = date_of(day).isoformat()
    return text


def day_number(value: date) -> int:
    """Days since 1970.

    >>> day_number(date(2026, 1, 1))
    20454
    """
    return value.toordinal() - _EPOCH


# --- reading -------------------------------------------------------------------------------------------------------------

_TIME = re.compile(r"T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_PARTIAL = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_days: dict[str, int] = {}
_times: dict[str, tuple[int, int]] = {}
_new = tuple.__new__


class NotATime(ValueError):
    """Text that is not a FHIR date, dateTime or instant."""


def moment(text: str) -> Moment:
    """A FHIR `date`, `dateTime` or `instant` as a moment. NotATime for anything else.

    Without a zone (not allowed by FHIR when a time is given) UTC is taken. A time without seconds or with more than three
    decimals is kept to the millisecond, its missing part zero.

    >>> moment("2026-02").has_day, moment("2026-02-03").has_time, moment("2026-02-03T10:00:00Z").has_time
    (False, False, True)
    """
    tail = text[10:]
    day = _days.get(text[:10])
    if day is None:
        if len(text) < 8:
            return _partial(text)
        day = _day(text[:10])
    if tail:
        time = _times.get(tail)
        if time is None:
            time = _time(tail)
        instant = day * 86_400_000 * TICKS + time[0]
        return _new(Moment, (instant, instant, day * TICKS, day * TICKS, time[1]))
    start = day * TICKS_OF_DAY
    return _new(Moment, (start - 1, start + TICKS_OF_DAY - TICKS + 1, day * TICKS, day * TICKS, 0))


def _day(text: str) -> int:
    if _DATE.fullmatch(text) is None:
        raise NotATime
    try:
        day = date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        raise NotATime from None
    if len(_days) >= _CACHED:
        _days.clear()
    _days[text] = day
    return day


def _time(tail: str) -> tuple[int, int]:
    found = _TIME.fullmatch(tail)
    if found is None:
        raise NotATime
    hours, minutes, seconds, fraction, zone = found.groups()
    of_day = (int(hours) * 60 + int(minutes)) * 60_000 + int(seconds or 0) * 1000 + int(f"{fraction or ''}000"[:3])
    offset = 0
    if zone is not None and zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60_000
        if zone[0] == "-":
            offset = -offset
    result = ((of_day - offset) * TICKS, offset * TICKS)
    if len(_times) >= _CACHED:
        _times.clear()
    _times[tail] = result
    return result


def _partial(text: str) -> Moment:
    found = _PARTIAL.fullmatch(text)
    if found is None or found[1] == "0000":
        raise NotATime
    year = int(found[1])
    first = date(year, int(found[2] or 1), 1)
    last_month = int(found[2] or 12)
    last = date(year, last_month, calendar.monthrange(year, last_month)[1])
    return _of_days(day_number(first), day_number(last))


def _of_days(first: int, last: int) -> Moment:
    """A moment known only to lie in some days."""
    start, end = first * TICKS_OF_DAY, (last + 1) * TICKS_OF_DAY - TICKS
    if first == last:
        return Moment(start - 1, end + 1, first * TICKS, first * TICKS)
    return Moment(start - 1, end + 1, first * TICKS - 1, last * TICKS + 1)


def midnight(day: int) -> Moment:
    """The first instant of a day, in UTC."""
    return Moment(day * TICKS_OF_DAY, day * TICKS_OF_DAY, day * TICKS, day * TICKS)


def last_instant(day: int) -> Moment:
    """The last millisecond of a day, in UTC."""
    instant = (day + 1) * TICKS_OF_DAY - TICKS
    return Moment(instant, instant, day * TICKS, day * TICKS)


def not_after(end: Moment) -> Moment:
    """A start of which only this is known."""
    return Moment(UNKNOWN.earliest, end.latest, UNKNOWN.first_day, end.last_day) if end.latest < FAR else UNKNOWN


def day_only(value: Moment) -> Moment:
    """The calendar date of a moment, without its time."""
    if value.first_day != value.last_day or not -FAR < value.first_day < FAR:
        return value
    return _of_days(value.first_day // TICKS, value.first_day // TICKS)


# --- arithmetic ----------------------------------------------------------------------------------------------------------


def plus_days(value: Moment, days: int) -> Moment:
    """The same time of day some days later (or earlier, when negative)."""
    if not value.earliest > -FAR or not value.latest < FAR:
        return value
    return Moment(
        value.earliest + days * TICKS_OF_DAY,
        value.latest + days * TICKS_OF_DAY,
        value.first_day + days * TICKS,
        value.last_day + days * TICKS,
        value.zone,
    )


def plus_months(value: Moment, months: int) -> Moment:
    """The same day of the month some months later; the month's last day where it has no such day (31 May - 3 months: 28
    February)."""
    if not value.earliest > -FAR or not value.latest < FAR:
        return value
    if value.has_day:
        return plus_days(value, months_later(value.day, months) - value.day)
    first, last = value.first_day // TICKS + 1, value.last_day // TICKS
    return _of_days(months_later(first, months), months_later(last + 1, months) - 1)


def plus_milliseconds(value: Moment, milliseconds: int) -> Moment:
    """An instant some milliseconds later, its day reckoned in the zone it is written in; of a bare date, whole days."""
    if not value.earliest > -FAR or not value.latest < FAR:
        return value
    if not value.has_time:
        return plus_days(value, int(milliseconds / 86_400_000))
    instant = value.earliest + milliseconds * TICKS
    day = (instant + value.zone) // TICKS_OF_DAY
    return Moment(instant, instant, day * TICKS, day * TICKS, value.zone)


@lru_cache(maxsize=8_192)  # the visits of a year and the orders of a few, at some ages
def months_later(day: int, months: int) -> int:
    """Day number of the same day of the month, some months later."""
    was = date_of(day)
    place = was.year * 12 + was.month - 1 + months
    year, month = divmod(place, 12)
    year, month = min(max(year, 1), 9999), month + 1
    return day_number(date(year, month, min(was.day, calendar.monthrange(year, month)[1])))


def just_before(value: Moment) -> Moment:
    """The end of a span that does not include this moment: a millisecond before it, or the day before a bare date."""
    return plus_milliseconds(value, -1) if value.has_time else plus_days(value, -1)


def born_by(day: int, years: int) -> int:
    """The latest birth date (a day number) of someone who is that old in whole years on a day.

    >>> date_of(born_by(day_number(date(2026, 12, 31)), 18))
    datetime.date(2008, 12, 31)
    """
    return months_later(day, -12 * years)


def surely_born_by(birth: Moment, day: int) -> bool:
    """Whether someone was born on or before a day, as far as the birth date is known: every day it may be lies there.

    >>> surely_born_by(moment("1960"), day_number(date(1960, 6, 30))), surely_born_by(moment("1960-06"), day_number(date(1960, 6, 30)))
    (False, True)
    """
    return birth.last_day <= day * TICKS + 1


def surely_born_after(birth: Moment, day: int) -> bool:
    """Whether someone was born after a day, as far as the birth date is known."""
    return birth.first_day >= day * TICKS + 3


def age_is_known_to_reach(birth: Moment, day: int, years: int) -> bool:
    """Whether someone is surely that old in whole years on a day.

    >>> age_is_known_to_reach(moment("2008-12-31"), day_number(date(2026, 12, 31)), 18)
    True
    """
    return surely_born_by(birth, born_by(day, years))


# --- comparing: whether something is surely so ---------------------------------------------------------------------------


def before(a: Moment, b: Moment) -> bool:
    """a lies surely before b, as instants."""
    return a.latest < b.earliest


def on_or_before(a: Moment, b: Moment) -> bool:
    """a lies surely at or before b, as instants; two equal dates of the same precision count as the same."""
    return a.latest <= b.earliest or (a.earliest == b.earliest and a.latest == b.latest and a.latest <= FAR)


def before_day(a: Moment, b: Moment) -> bool:
    """The day of a lies surely before the day of b."""
    return a.last_day < b.first_day


def on_or_before_day(a: Moment, b: Moment) -> bool:
    """The day of a lies surely on or before the day of b."""
    return a.last_day <= b.first_day


def same_day(a: Moment, b: Moment) -> bool:
    """Both lie surely on one calendar day."""
    return a.first_day == b.first_day == a.last_day == b.last_day


def within(inner: Span, outer: Span) -> bool:
    """inner lies surely within outer, as instants, ends included."""
    return on_or_before(outer.start, inner.start) and on_or_before(inner.end, outer.end)


def within_days(inner: Span, outer: Span) -> bool:
    """inner lies surely within outer, by day."""
    return outer.start.last_day <= inner.start.first_day and inner.end.last_day <= outer.end.first_day


def point_within(point: Moment, span: Span) -> bool:
    """A point lies surely within a span, as instants, ends included."""
    return on_or_before(span.start, point) and on_or_before(point, span.end)


def point_within_days(point: Moment, span: Span) -> bool:
    """A point lies surely within a span, by day."""
    return span.start.last_day <= point.first_day and point.last_day <= span.end.first_day


def overlaps(a: Span, b: Span) -> bool:
    """The spans surely share an instant."""
    return on_or_before(a.start, b.end) and on_or_before(b.start, a.end)


def overlaps_days(a: Span, b: Span) -> bool:
    """The spans surely share a day."""
    return a.start.last_day <= b.end.first_day and b.start.last_day <= a.end.first_day


def overlaps_before_days(a: Span, b: Span) -> bool:
    """a surely starts on a day before b does and reaches into it."""
    return a.start.last_day < b.start.first_day and b.start.last_day <= a.end.first_day


def overlaps_after_days(a: Span, b: Span) -> bool:
    """a surely reaches into b and ends on a later day."""
    return a.start.last_day <= b.end.first_day and b.end.last_day < a.end.first_day


def up_to_days_before(point: Moment, anchor: Moment, days: int) -> bool:
    """The point lies surely on the anchor's day or on one of the given number of days before it."""
    low = plus_days(anchor, -days)
    return low.last_day <= point.first_day and point.last_day <= anchor.first_day


def up_to_days_after(point: Moment, anchor: Moment, days: int) -> bool:
    """The point lies surely on the anchor's day or on one of the given number of days after it."""
    high = plus_days(anchor, days)
    return anchor.last_day <= point.first_day and point.last_day <= high.first_day
