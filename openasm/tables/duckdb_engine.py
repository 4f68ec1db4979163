"""The embedded engine: DuckDB with a memory limit, a number of threads and a spill folder, always set."""

from __future__ import annotations

import atexit
import copy
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from openasm.base.duckdb_end import let_go_of_duckdb
from openasm.tables.engine import PARQUET_ROW_GROUP, Frame, csv_files, new_spill_folder, parquet_files, remove_folder
from openasm.tables.whole_file import temporary_beside

atexit.register(let_go_of_duckdb)


class DuckDbEngine:
    """DuckDB in this process. Not for use by several threads at once (see `beside`); it runs on several by itself.

    No extension is ever loaded from the network, and rows have no order unless one is asked for.
    """

    name = "duckdb"

    def __init__(self, *, memory_bytes: int, threads: int, spill_folder: Path | None = None) -> None:
        self._spill = new_spill_folder(spill_folder)
        self._names = itertools.count(1)
        self._lent: dict[str, Any] = {}  # Arrow tables that SQL may read, by name; every handle registers them itself
        self._seen: set[str] = set()
        self.connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{memory_bytes // 1024**2}MiB",
                "threads": str(threads),
                "temp_directory": str(self._spill),
                "preserve_insertion_order": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        # Progress bars would go to standard output, where --json prints its one document.
        self.connection.execute("SET enable_progress_bar = false")

    def beside(self) -> Self:
        """A handle to the same tables and views for another thread; temporary ones are each handle's own.

        Close its `connection` when it has done its work; the engine itself stays open.
        """
        other = copy.copy(self)
        other.connection = self.connection.cursor()
        other._seen = set()
        other.connection.execute("SET enable_progress_bar = false")
        return other

    def sql(self, query: str, parameters: Sequence[Any] | None = None) -> Frame:
        """A DuckDB query as a lazy frame; for reading raw formats only, as it ties the caller to this engine."""
        return nw.from_native(self.connection.sql(query, params=parameters))

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; for reading raw formats only."""
        return self.connection.execute(statement, parameters).fetchall()

    def changed(self, statement: str) -> int:
        """Run one INSERT, DELETE or UPDATE and return how many rows it touched."""
        rows = self.execute(statement)
        return int(rows[0][0]) if rows else 0

    def create_table(self, name: str, reader: Any) -> None:
        """Make a table from a pyarrow record batch reader, batch by batch."""
        self.connection.register("openasm_incoming", reader)
        try:
            self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM openasm_incoming")
        finally:
            self.connection.unregister("openasm_incoming")

    def lend(self, name: str, table: Any) -> None:
        """Let SQL read a pyarrow table by a name, without a copy of it; it does not count in the memory limit nor spill.

        Handles made by `beside` know it after `see_lent`.
        """
        self._lent[name] = table
        self.see_lent()

    def see_lent(self) -> None:
        """Know the tables lent through other handles."""
        for name, table in list(self._lent.items()):
            if name not in self._seen:
                self.connection.register(name, table)
                self._seen.add(name)

    def append(self, name: str, table: Any) -> None:
        """Add the rows of a pyarrow table to a table of the engine with the same columns."""
        self.connection.register("openasm_incoming", table)
        try:
            self.connection.execute(f"INSERT INTO {name} SELECT * FROM openasm_incoming")
        finally:
            self.connection.unregister("openasm_incoming")

    def create_rows(
        self,
        name: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        *,
        types: Sequence[str] = (),
    ) -> None:
        """Make a table of a few columns (text unless `types` says otherwise) from rows in memory."""
        kinds = types or ["VARCHAR"] * len(columns)
        wanted = ", ".join(f"{column} {kind}" for column, kind in zip(columns, kinds, strict=True))
        self.connection.execute(f"CREATE OR REPLACE TABLE {name} ({wanted})")
        if rows:
            self.append(name, pa.table({column: [row[place] for row in rows] for place, column in enumerate(columns)}))

    def columns(self, table: str) -> list[str]:
        """The column names of a table or view, in order."""
        return list(self.connection.table(table).columns)

    def view(self, frame: Frame) -> str:
        """A name by which SQL can refer to the frame."""
        name = self._fresh_name("view")
        nw.to_native(frame).create_view(name)
        return name

    def read_parquet(self, paths: Path | Sequence[Path]) -> Frame:
        """See Engine."""
        files = [str(path) for path in parquet_files(paths)]
        return nw.from_native(self.connection.read_parquet(files, union_by_name=not _same_columns(files)))

    def read_csv(self, paths: Path | Sequence[Path]) -> Frame:
        """See Engine."""
        files = [str(path) for path in csv_files(paths)]
        query = (
            "SELECT * FROM read_csv($1, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', "
            "union_by_name = true, strict_mode = true)"
        )
        return self.sql(query, [files])

    def from_arrow(self, table: Any) -> Frame:
        """See Engine."""
        return nw.from_native(self.connection.from_arrow(table))

    def from_rows(self, columns: Mapping[str, Sequence[Any]], schema: Mapping[str, Any]) -> Frame:
        """See Engine."""
        arrow = nw.Schema(dict(schema)).to_arrow()
        return self.from_arrow(pa.table({name: list(columns[name]) for name in schema}, schema=arrow))

    def held(self, frame: Frame) -> Frame:
        """See Engine."""
        name = self._fresh_name("held")
        nw.to_native(frame).create(
            name
        )  # a table of the in-memory database: counted in the memory limit, spilled beyond
        return nw.from_native(self.connection.table(name))

    def to_arrow(self, frame: Frame) -> Any:
        """See Engine."""
        return nw.to_native(frame.collect(backend="pyarrow"))

    def sink_parquet(self, frame: Frame, path: Path, *, order_by: Sequence[str] = (), private: bool = True) -> int:
        """See Engine."""
        source = nw.to_native(frame.sort(*order_by) if order_by else frame)
        with temporary_beside(path, private=private) as temporary:
            query = (
                f"COPY ({source.sql_query()}) TO '{_quoted(temporary)}' "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {PARQUET_ROW_GROUP})"
            )
            row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def sink_rows(self, frame: Frame, path: Path) -> None:
        """See Engine. One file."""
        self.sink_parquet(frame, path)

    def work_folder(self) -> Path:
        """A private folder for passing files, on the disk of the spill folder; gone when the engine closes."""
        folder = self._spill / f"work-{next(self._names)}"
        folder.mkdir(mode=0o700)
        return folder

    def close(self) -> None:
        """See Engine."""
        self.connection.close()
        remove_folder(self._spill)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fresh_name(self, kind: str) -> str:
        return f"openasm_{kind}_{next(self._names)}"


def _same_columns(files: Sequence[str]) -> bool:
    """Whether all files have the same columns in the same order; columns matched file by file are read by one thread only."""
    if len(files) == 1:
        return True
    try:
        columns = [[(each.name, each.type) for each in pq.read_schema(file)] for file in files]
    except (OSError, pa.ArrowException):  # DuckDB says what is wrong with it
        return False
    return all(each == columns[0] for each in columns)


def _quoted(path: Path) -> str:
    return os.fspath(path).replace("'", "''")
