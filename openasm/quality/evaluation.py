"""Measures over units of work, on one process or many; results do not depend on how the work was split."""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TYPE_CHECKING

from openasm.base.problems import Problem, Problems
from openasm.clinical.facts import Patient
from openasm.clinical.fhir import WorkUnit, note_counts, patients_of
from openasm.clinical.fhir_facts import FactReader, ProfileUse
from openasm.clinical.terminology import Terminology
from openasm.clinical.value_sets import ValueSets
from openasm.quality.measures import MEASURES
from openasm.quality.outputs import Lines, gap_line, population_line
from openasm.quality.populations import Measure, Tally, measurement_period
from openasm.quality.specification import Specification

if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult

_UNITS_AHEAD = 4  # units prepared for each process; bounds memory

TallyKey = tuple[str, int]  # measure, group


@dataclass(frozen=True, slots=True)
class Job:
    """What every process needs to evaluate records."""

    specifications: tuple[Specification, ...]
    terms: Terminology
    year: int
    profiles: ProfileUse = ProfileUse.AUTO

    def measures(self) -> list[Measure]:
        """The measures, bound to the terminology and the year."""
        period = measurement_period(self.year)
        return [MEASURES[each.measure](each, self.terms, period) for each in self.specifications]

    def evaluator(self) -> UnitEvaluator:
        """What evaluates units of work; every process has one."""
        return UnitEvaluator(self)


@dataclass(slots=True)
class UnitResult:
    """What came of one unit: finished lines, counts by measure, group and outcome, patients read, problems, visits."""

    lines: Lines = field(default_factory=Lines)
    counts: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    patients: int = 0
    problems: list[Problem] = field(default_factory=list)
    visits: list[bytes] = field(default_factory=list)  # only of an evaluator that attributes patients to clinicians


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
        result.patients += 1
        counts, populations, gaps = result.counts, result.lines.populations, result.lines.gaps
        for measure in self.measures:
            name = measure.name
            for outcome in measure.evaluate(patient):
                populations.append(population_line(name, patient.id, outcome))
                if outcome.denominator:
                    group = outcome.group
                    what = (
                        "met"
                        if outcome.numerator
                        else "exclusions"
                        if outcome.exclusion
                        else "exceptions"
                        if outcome.exception
                        else "not_met"
                    )
                    counts[name, group, what] += 1
                    for gap in outcome.gaps:
                        gaps.append(gap_line(name, group, patient.id, gap))


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


def evaluated(units: Iterable[WorkUnit], job: Job, jobs: int) -> Iterator[UnitResult]:
    """Evaluate units, results in the order of the units, on as many processes as asked for."""
    if jobs <= 1:
        evaluate = job.evaluator()
        for unit in units:
            yield evaluate(unit)
        return
    with get_context().Pool(jobs, initializer=_start, initargs=(job,)) as pool:
        waiting: deque[AsyncResult[UnitResult]] = deque()
        for unit in units:
            waiting.append(pool.apply_async(_evaluate, (unit,)))
            if len(waiting) >= jobs * _UNITS_AHEAD:
                yield waiting.popleft().get()
        while waiting:
            yield waiting.popleft().get()


_evaluator: UnitEvaluator | None = None  # of a worker process


def _start(job: Job) -> None:
    global _evaluator
    _evaluator = job.evaluator()


def _evaluate(unit: WorkUnit) -> UnitResult:
    assert _evaluator is not None
    return _evaluator(unit)
