"""Tables that people send: CSV or Parquet, checked column by column, all problems at once.

CSV is UTF-8 (a byte-order mark is accepted) with a header. Parquet with the same column names is accepted wherever CSV
is. Unknown columns are ignored with a warning; missing ones, bad values and duplicate keys are errors. Meant for files of
up to some hundred thousand rows (rosters, results, attestations); claims go through the engine in `tables`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from openasm.base.fields import (
    NOT_A_CHOICE,
    NOT_DATE,
    NOT_INTEGER,
    NOT_NPI,
    NOT_NUMBER,
    NOT_TIN,
    OUT_OF_RANGE,
    TEXT_TOO_LONG,
    VALUE_MISSING,
    BadValue,
    Column,
    choice,
    integer,
    iso_date,
    npi,
    number,
    text,
    tin,
)
from openasm.base.lines import longest_line
from openasm.base.problems import Problems, Severity, declare, shown

__all__ = [
    "COLUMN_MISSING",
    "COLUMN_TWICE",
    "COLUMN_UNKNOWN",
    "DUPLICATE_KEY",
    "FILE_EMPTY",
    "FILE_MISSING",
    "FILE_NOT_UTF8",
    "LINE_TOO_LONG",
    "MAXIMUM_COLUMNS",
    "MAXIMUM_LINE",
    "NOT_A_CHOICE",
    "NOT_A_TABLE",
    "NOT_DATE",
    "NOT_INTEGER",
    "NOT_NPI",
    "NOT_NUMBER",
    "NOT_TIN",
    "OUT_OF_RANGE",
    "ROW_WIDTH",
    "TEXT_TOO_LONG",
    "VALUE_MISSING",
    "BadValue",
    "Column",
    "Table",
    "choice",
    "find_table",
    "integer",
    "iso_date",
    "npi",
    "number",
    "read_table",
    "text",
    "tin",
    "written_whole",
]

MAXIMUM_LINE = 1_000_000  # characters; a longer line is no table
MAXIMUM_COLUMNS = 10_000

FILE_MISSING = declare(
    "F001",
    "the file is missing",
    expected="a CSV or Parquet file of this name",
    next_step="Put the file in the folder.",
)
FILE_EMPTY = declare(
    "F002", "the file is empty", expected="a header and rows", next_step="Export the file again; nothing was in it."
)
FILE_NOT_UTF8 = declare(
    "F003",
    "the file is not UTF-8 text",
    expected="UTF-8",
    next_step='Save it as "CSV UTF-8"; names with accents show whether it worked.',
)
FILE_UNREADABLE = declare(
    "F004",
    "the file cannot be read",
    expected="a readable file",
    next_step="Check that it opens elsewhere and that this account may read it.",
)
COLUMN_MISSING = declare(
    "F005",
    "a column is missing",
    expected="the column named",
    next_step="Add the column, or spell its name as here; capital and small letters differ.",
)
COLUMN_UNKNOWN = declare(
    "F006",
    "a column is not known and was ignored",
    expected="only documented columns",
    next_step="Nothing needs doing unless a known column was misspelt.",
    severity=Severity.WARNING,
)
COLUMN_TWICE = declare(
    "F007", "a column stands twice", expected="each column once", next_step="Remove or rename one of the two."
)
ROW_WIDTH = declare(
    "F008",
    "the row has another number of fields than the header",
    expected="as many fields as the header",
    next_step="Look for an unquoted comma or a broken line in that row.",
)
LINE_TOO_LONG = declare(
    "F009",
    "a line is far too long for a table",
    expected=f"lines of at most {MAXIMUM_LINE:,} characters and {MAXIMUM_COLUMNS:,} columns",
    next_step="Check that this is the right file.",
)
DUPLICATE_KEY = declare(
    "F018", "the same key stands in an earlier row", expected="each key once", next_step="Keep one of the rows."
)
NO_ROWS = declare(
    "F019",
    "the file has a header but no rows",
    expected="at least one row",
    next_step="Check that the export finished.",
)
NOT_A_TABLE = declare(
    "F021",
    "the file is not a table of the kind its name says",
    expected="CSV text or a Parquet file",
    next_step="Check that the file is whole and that its ending is right.",
)


@dataclass(slots=True)
class Table:
    """A checked table: equal-length columns of parsed values, None where empty was allowed. `rows` counts from 1.

    Rows with an error are left out; whoever goes on must first call `problems.refuse_errors()`.
    """

    name: str
    columns: dict[str, list[Any]] = field(default_factory=dict)
    row_numbers: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row_numbers)

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]


def find_table(folder: Path, stem: str) -> Path | None:
    """The file of a table in a folder: `stem.csv`, else `stem.parquet`, else None."""
    for ending in (".csv", ".parquet"):
        path = folder / f"{stem}{ending}"
        if path.is_file():
            return path
    return None


def read_table(
    path: Path,
    columns: Sequence[Column],
    problems: Problems,
    *,
    key: Sequence[str] = (),
    may_have_no_rows: bool = False,
    private_columns: frozenset[str] = frozenset(),
) -> Table:
    """Read and check one table; problems are added, never raised.

    key: columns that together may not repeat. private_columns: columns whose found value is never printed (patients).
    """
    table = Table(path.name, {column.name: [] for column in columns})
    source = _rows(path, problems)
    if source is None:
        return table
    header, rows = source
    positions = _positions(path.name, header, columns, problems)
    if positions is None:
        return table
    seen: dict[tuple[Any, ...], int] = {}
    # Columns repeat their values (TINs, measures, counts), so each distinct text is checked once and its value shared.
    checked: dict[str, dict[str, Any]] = {column.name: {} for column in columns}
    any_row = False
    for row_number, row in rows:
        any_row = True
        if len(row) != len(header):
            problems.add(
                ROW_WIDTH, path.name, row=row_number, found=f"{len(row)} fields", expected=f"{len(header)} fields"
            )
            continue
        values = _parse_row(path.name, row_number, row, columns, positions, problems, private_columns, checked)
        if values is None:
            continue
        if key:
            identity = tuple(values[name] for name in key)
            earlier = seen.setdefault(identity, row_number)
            if earlier != row_number:
                problems.add(
                    DUPLICATE_KEY, path.name, row=row_number, column="+".join(key), found=f"also in row {earlier}"
                )
                continue
        for name, value in values.items():
            table.columns[name].append(value)
        table.row_numbers.append(row_number)
    if not any_row and not may_have_no_rows:
        problems.add(NO_ROWS, path.name)
    return table


def _positions(name: str, header: list[str], columns: Sequence[Column], problems: Problems) -> dict[str, int] | None:
    known = {column.name for column in columns}
    positions: dict[str, int] = {}
    for place, title in enumerate(header):
        if title in positions:
            problems.add(COLUMN_TWICE, name, row=0, column=title)
        elif title in known:
            positions[title] = place
        else:
            problems.add(COLUMN_UNKNOWN, name, row=0, column=shown(title, 60))
    missing = [column.name for column in columns if column.required and column.name not in positions]
    for title in missing:
        problems.add(COLUMN_MISSING, name, row=0, column=title)
    return None if missing or len(set(header)) != len(header) else positions


def _parse_row(
    name: str,
    row_number: int,
    row: list[str],
    columns: Sequence[Column],
    positions: Mapping[str, int],
    problems: Problems,
    private_columns: frozenset[str],
    checked: Mapping[str, dict[str, Any]],
) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    good = True
    for column in columns:
        place = positions.get(column.name)
        raw = "" if place is None else row[place].strip()
        if raw == "":
            if column.may_be_empty or place is None:
                values[column.name] = None
            else:
                problems.add(VALUE_MISSING, name, row=row_number, column=column.name)
                good = False
            continue
        known = checked[column.name]
        if raw in known:
            values[column.name] = known[raw]
            continue
        try:
            values[column.name] = known[raw] = column.parse(raw)
        except BadValue as bad:
            found = "a value not shown" if column.name in private_columns else shown(raw)
            problems.add(bad.kind, name, row=row_number, column=column.name, found=found, expected=bad.expected)
            good = False
    return values if good else None


def _rows(path: Path, problems: Problems) -> tuple[list[str], Iterator[tuple[int, list[str]]]] | None:
    """Header and numbered rows of a CSV or Parquet file as text; None after a problem that ends the reading."""
    if not path.is_file():
        problems.add(FILE_MISSING, path.name)
        return None
    try:
        if path.stat().st_size == 0:
            problems.add(FILE_EMPTY, path.name)
            return None
        return _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path, problems)
    except _NotATable:
        problems.add(NOT_A_TABLE, path.name)
    except OSError as error:
        problems.add(FILE_UNREADABLE, path.name, found=error.strerror or type(error).__name__)
    return None


class _NotATable(Exception):
    pass


def _csv_rows(path: Path, problems: Problems) -> tuple[list[str], Iterator[tuple[int, list[str]]]] | None:
    longest = longest_line(path, enough=MAXIMUM_LINE)
    if longest > MAXIMUM_LINE:  # known before the file is held
        problems.add(LINE_TOO_LONG, path.name, found=f"{longest:,} characters or more")
        return None
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in raw:
        problems.add(NOT_A_TABLE, path.name, found="bytes that are not text")
        return None
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(FILE_NOT_UTF8, path.name, found=f"byte 0x{raw[error.start]:02x} in line {line}")
        return None
    # One limit for lines and fields; a text that is too long is a problem of its column.
    csv.field_size_limit(MAXIMUM_LINE)
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        header = next(reader, None)
        for place, row in enumerate(reader, start=1):
            if any(row) and any(field.strip() for field in row):  # spreadsheets leave empty rows of commas behind
                rows.append((place, row))
    except csv.Error:
        problems.add(NOT_A_TABLE, path.name, row=len(rows) + 1, found="a quoted field that does not end")
        return None
    if not header or not any(title.strip() for title in header):
        problems.add(FILE_EMPTY, path.name)
        return None
    if len(header) > MAXIMUM_COLUMNS:
        problems.add(LINE_TOO_LONG, path.name, row=0, found=f"{len(header):,} columns")
        return None
    return [title.strip() for title in header], iter(rows)


def _parquet_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    import pyarrow as pa  # heavy: loaded only for Parquet
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        table.validate(full=True)  # text that is not UTF-8 is found here, not row by row
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk or the account; damaged contents have no number
        raise _NotATable from error

    def rows() -> Iterator[tuple[int, list[str]]]:
        place = 0
        for batch in table.to_batches(max_chunksize=10_000):
            for record in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                place += 1
                yield place, [_as_text(value) for value in record]

    return list(table.column_names), rows()


def _as_text(value: object) -> str:
    """A Parquet value as the CSV would hold it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        # A column of counts with empty fields is kept as floats by many programs: 12.0 is the 12 that the CSV holds.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


@contextmanager
def written_whole(path: Path, mode: str = "w", *, private: bool = False) -> Iterator[IO[Any]]:
    """Open a file for writing that appears under its name only when it is whole.

    An interruption leaves nothing or the file as it was before. private: readable by its owner alone (patient data).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        encoding = None if "b" in mode else "utf-8"
        newline = None if "b" in mode else ""
        with os.fdopen(handle, mode, encoding=encoding, newline=newline) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o600 if private else 0o644)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
