"""Elements and profiles of FHIR R4 resources: the addresses that say what a resource is, and small readers of single elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openasm.clinical.facts import ConditionKind, ObservationKind

QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/"
USCORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
CONDITION_PROFILES = {
    QICORE + "qicore-condition-problems-health-concerns": ConditionKind.PROBLEM,
    QICORE + "qicore-condition-encounter-diagnosis": ConditionKind.ENCOUNTER_DIAGNOSIS,
}
OBSERVATION_PROFILES = {
    QICORE + "qicore-observation-screening-assessment": ObservationKind.SCREENING,
    QICORE + "qicore-observation-clinical-result": ObservationKind.CLINICAL_RESULT,
    QICORE + "qicore-simple-observation": ObservationKind.SIMPLE,
    QICORE + "qicore-observationcancelled": ObservationKind.NOT_DONE,
    USCORE + "us-core-blood-pressure": ObservationKind.BLOOD_PRESSURE,
    USCORE + "us-core-bmi": ObservationKind.BODY_MASS_INDEX,
    USCORE + "us-core-heart-rate": ObservationKind.HEART_RATE,
    USCORE + "us-core-observation-pregnancystatus": ObservationKind.PREGNANCY_STATUS,
}
ENCOUNTER = QICORE + "qicore-encounter"
PROCEDURE = QICORE + "qicore-procedure"
ALLERGY = QICORE + "qicore-allergyintolerance"
MEDICATION = QICORE + "qicore-medication"
TASK_REJECTED = QICORE + "qicore-taskrejected"
DEVICE_PROFILES = {QICORE + "qicore-devicerequest": True, QICORE + "qicore-devicenotrequested": False}
MEDICATION_PROFILES = {
    QICORE + "qicore-medicationrequest": True,
    QICORE + "qicore-medicationnotrequested": False,
}
SERVICE_PROFILES = {QICORE + "qicore-servicerequest": True, QICORE + "qicore-servicenotrequested": False}

# The code that makes an observation one of the US Core 6.1 vital signs or the pregnancy status, when it is read by content.
LOINC = "http://loinc.org"
KIND_BY_CODE = {
    "85354-9": ObservationKind.BLOOD_PRESSURE,
    "39156-5": ObservationKind.BODY_MASS_INDEX,
    "8867-4": ObservationKind.HEART_RATE,
    "82810-3": ObservationKind.PREGNANCY_STATUS,
}
GENERAL = ObservationKind.SCREENING | ObservationKind.CLINICAL_RESULT | ObservationKind.SIMPLE
# Observations that measures ask for by their kind, not by a code.
SOUGHT_BY_KIND = (
    ObservationKind.BLOOD_PRESSURE
    | ObservationKind.BODY_MASS_INDEX
    | ObservationKind.HEART_RATE
    | ObservationKind.PREGNANCY_STATUS
)

VERIFIED = frozenset(("confirmed", "unconfirmed", "provisional", "differential"))
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY_VERIFIED = frozenset(("confirmed", "unconfirmed"))
ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
PRESENT = frozenset(("active", "recurrence", "relapse"))
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
HEALTH_CONCERN = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"
FULFILL = "http://hl7.org/fhir/CodeSystem/task-code"
NPI = "http://hl7.org/fhir/sid/us-npi"
NOT_DONE_REASON = QICORE + "qicore-notDoneReason"
REFUSAL_REASON = QICORE + "qicore-doNotPerformReason"
DEVICE_NOT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DeviceRequest.doNotPerform"
# Unit texts without a code that can mean one thing only.
UNIT_TEXTS = {
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "beats/minute": "/min",
    "kg/m^2": "kg/m2",
    "kg/m²": "kg/m2",
    "percent": "%",
}
UCUM = "http://unitsofmeasure.org"
CALENDAR_UNITS = "http://hl7.org/fhirpath/CodeSystem/calendar-units"

Resource = dict[str, Any]

# How a choice of date or time is written: the element's name with each type it may have.
ABATEMENT, EFFECTIVE, ONSET, PERFORMED = (
    tuple(stem + kind for kind in ("DateTime", "Period", "Age", "Range", "Instant"))
    for stem in ("abatement", "effective", "onset", "performed")
)

CONCERN = frozenset(("health-concern",))
FULFILLED = frozenset(("fulfill",))


def has_code(concept: Resource | None, system: str, codes: frozenset[str]) -> bool:
    """Whether one of a concept's codings is one of some codes of a system."""
    if concept is not None:
        for coding in concept.get("coding") or ():
            if coding.get("code") in codes and coding.get("system") == system:
                return True
    return False


def word(value: Any) -> str:
    """A code as text; TypeError when it is no text."""
    if value is None:
        return ""
    if value.__class__ is not str:
        raise TypeError("not a code")
    return value


def reference_id(address: str) -> str:
    """The id at the end of a reference: of `Patient/1`, `http://server/fhir/Patient/1` or `Patient/1/_history/2`."""
    head, found, _ = address.partition("/_history/")
    return (head if found else address).rsplit("/", 1)[-1]


def ids(addresses: Mapping[str, Resource] | None, kind: str) -> dict[str, str]:
    """Ids of the resources of one kind, by the addresses that refer to them."""
    return {
        address: str(resource.get("id", address))
        for address, resource in (addresses or {}).items()
        if resource.get("resourceType") == kind
    }


def performers(participants: Iterable[Resource]) -> tuple[str, ...]:
    """Who took part: the NPI where the reference carries one, else the reference."""
    found = []
    for participant in participants:
        individual = participant.get("individual")
        if individual is None:
            continue
        identifier = individual.get("identifier")
        if identifier is not None and identifier.get("system") == NPI:
            found.append(str(identifier.get("value")))
        elif individual.get("reference"):
            found.append(str(individual["reference"]))
    return tuple(found)


def condition_kind(resource: Resource) -> int:
    """The list a condition is on by its category; without one, the problem list."""
    kind = 0
    for category in resource.get("category") or ():
        for coding in category.get("coding") or ():
            if coding.get("code") == "encounter-diagnosis":
                kind |= ConditionKind.ENCOUNTER_DIAGNOSIS
            else:
                kind |= ConditionKind.PROBLEM
    return kind or ConditionKind.PROBLEM


def observation_kind(resource: Resource) -> int:
    """What an observation is by status and code."""
    if resource.get("status") == "cancelled":
        return ObservationKind.NOT_DONE
    kind = GENERAL
    for coding in (resource.get("code") or {}).get("coding") or ():
        if coding.get("system") == LOINC:
            kind |= KIND_BY_CODE.get(coding.get("code"), 0)
    return kind


def is_refused_device(resource: Resource) -> bool:
    """Whether a device request says by extension that the device is not to be given; R4 has no element for it."""
    return any(
        each.get("url") == DEVICE_NOT and each.get("valueBoolean") is True
        for each in resource.get("modifierExtension") or ()
    )
