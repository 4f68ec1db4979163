"""Performance years, payment years and the dates between them (42 CFR 512.710(a)(1))."""

from __future__ import annotations

from datetime import date, timedelta

FIRST_PERFORMANCE_YEAR = 2027
LAST_PERFORMANCE_YEAR = 2031
PERFORMANCE_YEARS = tuple(range(FIRST_PERFORMANCE_YEAR, LAST_PERFORMANCE_YEAR + 1))


def payment_year(performance_year: int) -> int:
    """The year in which a performance year's score changes payments: two years later.

    >>> payment_year(2027)
    2029
    """
    return performance_year + 2


def data_year(performance_year: int) -> int:
    """The year whose claims decide who takes part: two years before.

    >>> data_year(2027)
    2025
    """
    return performance_year - 2


def first_day(year: int) -> date:
    """1 January."""
    return date(year, 1, 1)


def last_day(year: int) -> date:
    """31 December."""
    return date(year, 12, 31)


def submission_deadline(performance_year: int) -> date:
    """31 March after the performance year.

    >>> submission_deadline(2027)
    datetime.date(2028, 3, 31)
    """
    return date(performance_year + 1, 3, 31)


def days_inclusive(start: date, end: date) -> int:
    """Days of a closed period, both ends counted; zero or less when the end lies before the start.

    >>> days_inclusive(date(2027, 1, 1), date(2027, 3, 31))
    90
    """
    return (end - start) // timedelta(days=1) + 1
