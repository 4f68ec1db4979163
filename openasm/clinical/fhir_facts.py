"""FHIR R4 resources of a patient to a patient's facts.

Which resources count as what is decided in one of two ways (docs/method/fhir-reading.md):

* by *profile*: a record whose Patient states a QI-Core profile is read as the measures' reference engine reads it; a resource is what
  its `meta.profile` says it is, and one that states no profile of the measures is not seen;
* by *content*: in any other record (US Core exports, bulk data) category, status, `doNotPerform` and codes decide.

A resource that cannot be read is left out and counted by kind; nothing read here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from openasm.base.problems import Severity, declare
from openasm.clinical.facts import (
    Patient,
)
from openasm.clinical.fhir_elements import (
    MEDICATION,
    ids,
)
from openasm.clinical.fhir_elements import (
    QICORE as QICORE,
)
from openasm.clinical.fhir_elements import (
    USCORE as USCORE,
)
from openasm.clinical.fhir_elements import (
    Resource as Resource,
)
from openasm.clinical.fhir_elements import (
    reference_id as reference_id,
)
from openasm.clinical.fhir_resources import UNIT_TEXT as UNIT_TEXT
from openasm.clinical.fhir_resources import ResourceReader
from openasm.clinical.moments import (
    UNKNOWN,
    Moment,
    NotATime,
    moment,
)
from openasm.clinical.terminology import Terminology

RESOURCE_UNREADABLE = declare(
    "Q101",
    "resources that cannot be read were left out",
    expected="resources that are valid FHIR R4",
    next_step="Validate a few of them; the column names the resource type.",
    severity=Severity.WARNING,
)
BAD_DATE = declare(
    "Q102",
    "resources with a date that is not a FHIR date were left out",
    expected="dates as 2026-03-31, times as 2026-03-31T09:30:00-05:00",
    next_step="Correct the export; the column names the resource type.",
    severity=Severity.WARNING,
)
NO_SUBJECT = declare(
    "Q103",
    "resources that name no patient were left out",
    expected="a subject (patient, for) reference in every resource",
    next_step="Correct the export; the column names the resource type.",
    severity=Severity.WARNING,
)
OTHER_SUBJECT = declare(
    "Q104",
    "resources about a patient who is not in the file were left out",
    expected="the Patient resource of every record",
    next_step="Export the patients together with their records.",
    severity=Severity.WARNING,
)
SAME_RESOURCE_TWICE = declare(
    "Q106",
    "resources that are in the record twice with different content; the last updated one was used",
    expected="each resource once",
    next_step="Check how the export joins its parts.",
    severity=Severity.WARNING,
)


class ProfileUse(StrEnum):
    """How `meta.profile` decides what a resource is."""

    AUTO = "auto"  # by profile in records whose Patient states a QI-Core profile, by content in all others
    TRUST = "trust"  # always by profile
    INFER = "infer"  # always by content


class FactReader(ResourceReader):
    """Turns the resources of one patient into facts, with the codes of one terminology.

    counts: what could not be read so far, by kind and resource type.
    """

    def __init__(self, terminology: Terminology, profiles: ProfileUse = ProfileUse.AUTO) -> None:
        super().__init__(terminology)
        self.profiles = profiles
        self._readers: tuple[tuple[str, Callable[[Resource], Any]], ...] = (
            ("Encounter", self._encounter),
            ("Condition", self._condition),
            ("Observation", self._observation),
            ("MedicationRequest", self._medication_order),
            ("ServiceRequest", self._service_order),
            ("DeviceRequest", self._device_order),
            ("Procedure", self._procedure),
            ("AllergyIntolerance", self._allergy),
            ("Task", self._rejected_order),
        )

    def patient(
        self,
        patient: Resource,
        resources: Mapping[str, list[Resource]],
        *,
        addresses: Mapping[str, Resource] | None = None,
    ) -> Patient:
        """The facts of one patient.

        resources: by resource type, all about this patient, no id twice (Medication: every one that may be referred to). addresses:
        what a reference that is no `Type/id` leads to (`urn:uuid:...`).
        """
        self._trusting = self.profiles is ProfileUse.TRUST or (
            self.profiles is ProfileUse.AUTO
            and any(str(each).startswith(QICORE) for each in self._profiles_of(patient))
        )
        self._birth = self._birth_of(patient)
        self._medications = self._medications_of(resources.get("Medication"), addresses)
        self._encounter_ids = ids(addresses, "Encounter")
        facts: list[list[Any]] = []
        for kind, reader in self._readers:
            given = resources.get(kind)
            facts.append(self._read(kind, reader, given) if given else [])
        encounters, conditions, observations, medications, services, devices, procedures, allergies, rejected = facts
        gender = patient.get("gender")
        return Patient(
            str(patient.get("id")),
            birth=self._birth,
            gender=gender if isinstance(gender, str) else "",
            encounters=encounters,
            conditions=conditions,
            observations=observations,
            medication_orders=medications,
            service_orders=services,
            device_orders=devices,
            procedures=procedures,
            allergies=allergies,
            rejected_orders=rejected,
        )

    def _read(self, kind: str, reader: Callable[[Resource], Any], given: list[Resource]) -> list[Any]:
        facts = []
        for resource in given:
            try:
                fact = reader(resource)
            except NotATime:
                self.counts[BAD_DATE, kind] += 1
            except (TypeError, KeyError, AttributeError, ValueError, OverflowError, IndexError, ZeroDivisionError):
                self.counts[RESOURCE_UNREADABLE, kind] += 1
            else:
                if fact is not None:
                    facts.append(fact)
        return facts

    def _profiles_of(self, patient: Resource) -> Iterable[object]:
        """What a Patient says it conforms to; nothing where that is not a list."""
        meta = patient.get("meta")
        stated = meta.get("profile") if isinstance(meta, dict) else None
        return stated if isinstance(stated, list) else ()

    def _birth_of(self, patient: Resource) -> Moment:
        try:
            text = patient.get("birthDate")
            return moment(text) if text else UNKNOWN
        except (NotATime, TypeError):
            self.counts[BAD_DATE, "Patient"] += 1
            return UNKNOWN

    def _medications_of(
        self, medications: list[Resource] | None, addresses: Mapping[str, Resource] | None
    ) -> Mapping[str, Resource]:
        if not medications:
            return {}
        found = {}
        for medication in medications:
            if isinstance(medication.get("id"), str) and self._is(medication, MEDICATION):
                found[medication["id"]] = medication
        by_address = addresses or {}
        found |= {
            address: resource
            for address, resource in by_address.items()
            if resource.get("resourceType") == "Medication" and self._is(resource, MEDICATION)
        }
        return found
