"""The files about patients: the same bytes whatever the processes, the cuts of the source, the runs on disk and the pieces of the merge."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import orjson
import pytest

from openasm.base.problems import Problems
from openasm.clinical import fhir_source
from openasm.clinical.fhir_source import WorkUnit, bundle_units
from openasm.clinical.synthetic import bulk_lines
from openasm.quality import outputs, sorted_lines
from openasm.quality.demonstration import demo_records, write_demo_value_sets
from openasm.quality.specification import measure_ids
from openasm.runs.demonstration.cohort import made_up_npi
from openasm.runs.measures.quality import run_quality
from openasm.runs.measures.whose_patients import WhosePatients

PATIENTS = 70
TIN = "000000077"
NPIS = [made_up_npi(number) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Value sets, a roster, and records as Bundles in several gzip members with blank lines, and as a bulk export."""
    path = tmp_path_factory.mktemp("patient_files")
    write_demo_value_sets(path / "value_sets")
    (path / "roster.csv").write_text("tin,npi\n" + "".join(f"{TIN},{npi}\n" for npi in NPIS[:2]), encoding="utf-8")
    records = demo_records(5, PATIENTS, 2026, performers=NPIS)
    lines = [orjson.dumps(record.bundle()) + b"\n\n" for record in records]
    (path / "bundles.ndjson.gz").write_bytes(
        gzip.compress(b"\n" + b"".join(lines[:20])) + gzip.compress(b"".join(lines[20:]))
    )
    (path / "bulk").mkdir()
    for kind, resources in bulk_lines(records).items():
        text = b"\n".join(orjson.dumps(each) for each in reversed(resources))
        (path / "bulk" / f"{kind}.ndjson").write_bytes(text)
    (path / "mixed").mkdir()  # half of the patients as Bundles, half as a bulk export
    (path / "mixed" / "a.ndjson").write_bytes(b"".join(lines[:35]))
    for kind, resources in bulk_lines(records[35:]).items():
        (path / "mixed" / f"{kind}.ndjson").write_bytes(b"\n".join(orjson.dumps(each) for each in resources))
    return path


def contents(folder: Path, source: str, out: Path, jobs: int) -> dict[str, bytes]:
    run_quality(
        folder / source,
        out,
        value_sets=folder / "value_sets",
        year=2026,
        measures=measure_ids(),
        now=lambda: dt.datetime(2027, 1, 5, tzinfo=dt.UTC),
        jobs=jobs,
        whose=WhosePatients(roster=folder / "roster.csv"),
        as_of=dt.date(2026, 7, 1),
    )
    return {path.name: path.read_bytes() for path in sorted((*out.glob("patients/*"), *out.glob("scores/*")))}


def test_bytes_depend_on_nothing_but_the_records(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "_ROW_GROUP", 100)
    expected = contents(folder, "bundles.ndjson.gz", tmp_path / "plain", 1)
    assert {"attribution.csv", "gaps.csv", "populations.csv", "worklist.csv", "quality.csv"} < expected.keys()
    assert expected["populations.csv"].count(b"\n") == 9 * PATIENTS + 1
    # Cuts everywhere: small chunks of the source, small runs, blocks and pieces of the merge, small parts of the export.
    monkeypatch.setattr(fhir_source, "_PACKED", 700)
    monkeypatch.setattr(fhir_source, "_PLAIN", 900)
    monkeypatch.setattr(fhir_source, "_PART_BYTES", 60_000)
    monkeypatch.setattr(fhir_source, "_HELD_BYTES", 5_000)
    monkeypatch.setattr(sorted_lines, "RUN_LINES", 40)
    monkeypatch.setattr(sorted_lines, "_BLOCK_LINES", 3)
    monkeypatch.setattr(sorted_lines, "_PIECE_BYTES", 3_000)
    for source in ("bundles.ndjson.gz", "bulk", "mixed"):
        for jobs in (1, 2, 3):
            assert contents(folder, source, tmp_path / f"{source}-{jobs}", jobs) == expected, (source, jobs)


def test_chunks_are_whole_lines_with_their_numbers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = gzip.decompress((folder / "bundles.ndjson.gz").read_bytes())
    numbered = {row: line for row, line in enumerate(text.split(b"\n"), start=1) if line}
    (tmp_path / "plain.ndjson").write_bytes(text)
    for packed, plain in ((300, 100), (1 << 16, 1 << 19)):
        monkeypatch.setattr(fhir_source, "_PACKED", packed)
        monkeypatch.setattr(fhir_source, "_PLAIN", plain)
        for path in (folder / "bundles.ndjson.gz", tmp_path / "plain.ndjson"):
            assert dict(line for unit in bundle_units(path, Problems(), []) for line in lines_of(unit)) == numbered


def lines_of(unit: WorkUnit) -> list[tuple[int, bytes]]:
    lines = unit.text.split(b"\n")
    return [(row, line) for row, line in enumerate(lines, start=unit.first_row) if line]
