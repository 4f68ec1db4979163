"""What a practice's claims look like month by month, and practices whose claims stop naming their clinicians.

A visit without a clinician still makes the practice's episodes but no clinician's: the practice keeps its cost score while its clinicians
fall below the minimum of episodes. Usually a system stopped filling one field of the claim.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw

from openasm.archive.tables import table_of, write_csv
from openasm.base.problems import Problems, Severity, declare
from openasm.claims.folder import Claims
from openasm.tables.engine import Engine

CLINICIANS_NOT_NAMED = declare(
    "N025",
    "a practice's claims stop naming clinicians",
    expected="a rendering NPI on professional lines, as in the months before",
    next_step="Ask who makes the claims what changed in that month; the clinicians' episodes and shares fall, the practice's do not.",
    severity=Severity.WARNING,
)

NAMED_BEFORE, NAMED_SINCE = 0.9, 0.5
"""A practice stops naming clinicians where their share on lines was at least the first and stays below the second to the end."""
FEWEST_LINES = 20
"""Professional lines on either side of the change at least; fewer are chance."""


@dataclass(frozen=True, slots=True)
class PracticeMonth:
    """Professional lines of a practice in a month (its first day), and those that name no clinician."""

    tin: str
    month: dt.date
    lines: int
    without_clinician: int


def practice_months(claims: Claims, engine: Engine, tins: Sequence[str]) -> list[PracticeMonth]:
    """Months of the practices given, of all when none is, sorted by TIN and month."""
    lines = claims.claim_lines.filter(nw.col("setting") == "professional", ~nw.col("tin").is_null())
    if tins:
        lines = lines.filter(nw.col("tin").is_in(list(tins)))
    counted = (
        lines.select(
            "tin",
            nw.col("from_date").dt.truncate("1mo").alias("month"),
            nw.col("npi").is_null().cast(nw.Int64()).alias("nobody"),
        )
        .group_by("tin", "month")
        .agg(nw.len().alias("lines"), nw.col("nobody").sum().alias("nobody"))
    )
    rows = engine.to_arrow(counted).to_pylist()
    found = [PracticeMonth(row["tin"], _day(row["month"]), int(row["lines"]), int(row["nobody"])) for row in rows]
    return sorted(found, key=lambda each: (each.tin, each.month))


def _day(value: dt.date | dt.datetime) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def stops_naming(months: Sequence[PracticeMonth]) -> PracticeMonth | None:
    """The first month of one practice from which on its lines name clinicians no more; None where they do.

    >>> month = dt.date(2027, 7, 1)
    >>> before, since = PracticeMonth("1", dt.date(2027, 6, 1), 50, 1), PracticeMonth("1", month, 40, 39)
    >>> stops_naming([before, since]).month == month, stops_naming([since])
    (True, None)
    """
    for place, first in enumerate(months):
        before, since = months[:place], months[place:]
        if all(_named(each) < NAMED_SINCE for each in since):
            lines = sum(each.lines for each in before)
            named = lines - sum(each.without_clinician for each in before)
            enough = min(lines, sum(each.lines for each in since)) >= FEWEST_LINES
            return first if enough and named >= NAMED_BEFORE * lines else None
    return None


def _named(month: PracticeMonth) -> float:
    return 1 - month.without_clinician / month.lines


def write_practice_months(months: Sequence[PracticeMonth], path: Path, problems: Problems, *, file: str) -> None:
    """Write tin, month, professional_lines, without_clinician; practices that stop naming clinicians become problems."""
    columns = ("tin", "month", "professional_lines", "without_clinician")
    write_csv(
        path,
        table_of(columns, [(each.tin, each.month.isoformat(), each.lines, each.without_clinician) for each in months]),
    )
    for tin in dict.fromkeys(each.tin for each in months):
        first = stops_naming([each for each in months if each.tin == tin])
        if first is not None:
            problems.add(CLINICIANS_NOT_NAMED, file, column="npi", found=f"TIN {tin}, from {first.month:%Y-%m} on")
