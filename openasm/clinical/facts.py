"""The facts that quality measures need from a health record, whatever file they came from.

Every reader (FHIR, plain tables) produces the same `Patient`. A fact holds its codes already looked up: `codes` is an integer
with one bit for each value set (and each single code) of the terminology in use that the fact belongs to, so that a measure asks
`fact.codes & HEART_FAILURE`. Bits come from `openasm.clinical.terminology.Terminology`; a fact whose codes belong to no set has 0.

Times are `Moment` and `Span` (see `moments`); what is missing is `UNKNOWN` or `NEVER`, of which nothing is surely true. Facts are
immutable; lists of a patient are sorted by time and id, so that the order of a file never shows in a result.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, NamedTuple

from openasm.clinical.moments import ALWAYS, FAR, FOREVER, NEVER, UNKNOWN, Moment, Span


class ConditionKind:
    """On which list a condition stands (bits; one may stand on both)."""

    PROBLEM: Final = 1  # problem list item or health concern
    ENCOUNTER_DIAGNOSIS: Final = 2


class ObservationKind:
    """What an observation is recorded as (bits); measures ask for one kind each."""

    SCREENING: Final = 1  # survey, screening, assessment
    CLINICAL_RESULT: Final = 2  # imaging or clinical test result
    SIMPLE: Final = 4  # any other observation by the care team, such as a symptom
    BLOOD_PRESSURE: Final = 8
    BODY_MASS_INDEX: Final = 16
    HEART_RATE: Final = 32
    PREGNANCY_STATUS: Final = 64
    NOT_DONE: Final = 128  # recorded as not done, with the reason


class Quantity(NamedTuple):
    """A measured value. unit: UCUM code; empty when none is given."""

    value: float
    unit: str


class Encounter(NamedTuple):
    """A visit, stay or call. `class_code` is the ActCode (AMB, IMP, EMER, VR ...); `performers` are NPIs or references."""

    id: str
    codes: int
    status: str
    period: Span = NEVER
    class_code: str = ""
    discharge: int = 0  # bits of the discharge disposition
    performers: tuple[str, ...] = ()
    organization: str = ""


class Condition(NamedTuple):
    """A diagnosis. `prevalence` runs from onset to abatement as the measures reckon it (see `prevalence`)."""

    id: str
    codes: int
    kind: int  # bits of ConditionKind
    verified: bool  # not refuted, not entered in error
    prevalence: Span
    recorded: Moment = UNKNOWN
    severity: int = 0  # bits of the severity
    health_concern: bool = False


class Component(NamedTuple):
    """A part of an observation, such as the systolic pressure."""

    codes: int
    value: Quantity | None


class Observation(NamedTuple):
    """A measurement, finding, questionnaire score, or a note that one was not done."""

    id: str
    codes: int
    kind: int  # bits of ObservationKind
    status: str
    effective: Span = NEVER
    issued: Moment = UNKNOWN
    has_value: bool = False
    quantity: Quantity | None = None
    value_codes: int = 0  # bits of a coded answer
    components: tuple[Component, ...] = ()
    encounter: str = ""  # id of the encounter it was made in, empty when none is named
    not_done_reason: int = 0


class MedicationOrder(NamedTuple):
    """A prescription, or (requested False) the record that one was deliberately not written.

    direct_codes: as `codes`, but 0 when the drug is named by a reference to a Medication resource.
    dosage_bounds: the spans that its dosage instructions state, each from its own bounds.
    days_supplied: supply of one dispense times (1 + refills), None when it cannot be reckoned. supply: the days it covers, None
    when they cannot be reckoned.
    """

    id: str
    codes: int
    direct_codes: int
    requested: bool
    status: str
    intent: str
    authored: Moment = UNKNOWN
    reasons: int = 0
    refills: int | None = None
    quantity: Fraction | None = None
    quantity_unit: str = ""
    dosage_bounds: tuple[Span, ...] = ()
    days_supplied: Fraction | None = None
    supply: Span | None = None


class ServiceOrder(NamedTuple):
    """A referral or other service asked for, or (requested False) deliberately not asked for, with the reason."""

    id: str
    codes: int
    requested: bool
    status: str
    intent: str
    authored: Moment = UNKNOWN
    reasons: int = 0
    refusal_reasons: int = 0


class DeviceOrder(NamedTuple):
    """A device ordered for personal use."""

    id: str
    codes: int
    requested: bool
    status: str
    intent: str
    authored: Moment = UNKNOWN


class Procedure(NamedTuple):
    """Something done to or with the patient."""

    id: str
    codes: int
    status: str
    performed: Span = NEVER
    reasons: int = 0


class Allergy(NamedTuple):
    """An allergy or intolerance. `prevalence` runs from onset to the last occurrence."""

    id: str
    codes: int
    verified: bool
    prevalence: Span


class Patient:
    """One patient's facts.

    birth: date of birth as far as known; seen: the union of the codes of all facts, so that a measure can tell with one test that a
    whole criterion has nothing to look at; rejected_orders: ids of orders that a task says were rejected.
    """

    __slots__ = (
        "allergies",
        "birth",
        "conditions",
        "device_orders",
        "encounters",
        "gender",
        "id",
        "medication_orders",
        "observations",
        "procedures",
        "rejected_orders",
        "seen",
        "service_orders",
    )

    def __init__(
        self,
        id: str,
        *,
        birth: Moment = UNKNOWN,
        gender: str = "",
        encounters: Iterable[Encounter] = (),
        conditions: Iterable[Condition] = (),
        observations: Iterable[Observation] = (),
        medication_orders: Iterable[MedicationOrder] = (),
        service_orders: Iterable[ServiceOrder] = (),
        device_orders: Iterable[DeviceOrder] = (),
        procedures: Iterable[Procedure] = (),
        allergies: Iterable[Allergy] = (),
        rejected_orders: Iterable[str] = (),
    ) -> None:
        self.id = id
        self.birth = birth
        self.gender = gender
        self.encounters = sorted(encounters, key=_encounter_order)
        self.conditions = sorted(conditions, key=_condition_order)
        self.observations = sorted(observations, key=_observation_order)
        self.medication_orders = sorted(medication_orders, key=_order_order)
        self.service_orders = sorted(service_orders, key=_order_order)
        self.device_orders = sorted(device_orders, key=_order_order)
        self.procedures = sorted(procedures, key=_procedure_order)
        self.allergies = sorted(allergies, key=_condition_order)
        self.rejected_orders = frozenset(rejected_orders)
        seen = 0
        for encounter in self.encounters:
            seen |= encounter.codes
        for condition in self.conditions:
            seen |= condition.codes
        for observation in self.observations:
            seen |= observation.codes
        for medication in self.medication_orders:
            seen |= medication.codes
        for service in self.service_orders:
            seen |= service.codes
        for device in self.device_orders:
            seen |= device.codes
        for procedure in self.procedures:
            seen |= procedure.codes
        for allergy in self.allergies:
            seen |= allergy.codes
        self.seen = seen


def _encounter_order(fact: Encounter) -> tuple[Moment, str]:
    return fact.period.start, fact.id


def _condition_order(fact: Condition | Allergy) -> tuple[Moment, str]:
    return fact.prevalence.start, fact.id


def _observation_order(fact: Observation) -> tuple[Moment, str]:
    return fact.effective.start, fact.id


def _order_order(fact: MedicationOrder | ServiceOrder | DeviceOrder) -> tuple[Moment, str]:
    return fact.authored, fact.id


def _procedure_order(fact: Procedure) -> tuple[Moment, str]:
    return fact.performed.start, fact.id


def prevalence(onset: Span | None, abatement: Span | None, *, active: bool) -> Span:
    """When a condition was present: from the start of its onset to the end of its abatement.

    No onset: present since ever, its start unknown (`Span.known_start`). No end: present for ever when `active` (clinical status active,
    recurrence or relapse), else nothing is known. The rule is QICoreCommon 4.0.000, `prevalenceInterval`.
    """
    start = onset.start if onset is not None and onset.start.earliest > -FAR else ALWAYS
    if abatement is not None and abatement.end.latest < FAR:
        return Span(start, abatement.end)
    return Span(start, FOREVER) if active else NEVER
