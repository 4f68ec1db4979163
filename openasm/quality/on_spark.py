"""Measures over patient partitions on Spark: the same functions, for panels that outgrow one machine.

Each partition evaluates its patients with an evaluator of its own; nothing crosses partitions but the finished rows, so results equal
those of one machine line by line. Input: files with one Bundle a line, plain or gzip (a gzip file is one partition: give many).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from openasm.clinical.fhir import LINES_A_UNIT, WorkUnit
from openasm.quality.evaluation import Job
from openasm.quality.outputs import GAPS_HEADER, POPULATIONS_HEADER

HEADERS = {"populations": POPULATIONS_HEADER, "gaps": GAPS_HEADER}

Cells = tuple[str, ...]


def rows_of(lines: Iterable[str | bytes], job: Job, table: str) -> Iterator[Cells]:
    """The rows of `populations` or `gaps` (columns of the files of those names, as text) of some Bundles, one a line.

    Lines that cannot be read give no row, as in `openasm quality`, which counts them; check an export there first.
    """
    evaluate = job.evaluator()
    remaining = iter(lines)
    while batch := tuple(line.encode() if isinstance(line, str) else line for line in islice(remaining, LINES_A_UNIT)):
        result = evaluate(WorkUnit("partition", 1, tuple(line for line in batch if line.strip())))
        found = result.lines.populations if table == "populations" else result.lines.gaps
        for cells in csv.reader(line.decode() for line in found):
            yield tuple(cells)


def frame_of(session: Any, paths: Iterable[Path], job: Job, table: str = "populations", *, partitions: int = 0) -> Any:
    """A Spark DataFrame of `populations` or `gaps`, in no order; every column is text, empty as in the CSV files.

    session: a SparkSession; partitions: at least so many (0: Spark's choice). The job goes to every worker once.
    """
    lines = session.sparkContext.textFile(",".join(str(path) for path in paths), partitions or None)
    shared = session.sparkContext.broadcast(job)
    rows = lines.mapPartitions(lambda part: rows_of(part, shared.value, table))
    schema = ", ".join(f"`{name}` string" for name in HEADERS[table].split(","))
    return session.createDataFrame(rows, schema)


def counts_of(populations: Any) -> dict[tuple[str, int], tuple[int, int, int, int]]:
    """Eligible, met, exclusions and exceptions of each measure and group, added up by Spark from a frame of populations."""
    names = ("denominator", "numerator", "denominator_exclusion", "denominator_exception")
    sums = [f"sum(cast(nullif({name}, '') as int)) as {name}" for name in names]
    grouped = populations.selectExpr("measure", "cast(`group` as int) as place", *names)
    grouped.createOrReplaceTempView("openasm_populations")
    query = f"select measure, place, {', '.join(sums)} from openasm_populations group by measure, place"  # noqa: S608
    rows = populations.sparkSession.sql(query).collect()
    return {(row["measure"], row["place"]): tuple(row[name] or 0 for name in names) for row in rows}  # type: ignore[misc]
