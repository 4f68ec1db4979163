"""Measures over patient partitions on Spark: the same functions, for panels that outgrow one machine.

Each partition evaluates its patients with an evaluator of its own, so results equal those of one machine line by line. Input: files with
one Bundle a line, whose lines cross no partition, or a bulk export, whose lines the engine first brings together by patient; plain
or gzip (a gzip file is one partition: give many).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from openasm.clinical.fhir import owner_of, patients_of_resources
from openasm.clinical.fhir_elements import Resource
from openasm.clinical.fhir_facts import FactReader
from openasm.clinical.fhir_source import WorkUnit, bulk_files
from openasm.quality.evaluation import Job, UnitEvaluator, UnitResult
from openasm.quality.outputs import GAPS_HEADER, POPULATIONS_HEADER

HEADERS = {"populations": POPULATIONS_HEADER, "gaps": GAPS_HEADER}
_LINES_AT_A_TIME = 64
_PATIENTS_AT_A_TIME = 256
_UNITS_FOR_EACH_WORKER = 4

Cells = tuple[str, ...]
OfPatient = tuple[str, Iterable[str | bytes]]  # a patient's id and the resources about him, a line each


def rows_of(lines: Iterable[str | bytes], job: Job, table: str) -> Iterator[Cells]:
    """The rows of `populations` or `gaps` (columns of the files of those names, as text) of some Bundles, one a line.

    Lines that cannot be read give no row, as in `openasm quality`, which counts them; check an export there first.
    """
    evaluate = UnitEvaluator(job)
    remaining = (line.encode() if isinstance(line, str) else line for line in lines)
    while batch := list(islice(remaining, _LINES_AT_A_TIME)):
        yield from _rows(evaluate(WorkUnit("partition", text=b"\n".join(batch))), table)


def rows_of_patients(
    groups: Iterable[OfPatient], job: Job, table: str, medications: Iterable[str | bytes] = ()
) -> Iterator[Cells]:
    """As `rows_of`, of a bulk export's lines by patient. medications: Medication resources that any patient may refer to."""
    evaluator = UnitEvaluator(job)
    shared = [record for line in medications if (record := _resource(line)) is not None]
    remaining = iter(groups)
    while batch := list(islice(remaining, _PATIENTS_AT_A_TIME)):
        resources = (record for _, lines in batch for line in lines if (record := _resource(line)) is not None)
        result = UnitResult()
        for patient in patients_of_resources(chain(resources, shared), FactReader(job.terms, job.profiles)):
            evaluator.add(patient, result)
        yield from _rows(result, table)


def by_patient(line: str | bytes) -> Iterator[tuple[str, str | bytes]]:
    """A line of a bulk export with the id of the patient it is about; nothing when it is about none."""
    record = _resource(line)
    owner = None if record is None else owner_of(record)
    if owner is not None:
        yield owner, line


def is_medication(line: str | bytes) -> bool:
    """Whether a line of a bulk export is a Medication."""
    record = _resource(line) if ('"Medication"' in line if isinstance(line, str) else b'"Medication"' in line) else None
    return record is not None and record["resourceType"] == "Medication"


def frame_of(session: Any, paths: Iterable[Path], job: Job, table: str = "populations", *, partitions: int = 0) -> Any:
    """A Spark DataFrame of `populations` or `gaps`, in no order; every column is text, empty as in the CSV files.

    session: a SparkSession; paths: files of Bundles, of a bulk export, or of both; partitions: at least so many (0: Spark's choice).
    The job goes to every worker once, and so do a bulk export's Medications, which should fit into memory.
    """
    files = list(paths)
    bulk = bulk_files(files)
    bundles = [path for path in files if path not in bulk]
    shared = session.sparkContext.broadcast(job)
    rows = session.sparkContext.emptyRDD()
    if bundles:
        lines = _lines_of(session, bundles, partitions)
        rows = rows.union(lines.mapPartitions(lambda part: rows_of(part, shared.value, table)))
    if bulk:
        lines = _lines_of(session, bulk, partitions)
        medications = session.sparkContext.broadcast(lines.filter(is_medication).collect())
        patients = lines.flatMap(by_patient).groupByKey(partitions or None)
        rows = rows.union(
            patients.mapPartitions(lambda part: rows_of_patients(part, shared.value, table, medications.value))
        )
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


def _lines_of(session: Any, paths: Iterable[Path], partitions: int) -> Any:
    return session.sparkContext.textFile(",".join(str(path) for path in paths), partitions or None)


def _resource(line: str | bytes) -> Resource | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("resourceType"), str) else None


def _rows(result: UnitResult, table: str) -> Iterator[Cells]:
    found = result.lines.populations if table == "populations" else result.lines.gaps
    for cells in csv.reader(line.decode() for line in found):
        yield tuple(cells)


def results_of_units(session: Any, job: Job, units: Iterable[WorkUnit]) -> Iterator[UnitResult]:
    """What evaluating units of work gives, in the order of the units, each evaluated by whichever worker is free.

    The units are read by the caller and sent, a few for each worker at a time, so that memory does not grow with the panel. Units of a
    bulk export lie in files: the workers must see the caller's spill folder.
    """
    context = session.sparkContext
    shared = context.broadcast(job)
    remaining = iter(units)
    while batch := list(islice(remaining, context.defaultParallelism * _UNITS_FOR_EACH_WORKER)):
        sent = context.parallelize(batch, len(batch))
        yield from sent.mapPartitions(lambda part: map(UnitEvaluator(shared.value), part)).collect()
