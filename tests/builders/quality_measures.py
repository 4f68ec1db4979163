"""Measures bound to the made-up value sets, and short ways to evaluate a made-up record."""

from __future__ import annotations

from functools import cache

from openasm.base.problems import Problems
from openasm.clinical.facts import Patient
from openasm.clinical.fhir import patients_of_bundle
from openasm.clinical.fhir_facts import FactReader, ProfileUse
from openasm.clinical.synthetic import Code, Record
from openasm.clinical.terminology import Terminology
from openasm.quality.demonstration import demo_code, demo_value_sets
from openasm.quality.evaluation import Job
from openasm.quality.populations import Measure, Outcome
from openasm.quality.specification import measure_ids, specification_for


@cache
def terminology() -> Terminology:
    """Made-up value sets, and the single codes that the logic names."""
    singles: dict[str, Code] = {}
    for measure in measure_ids():
        singles.update(specification_for(measure, 2026).codes)
    return Terminology({name: codes for name, (_, codes) in demo_value_sets().items()}, singles)


@cache
def measures(year: int = 2026) -> dict[str, Measure]:
    """All measures of a year."""
    job = Job(tuple(specification_for(name, year) for name in measure_ids()), terminology(), year)
    return {measure.name: measure for measure in job.measures()}


def single(name: str) -> Code:
    """A code that the logic names by itself."""
    for measure in measure_ids():
        codes = specification_for(measure, 2026).codes
        if name in codes:
            return codes[name]
    raise KeyError(name)


def facts(record: Record, profiles: ProfileUse = ProfileUse.AUTO) -> Patient:
    """The facts of a record."""
    (patient,) = patients_of_bundle(record.bundle(), FactReader(terminology(), profiles), Problems())
    return patient


def outcomes(measure: str, record: Record, year: int = 2026) -> list[Outcome]:
    """The record's populations in every group of a measure."""
    return measures(year)[measure].evaluate(facts(record))


def word(measure: str, record: Record, group: int = 1) -> str:
    """A record's outcome in one word."""
    outcome = outcomes(measure, record)[group - 1]
    if outcome.numerator:
        return "met"
    if outcome.exclusion:
        return "excluded"
    if outcome.exception:
        return "excepted"
    if outcome.denominator:
        return "not met"
    return "not in denominator" if outcome.initial_population else "not in"


def reason(measure: str, record: Record, group: int = 1) -> str:
    """The reason given for a record's outcome."""
    return outcomes(measure, record)[group - 1].reason


__all__ = ["demo_code", "facts", "measures", "outcomes", "reason", "single", "terminology", "word"]
