"""Rows into the database by the hundred thousand: COPY on PostgreSQL; on SQLite a file aside that is taken over in one go.

Rows are tuples in the order of the columns named. On SQLite a long transaction would hold up every other writer (each view of a
patient is one), so rows are first staged in a file of their own and copied over in one short transaction.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from django.db import IntegrityError, connection, models, transaction
from django.db.backends.utils import CursorWrapper

Row = Sequence[Any]
BATCH = 5_000
_PLAIN = frozenset({str, int, float, bytes, type(None)})  # what SQLite takes as it is


class Loader(Protocol):
    """Where rows are put."""

    def add(self, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Take rows of a table; returns how many."""


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
            yield _Copy()
            finish()


def column_of(model: type[models.Model], name: str) -> str:
    """The database's column of a field."""
    return str(model._meta.get_field(name).column)  # type: ignore[union-attr]


class _Copy:
    """PostgreSQL: COPY inside the running transaction."""

    def add(self, model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> int:
        table = model._meta.db_table
        names = ", ".join(f'"{column_of(model, name)}"' for name in columns)
        count = 0
        with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row([_copied(value) for value in row])
                count += 1
        return count


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
        self._open.execute("BEGIN")
        self._tables: dict[type[models.Model], tuple[str, ...]] = {}

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
                        cursor.execute(f'INSERT INTO main."{table}" ({quoted}) SELECT {quoted} FROM staging."{table}"')  # noqa: S608
                    self._check_references(cursor)
                finish()
        finally:
            connection.enable_constraint_checking()
            with connection.cursor() as cursor:
                cursor.execute("DETACH DATABASE staging")

    def _check_references(self, cursor: CursorWrapper) -> None:
        """Every reference of the rows taken over leads to a row: IntegrityError otherwise, and the transaction is undone."""
        for model, names in self._tables.items():
            for field in model._meta.concrete_fields:
                if field.remote_field is None or field.column not in names:
                    continue
                target = field.remote_field.model._meta
                cursor.execute(
                    f'SELECT 1 FROM staging."{model._meta.db_table}" WHERE "{field.column}" IS NOT NULL AND "{field.column}" '  # noqa: S608
                    f'NOT IN (SELECT "{target.pk.column}" FROM main."{target.db_table}") LIMIT 1'
                )
                if cursor.fetchone() is not None:
                    raise IntegrityError(f"{model.__name__}.{field.name} names a row that is not there")

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
                finish()
        finally:
            aside.close()


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
