"""Periods that must last a number of days in a row within the performance year: 90 for activities, 180 for interoperability.

Both ends count. 42 CFR 512.735(a), 512.740(a): a continuous period of at least so many days within the calendar year.

>>> latest_start(2027, 90).isoformat(), latest_start(2027, 180).isoformat()
('2027-10-03', '2027-07-05')
>>> period_clock(dt.date(2027, 10, 3), today=dt.date(2027, 12, 30), year=2027, needed=90).days_left
1
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.base.years import days_inclusive, first_day, last_day


@dataclass(frozen=True, slots=True)
class PeriodClock:
    """A period that runs. start: its first day of the year, None when it has not begun; end: its last day, None when it goes on.

    reached_on: the day it is long enough, None when that day is not in the year any more or the period ended before; days: counted up to
    today; days_left: still to go from tomorrow on; latest_start: the last day a new period can start.
    """

    needed: int
    start: dt.date | None
    end: dt.date | None
    days: int
    days_left: int
    reached_on: dt.date | None
    latest_start: dt.date
    can_start_anew: bool  # a period begun today would still be long enough

    @property
    def reached(self) -> bool:
        """Whether the days up to today are enough."""
        return self.days >= self.needed

    @property
    def lost(self) -> bool:
        """Whether neither this period nor a new one can be long enough."""
        return not self.reached and self.reached_on is None and not self.can_start_anew


def latest_start(year: int, needed: int) -> dt.date:
    """The last day on which a period of `needed` days can start and end within the year. ValueError for more days than it has."""
    start = last_day(year) - dt.timedelta(days=needed - 1)
    if start.year != year or needed < 1:
        raise ValueError(f"no period of {needed} days fits into {year}")
    return start


def period_clock(
    start: dt.date | None, *, today: dt.date, year: int, needed: int, end: dt.date | None = None
) -> PeriodClock:
    """How far a period has come. start, end: its days, which may lie outside the year: only days within it count."""
    latest = latest_start(year, needed)
    anew = today <= latest
    if start is None or start > last_day(year) or (end is not None and (end < start or end < first_day(year))):
        return PeriodClock(needed, None, end, 0, needed, None, latest, anew)
    begun = max(start, first_day(year))
    stop = last_day(year) if end is None else min(end, last_day(year))
    days = max(0, days_inclusive(begun, min(today, stop)))
    reached_on = begun + dt.timedelta(days=needed - 1)
    still = None if reached_on > stop else reached_on
    return PeriodClock(needed, begun, end, days, max(0, needed - days), still, latest, anew)


def activity_clock(start: dt.date | None, *, today: dt.date, rules: Rules, end: dt.date | None = None) -> PeriodClock:
    """The clock of an improvement activity (`improvement.period_days`)."""
    needed = rules["improvement.period_days"].integer
    return period_clock(start, today=today, year=rules.year, needed=needed, end=end)


def interoperability_clock(
    start: dt.date | None, *, today: dt.date, rules: Rules, end: dt.date | None = None
) -> PeriodClock:
    """The clock of certified technology (`interoperability.period_days`)."""
    needed = rules["interoperability.period_days"].integer
    return period_clock(start, today=today, year=rules.year, needed=needed, end=end)
