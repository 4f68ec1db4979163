"""The official and generated eCQM cases beside the project, where they are present."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
VALUE_SETS = SHARED / "valuesets"
DECK = SHARED / "ecqm-deck" / "visible"
DIFFERENTIAL = SHARED / "ecqm-differential" / "visible"
POPULATIONS = ("initial_population", "denominator", "denominator_exclusion", "denominator_exception", "numerator")

Key = tuple[str, int, str]  # measure, group, case


def need_material() -> None:
    """Skip the test, saying why, where the cases are absent."""
    for folder in (VALUE_SETS, DECK, DIFFERENTIAL):
        if not folder.is_dir():
            pytest.skip(f"the eCQM cases beside the project are absent ({folder.name})")


def table(path: Path) -> dict[Key, tuple[str, ...]]:
    """Rows of a file of populations by measure, group and case."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {
            (row["measure"], int(row["group"]), row.get("case") or row["patient"]): tuple(
                row[name] for name in POPULATIONS
            )
            for row in csv.DictReader(stream)
        }


def cases(folder: Path, measure: str) -> Iterator[dict[str, Any]]:
    """The cases of one measure."""
    with gzip.open(folder / f"{measure}.ndjson.gz") as stream:
        for line in stream:
            yield orjson.loads(line)


def as_text(outcome: Any) -> tuple[str, ...]:
    """Populations as the files write them."""
    values = (
        outcome.initial_population,
        outcome.denominator,
        outcome.exclusion,
        outcome.exception,
        outcome.numerator,
    )
    return tuple("" if value is None else str(int(value)) for value in values)
