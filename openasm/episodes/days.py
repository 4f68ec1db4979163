"""Days and months as whole numbers: days since 1970-01-01, months since year 0."""

from __future__ import annotations

import datetime as dt

EPOCH = dt.date(1970, 1, 1)


def day_number(date: dt.date) -> int:
    """Days since 1970-01-01.

    >>> day_number(dt.date(2027, 1, 1))
    20819
    """
    return (date - EPOCH).days


def date_of(day: int) -> dt.date:
    """The calendar date of a day number.

    >>> date_of(20819)
    datetime.date(2027, 1, 1)
    """
    return EPOCH + dt.timedelta(days=day)


def month_number(day: int) -> int:
    """The month a day lies in, as 12 x year + month - 1.

    >>> month_number(20819) - month_number(20818)
    1
    """
    date = date_of(day)
    return date.year * 12 + date.month - 1


def age_on(birth: dt.date, day: dt.date) -> int:
    """Completed years; a birthday on 29 February counts on 1 March of other years.

    >>> age_on(dt.date(1960, 2, 29), dt.date(2027, 2, 28)), age_on(dt.date(1960, 2, 29), dt.date(2027, 3, 1))
    (66, 67)
    """
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
