"""Measures over units of work, on one process or many; results do not depend on how the work was split."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from openasm.base.problems import Problem, Problems
from openasm.clinical.facts import Patient
from openasm.clinical.fhir import note_counts, patients_of
from openasm.clinical.fhir_facts import FactReader, ProfileUse
from openasm.clinical.fhir_source import WorkUnit
from openasm.clinical.terminology import Terminology
from openasm.clinical.value_sets import ValueSets
from openasm.quality.attribution import Attribution, Clinician, Owners
from openasm.quality.measures import MEASURES
from openasm.quality.outputs import gap_line, population_line
from openasm.quality.populations import Measure, Outcome, Tally, measurement_period
from openasm.quality.specification import Specification
from openasm.quality.worklist import Worklist

TallyKey = tuple[str, int]  # measure, group


@dataclass(frozen=True, slots=True)
class Job:
    """What every process needs to evaluate records. attribution: whose patients they are, if anybody asked; as_of: the day that the
    windows of gaps are seen from."""

    specifications: tuple[Specification, ...]
    terms: Terminology
    year: int
    profiles: ProfileUse = ProfileUse.AUTO
    attribution: Attribution | None = None
    as_of: date | None = None

    def measures(self) -> list[Measure]:
        """The measures, bound to the terminology and the year."""
        period = measurement_period(self.year)
        return [MEASURES[each.measure](each, self.terms, period) for each in self.specifications]


@dataclass(slots=True)
class Lines:
    """Lines of the patient files, without header, each ended by a line feed. worklist: with a sort key before each line."""

    populations: list[bytes] = field(default_factory=list)
    gaps: list[bytes] = field(default_factory=list)
    worklist: list[bytes] = field(default_factory=list)
    visits: list[bytes] = field(default_factory=list)  # of an attribution by performers


@dataclass(slots=True)
class Counts:
    """What can be added up over units: records, outcomes (met, not_met, exclusions, exceptions) by measure and group, the same by
    clinician and practice, records in a denominator that are nobody's, gaps by window, lines of visits."""

    patients: int = 0
    outcomes: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    attributed: Counter[tuple[Clinician, str, int, str]] = field(default_factory=Counter)
    nobodys: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    visits: int = 0

    def add(self, other: Counts) -> None:
        """Add another's to these."""
        self.patients += other.patients
        self.outcomes.update(other.outcomes)
        self.attributed.update(other.attributed)
        self.nobodys.update(other.nobodys)
        self.windows.update(other.windows)
        self.visits += other.visits


@dataclass(slots=True)
class UnitResult:
    """What came of one unit: finished lines, counts, problems."""

    lines: Lines = field(default_factory=Lines)
    counts: Counts = field(default_factory=Counts)
    problems: list[Problem] = field(default_factory=list)


@contextmanager
def _no_cycle_search() -> Iterator[None]:
    """Parsed JSON and facts hold no reference cycles; looking for some costs a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class UnitEvaluator:
    """Evaluates units of work with one set of measures; every process has one."""

    def __init__(self, job: Job) -> None:
        self.measures = job.measures()
        self.terms = job.terms
        self.profiles = job.profiles
        self.worklist = Worklist(job.as_of)
        self.owners = None if job.attribution is None else Owners(job.attribution, self.measures)

    def __call__(self, unit: WorkUnit) -> UnitResult:
        problems = Problems()
        reader = FactReader(self.terms, self.profiles)
        result = UnitResult()
        with _no_cycle_search():
            for patient in patients_of(unit, reader, problems):
                self.add(patient, result)
        note_counts(reader, problems, unit.file)
        result.problems = list(problems)
        return result

    def add(self, patient: Patient, result: UnitResult) -> None:
        """Evaluate one patient and enter the outcome."""
        counts, identity = result.counts, patient.id
        counts.patients += 1
        populations = result.lines.populations
        whose = None if self.owners is None else self.owners.of(patient)
        for measure in self.measures:
            name = measure.name
            for outcome in measure.evaluate(patient):
                populations.append(population_line(name, identity, outcome))
                if outcome.denominator:
                    what = _what(outcome)
                    counts.outcomes[name, outcome.group, what] += 1
                    clinicians = _NOBODY if whose is None else whose.clinicians(name)
                    if whose is not None:
                        for clinician in clinicians:
                            counts.attributed[clinician, name, outcome.group, what] += 1
                        if not clinicians and outcome.group == 1:
                            counts.nobodys[name] += 1
                    if outcome.gaps:
                        self._gaps(name, identity, outcome, clinicians, result)
        if whose is not None:
            visits = whose.visit_lines(identity)
            result.lines.visits += visits
            counts.visits += len(visits)

    def _gaps(
        self, name: str, identity: str, outcome: Outcome, clinicians: frozenset[Clinician], result: UnitResult
    ) -> None:
        for gap in outcome.gaps:
            result.lines.gaps.append(gap_line(name, outcome.group, identity, gap))
            place, line = self.worklist.line(name, outcome.group, identity, gap, clinicians)
            result.lines.worklist.append(line)
            result.counts.windows[place] += 1


_NOBODY: frozenset[Clinician] = frozenset()


def _what(outcome: Outcome) -> str:
    if outcome.numerator:
        return "met"
    if outcome.exclusion:
        return "exclusions"
    return "exceptions" if outcome.exception else "not_met"


def tallies(counts: Counter[tuple[str, int, str]], specifications: Iterable[Specification]) -> dict[TallyKey, Tally]:
    """Counts as one tally for each measure and group, zeros included."""
    return {
        (each.measure, group): Tally(
            eligible=sum(counts[each.measure, group, what] for what in ("met", "not_met", "exclusions", "exceptions")),
            met=counts[each.measure, group, "met"],
            exclusions=counts[each.measure, group, "exclusions"],
            exceptions=counts[each.measure, group, "exceptions"],
        )
        for each in specifications
        for group in each.groups
    }


def terminology_for(specifications: Iterable[Specification], value_sets: ValueSets, problems: Problems) -> Terminology:
    """The terminology of some measures. Every value set that is missing or unusable is a problem naming set and measures."""
    codes: dict[str, frozenset[tuple[str, str]]] = {}
    singles: dict[str, tuple[str, str]] = {}
    wanted: dict[str, tuple[str, list[str]]] = {}
    for each in specifications:
        singles.update(each.codes)
        for name, oid in each.value_sets.items():
            wanted.setdefault(name, (oid, []))[1].append(each.measure)
    for name, (oid, needed_by) in sorted(wanted.items()):
        codes.update(value_sets.require({name: oid}, problems, needed_by=", ".join(needed_by)))
    return Terminology(codes, singles)
