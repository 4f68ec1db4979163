"""The months claims cover, told by how many lines each month has: a mistyped date must not decide it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import narwhals as nw

from openasm.base.parameters import RuleBook, Rules, load_rule_book
from openasm.base.problems import Problems, Severity, declare
from openasm.tables.engine import Engine, Frame

if TYPE_CHECKING:
    from openasm.tables.duckdb_engine import DuckDbEngine

OUTSIDE_THE_COVERED = declare(
    "C008",
    "lines are dated outside the months that the claims cover; they were kept but do not decide the first and last day covered",
    expected="dates within the months that hold nearly all lines",
    next_step="Correct mistyped dates. If the months are right, give the days covered with --data-start and --data-end.",
    severity=Severity.WARNING,
)


@dataclass(frozen=True, slots=True)
class Days:
    """A first and a last day, both included; None where it is not stated."""

    first: dt.date | None = None
    last: dt.date | None = None


@cache
def coverage_book() -> RuleBook:
    """The working values with their citations and statuses."""
    return load_rule_book([Path(__file__).parent / "parameters" / "coverage.yaml"])


def coverage_rules() -> Rules:
    """Those of the one version there is."""
    return coverage_book().for_year(2027)


def covered_months(lines: Mapping[dt.date, int]) -> tuple[dt.date, dt.date]:
    """First and last covered month, as their first days, of the lines by month (first days too; at least one month).

    A month is full when it has `claims.month_share` of a usual month's lines; a usual month is the one in which the middle line
    lies when months are put in order of size. Full months with no more than `claims.gap_months` others in a row between them make
    a stretch, and stretches with fewer than `claims.stretch_share` of all lines are taken for mistyped dates.

    >>> day = dt.date
    >>> usual = {day(2027, month, 1): 500 for month in range(1, 10)}
    >>> first, last = covered_months(usual | {day(2025, 1, 1): 1, day(2027, 10, 1): 90, day(2045, 1, 1): 1})
    >>> first.isoformat(), last.isoformat()
    ('2027-01-01', '2027-10-01')
    """
    rules = coverage_rules()
    least = rules["claims.month_share"].exact * usual_month(lines)
    full = sorted(month for month, count in lines.items() if count and count >= least)
    gap = rules["claims.gap_months"].integer
    enough = rules["claims.stretch_share"].exact * sum(lines.values())
    stretches = [each for each in _stretches(full, gap) if _within(lines, *each) >= enough]
    if not stretches:  # many scattered ones: the fullest
        return max(_stretches(full, gap), key=lambda each: _within(lines, *each))
    return stretches[0][0], stretches[-1][1]


def usual_month(lines: Mapping[dt.date, int]) -> int:
    """How many lines the month has in which the middle line lies, months ordered by size; few stray months cannot lower it.

    >>> usual_month({dt.date(2027, 1, 1): 1000, dt.date(2045, 1, 1): 1, dt.date(2046, 1, 1): 1})
    1000
    """
    left = Fraction(sum(lines.values()), 2)
    for count in sorted(lines.values(), reverse=True):
        left -= count
        if left <= 0:
            return count
    raise ValueError("there is no line")


def _stretches(full: list[dt.date], gap: int) -> Iterator[tuple[dt.date, dt.date]]:
    first = last = full[0]
    for month in full[1:]:
        if _number(month) - _number(last) > gap + 1:
            yield first, last
            first = month
        last = month
    yield first, last


def _within(lines: Mapping[dt.date, int], first: dt.date, last: dt.date) -> int:
    return sum(count for month, count in lines.items() if first <= month <= last)


def _number(month: dt.date) -> int:
    return month.year * 12 + month.month


def last_of_month(day: dt.date) -> dt.date:
    """The last day of the month a day lies in."""
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def lines_by_month(claim_lines: Frame, engine: Engine) -> dict[dt.date, int]:
    """Lines by the first day of the month of their `from_date`, in order; lines without a date are left out."""
    grouped = (
        claim_lines.filter(~nw.col("from_date").is_null())
        .with_columns(month=nw.col("from_date").dt.truncate("1mo").cast(nw.Date))
        .group_by("month")
        .agg(nw.len().cast(nw.Int64).alias("lines"))
    )
    found = {row["month"]: int(row["lines"]) for row in engine.to_arrow(grouped).to_pylist()}
    return dict(sorted(found.items()))


def make_covered(
    engine: DuckDbEngine, dates: str, stated: Days | None, *, others: Mapping[dt.date, int] | None = None
) -> None:
    """Make the table `covered` (first, last: two days, both included), which sources read to spread enrollment over months.

    dates: a query of `from_date`, one row a line; others: lines by day that are not in it; stated: days the user gave, to which
    the months reach in any case. The table is empty without lines.
    """
    lines = Counter[dt.date]()
    for day, count in (others or {}).items():
        lines[day.replace(day=1)] += count
    by_month = (
        f"SELECT date_trunc('month', from_date)::DATE, count(*) FROM ({dates}) WHERE from_date IS NOT NULL GROUP BY 1"  # noqa: S608
    )
    for month, count in engine.execute(by_month):
        lines[month] += int(count)
    days: list[tuple[dt.date, dt.date]] = []
    stated = stated or Days()
    if lines:
        first, last = covered_months(lines)
        days = [(min(first, stated.first or first), max(last_of_month(last), stated.last or last))]
    engine.create_rows("covered", ("first", "last"), days, types=("DATE", "DATE"))


def note_lines_outside(lines: Mapping[dt.date, int], first: dt.date, last: dt.date, problems: Problems) -> None:
    """Add a warning for each month with lines before the first or after the last day given.

    The month just before and the one just begun are not named: long stays reach back, and claims of the first days are not yet there.
    """
    beside = ((first - dt.timedelta(days=1)).replace(day=1), (last + dt.timedelta(days=1)).replace(day=1))
    for month, count in lines.items():
        if (last_of_month(month) < first or month > last) and month not in beside:
            found = f"{count:,} line{'s' if count != 1 else ''} in {month:%Y-%m}"
            problems.add(OUTSIDE_THE_COVERED, "claim_lines", column="from_date", found=found, count=count)
