"""The tables of a run as files: CSV that round-trips exactly, and Parquet with the same columns.

Numbers are written with the fewest digits that give back the same double (`0.1`, `83.25`), a missing value as an empty
field, yes and no as `yes` and `no`. Equal tables give equal bytes.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openasm.base.errors import InputRefused, NotFound
from openasm.base.files import FILE_MISSING, NOT_A_TABLE, written_whole
from openasm.base.problems import Problem

Cell = str | int | float | bool | None
Columns = Mapping[str, Sequence[Cell]]
Table = dict[str, list[Cell]]


def table_of(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Rows as columns, also where there is no row.

    >>> table_of(("a", "b"), [(1, "x"), (2, "y")])
    {'a': [1, 2], 'b': ['x', 'y']}
    """
    columns = list(zip(*rows, strict=True)) or [() for _ in names]
    return {name: list(values) for name, values in zip(names, columns, strict=True)}


def cell_text(value: Cell) -> str:
    """One value as the CSV holds it; NaN counts as missing, negative zero as zero, infinity raises ValueError.

    >>> cell_text(0.1), cell_text(None), cell_text(True), cell_text(-0.0)
    ('0.1', '', 'yes', '0.0')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        if math.isinf(value):
            raise ValueError("a result must not be infinite")
        return repr(value + 0.0)  # + 0.0 turns negative zero into zero
    return str(value)


def write_csv(path: Path, columns: Columns) -> None:
    """Write equal-length columns as CSV, whole or not at all."""
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*map(_column_text, columns.values()), strict=True))


def _column_text(values: Sequence[Cell]) -> Sequence[Cell]:
    """A column as the CSV writer may have it: text, integers and None it writes as `cell_text` does, only faster."""
    if set(map(type, values)) <= {str, int, type(None)}:
        return values
    return [cell_text(value) for value in values]


def write_parquet(path: Path, columns: Columns) -> None:
    """Write the same table as Parquet: text, 64-bit integers and doubles; missing values are null."""
    import pyarrow as pa  # heavy: loaded only for writing
    import pyarrow.parquet as pq

    arrays = {}
    for name, values in columns.items():
        cleaned = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
        if any(isinstance(value, float) for value in cleaned):
            arrays[name] = pa.array([None if value is None else float(value) for value in cleaned], pa.float64())
        elif any(isinstance(value, bool) for value in cleaned):
            arrays[name] = pa.array(cleaned, pa.bool_())
        elif any(isinstance(value, int) for value in cleaned):
            arrays[name] = pa.array(cleaned, pa.int64())
        else:
            of_nothing = bool(cleaned) and all(value is None for value in cleaned)
            arrays[name] = pa.array(cleaned, pa.float64() if of_nothing else pa.string())
    with written_whole(path, "wb") as stream:
        pq.write_table(pa.table(arrays), stream)


@dataclass(frozen=True)
class RunTable:
    """A table read from a run: columns of text as written; typed access by column.

    Raises NotFound for a column the table does not have.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    _indexes: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def texts(self, column: str) -> tuple[str, ...]:
        """A column as written; missing values are empty texts."""
        try:
            return self.columns[column]
        except KeyError:
            raise NotFound(f"{self.name} has no column {column}.") from None

    def numbers(self, column: str) -> tuple[float, ...]:
        """A column of numbers; missing values are NaN."""
        return tuple(float(value) if value else math.nan for value in self.texts(column))

    def integers(self, column: str) -> tuple[int | None, ...]:
        """A column of whole numbers; missing values are None."""
        return tuple(int(value) if value else None for value in self.texts(column))

    def row(self, place: int) -> dict[str, str]:
        """One row by its place (0-based), column name to text."""
        return {name: values[place] for name, values in self.columns.items()}

    def rows(self) -> Iterator[dict[str, str]]:
        """Every row, column name to text."""
        names = tuple(self.columns)
        for values in zip(*self.columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))

    def where(self, **wanted: str) -> list[dict[str, str]]:
        """The rows whose columns hold the given texts, in the table's order; an index of those columns is kept."""
        names = tuple(wanted)
        if names not in self._indexes:
            index: dict[tuple[str, ...], list[int]] = {}
            for place, key in enumerate(zip(*(self.texts(name) for name in names), strict=True)):
                index.setdefault(key, []).append(place)
            self._indexes[names] = index
        return [self.row(place) for place in self._indexes[names].get(tuple(wanted.values()), ())]


def read_csv(path: Path) -> RunTable:
    """Read a table written by `write_csv`; InputRefused when it is missing or damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, strict=True))
    except FileNotFoundError:
        raise InputRefused([Problem(FILE_MISSING, path.name)]) from None
    except (UnicodeDecodeError, csv.Error):
        raise InputRefused([Problem(NOT_A_TABLE, path.name)]) from None
    width = len(rows[0]) if rows else 0
    if width == 0 or any(len(row) != width for row in rows):
        raise InputRefused([Problem(NOT_A_TABLE, path.name, found="rows of unequal width")])
    values = list(zip(*rows[1:], strict=True)) or [() for _ in rows[0]]
    return RunTable(path.name, dict(zip(rows[0], values, strict=True)))
