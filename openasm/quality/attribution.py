"""Whose patients they are: results of measures by clinician (TIN and NPI) and by practice (TIN).

Three ways, one of them at a time (docs/how-to/from-records-to-payment.md):

* the whole source is one practice's, or one clinician's (`whole`);
* a file says which clinicians each patient belongs to (`by_patient`);
* the performers of visits decide (`by_performer`): a patient is every clinician's who took part in a visit that the measure's
  initial population asks for, and who stands in the roster. This reading is assumed (parameters/attribution.yaml).

A patient counts once for each clinician and once for the practice, however many of its clinicians he saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from openasm.clinical.facts import Encounter, Patient
from openasm.clinical.fhir_facts import reference_id
from openasm.clinical.moments import Span, within_days
from openasm.quality.evaluation import Job, UnitEvaluator, UnitResult
from openasm.quality.populations import Measure, Tally
from openasm.quality.specification import Specification

_FILE = Path(__file__).parent / "parameters" / "attribution.yaml"
VISITS_HEADER = "measure,group,patient,npi,visits"


class Clinician(NamedTuple):
    """A clinician in a practice; npi empty: the practice as a whole."""

    tin: str
    npi: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """Exactly one of three: `whole`; `by_patient`, patient id -> clinicians; `by_performer`, NPI or practitioner id -> clinicians."""

    whole: Clinician | None = None
    by_patient: Mapping[str, tuple[Clinician, ...]] | None = None
    by_performer: Mapping[str, tuple[Clinician, ...]] | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.whole, self.by_patient, self.by_performer)) != 1:
            raise ValueError("an attribution is by exactly one of whole, by_patient and by_performer")

    @property
    def method(self) -> str:
        """In words, for the manifest."""
        if self.whole is not None:
            return "whole source"
        return "file of patients" if self.by_patient is not None else "performers of qualifying visits"


class CountKey(NamedTuple):
    """What a count is of. npi empty: the whole practice."""

    tin: str
    npi: str
    measure: str
    group: int


@dataclass(frozen=True, slots=True)
class AttributedCounts:
    """tallies: by clinician, practice, measure and group, in that order; nobodys: records in a denominator that are no clinician's, by
    measure; patients_matched: patients of the attribution's file that the source holds (of those in a denominator)."""

    tallies: Mapping[CountKey, Tally]
    nobodys: Mapping[str, int] = field(default_factory=dict)


@cache
def _visits() -> Mapping[str, Any]:
    data: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["visits"]
    return data


class VisitRule(NamedTuple):
    """The visits that a measure's initial population asks for: bits of their value sets, and a class that does not count."""

    codes: int
    not_class: str | None


def visit_rule(measure: Measure) -> VisitRule | None:
    """The rule of a measure; None for one that parameters/attribution.yaml does not name."""
    rule = _visits().get(measure.name)
    return None if rule is None else VisitRule(measure.terms.any_of(*rule["sets"]), rule.get("not_class"))


def qualifying_visits(patient: Patient, rule: VisitRule, year: Span) -> Iterator[Encounter]:
    """The patient's finished visits of the year that satisfy a rule, earliest first."""
    for encounter in patient.encounters:
        if (
            encounter.codes & rule.codes
            and encounter.status == "finished"
            and within_days(encounter.period, year)
            and (rule.not_class is None or encounter.class_code != rule.not_class)
        ):
            yield encounter


def performer_key(performer: str) -> str:
    """The NPI or practitioner id in an encounter's performer.

    >>> performer_key("Practitioner/17"), performer_key("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|1234567893")
    ('17', '1234567893')
    """
    if "|" in performer:
        return performer.rpartition("|")[2]
    return performer if performer.startswith("urn:") else reference_id(performer)


@dataclass(frozen=True, slots=True)
class AttributingJob(Job):
    """A job that also notes which clinicians' visits a patient had. performers: NPI or practitioner id -> NPIs of the roster."""

    performers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def evaluator(self) -> UnitEvaluator:
        """One for each process."""
        return AttributingEvaluator(self)


class AttributingEvaluator(UnitEvaluator):
    """Evaluates as ever, and adds a line for each measure, group and clinician whose qualifying visits the patient had."""

    def __init__(self, job: AttributingJob) -> None:
        super().__init__(job)
        self.performers = job.performers
        self.rules = [(measure, rule) for measure in self.measures if (rule := visit_rule(measure)) is not None]

    def add(self, patient: Patient, result: UnitResult) -> None:
        """Evaluate one patient, enter the outcome and the visits."""
        super().add(patient, result)
        for measure, rule in self.rules:
            visits: Counter[str] = Counter()
            for encounter in qualifying_visits(patient, rule, measure.period.span):
                npis: set[str] = set()
                for performer in encounter.performers:
                    npis.update(self.performers.get(performer_key(performer), ()))
                visits.update(npis)
            for npi, count in visits.items():
                for group in measure.groups:
                    result.visits.append(f"{measure.name},{group},{patient.id},{npi},{count}\n".encode())


def attributed_counts(
    populations: Iterable[bytes], attribution: Attribution, *, visits: Iterable[bytes] = ()
) -> AttributedCounts:
    """Count lines of populations.csv by clinician and practice.

    populations: lines without header, sorted; visits: lines of `VISITS_HEADER` in the same order, when performers decide. Memory
    grows with clinicians, not with patients.
    """
    counts: Counter[tuple[CountKey, str]] = Counter()
    nobodys: Counter[str] = Counter()
    owners = Owners(attribution, visits)
    for line in populations:
        cells = line.split(b",", 8)
        if cells[4] != b"1":
            continue
        measure, group = cells[0].decode(), int(cells[1])
        clinicians = owners.of(cells[0], cells[1], cells[2])
        what = _what(cells)
        if not clinicians:
            nobodys[measure] += group == 1
        for clinician in clinicians:
            counts[CountKey(*clinician, measure, group), what] += 1
    keys = {key for key, _ in counts}
    tallies = {
        key: Tally(
            eligible=sum(counts[key, what] for what in ("met", "not_met", "exclusions", "exceptions")),
            met=counts[key, "met"],
            exclusions=counts[key, "exclusions"],
            exceptions=counts[key, "exceptions"],
        )
        for key in sorted(keys)
    }
    return AttributedCounts(tallies, dict(sorted(nobodys.items())))


def with_empty_rows(
    counts: AttributedCounts, clinicians: Iterable[Clinician], specifications: Iterable[Specification]
) -> AttributedCounts:
    """The same with a tally of zeros where a clinician has no patient in a measure."""
    groups = [(each.measure, group) for each in specifications for group in each.groups]
    tallies = {CountKey(*clinician, *group): Tally(0, 0, 0, 0) for clinician in clinicians for group in groups}
    tallies.update(counts.tallies)
    return AttributedCounts(dict(sorted(tallies.items())), counts.nobodys)


def npis_of_performers(by_performer: Mapping[str, tuple[Clinician, ...]]) -> dict[str, tuple[str, ...]]:
    """What `AttributingJob` needs: NPI or practitioner id -> NPIs."""
    return {
        performer: tuple(sorted({each.npi for each in clinicians})) for performer, clinicians in by_performer.items()
    }


def _by_npi(attribution: Attribution) -> dict[str, tuple[Clinician, ...]]:
    found: dict[str, set[Clinician]] = {}
    for clinicians in (attribution.by_performer or {}).values():
        for each in clinicians:
            found.setdefault(each.npi, set()).add(each)
    return {npi: tuple(sorted(each)) for npi, each in found.items()}


def _what(cells: list[bytes]) -> str:
    if cells[7] == b"1":
        return "met"
    if cells[5] == b"1":
        return "exclusions"
    return "exceptions" if cells[6] == b"1" else "not_met"


class Owners:
    """For whom a patient counts, measure by measure; asked in the order of populations.csv.

    visits: lines of `VISITS_HEADER` without header, sorted, when performers decide.
    """

    def __init__(self, attribution: Attribution, visits: Iterable[bytes] = ()) -> None:
        self._attribution = attribution
        self._visits = _Visits(visits)
        self._by_npi = _by_npi(attribution)

    def of(self, measure: bytes, group: bytes, patient: bytes) -> frozenset[Clinician]:
        """The clinicians and their practices, each once. One clinician's records say nothing about the practice's others."""
        attribution = self._attribution
        if attribution.whole is not None:
            return frozenset((attribution.whole,))
        if attribution.by_patient is not None:
            clinicians: Iterable[Clinician] = attribution.by_patient.get(patient.decode(), ())
        else:
            npis = self._visits.of(b",".join((measure, group, patient, b"")))
            clinicians = [clinician for npi in npis for clinician in self._by_npi.get(npi, ())]
        found = frozenset(clinicians)
        return found | {Clinician(each.tin, "") for each in found}


class _Visits:
    """Walks sorted visit lines beside sorted population lines."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._next = next(self._lines, b"")
        self._key = b""
        self._npis: set[str] = set()

    def of(self, key: bytes) -> set[str]:
        """The NPIs of a measure, group and patient (`CMS165,1,p1,`); keys are asked for in rising order, also repeatedly."""
        if key != self._key:
            self._key, self._npis = key, set()
            while self._next and self._next < key:
                self._next = next(self._lines, b"")
            while self._next.startswith(key):
                self._npis.add(self._next[len(key) :].split(b",", 1)[0].decode())
                self._next = next(self._lines, b"")
        return self._npis
