"""A folder of plain tables (CSV or Parquet) as a source of patients, for practices without FHIR.

The rows are read once, one at a time, checked, and sorted into parts by patient on disk, as the lines of a bulk export are; memory does
not grow with the tables, and the parts are read by as many processes as a bulk export's. Every problem of every table is found before
the input is refused.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from openasm.base.files import (
    COLUMN_MISSING,
    COLUMN_TWICE,
    COLUMN_UNKNOWN,
    DUPLICATE_KEY,
    FILE_EMPTY,
    FILE_NOT_UTF8,
    MAXIMUM_LINE,
    NOT_A_TABLE,
    ROW_WIDTH,
    VALUE_MISSING,
    BadValue,
    find_table,
)
from openasm.base.problems import Problems, Severity, declare, shown
from openasm.clinical.fhir_source import PartFiles, WorkUnit, part_units
from openasm.clinical.plain_table_columns import TABLES, PlainTable, Resource, TableColumn

UNKNOWN_TABLE = declare(
    "Q142",
    "a table is not one of the plain tables and was not read",
    expected=", ".join(each.name for each in TABLES),
    next_step="Check the name; docs/reference/plain-tables.md lists them.",
    severity=Severity.WARNING,
)

_PART_BYTES = 4 << 20  # of the tables; their resources as JSON take about three times as much
_SUBJECT = {"AllergyIntolerance": "patient", "Task": "for"}

Row = tuple[int, list[str]]


def is_plain_tables(source: Path) -> bool:
    """Whether a source is a folder of plain tables: it has a table `patients`."""
    return source.is_dir() and find_table(source, "patients") is not None


def plain_table_files(source: Path) -> list[Path]:
    """The tables of a folder, in the order in which they are read."""
    found = (find_table(source, table.name) for table in TABLES)
    return [path for path in found if path is not None]


def plain_table_units(source: Path, problems: Problems, *, spill: Path) -> Iterator[WorkUnit]:
    """The folder's patients as units of work, like those of a bulk export; none when something is wrong.

    spill: an empty folder. Problems are added, never raised; ids and birth dates are not shown.
    """
    files = plain_table_files(source)
    for path in sorted(source.iterdir()):
        if path.suffix in (".csv", ".parquet") and path not in files:
            problems.add(UNKNOWN_TABLE, path.name)
    parts = sum(path.stat().st_size for path in files) // _PART_BYTES + 1
    sorted_parts = PartFiles(spill, parts)
    for table in TABLES:
        found = find_table(source, table.name)
        if found is not None:
            _Reader(table, found, problems).write(sorted_parts)
    sorted_parts.flush()
    if not problems.errors:
        yield from part_units(spill, parts, file="plain tables")


class _Reader:
    """Reads one table and writes its rows as resources."""

    def __init__(self, table: PlainTable, path: Path, problems: Problems) -> None:
        self.table = table
        self.path = path
        self.problems = problems
        self.patients: set[bytes] = set()  # of the table `patients`, to find those that stand twice

    def write(self, parts: PartFiles) -> None:
        """One line a good row, into the part of its patient."""
        try:
            rows = _parquet_rows(self.path) if self.path.suffix == ".parquet" else _csv_rows(self.path)
            _, header = next(rows, (0, []))
            if not header:
                self.problems.add(FILE_EMPTY, self.path.name)
                return
            places = self._places(header)
            if places is None:
                return
            for number, cells in rows:
                if len(cells) != len(header):
                    found = f"{len(cells)} fields"
                    self.problems.add(
                        ROW_WIDTH, self.path.name, row=number, found=found, expected=f"{len(header)} fields"
                    )
                    continue
                resource = self._resource(number, cells, places)
                if resource is not None:
                    patient = resource["id"] if self.table.name == "patients" else resource.pop("patient_id")
                    parts.add(patient, orjson.dumps(resource))
        except UnicodeDecodeError:
            self.problems.add(FILE_NOT_UTF8, self.path.name)
        except (csv.Error, OSError, ValueError):
            self.problems.add(NOT_A_TABLE, self.path.name)

    def _places(self, header: list[str]) -> list[tuple[TableColumn, int | None]] | None:
        known = {column.name for column in self.table.columns}
        for title in header:
            if title not in known:
                self.problems.add(COLUMN_UNKNOWN, self.path.name, row=0, column=shown(title, 60))
        twice = {title for title in header if header.count(title) > 1}
        missing = [column.name for column in self.table.columns if column.required and column.name not in header]
        for title in sorted(twice):
            self.problems.add(COLUMN_TWICE, self.path.name, row=0, column=title)
        for title in missing:
            self.problems.add(COLUMN_MISSING, self.path.name, row=0, column=title)
        if missing or twice:
            return None
        places = {title: place for place, title in enumerate(header)}
        return [(column, places.get(column.name)) for column in self.table.columns]

    def _resource(self, number: int, cells: list[str], places: list[tuple[TableColumn, int | None]]) -> Resource | None:
        values: dict[str, Any] = {}
        good = True
        for column, place in places:
            raw = "" if place is None else cells[place].strip()
            if not raw:
                values[column.name] = None
                if column.required and column.name in ("patient", "order"):
                    self.problems.add(VALUE_MISSING, self.path.name, row=number, column=column.name)
                    good = False
                continue
            try:
                values[column.name] = column.parse(raw)
            except BadValue as bad:
                found = "a value not shown" if column.private else shown(raw)
                self.problems.add(
                    bad.kind, self.path.name, row=number, column=column.name, found=found, expected=bad.expected
                )
                good = False
        if not good:
            return None
        patient = values["patient"]
        resource = {name: value for name, value in self.table.resource(values).items() if value is not None}
        if self.table.name == "patients":
            key = hashlib.blake2b(patient.encode(), digest_size=8).digest()
            if key in self.patients:
                self.problems.add(DUPLICATE_KEY, self.path.name, row=number, column="patient")
            self.patients.add(key)
            return {**resource, "id": patient}
        identity = values.get("id") or f"{self.table.name}-{number}"
        address = {"reference": f"Patient/{patient}"}
        return {
            **resource,
            "id": identity,
            _SUBJECT.get(resource["resourceType"], "subject"): address,
            "patient_id": patient,
        }


def _csv_rows(path: Path) -> Iterator[Row]:
    """Header (row 0) and numbered rows."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(_lines(stream), strict=True)
        for number, cells in enumerate(reader):
            if cells or number == 0:
                yield number, [cell.strip() for cell in cells] if number == 0 else cells


def _lines(stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(MAXIMUM_LINE + 1):
        if len(line) > MAXIMUM_LINE or "\0" in line:
            raise ValueError("no table")
        yield line


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa  # heavy: loaded when a table needs it
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = list(file.schema_arrow.names)
        yield 0, names
        number = 0
        for batch in file.iter_batches(batch_size=10_000):
            columns = [column.to_pylist() for column in batch.columns]
            for values in zip(*columns, strict=True):
                number += 1
                yield number, [_as_text(value) for value in values]
    except pa.ArrowException as error:
        raise ValueError("no Parquet file") from error


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e12 else repr(value)
    if isinstance(value, list):
        return " ".join(_as_text(each) for each in value)
    return str(value)
