"""The engine for claims that outgrow one machine: Spark, an extra (`openasm[spark]`), with the same interface."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from openasm.base.errors import WrongUsage
from openasm.tables.engine import Frame, csv_files, new_spill_folder, parquet_files, remove_folder
from openasm.tables.whole_file import temporary_beside, whole_folder

_MISSING = (
    "The Spark engine needs the extra openasm[spark] and Java 17 or newer: install both (`pip install 'openasm[spark]'`, "
    "and a Java runtime on PATH or in JAVA_HOME), or use the engine duckdb."
)


class SparkEngine:
    """Spark through Narwhals. An active session of the caller's is used as it is and left running at the end."""

    name = "spark"

    def __init__(self, *, memory_bytes: int, threads: int, spill_folder: Path | None = None) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise WrongUsage(_MISSING) from error
        active = SparkSession.getActiveSession()
        if active is None and shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
            raise WrongUsage(_MISSING)
        self._spill = new_spill_folder(spill_folder)
        self._owned = active is None
        if active is None:
            builder = SparkSession.builder.master(f"local[{threads}]").appName("openasm")
            for key, value in _settings(memory_bytes, threads, self._spill).items():
                builder = builder.config(key, value)
            try:
                active = builder.getOrCreate()
            except Exception as error:  # py4j and pyspark raise several kinds when Java does not start
                remove_folder(self._spill)
                raise WrongUsage(_MISSING) from error
        self.session = active
        self.session.sparkContext.setLogLevel("ERROR")

    def read_parquet(self, paths: Path | Sequence[Path]) -> Frame:
        """See Engine."""
        files = [str(path.resolve()) for path in parquet_files(paths)]
        columns = _columns_of(files)
        # Told the columns, Spark needs no job to find them out.
        reader = self.session.read.schema(columns) if columns else self.session.read.option("mergeSchema", True)
        return _lazy(reader.parquet(*files))

    def read_csv(self, paths: Path | Sequence[Path]) -> Frame:
        """See Engine."""
        files = [str(path.resolve()) for path in csv_files(paths)]
        reader = self.session.read.options(header=True, inferSchema=False, escape='"', multiLine=True)
        return _lazy(reader.csv(files))

    def from_arrow(self, table: Any) -> Frame:
        """See Engine."""
        return _lazy(self.session.createDataFrame(table))

    def from_rows(self, columns: Mapping[str, Sequence[Any]], schema: Mapping[str, Any]) -> Frame:
        """See Engine."""
        # By way of Arrow, as the rows then lie in the plan: Spark knows how few they are and sends them to where the lines are.
        arrow = nw.Schema(dict(schema)).to_arrow()
        return self.from_arrow(pa.table({name: list(columns[name]) for name in schema}, schema=arrow))

    def held(self, frame: Frame) -> Frame:
        """See Engine."""
        return _lazy(nw.to_native(frame).persist())

    def to_arrow(self, frame: Frame) -> Any:
        """See Engine."""
        return nw.to_native(frame.collect(backend="pyarrow"))

    def sink_parquet(self, frame: Frame, path: Path, *, order_by: Sequence[str] = (), private: bool = True) -> int:
        """See Engine. The file is written by one task, in the order asked for."""
        native = nw.to_native(frame)
        with temporary_beside(path, private=private) as temporary:
            folder = temporary.with_name(f"{temporary.name}.parts")
            try:
                # One partition first, then ordered within it: a sort across partitions would be merged in any order. By a
                # shuffle, as `coalesce` would leave what comes before to one task as well.
                one = native.repartition(1)
                ordered = one.sortWithinPartitions(*order_by) if order_by else one
                ordered.write.option("compression", "zstd").parquet(str(folder.resolve()))
                parts = sorted(folder.glob("part-*.parquet"))
                os.replace(parts[0], temporary)
            finally:
                remove_folder(folder)
        return int(pq.ParquetFile(path).metadata.num_rows)  # what the file says of itself: no further job

    def sink_rows(self, frame: Frame, path: Path) -> None:
        """See Engine. A folder with a file of each task, so that no task holds all rows."""
        with whole_folder(path) as folder:
            parts = folder / "parts"
            nw.to_native(frame).write.option("compression", "zstd").parquet(str(parts.resolve()))
            for part in parts.glob("part-*.parquet"):
                part.rename(folder / part.name)
            remove_folder(parts)

    def close(self) -> None:
        """See Engine."""
        if self._owned:
            self.session.stop()
        remove_folder(self._spill)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lazy(native: Any) -> Frame:
    frame: Frame = nw.from_native(native)
    return frame


def _settings(memory_bytes: int, threads: int, spill: Path) -> dict[str, str]:
    return {
        "spark.driver.memory": f"{memory_bytes // 1024**2}m",
        "spark.local.dir": str(spill),
        "spark.sql.warehouse.dir": str(spill / "warehouse"),
        "spark.sql.shuffle.partitions": str(max(threads * 2, 4)),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }


_SIMPLE = frozenset({pa.string(), pa.int64(), pa.int32(), pa.float64(), pa.bool_(), pa.date32()})


def _columns_of(files: Sequence[str]) -> Any:
    """The columns of Parquet files as Spark takes them; None where they are not all of the simplest kinds: Spark looks itself."""
    from pyspark.sql.pandas.types import from_arrow_schema

    try:
        found = pa.unify_schemas([pq.read_schema(file) for file in files])
    except (OSError, pa.ArrowException):  # Spark says what is wrong with it
        return None
    return from_arrow_schema(found) if set(found.types) <= _SIMPLE else None
