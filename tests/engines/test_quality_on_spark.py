"""Measures over partitions: equal to one machine, whatever the partitions; on Spark where it is installed."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import orjson
import pytest

from openasm.clinical.fhir_elements import QICORE
from openasm.clinical.fhir_source import WorkUnit
from openasm.clinical.synthetic import Record, bulk_lines
from openasm.quality.demonstration import demo_records
from openasm.quality.evaluation import Job, UnitEvaluator, tallies
from openasm.quality.on_spark import (
    HEADERS,
    by_patient,
    counts_of,
    frame_of,
    is_medication,
    rows_of,
    rows_of_patients,
)
from openasm.quality.specification import measure_ids, specification_for
from tests.builders.quality_measures import terminology

JOB = Job(tuple(specification_for(name, 2026) for name in measure_ids()), terminology(), 2026)
PATIENTS = 90


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Made-up patients, some of their drugs named by reference."""
    found = demo_records(8, PATIENTS, 2026)
    for record in found:
        orders = [each for each in record.resources if each["resourceType"] == "MedicationRequest"]
        for number, order in enumerate(orders[::2]):
            drug = f"{record.identity}-drug-{number}"
            code = order.pop("medicationCodeableConcept")
            order["medicationReference"] = {"reference": f"Medication/{drug}"}
            meta = {"profile": [QICORE + "qicore-medication"]}
            record.resources.append({"resourceType": "Medication", "id": drug, "meta": meta, "code": code})
    return found


@pytest.fixture(scope="module")
def file(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "bundles.ndjson"
    path.write_bytes(b"".join(orjson.dumps(record.bundle()) + b"\n" for record in records))
    return path


def expected(file: Path, table: str) -> list[tuple[str, ...]]:
    result = UnitEvaluator(JOB)(WorkUnit("file", text=file.read_bytes()))
    return sorted(tuple(cells) for cells in csv.reader(line.decode() for line in getattr(result.lines, table)))


@pytest.mark.parametrize("table", list(HEADERS))
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_partitions_give_the_rows_of_one_machine(file: Path, table: str, parts: int) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [row for part in range(parts) for row in rows_of(lines[part::parts], JOB, table)]
    assert sorted(rows) == expected(file, table)
    assert {len(row) for row in rows} == {len(HEADERS[table].split(","))}


@pytest.fixture(scope="module")
def bulk(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same patients as a bulk export, a file for each resource type, with lines of no use."""
    folder = tmp_path_factory.mktemp("bulk")
    by_kind = bulk_lines(records)
    by_kind["Organization"] = [{"resourceType": "Organization", "id": "o"}]
    for kind, resources in by_kind.items():
        lines = b"".join(orjson.dumps(each) + b"\n" for each in reversed(resources))
        (folder / f"{kind}.ndjson").write_bytes(lines + (b"{\n" if kind == "Organization" else b""))
    return sorted(folder.iterdir())


@pytest.mark.parametrize("table", list(HEADERS))
def test_a_bulk_export_brought_together_by_patient_gives_the_same(file: Path, bulk: list[Path], table: str) -> None:
    groups: dict[str, list[str]] = {}
    lines = [line for path in bulk for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        for owner, about in by_patient(line):
            groups.setdefault(owner, []).append(about)
    medications = [line for line in lines if is_medication(line)]
    assert len(groups) == PATIENTS
    assert medications
    parts = [list(groups.items())[place::3] for place in range(3)]
    rows = [row for part in parts for row in rows_of_patients(part, JOB, table, medications)]
    assert sorted(rows) == expected(file, table)


def test_lines_that_cannot_be_read_give_no_row(file: Path) -> None:
    lines = ["", "{", "[]", *file.read_text(encoding="utf-8").splitlines()]
    assert sorted(rows_of(lines, JOB, "gaps")) == expected(file, "gaps")


@pytest.mark.spark
@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_gives_the_rows_and_counts_of_one_machine(file: Path, bulk: list[Path], spark_session: Any) -> None:
    for table in HEADERS:
        frame = frame_of(spark_session, [file], JOB, table, partitions=3)
        assert sorted(tuple(row) for row in frame.collect()) == expected(file, table)
        frame = frame_of(spark_session, bulk, JOB, table, partitions=3)
        assert sorted(tuple(row) for row in frame.collect()) == expected(file, table)
    evaluated = UnitEvaluator(JOB)(WorkUnit("file", text=file.read_bytes()))
    counted = {
        key: (tally.eligible, tally.met, tally.exclusions, tally.exceptions)
        for key, tally in tallies(evaluated.counts.outcomes, JOB.specifications).items()
    }
    assert counts_of(frame_of(spark_session, [file], JOB)) == counted
