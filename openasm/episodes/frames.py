"""Claims as the steps of the measure read them: days and months as whole numbers, unknown flags read as no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from openasm.claims.folder import Claims
from openasm.episodes.days import day_number
from openasm.tables.engine import Engine, Frame

PERSON = "beneficiary"
CLAIM = [PERSON, "claim_id"]
FAR = 10_000_000  # a day beyond every calendar, for "never"; integers need no null rules


@dataclass(frozen=True)
class ClaimFrames:
    """The four tables, lazily.

    billed: claim lines as the contract has them; diagnoses: header diagnoses; enrollment: `month` as 12 x year + month - 1
    and flags; people: `birth_date` (Date), `death_day`, `county_fips`; data_end: the last day the claims cover.
    """

    billed: Frame
    diagnoses: Frame
    enrollment: Frame
    people: Frame
    data_end: int

    @property
    def lines(self) -> Frame:
        """One row a line with `day`, the columns of `LINE_COLUMNS`."""
        return _lines(self.billed)

    def lines_of(self, people: Frame) -> Frame:
        """The lines of the people in a frame with the column `beneficiary`; only theirs are reckoned with."""
        return _lines(self.billed.join(people, on=PERSON, how="semi"))


LINE_COLUMNS = (
    PERSON,
    "claim_id",
    "line",
    "setting",
    "day",
    "hcpcs",
    "line_diagnosis",
    "npi",
    "tin",
    "drg",
    "revenue_center",
    "ndc",
    "cost_cents",
)
_FLAGS = ("part_a", "part_b", "part_c", "part_d", "esrd", "disabled_origin", "institutional")


def claim_frames(claims: Claims) -> ClaimFrames:
    """The frames the steps read, from opened claims.

    Lines without a day or a setting, which the contract does not allow, are left out and a missing cost is no cost;
    `coverage` counts them.
    """
    return ClaimFrames(
        billed=claims.claim_lines,
        diagnoses=claims.claim_diagnoses.select(PERSON, "claim_id", "position", "code"),
        enrollment=claims.enrollment.select(
            PERSON,
            month_of("month").alias("month"),
            *(nw.col(flag).fill_null(False).alias(flag) for flag in _FLAGS),
        ),
        people=claims.beneficiaries.select(
            PERSON, "birth_date", day_of("death_date").alias("death_day"), "county_fips"
        ),
        data_end=day_number(claims.data_end),
    )


def _lines(billed: Frame) -> Frame:
    return (
        billed.filter(~nw.col("from_date").is_null() & ~nw.col("setting").is_null())
        .with_columns(day=day_of("from_date"), cost_cents=nw.col("cost_cents").fill_null(0))
        .select(*LINE_COLUMNS)
    )


def day_of(column: str) -> nw.Expr:
    """Days since 1970-01-01 of a date column, null where it is null.

    By the calendar's arithmetic, because the engines differ in what a difference of dates is.
    """
    date = nw.col(column)
    before = date.dt.year().cast(nw.Int64) - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + date.dt.ordinal_day().cast(nw.Int64)
    return days - 719_163


def month_of(column: str) -> nw.Expr:
    """12 x year + month - 1 of a date column."""
    date = nw.col(column)
    return date.dt.year().cast(nw.Int64) * 12 + date.dt.month().cast(nw.Int64) - 1


def small_table(engine: Engine, columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> Frame:
    """A table of code-list facts as a frame; columns: name -> str, int or bool."""
    types = {str: nw.String(), int: nw.Int64(), bool: nw.Boolean()}
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return engine.from_rows(
        {name: list(column) for name, column in zip(columns, values, strict=True)},
        {name: types[kind] for name, kind in columns.items()},
    )


def total(column: str) -> nw.Expr:
    """The sum of an integer column, as a 64-bit integer again (DuckDB widens sums)."""
    return nw.col(column).sum().cast(nw.Int64)
