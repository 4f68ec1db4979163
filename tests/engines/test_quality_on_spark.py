"""Measures over partitions: equal to one machine, whatever the partitions; on Spark where it is installed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openasm.base.errors import WrongUsage
from openasm.clinical.fhir import WorkUnit
from openasm.quality.demonstration import write_demo_patients
from openasm.quality.evaluation import Job, UnitEvaluator, tallies
from openasm.quality.on_spark import HEADERS, counts_of, frame_of, rows_of
from openasm.quality.specification import measure_ids, specification_for
from openasm.tables.engine import open_engine
from tests.builders.quality_measures import terminology

JOB = Job(tuple(specification_for(name, 2026) for name in measure_ids()), terminology(), 2026)
PATIENTS = 90


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_patients(tmp_path_factory.mktemp("records"), 8, PATIENTS, 2026)


def expected(file: Path, table: str) -> list[tuple[str, ...]]:
    result = UnitEvaluator(JOB)(WorkUnit("file", 1, tuple(file.read_bytes().splitlines())))
    return sorted(tuple(cells) for cells in csv.reader(line.decode() for line in getattr(result.lines, table)))


@pytest.mark.parametrize("table", list(HEADERS))
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_partitions_give_the_rows_of_one_machine(file: Path, table: str, parts: int) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [row for part in range(parts) for row in rows_of(lines[part::parts], JOB, table)]
    assert sorted(rows) == expected(file, table)
    assert {len(row) for row in rows} == {len(HEADERS[table].split(","))}


def test_lines_that_cannot_be_read_give_no_row(file: Path) -> None:
    lines = ["", "{", "[]", *file.read_text(encoding="utf-8").splitlines()]
    assert sorted(rows_of(lines, JOB, "gaps")) == expected(file, "gaps")


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="the extra openasm[spark] is not installed")
    try:
        engine = open_engine("spark", memory_bytes=1024**3, threads=2)
    except WrongUsage as missing:
        pytest.skip(str(missing))
    with engine:
        yield engine.session  # type: ignore[attr-defined]


@pytest.mark.spark
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_gives_the_rows_and_counts_of_one_machine(file: Path, session: Any) -> None:
    for table in HEADERS:
        frame = frame_of(session, [file], JOB, table, partitions=3)
        assert sorted(tuple(row) for row in frame.collect()) == expected(file, table)
    evaluated = UnitEvaluator(JOB)(WorkUnit("file", 1, tuple(file.read_bytes().splitlines())))
    counted = {
        key: (tally.eligible, tally.met, tally.exclusions, tally.exceptions)
        for key, tally in tallies(evaluated.counts, JOB.specifications).items()
    }
    assert counts_of(frame_of(session, [file], JOB)) == counted
