"""The engine door: opening DuckDB or Spark, reading files to lazy frames, writing frames to Parquet, closing.

Rooms above see Narwhals lazy frames and this interface, never an engine. Memory, threads and the spill folder are always
set: a run on a laptop spills to disk instead of failing, and takes the spill folder away when it closes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import narwhals as nw

from openasm.base.errors import WrongUsage
from openasm.base.held_folders import hold, release, remove_unheld

PARQUET_ROW_GROUP = 122_880
"""Rows in a row group, always the same, so that equal rows in equal order give equal bytes."""

Frame = nw.LazyFrame[Any]


class Engine(Protocol):
    """What every engine can do. Use as a context manager; frames die with the engine that made them."""

    name: str

    def read_parquet(self, paths: Path | Sequence[Path]) -> Frame:
        """A Parquet file, a folder of them, or several of either, as one lazy frame (columns matched by name)."""

    def read_csv(self, paths: Path | Sequence[Path]) -> Frame:
        """CSV files (UTF-8, header, comma) with the same header as one lazy frame; every column is text."""

    def from_arrow(self, table: Any) -> Frame:
        """A pyarrow table as a lazy frame."""

    def from_rows(self, columns: Mapping[str, Sequence[Any]], schema: Mapping[str, Any]) -> Frame:
        """Plain columns as a lazy frame; `schema` gives the Narwhals type of each, in order."""

    def held(self, frame: Frame) -> Frame:
        """The frame computed once and kept (spilling when large), for frames that several steps read."""

    def to_arrow(self, frame: Frame) -> Any:
        """The frame computed, as a pyarrow table in memory."""

    def sink_parquet(self, frame: Frame, path: Path, *, order_by: Sequence[str] = (), private: bool = True) -> int:
        """Write one Parquet file that appears whole or not at all; returns its rows.

        order_by: columns that order every row; with them equal rows give equal bytes whatever the number of threads,
        without them the order is the engine's. private: readable by its owner alone.
        """

    def sink_rows(self, frame: Frame, path: Path) -> None:
        """Keep the rows, in any order and readable by their owner alone, under a path that `read_parquet` takes.

        It appears whole or not at all: one Parquet file, or a folder of them where many machines write at once.
        """

    def close(self) -> None:
        """Let go of memory and remove the spill folder."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_engine(
    name: str = "duckdb",
    *,
    memory_bytes: int | None = None,
    threads: int | None = None,
    spill_folder: Path | None = None,
) -> Engine:
    """Open the engine named: `duckdb` (embedded, the default) or `spark` (extra `openasm[spark]`).

    memory_bytes: most memory to use (default: 60 % of what the machine or container has); threads: default all that this
    process may use; spill_folder: where to put what does not fit (default: `OPENASM_SPILL`, else the temporary folder). An
    unknown name, or Spark without its packages or Java, raises WrongUsage.

    >>> with open_engine() as engine:
    ...     frame = engine.from_rows({"cents": [1, 2]}, {"cents": nw.Int64()})
    ...     engine.to_arrow(frame).num_rows
    2
    """
    memory = memory_bytes if memory_bytes is not None else default_memory_bytes()
    workers = threads if threads is not None else default_threads()
    if memory < 64 * 1024**2:
        raise WrongUsage("The engine needs at least 64 MiB of memory.")
    if workers < 1:
        raise WrongUsage("The engine needs at least one thread.")
    if name == "duckdb":
        from openasm.tables.duckdb_engine import DuckDbEngine

        return DuckDbEngine(memory_bytes=memory, threads=workers, spill_folder=spill_folder)
    if name == "spark":
        from openasm.tables.spark_engine import SparkEngine

        return SparkEngine(memory_bytes=memory, threads=workers, spill_folder=spill_folder)
    raise WrongUsage(f"There is no engine {name!r}; choose duckdb or spark.")


SPILL_PREFIX = "openasm-spill-"
SPILL_SPARED_SECONDS = 3600  # a folder just made is not held yet
_held_folders: dict[Path, int | None] = {}


def default_threads() -> int:
    """As many threads as this process may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_memory_bytes() -> int:
    """60 % of the memory this process may use: the container's limit where there is one, else the machine's."""
    limits = [_machine_memory()]
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        with suppress(OSError, ValueError):
            limits.append(int(limit.read_text().strip()))
    return max(512 * 1024**2, min(limits) * 6 // 10)


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # not every system tells
        return 4 * 1024**3


def new_spill_folder(parent: Path | None) -> Path:
    """A fresh folder only the owner may read, under `parent`, `OPENASM_SPILL` or the temporary folder."""
    chosen = parent or (Path(os.environ["OPENASM_SPILL"]) if os.environ.get("OPENASM_SPILL") else None)
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=SPILL_PREFIX, dir=chosen))
    _held_folders[folder] = hold(folder)
    # What spills is data of patients: folders that killed runs left behind do not stay.
    remove_unheld(folder.parent, f"{SPILL_PREFIX}*", changed_before=folder.stat().st_mtime - SPILL_SPARED_SECONDS)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder and what is in it, if it is there."""
    release(_held_folders.pop(folder, None))
    shutil.rmtree(folder, ignore_errors=True)


def parquet_files(paths: Path | Sequence[Path]) -> list[Path]:
    """The Parquet files behind paths that are files or folders, in name order; none raises FileNotFoundError."""
    return _files(paths, ".parquet")


def csv_files(paths: Path | Sequence[Path]) -> list[Path]:
    """The CSV files (also gzip) behind paths that are files or folders, in name order; none raises FileNotFoundError."""
    return _files(paths, ".csv", ".csv.gz")


def _files(paths: Path | Sequence[Path], *endings: str) -> list[Path]:
    found: list[Path] = []
    for path in [paths] if isinstance(paths, Path) else paths:
        found += sorted(_inside(path, endings)) if path.is_dir() else [path]
    if not found:
        raise FileNotFoundError(f"no {endings[0]} file given")
    for path in found:
        if not path.is_file():
            raise FileNotFoundError(2, "no such file", str(path))
    return found


def _inside(folder: Path, endings: tuple[str, ...]) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.is_file() and path.name.endswith(endings))
