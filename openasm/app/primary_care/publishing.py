"""Rows of `patients/asm_beneficiaries.parquet` and `patients/primary_care.parquet` into the database, with a run's other rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openasm.app.primary_care.models import PrimaryCare, PrimaryCareVisit
from openasm.app.published.bulk import Loader, first_free
from openasm.app.published.models import Run
from openasm.app.published.reading import Source, patients_file, wanted_records

_PEOPLE = (
    *("tin", "beneficiary", "cohorts", "npis", "last_seen", "primary_tin", "primary_npi", "visit_days", "last_visit"),
    *("screened_on", "screening_source", "screening_code", "screening_certain"),
)
_VISITS = ("tin", "beneficiary", "place", "primary_tin", "primary_npi", "visit_days", "last_visit")


def load_primary_care(
    source: Source, run: Run, practices: Mapping[str, int], patient_id: Callable[[str], int], loader: Loader
) -> dict[str, int]:
    """Put the rows of the practices of this run into the loader; what a run does not have gives none. Returns counts by kind."""
    people, visits = patients_file(source, "asm_beneficiaries.parquet"), patients_file(source, "primary_care.parquet")
    counts = {}
    if people is not None:
        rows = _people(people, practices, patient_id)
        numbered = ((place, run.pk, *row) for place, row in zip(itertools.count(first_free(PrimaryCare)), rows))
        counts["asm_beneficiaries"] = loader.add(
            PrimaryCare, ("id", "run", "practice", "patient", *_PEOPLE[2:]), numbered
        )
    if visits is not None:
        rows = _visits(visits, practices, patient_id)
        numbered = ((place, run.pk, *row) for place, row in zip(itertools.count(first_free(PrimaryCareVisit)), rows))
        columns = ("id", "run", "practice", "patient", "place", "tin", "npi", "days", "last")
        counts["primary_care_visits"] = loader.add(PrimaryCareVisit, columns, numbered)
    return counts


def _people(path: Path, practices: Mapping[str, int], patient_id: Callable[[str], int]) -> Iterator[tuple[Any, ...]]:
    from openasm.app.published.patient_tables import spaced  # heavy: loaded only here

    for row in wanted_records(path, _PEOPLE, column="tin", wanted=practices):
        tin, person, cohorts, npis, seen, other, doctor, days, last, screened, source, code, certain = row
        yield (
            *(practices[tin], patient_id(person), cohorts, spaced(npis.split()), seen, other or "", doctor or ""),
            *(days, last, screened, source or "", code or "", certain),
        )


def _visits(path: Path, practices: Mapping[str, int], patient_id: Callable[[str], int]) -> Iterator[tuple[Any, ...]]:
    for tin, person, *rest in wanted_records(path, _VISITS, column="tin", wanted=practices):
        yield (practices[tin], patient_id(person), *rest)
