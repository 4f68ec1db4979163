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
from openasm.clinical.fhir_elements import reference_id
from openasm.clinical.moments import Span, within_days
from openasm.quality.populations import Measure, Tally
from openasm.quality.specification import Specification

_FILE = Path(__file__).parent / "parameters" / "attribution.yaml"
VISITS_HEADER = "measure,group,patient,npi,visits"
OUTCOMES = ("met", "not_met", "exclusions", "exceptions")


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
    measure."""

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


class Owners:
    """For whom patients count."""

    def __init__(self, attribution: Attribution, measures: Iterable[Measure]) -> None:
        self.attribution = attribution
        self._whole = None if attribution.whole is None else frozenset((attribution.whole,))
        by_performer = attribution.by_performer
        self.rules = [
            (measure, rule)
            for measure in measures
            if by_performer is not None and (rule := visit_rule(measure)) is not None
        ]
        self.clinicians_of_npi = _by_npi(by_performer or {})

    def of(self, patient: Patient) -> Whose:
        """Whose patient this is."""
        attribution = self.attribution
        if self._whole is not None:
            return Whose(self, everywhere=self._whole)
        if attribution.by_patient is not None:
            return Whose(self, everywhere=_with_practices(attribution.by_patient.get(patient.id, ())))
        visits = {}
        for measure, rule in self.rules:
            npis: Counter[str] = Counter()
            for encounter in qualifying_visits(patient, rule, measure.period.span):
                npis.update({npi for performer in encounter.performers for npi in self._npis(performer)})
            if npis:
                visits[measure] = npis
        return Whose(self, visits=visits)

    def _npis(self, performer: str) -> Iterator[str]:
        assert self.attribution.by_performer is not None
        return (each.npi for each in self.attribution.by_performer.get(performer_key(performer), ()))


class Whose:
    """For whom one patient counts: the same clinicians in every measure, or those of the visits a measure asks for.

    A practice counts a patient once, whoever of its clinicians has him. One clinician's records say nothing about the practice's
    others.
    """

    def __init__(
        self,
        owners: Owners,
        *,
        everywhere: frozenset[Clinician] | None = None,
        visits: Mapping[Measure, Counter[str]] | None = None,
    ) -> None:
        self._everywhere = everywhere
        self._visits = visits or {}
        self._by_measure = {
            measure.name: _with_practices(each for npi in npis for each in owners.clinicians_of_npi[npi])
            for measure, npis in self._visits.items()
        }

    def clinicians(self, measure: str) -> frozenset[Clinician]:
        """The clinicians and their practices, each once; nobody when the patient is no listed clinician's."""
        if self._everywhere is not None:
            return self._everywhere
        return self._by_measure.get(measure, frozenset())

    def visit_lines(self, patient: str) -> list[bytes]:
        """Lines of attribution.csv (`VISITS_HEADER`)."""
        return [
            f"{measure.name},{group},{patient},{npi},{count}\n".encode()
            for measure, npis in self._visits.items()
            for npi, count in npis.items()
            for group in measure.groups
        ]


def _with_practices(clinicians: Iterable[Clinician]) -> frozenset[Clinician]:
    found = frozenset(clinicians)
    return found | {Clinician(each.tin, "") for each in found}


def attributed(counts: Mapping[tuple[Clinician, str, int, str], int], nobodys: Mapping[str, int]) -> AttributedCounts:
    """Counts of outcomes by clinician, measure and group as tallies."""
    keys = {(clinician, measure, group) for clinician, measure, group, _ in counts}
    tallies = {}
    for clinician, measure, group in sorted(keys):
        found = {what: counts.get((clinician, measure, group, what), 0) for what in OUTCOMES}
        tallies[CountKey(*clinician, measure, group)] = Tally(
            sum(found.values()), found["met"], found["exclusions"], found["exceptions"]
        )
    return AttributedCounts(tallies, dict(sorted(nobodys.items())))


def with_empty_rows(
    counts: AttributedCounts, clinicians: Iterable[Clinician], specifications: Iterable[Specification]
) -> AttributedCounts:
    """The same with a tally of zeros where a clinician has no patient in a measure."""
    groups = [(each.measure, group) for each in specifications for group in each.groups]
    tallies = {CountKey(*clinician, *group): Tally(0, 0, 0, 0) for clinician in clinicians for group in groups}
    tallies.update(counts.tallies)
    return AttributedCounts(dict(sorted(tallies.items())), counts.nobodys)


def _by_npi(by_performer: Mapping[str, tuple[Clinician, ...]]) -> dict[str, tuple[Clinician, ...]]:
    found: dict[str, set[Clinician]] = {}
    for clinicians in by_performer.values():
        for each in clinicians:
            found.setdefault(each.npi, set()).add(each)
    return {npi: tuple(sorted(each)) for npi, each in found.items()}
