"""Rows into the database by the million: COPY on PostgreSQL; on SQLite a file aside that is taken over in one go.

Rows are tuples in the order of the columns named, or tables of Arrow. On SQLite a long transaction would hold up every other writer
(each view of a patient is one), so rows are first staged in a file of their own, the large tables with their indexes, and copied over
in one short transaction: SQLite copies a table of the same shape as it stands, indexes included.

The large tables have no constraint on their references (`db_constraint=False`): checking each of millions of rows as it comes takes
longer than everything else. Instead all references of what was loaded are looked up together before the transaction ends.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
import os
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from django.db import IntegrityError, connection, models, transaction
from django.db.backends.utils import CursorWrapper

if TYPE_CHECKING:
    import pyarrow as pa

Row = Sequence[Any]
BATCH = 5_000
_TABLE_BATCH = 100_000
_MOST_VALUES = 900  # in one statement: what every SQLite takes
_PLAIN = frozenset({str, int, float, bytes, type(None)})  # what SQLite takes as it is


class Loader(Protocol):
    """Where rows are put."""

    def add(self, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Take rows of a table; returns how many."""

    def add_table(self, model: type[models.Model], rows: pa.Table) -> int:
        """Take a large table's rows, its columns named like the model's fields; returns how many."""


@contextmanager
def loading(folder: Path | None, *, lock: Callable[[], object], finish: Callable[[], object]) -> Iterator[Loader]:
    """A loader; when the block ends well, everything is in the database in one transaction, else nothing is.

    lock: run first inside the transaction; finish: run last inside it. folder: where the file aside may lie.
    """
    if connection.vendor == "sqlite":
        with _staged(folder) as staging:
            yield staging
            staging.close()
            staging.take_over(lock=lock, finish=finish)
    else:
        with transaction.atomic():
            lock()
            copying = _Copy()
            yield copying
            copying.check_references()
            finish()


def first_free(model: type[models.Model]) -> int:
    """The first free identifier. Rows are numbered before they are loaded: while PostgreSQL takes rows, it answers nothing else."""
    return int(model._default_manager.aggregate(last=models.Max("id"))["last"] or 0) + 1


def analyze_sqlite() -> None:
    """Have SQLite look at a sample of every index (milliseconds): one it has not seen yet makes it choose badly among the others."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA analysis_limit=1000")
        cursor.execute("ANALYZE")


def column_of(model: type[models.Model], name: str) -> str:
    """The database's column of a field."""
    return str(model._meta.get_field(name).column)  # type: ignore[union-attr]


class _Copy:
    """PostgreSQL: COPY inside the running transaction."""

    def __init__(self) -> None:
        self._named: dict[type[models.Model], list[pa.Array]] = defaultdict(
            list
        )  # rows to which the large tables refer

    def add(self, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
        table = model._meta.db_table
        names = ", ".join(f'"{column_of(model, name)}"' for name in columns)
        count = 0
        with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row([_copied(value) for value in row])
                count += 1
        return count

    def add_table(self, model: type[models.Model], rows: pa.Table) -> int:
        import pyarrow as pa  # heavy: loaded only here
        import pyarrow.compute as pc

        if not rows.num_rows:
            return 0
        table, names = model._meta.db_table, [column_of(model, name) for name in rows.column_names]
        plain = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in rows.columns]
        texts = _csv_texts(pa.table(plain, names=names))
        quoted = ", ".join(f'"{name}"' for name in names)
        with (
            ThreadPoolExecutor(1) as beside,  # writes the next rows as text while the server takes the last ones
            connection.cursor() as cursor,
            cursor.copy(f'COPY "{table}" ({quoted}) FROM STDIN (FORMAT csv)') as copy,
        ):
            written = beside.submit(next, texts, None)
            while (text := written.result()) is not None:
                written = beside.submit(next, texts, None)
                copy.write(text)
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.name in rows.column_names:
                self._named[field.remote_field.model].append(pc.unique(rows.column(field.name)).drop_null())
        return int(rows.num_rows)

    def check_references(self) -> None:
        """Every reference of the large tables leads to a row: IntegrityError otherwise."""
        import pyarrow as pa

        with connection.cursor() as cursor:
            for target, columns in self._named.items():
                named = pa.chunked_array(columns).unique()
                table, key = target._meta.db_table, target._meta.pk.column
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{key}" = ANY(%s)', [named.to_pylist()])  # noqa: S608
                (found,) = cursor.fetchone()
                if found != len(named):
                    raise IntegrityError(f"{len(named) - found:,} references name no row of {target.__name__}")


def _csv_texts(rows: pa.Table) -> Iterator[memoryview]:
    """Rows as CSV, some at a time; a missing value has no quotes."""
    import pyarrow.csv as pa_csv

    options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    for batch in rows.to_batches(_TABLE_BATCH):
        text = io.BytesIO()
        pa_csv.write_csv(batch, text, options)
        yield text.getbuffer()


def _check_references(cursor: CursorWrapper, model: type[models.Model], rows: str) -> None:
    """Every reference of some rows leads to a row. rows: as SQL names them."""
    for field in model._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey):
            continue
        target = field.remote_field.model._meta
        cursor.execute(
            f'SELECT 1 FROM (SELECT DISTINCT "{field.column}" AS named FROM {rows}) AS each WHERE each.named IS NOT NULL '  # noqa: S608
            f'AND NOT EXISTS (SELECT 1 FROM "{target.db_table}" AS target WHERE target."{target.pk.column}" = each.named) LIMIT 1'
        )
        if cursor.fetchone() is not None:
            raise IntegrityError(f"{model.__name__}.{field.name} names a row that is not there")


def _copied(value: Any) -> Any:
    """A value as COPY takes it: documents as JSON text."""
    return json.dumps(value) if isinstance(value, dict | list) else value


class _Staging:
    """SQLite: a database file without indexes, filled outside any transaction of the workbench."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = sqlite3.connect(path, isolation_level=None)
        self._open.execute("PRAGMA journal_mode=OFF")
        self._open.execute("PRAGMA synchronous=OFF")
        self._open.execute("PRAGMA cache_size=-100000")
        self._open.execute("PRAGMA temp_store=MEMORY")
        self._open.execute("BEGIN")
        self._tables: dict[type[models.Model], tuple[str, ...]] = {}
        self._alike: set[type[models.Model]] = set()  # staged in the shape of their tables

    def add(self, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
        table = model._meta.db_table
        names = tuple(column_of(model, name) for name in columns)
        quoted = ", ".join(f'"{name}"' for name in names)
        if model not in self._tables:
            self._open.execute(f'CREATE TABLE "{table}" ({quoted})')
            self._tables[model] = names
        insert = f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608 (our own names)
        count = 0
        source = iter(rows)
        batch: Sequence[Row]
        while batch := list(itertools.islice(source, BATCH)):
            if not _PLAIN.issuperset(map(type, itertools.chain.from_iterable(batch))):
                batch = [[value if type(value) in _PLAIN else _stored(value) for value in row] for row in batch]
            self._open.executemany(insert, batch)
            count += len(batch)
        return count

    def add_table(self, model: type[models.Model], rows: pa.Table) -> int:
        names = tuple(column_of(model, name) for name in rows.column_names)
        making, indexes = _shape(model)
        self._tables[model] = names
        self._alike.add(model)
        self._open.execute(making)
        quoted, place = ", ".join(f'"{name}"' for name in names), f"({', '.join('?' * len(names))})"
        at_once = _MOST_VALUES // len(names)
        for start in range(0, rows.num_rows, _TABLE_BATCH):
            columns = map(_plain_values, rows.slice(start, _TABLE_BATCH).columns)
            values = list(itertools.chain.from_iterable(zip(*columns, strict=True)))
            step = at_once * len(names)
            last = len(values) - len(values) % step
            parts = [(at_once, [values[at : at + step] for at in range(0, last, step)])]
            parts += [((len(values) - last) // len(names), [values[last:]])] if last < len(values) else []
            for many, some in parts:  # many rows a statement take two thirds of the time of one row a statement
                insert = f'INSERT INTO "{model._meta.db_table}" ({quoted}) VALUES {", ".join([place] * many)}'  # noqa: S608
                self._open.executemany(insert, some)
        for index in indexes:
            self._open.execute(index)
        return int(rows.num_rows)

    def close(self) -> None:
        """All rows are there."""
        if self._open.in_transaction:
            self._open.execute("COMMIT")
        self._open.close()

    def take_over(self, *, lock: Callable[[], object], finish: Callable[[], object]) -> None:
        """Copy every table in one transaction."""
        if connection.in_atomic_block:  # a file cannot be attached inside a transaction (tests run in one)
            self._insert(lock=lock, finish=finish)
            return
        with connection.cursor() as cursor:
            cursor.execute("ATTACH DATABASE %s AS staging", [str(self._path)])
        # Looking up each row's references as it comes takes ten times as long as the rows: they are looked up by the table instead.
        connection.disable_constraint_checking()
        try:
            with transaction.atomic():
                lock()
                with connection.cursor() as cursor:
                    for model, names in self._tables.items():
                        table = model._meta.db_table
                        quoted = ", ".join(f'"{name}"' for name in names)
                        cursor.execute(
                            f'INSERT INTO main."{table}" SELECT * FROM staging."{table}"'  # noqa: S608
                            if model in self._alike
                            else f'INSERT INTO main."{table}" ({quoted}) SELECT {quoted} FROM staging."{table}"'  # noqa: S608
                        )
                    self._check(cursor, "staging.")
                finish()
        finally:
            connection.enable_constraint_checking()
            with connection.cursor() as cursor:
                cursor.execute("DETACH DATABASE staging")

    def _check(self, cursor: CursorWrapper, where: str) -> None:
        for model in self._tables:
            _check_references(cursor, model, f'{where}"{model._meta.db_table}"')

    def _insert(self, *, lock: Callable[[], object], finish: Callable[[], object]) -> None:
        aside = sqlite3.connect(self._path)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                lock()
                for model, names in self._tables.items():
                    table = model._meta.db_table
                    quoted = ", ".join(f'"{name}"' for name in names)
                    places = ", ".join(["%s"] * len(names))
                    rows = aside.execute(f'SELECT {quoted} FROM "{table}"').fetchall()  # noqa: S608
                    cursor.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({places})', rows)  # noqa: S608
                self._check(cursor, "")
                finish()
        finally:
            aside.close()


def _shape(model: type[models.Model]) -> tuple[str, list[str]]:
    """What makes a table as it stands in the workbench's database, and what makes its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT type, sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL ORDER BY type DESC, name",
            [model._meta.db_table],
        )
        found = cursor.fetchall()
    return str(found[0][1]), [str(sql) for kind, sql in found if kind == "index"]


def _plain_values(column: pa.ChunkedArray) -> list[Any]:
    """A column as SQLite takes it, days as ISO text: texts and days that come again are made once."""
    import numpy as np  # heavy: loaded only here
    import pyarrow as pa

    array = column.combine_chunks()
    if pa.types.is_date(array.type):
        array = array.dictionary_encode()
        array = pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.string()))
    if pa.types.is_dictionary(array.type):
        texts = np.array([*array.dictionary.to_pylist(), None], object)
        return list(texts[array.indices.fill_null(len(texts) - 1).to_numpy()])
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if pa.types.is_string(array.type):
        return list(array.to_pylist())
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if not missing.any():
        return list(array.to_numpy().tolist())
    values = array.fill_null(0).to_numpy().astype(object)
    values[missing] = None
    return list(values)


def _stored(value: Any) -> Any:
    """A value as SQLite keeps it under Django: booleans 0 and 1, days as ISO text, documents as JSON text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, Mapping | list) else value


@contextmanager
def _staged(folder: Path | None) -> Iterator[_Staging]:
    handle, name = tempfile.mkstemp(prefix=".publish-", suffix=".sqlite3", dir=folder)
    os.close(handle)
    staging = _Staging(Path(name))
    try:
        yield staging
    finally:
        with suppress(sqlite3.Error):
            staging.close()
        with suppress(FileNotFoundError):
            os.unlink(name)


def remove_stale(folder: Path) -> None:
    """Remove what a killed publish left in a data folder."""
    for path in folder.glob(".publish-*"):
        with suppress(OSError):
            path.unlink()
