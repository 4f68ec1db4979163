"""Synthetic regions that several benchmarks measure on: made once, kept where OPENASM_BENCH_FOLDER says."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from openasm.claims.folder import table_path
from openasm.runs.cost.synthesis import synthetic_region
from openasm.tables.engine import default_threads

SEED = 11
LAST_YEAR = 2027
"""The last of the three years of claims, in which the episodes that count end."""

BENEFICIARIES_A_PARTICIPANT = 83


def region(folder: Path, beneficiaries: int) -> Path:
    """A synthetic region of about so many people, made unless it is there already: `tables`, `truth`, clinicians.csv."""
    path = folder / f"region-{SEED}-{beneficiaries}"
    if not (path / "tables").is_dir():
        participants = max(1, beneficiaries // BENEFICIARIES_A_PARTICIPANT)
        synthetic_region(SEED, path, participants=participants, beneficiaries=beneficiaries)
    return path


def deliveries(folder: Path, beneficiaries: int) -> Path:
    """The same as a CCLF delivery and a FHIR export beside the tables: `cclf`, `eob`, `tables`."""
    path = folder / f"deliveries-{SEED}-{beneficiaries}"
    if not (path / "tables").is_dir():
        synthetic_region(
            SEED,
            path,
            participants=max(1, beneficiaries // BENEFICIARIES_A_PARTICIPANT),
            beneficiaries=beneficiaries,
            formats=("tables", "cclf", "eob"),
            processes=default_threads(),
        )
    return path


def claim_lines(claims_folder: Path) -> int:
    """How many claim lines a CLAIMS folder holds."""
    path = table_path(claims_folder, "claim_lines")
    if path is None:
        raise FileNotFoundError("claim_lines")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return sum(pq.ParquetFile(file).metadata.num_rows for file in files)
