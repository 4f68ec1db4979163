"""Table contracts: what each column of a table means and may hold, checked on the engine against real data.

A contract is written once beside the room that owns the table; documentation, readers and checks use the same one. Checking
costs one pass for all columns and one for the key; findings are counts, never values, so that no message shows a patient.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import narwhals as nw
from narwhals.dtypes import DType

from openasm.base.problems import ProblemKind, Problems, Severity, declare

COLUMN_MISSING = declare(
    "T001", "a column of the table is missing", expected="the column named", next_step="Add it; names are lower case."
)
WRONG_TYPE = declare(
    "T002", "a column has another type", expected="the type named", next_step="Convert the column and load again."
)
COLUMN_UNKNOWN = declare(
    "T003",
    "a column is not known and was ignored",
    expected="only documented columns",
    next_step="Nothing needs doing unless a known column was misspelt.",
    severity=Severity.WARNING,
)
VALUE_MISSING = declare(
    "T004", "values are missing", expected="a value in every row", next_step="Fill them in or leave those rows out."
)
WORD_NOT_ALLOWED = declare(
    "T005", "values are not among the words allowed", expected="the words listed", next_step="Correct those values."
)
OUT_OF_RANGE = declare(
    "T006", "values are out of range", expected="values in the range given", next_step="Correct those values."
)
KEY_TWICE = declare(
    "T007", "rows share a key that must be unique", expected="each key once", next_step="Keep one row of each key."
)
WRONG_FORM = declare(
    "T008", "values do not have the form expected", expected="the form given", next_step="Correct those values."
)


class Kind(StrEnum):
    """The types tables use; engines may store integers in any width."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"


_NARWHALS: dict[Kind, DType] = {
    Kind.TEXT: nw.String(),
    Kind.INTEGER: nw.Int64(),
    Kind.NUMBER: nw.Float64(),
    Kind.DATE: nw.Date(),
    Kind.BOOLEAN: nw.Boolean(),
}


@dataclass(frozen=True, slots=True)
class ColumnContract:
    """One column: name, type, meaning (unit and surprise included) and what it may hold.

    may_be_null: an empty value is allowed and means what `meaning` says; words: all values allowed; low, high: closed range
    of an integer or date; form: regular expression (RE2) that every text must match from end to end, `form_in_words` says so.
    """

    name: str
    kind: Kind
    meaning: str
    may_be_null: bool = False
    words: tuple[str, ...] = ()
    low: int | dt.date | None = None
    high: int | dt.date | None = None
    form: str = ""
    form_in_words: str = ""

    @property
    def dtype(self) -> DType:
        """The Narwhals type that holds the column."""
        return _NARWHALS[self.kind]


@dataclass(frozen=True, slots=True)
class TableContract:
    """One table: its columns in order and the columns that together name a row.

    An empty key means that rows have no name and may repeat.
    """

    name: str
    meaning: str
    columns: tuple[ColumnContract, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnContract:
        """The contract of one column; an unknown name raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What a check found: rows, rows sharing a key with another, and missing values by column."""

    table: str
    rows: int
    key_repeats: int
    nulls: dict[str, int]


def check_table(frame: nw.LazyFrame[Any], contract: TableContract, problems: Problems, *, file: str = "") -> TableCheck:
    """Check a table against its contract; findings are added to `problems` with counts, nothing is raised.

    file: what messages call the table (default: its name). Missing columns or wrong types end the check early, as the data
    cannot be read then.
    """
    name = file or contract.name
    schema = frame.collect_schema()
    if not check_schema(schema, contract, problems, name):
        return TableCheck(contract.name, 0, 0, {})
    rules = _rules(contract)
    counted = _one_row(
        frame.select(
            nw.len().alias("rows"),
            *(
                nw.col(column.name).is_null().cast(nw.Int64).sum().alias(f"null_{column.name}")
                for column in contract.columns
            ),
            *(broken.cast(nw.Int64).sum().alias(f"rule_{place}") for place, (_, _, broken, _) in enumerate(rules)),
        )
    )
    rows = int(counted["rows"])
    nulls = {column.name: int(counted[f"null_{column.name}"] or 0) for column in contract.columns}
    for column in contract.columns:
        if nulls[column.name] and not column.may_be_null:
            problems.add(
                VALUE_MISSING, name, column=column.name, found=_rows(nulls[column.name]), count=nulls[column.name]
            )
    for place, (kind, column, _, expected) in enumerate(rules):
        count = int(counted[f"rule_{place}"] or 0)
        if count:
            problems.add(kind, name, column=column.name, found=_rows(count), expected=expected, count=count)
    repeats = _key_repeats(frame, contract) if contract.key else 0
    if repeats:
        problems.add(KEY_TWICE, name, column="+".join(contract.key), found=_rows(repeats), count=repeats)
    return TableCheck(contract.name, rows, repeats, nulls)


def check_schema(schema: nw.Schema, contract: TableContract, problems: Problems, name: str) -> bool:
    """Check only names and types; findings are added under the name given. True when the table can be read."""
    good = True
    for column in contract.columns:
        found = schema.get(column.name)
        if found is None:
            problems.add(COLUMN_MISSING, name, column=column.name)
            good = False
        elif not _fits(found, column.kind):
            problems.add(WRONG_TYPE, name, column=column.name, found=str(found), expected=column.kind.value)
            good = False
    for title in schema.names():
        if title not in contract.names:
            problems.add(COLUMN_UNKNOWN, name, column=title[:60])
    return good


def _fits(found: DType, kind: Kind) -> bool:
    if kind is Kind.INTEGER:
        return bool(found.is_integer())
    if kind is Kind.NUMBER:
        return bool(found.is_numeric())
    return bool(found == _NARWHALS[kind])


def _rules(contract: TableContract) -> list[tuple[ProblemKind, ColumnContract, nw.Expr, str]]:
    """Every rule as an expression that is true where it is broken (null is never broken here)."""
    rules: list[tuple[ProblemKind, ColumnContract, nw.Expr, str]] = []
    for column in contract.columns:
        value = nw.col(column.name)
        if column.words:
            rules.append(
                (WORD_NOT_ALLOWED, column, ~value.is_in(list(column.words)), f"one of {', '.join(column.words)}")
            )
        if column.low is not None:
            rules.append(
                (
                    OUT_OF_RANGE,
                    column,
                    value < column.low,
                    f"{column.low} or later" if _is_date(column) else f"{column.low} or more",
                )
            )
        if column.high is not None:
            rules.append(
                (
                    OUT_OF_RANGE,
                    column,
                    value > column.high,
                    f"{column.high} or earlier" if _is_date(column) else f"{column.high} or less",
                )
            )
        if column.form:
            rules.append(
                (WRONG_FORM, column, ~value.str.contains(f"^(?:{column.form})$"), column.form_in_words or column.form)
            )
    return rules


def _is_date(column: ColumnContract) -> bool:
    return column.kind is Kind.DATE


def _key_repeats(frame: nw.LazyFrame[Any], contract: TableContract) -> int:
    groups = frame.select(*contract.key).group_by(*contract.key).agg(nw.len().alias("__rows"))
    found = _one_row(groups.filter(nw.col("__rows") > 1).select(nw.col("__rows").sum().alias("rows")))
    return int(found["rows"] or 0)


def _one_row(frame: nw.LazyFrame[Any]) -> dict[str, Any]:
    return frame.collect(backend="pyarrow").rows(named=True)[0]


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"
