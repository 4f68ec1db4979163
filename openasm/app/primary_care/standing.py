"""Where each beneficiary stands on the three things IA_1 asks, and how far each clinician's are covered. Pure but for what asks the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from openasm.app.access.request import PatientScope
from openasm.app.attestations.answers import years
from openasm.app.people.models import Practice
from openasm.app.primary_care.entries import OUTCOMES, WITHDRAWN
from openasm.app.primary_care.models import CareEntry, Part, PrimaryCare
from openasm.app.published.models import Run

_FIELDS = (
    *("patient_id", "patient__key", "cohorts", "npis", "last_seen", "primary_tin", "primary_npi", "visit_days"),
    *("last_visit", "screened_on", "screening_source", "screening_code", "screening_certain"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest entry of a part by hand; None of these when it was taken back."""

    outcome: str
    day: dt.date


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """One ASM beneficiary: what the run found and what was entered. patient: its row; npis: clinicians it is attributed to."""

    patient: int
    key: str
    cohorts: tuple[str, ...]
    npis: tuple[str, ...]
    last_seen: dt.date | None
    primary_tin: str
    primary_npi: str
    visit_days: int | None
    last_visit: dt.date | None
    screened_on: dt.date | None
    screening_source: str
    screening_code: str
    screening_certain: bool | None
    entries: Mapping[Part, Entry]

    @property
    def has(self) -> Mapping[Part, bool]:
        """What is seen to. A summary sent before the last visit is not of that visit."""
        sent = self.entries.get(Part.SUMMARY)
        return {
            Part.PRIMARY_CARE: bool(self.primary_npi) or Part.PRIMARY_CARE in self.entries,
            Part.SUMMARY: sent is not None and (self.last_seen is None or sent.day >= self.last_seen),
            Part.SCREENING: bool(self.screening_certain) or Part.SCREENING in self.entries,
        }

    @property
    def complete(self) -> bool:
        """Whether all three are seen to."""
        return all(self.has.values())

    def words(self, part: Part) -> str:
        """What was entered of a part, in words; empty when nothing was."""
        entry = self.entries.get(part)
        return "" if entry is None else OUTCOMES[part][entry.outcome]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of some beneficiaries have what IA_1 asks. name: of the clinician, empty for the practice."""

    npi: str
    name: str
    people: int
    having: Mapping[Part, int]
    complete: int

    @property
    def counts(self) -> list[tuple[Part, int]]:
        """The parts with how many have them."""
        return list(self.having.items())


def shown_run(practice: Practice) -> Run | None:
    """The newest run with patients, of a year that can be attested."""
    run = Run.objects.newest_of(practice, with_patients=True)
    return run if run is not None and run.performance_year in years() else None


def beneficiaries_of(scope: PatientScope, run: Run) -> list[Beneficiary]:
    """The beneficiaries somebody may see in a run, with what was entered for its year. Two queries, no identifier is opened."""
    entries: dict[str, dict[Part, Entry]] = {}
    rows = CareEntry.objects.filter(practice=scope.practice, year=run.performance_year).order_by("number")
    for patient, part, outcome, day in rows.values_list("patient", "part", "outcome", "day"):
        own = entries.setdefault(patient, {})
        own.pop(Part(part), None)
        if outcome != WITHDRAWN:
            own[Part(part)] = Entry(outcome, day)
    nothing: Mapping[Part, Entry] = MappingProxyType({})
    found = PrimaryCare.objects.visible(scope, run).order_by("patient_id").values_list(*_FIELDS)
    return [_beneficiary(row, entries.get(row[1], nothing)) for row in found]


def _beneficiary(row: tuple[Any, ...], entries: Mapping[Part, Entry]) -> Beneficiary:
    values: dict[str, Any] = dict(zip(Beneficiary.__dataclass_fields__, (*row, entries), strict=True))
    return Beneficiary(**values | {name: tuple(values[name].split()) for name in ("cohorts", "npis")})


def coverage_of(people: Iterable[Beneficiary], npi: str = "", name: str = "") -> Coverage:
    """Counts over some beneficiaries."""
    found = list(people)
    having = {part: sum(each.has[part] for each in found) for part in Part}
    return Coverage(npi, name, len(found), having, sum(each.complete for each in found))


def by_clinician(people: Sequence[Beneficiary], names: Mapping[str, str]) -> list[Coverage]:
    """Coverage of every participant, also of those without a beneficiary, by name. names: of the run's participants by NPI."""
    own: dict[str, list[Beneficiary]] = {npi: [] for npi in names}
    for each in people:
        for npi in each.npis:
            if npi in own:
                own[npi].append(each)
    found = [coverage_of(those, npi, names[npi]) for npi, those in own.items()]
    return sorted(found, key=lambda each: (each.name, each.npi))
