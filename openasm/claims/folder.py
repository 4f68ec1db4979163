"""The CLAIMS folder: the four tables as Parquet and `claims.json`, which says where they came from and what they are.

```
CLAIMS/claims.json                    source format, input hashes, first and last day covered, counts, problems, cost bases
CLAIMS/claim_lines.parquet            or a folder claim_lines/ of Parquet files with the same columns
CLAIMS/claim_diagnoses.parquet
CLAIMS/enrollment.parquet
CLAIMS/beneficiaries.parquet
```
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw

from openasm.base.errors import InputRefused, NotFound
from openasm.base.problems import Problem, Problems, declare
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.covered import covered_months, last_of_month, lines_by_month
from openasm.tables.contracts import check_schema
from openasm.tables.engine import Engine, Frame

MANIFEST = "claims.json"

TABLE_MISSING = declare(
    "C001",
    "a claims table is missing",
    expected="claim_lines, claim_diagnoses, enrollment and beneficiaries as Parquet",
    next_step="Make the folder with `openasm claims load` and give it whole.",
)
MANIFEST_BROKEN = declare(
    "C002",
    "the description of the claims folder cannot be read",
    expected="the claims.json that `openasm claims load` wrote",
    next_step="Load the claims again.",
)
NO_CLAIMS = declare(
    "C003",
    "there is no claim line",
    expected="at least one claim line",
    next_step="Check that the right files were given.",
)


@dataclass(frozen=True, slots=True)
class Claims:
    """Opened claims: four lazy frames in the shape of `openasm.claims.contract` and the days they cover.

    data_start, data_end: first and last day the claims cover, both included; no event after data_end can be known. manifest:
    what `claims.json` says, empty when the folder has none.
    """

    claim_lines: Frame
    claim_diagnoses: Frame
    enrollment: Frame
    beneficiaries: Frame
    data_start: dt.date
    data_end: dt.date
    manifest: Mapping[str, Any]


def open_claims(folder: Path, engine: Engine) -> Claims:
    """Open a CLAIMS folder on an engine.

    A folder that is not there raises NotFound; a missing table, column or a wrong type raises InputRefused with every such
    problem. Without `claims.json` the covered days are told from the lines (`covered_days`).
    """
    if not folder.is_dir():
        raise NotFound(f"There is no claims folder {folder.name}.")
    problems = Problems()
    frames: dict[str, Frame] = {}
    for name, contract in CLAIMS_TABLES.items():
        path = table_path(folder, name)
        if path is None:
            problems.add(TABLE_MISSING, name)
            continue
        frame = engine.read_parquet(path)
        if check_schema(frame.collect_schema(), contract, problems, path.name):
            frames[name] = frame.select(*(nw.col(column.name).cast(column.dtype) for column in contract.columns))
    manifest = _manifest(folder, problems)
    problems.refuse_errors()
    start, end = _stated_days(manifest) or covered_days(frames["claim_lines"], engine)
    return Claims(
        frames["claim_lines"],
        frames["claim_diagnoses"],
        frames["enrollment"],
        frames["beneficiaries"],
        start,
        end,
        manifest,
    )


def table_path(folder: Path, name: str) -> Path | None:
    """Where a table stands in the folder: one Parquet file, a folder of them, or None."""
    file = folder / f"{name}.parquet"
    if file.exists():
        return file
    several = folder / name
    return several if several.is_dir() and any(several.glob("*.parquet")) else None


def covered_days(claim_lines: Frame, engine: Engine) -> tuple[dt.date, dt.date]:
    """First and last day of the months that the lines cover (`covered_months`); no line raises InputRefused.

    Deliveries are monthly: the last covered month is taken as covered to its last day.
    """
    lines = lines_by_month(claim_lines, engine)
    if not lines:
        raise InputRefused([Problem(NO_CLAIMS, "claim_lines")])
    first, last = covered_months(lines)
    return first, last_of_month(last)


def _manifest(folder: Path, problems: Problems) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        _stated_days(manifest)
    except (ValueError, TypeError, KeyError, AttributeError):
        problems.add(MANIFEST_BROKEN, MANIFEST)
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _stated_days(manifest: Mapping[str, Any]) -> tuple[dt.date, dt.date] | None:
    if "data_end" not in manifest:
        return None
    return dt.date.fromisoformat(manifest["data_start"]), dt.date.fromisoformat(manifest["data_end"])
