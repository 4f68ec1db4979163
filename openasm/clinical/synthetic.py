"""Builds plainly fictional FHIR records: for demonstrations, and for tests that need a patient with certain facts.

A `Record` makes valid FHIR R4 resources with QI-Core 6 and US Core 6.1 profiles. Codes are pairs of system and code; what they mean is the
caller's business.

>>> record = Record("demo-1", birth="1950-01-01").encounter(("urn:openasm:demo", "visit"), "2026-02-03")
>>> [entry["resource"]["resourceType"] for entry in record.bundle()["entry"]]
['Patient', 'Encounter']
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from openasm.clinical.fhir_facts import QICORE, USCORE

Code = tuple[str, str]
_CATEGORY = "http://terminology.hl7.org/CodeSystem/"
_KINDS = {
    "screening": QICORE + "qicore-observation-screening-assessment",
    "clinical": QICORE + "qicore-observation-clinical-result",
    "simple": QICORE + "qicore-simple-observation",
    "not done": QICORE + "qicore-observationcancelled",
    "blood pressure": USCORE + "us-core-blood-pressure",
    "body mass index": USCORE + "us-core-bmi",
    "heart rate": USCORE + "us-core-heart-rate",
    "pregnancy status": USCORE + "us-core-observation-pregnancystatus",
}
_LOINC = "http://loinc.org"
_UCUM = "http://unitsofmeasure.org"


def concept(*codes: Code) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code} for system, code in codes]}


def time_of(text: str, time: str = "10:00:00.000") -> str:
    """A date made a point in time in UTC; what already has a time, or only a year or month, stays."""
    return f"{text}T{time}+00:00" if len(text) == 10 else text


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A UCUM quantity."""
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


class Record:
    """One patient's record, built call by call. Every method adds one resource and returns the record."""

    def __init__(self, identity: str, *, birth: str = "", gender: str = "female", family: str = "Test Patient") -> None:
        self.identity = identity
        patient = {
            "resourceType": "Patient",
            "id": identity,
            "meta": {"profile": [QICORE + "qicore-patient"]},
            "name": [{"family": family, "given": [identity]}],
            "gender": gender,
        }
        if birth:
            patient["birthDate"] = birth
        self.resources: list[dict[str, Any]] = [patient]

    def add(self, kind: str, profile: str, **elements: Any) -> Record:
        """A resource of any type; elements that are None are left out."""
        subject = {"AllergyIntolerance": "patient", "Task": "for"}.get(kind, "subject")
        resource: dict[str, Any] = {
            "resourceType": kind,
            "id": f"{self.identity}-{len(self.resources)}",
            "meta": {"profile": [profile]},
            subject: {"reference": f"Patient/{self.identity}"},
        }
        resource.update({name: value for name, value in elements.items() if value is not None})
        self.resources.append(resource)
        return self

    @property
    def last_id(self) -> str:
        """Id of the resource added last, for references to it."""
        return str(self.resources[-1]["id"])

    def encounter(
        self,
        codes: Code | Sequence[Code],
        start: str,
        end: str | None = None,
        *,
        status: str = "finished",
        class_code: str = "AMB",
        discharge: Code | None = None,
        performer: str | None = None,
    ) -> Record:
        """A visit or stay; of half an hour when no end is given. performer: an NPI."""
        many = [codes] if isinstance(codes[0], str) else codes
        finish = time_of(start, "10:30:00.000") if end is None else time_of(end, "12:00:00.000")
        return self.add(
            "Encounter",
            QICORE + "qicore-encounter",
            status=status,
            **{"class": {"system": _CATEGORY + "v3-ActCode", "code": class_code}},
            type=[concept(code) for code in many],  # type: ignore[arg-type]
            period={"start": time_of(start), "end": finish},
            hospitalization=None if discharge is None else {"dischargeDisposition": concept(discharge)},
            participant=None
            if performer is None
            else [{"individual": {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": performer}}}],
        )

    def condition(
        self,
        code: Code,
        onset: str | None = None,
        abatement: str | None = None,
        *,
        clinical: str | None = "active",
        verification: str | None = "confirmed",
        encounter_diagnosis: bool = False,
        severity: Code | None = None,
        recorded: str | None = None,
        health_concern: bool = False,
    ) -> Record:
        """A condition, on the problem list unless it is an encounter diagnosis."""
        if health_concern:
            category = ("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern")
        else:
            category = (
                _CATEGORY + "condition-category",
                "encounter-diagnosis" if encounter_diagnosis else "problem-list-item",
            )
        profile = (
            "qicore-condition-encounter-diagnosis"
            if encounter_diagnosis
            else "qicore-condition-problems-health-concerns"
        )
        return self.add(
            "Condition",
            QICORE + profile,
            clinicalStatus=None if clinical is None else concept((_CATEGORY + "condition-clinical", clinical)),
            verificationStatus=None
            if verification is None
            else concept((_CATEGORY + "condition-ver-status", verification)),
            category=[concept(category)],
            severity=None if severity is None else concept(severity),
            code=concept(code),
            onsetDateTime=None if onset is None else time_of(onset),
            abatementDateTime=None if abatement is None else time_of(abatement),
            recordedDate=None if recorded is None else time_of(recorded),
        )

    def observation(
        self,
        code: Code,
        when: str,
        *,
        kind: str = "screening",
        status: str = "final",
        value: Code | None = None,
        amount: tuple[float, str] | None = None,
        score: int | None = None,
        reason: Code | None = None,
        encounter: str | None = None,
        **elements: Any,
    ) -> Record:
        """An observation of a kind (screening, clinical, simple, not done, heart rate ...); value: a coded answer."""
        return self.add(
            "Observation",
            _KINDS[kind],
            extension=None
            if reason is None
            else [{"url": QICORE + "qicore-notDoneReason", "valueCodeableConcept": concept(reason)}],
            status="cancelled" if kind == "not done" else status,
            category=[concept((_CATEGORY + "observation-category", "survey" if kind == "screening" else "exam"))],
            code=concept(code),
            effectiveDateTime=time_of(when),
            issued=time_of(when) if kind == "not done" else None,
            valueCodeableConcept=None if value is None else concept(value),
            valueQuantity=None if amount is None else quantity(*amount),
            valueInteger=score,
            encounter=None if encounter is None else {"reference": f"Encounter/{encounter}"},
            **elements,
        )

    def blood_pressure(self, systolic: float, diastolic: float, when: str, *, encounter: str | None = None) -> Record:
        """A blood pressure in mm[Hg]."""
        parts = [
            {"code": concept((_LOINC, code)), "valueQuantity": quantity(value, "mm[Hg]")}
            for code, value in (("8480-6", systolic), ("8462-4", diastolic))
        ]
        return self.observation((_LOINC, "85354-9"), when, kind="blood pressure", encounter=encounter, component=parts)

    def medication_order(
        self,
        code: Code,
        when: str,
        *,
        requested: bool = True,
        status: str = "active",
        intent: str = "order",
        reason: Code | None = None,
        bounds: tuple[str, str | None] | None = None,
        days: int | None = None,
        refills: int | None = None,
        amount: float | None = None,
    ) -> Record:
        """A prescription, or the record that it was deliberately not written. bounds: first and last day of the dosage."""
        dispense: dict[str, Any] = {}
        if days is not None:
            dispense["expectedSupplyDuration"] = {"value": days, "system": _UCUM, "code": "d"}
        if refills is not None:
            dispense["numberOfRepeatsAllowed"] = refills
        if amount is not None:
            dispense["quantity"] = {"value": amount}
        period = None
        if bounds is not None:
            period = {"start": time_of(bounds[0])} | ({"end": time_of(bounds[1])} if bounds[1] else {})
        return self.add(
            "MedicationRequest",
            QICORE + ("qicore-medicationrequest" if requested else "qicore-medicationnotrequested"),
            status=status,
            intent=intent,
            doNotPerform=None if requested else True,
            medicationCodeableConcept=concept(code),
            authoredOn=time_of(when),
            reasonCode=None if reason is None else [concept(reason)],
            dosageInstruction=None if period is None else [{"timing": {"repeat": {"boundsPeriod": period}}}],
            dispenseRequest=dispense or None,
        )

    def service_order(
        self, code: Code, when: str, *, requested: bool = True, status: str = "active", reason: Code | None = None
    ) -> Record:
        """A referral or service ordered, or deliberately not ordered for a reason."""
        refusal = (
            [{"url": QICORE + "qicore-doNotPerformReason", "valueCodeableConcept": concept(reason)}] if reason else None
        )
        return self.add(
            "ServiceRequest",
            QICORE + ("qicore-servicerequest" if requested else "qicore-servicenotrequested"),
            extension=None if requested else refusal,
            status=status if requested else "completed",
            intent="order",
            doNotPerform=None if requested else True,
            code=concept(code),
            authoredOn=time_of(when),
            reasonCode=[concept(reason)] if requested and reason else None,
        )

    def device_order(self, code: Code, when: str, *, status: str = "completed") -> Record:
        """A device ordered for personal use."""
        return self.add(
            "DeviceRequest",
            QICORE + "qicore-devicerequest",
            status=status,
            intent="order",
            codeCodeableConcept=concept(code),
            authoredOn=time_of(when),
        )

    def procedure(self, code: Code, when: str, *, status: str = "completed", reason: Code | None = None) -> Record:
        """A procedure of one moment."""
        return self.add(
            "Procedure",
            QICORE + "qicore-procedure",
            status=status,
            code=concept(code),
            performedDateTime=time_of(when),
            reasonCode=None if reason is None else [concept(reason)],
        )

    def allergy(self, code: Code, onset: str) -> Record:
        """A confirmed allergy or intolerance."""
        return self.add(
            "AllergyIntolerance",
            QICORE + "qicore-allergyintolerance",
            clinicalStatus=concept((_CATEGORY + "allergyintolerance-clinical", "active")),
            verificationStatus=concept((_CATEGORY + "allergyintolerance-verification", "confirmed")),
            code=concept(code),
            onsetDateTime=time_of(onset),
        )

    def rejected(self, order: str) -> Record:
        """A task that says an order was rejected."""
        return self.add(
            "Task",
            QICORE + "qicore-taskrejected",
            status="rejected",
            intent="order",
            code=concept(("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")),
            focus={"reference": f"MedicationRequest/{order}"},
        )

    def bundle(self) -> dict[str, Any]:
        """The record as a FHIR Bundle of type collection."""
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"fullUrl": f"http://example.org/fhir/{each['resourceType']}/{each['id']}", "resource": each}
                for each in self.resources
            ],
        }


def bulk_lines(records: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """Records as a bulk export holds them: resources by type."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        for resource in record.resources:
            by_type.setdefault(resource["resourceType"], []).append(resource)
    return by_type
