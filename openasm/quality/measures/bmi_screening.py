"""CMS69 (quality 128): adults whose body mass index was recorded, with a follow-up when it was outside the normal range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from openasm.clinical.facts import Condition, ConditionKind, Encounter, Observation, ObservationKind, Patient, Procedure
from openasm.clinical.moments import (
    Moment,
    born_by,
    date_of,
    on_or_before_day,
    overlaps_days,
    point_within_days,
    same_day,
    surely_born_by,
    within_days,
)
from openasm.clinical.terminology import Terminology
from openasm.quality.care_settings import HospiceCare, PalliativeCare
from openasm.quality.populations import NO, Finding, Gap, GapKind, Measure, MeasurementPeriod
from openasm.quality.quantities import in_unit
from openasm.quality.specification import Specification
from openasm.quality.status import FINAL


@dataclass(frozen=True, slots=True)
class Side:
    """One side of normal: its name, the codes of its follow-up and of the diagnosis that is the reason for it."""

    name: str
    follow_up: int  # procedures and services
    referral: int
    drug: int
    diagnosis: int


class View(NamedTuple):
    """The patient, the qualifying visits, and the body mass indexes of the year by value."""

    patient: Patient
    visits: list[Encounter]
    low: list[Observation]
    normal: list[Observation]
    high: list[Observation]


class BodyMassIndexScreening(Measure):
    """Preventive Care and Screening: Body Mass Index (BMI) Screening and Follow-Up Plan."""

    name = "CMS69"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least = specification.whole("age_least")
        self.normal_least = specification.limit("normal_least")
        self.normal_below = specification.limit("normal_below")
        self.visit = terms["Encounter to Evaluate BMI"]
        self.pregnancy = terms["Pregnancy Obstetric or Maternal Diagnoses"]
        self.index = terms["body mass index"]
        self.medical_reason = terms["Medical Reason"]
        self.not_done_reason = terms.any_of("Medical Reason", "Patient Declined")
        referral = terms["Referrals Where Weight Assessment May Occur"]
        self.above = Side(
            "above",
            terms["Follow Up for Above Normal BMI"],
            referral,
            terms["Medications for Above Normal BMI"],
            terms["Overweight or Obese"],
        )
        self.below = Side(
            "below",
            terms["Follow Up for Below Normal BMI"],
            referral,
            terms["Medications for Below Normal BMI"],
            terms["Underweight"],
        )
        self.hospice = HospiceCare(terms, period)
        self.palliative = PalliativeCare(terms, period)

    def view(self, patient: Patient) -> View:
        """Visits other than virtual ones, and body mass indexes of the year."""
        visits = [
            encounter
            for encounter in patient.encounters
            if encounter.codes & self.visit
            and encounter.status == "finished"
            and encounter.class_code != "VR"
            and within_days(encounter.period, self.period.span)
        ]
        low: list[Observation] = []
        normal: list[Observation] = []
        high: list[Observation] = []
        for observation in patient.observations:
            if (
                observation.kind & ObservationKind.BODY_MASS_INDEX
                and observation.status in FINAL
                and within_days(observation.effective, self.period.span)
            ):
                value = in_unit(observation.quantity, "kg/m2")
                if value is not None and value > 0:
                    (low if value < self.normal_least else normal if value < self.normal_below else high).append(
                        observation
                    )
        return View(patient, visits, low, normal, high)

    def initial_population(self, view: View) -> Finding:
        """A qualifying visit in the year at the age of 18 or more."""
        birth = view.patient.birth
        for visit in view.visits:
            start = visit.period.start
            if start.has_day and surely_born_by(birth, born_by(start.day, self.age_least)):
                return Finding(True, f"visit on {start.text}")
        return Finding(False, f"no qualifying visit in the year at a known age of {self.age_least} or more")

    def exclusion(self, view: View) -> Finding:
        """Hospice, palliative care, pregnancy in the year."""
        patient = view.patient
        for found in (self.hospice.find(patient), self.palliative.find(patient)):
            if found.holds:
                return found
        for condition in patient.conditions:
            if condition.codes & self.pregnancy and overlaps_days(condition.prevalence, self.period.span):
                return Finding(True, f"pregnancy {condition.prevalence.text}")
        for observation in patient.observations:
            if (
                observation.kind & ObservationKind.PREGNANCY_STATUS
                and observation.value_codes & self.pregnancy
                and observation.status in FINAL
                and overlaps_days(observation.effective, self.period.span)
            ):
                return Finding(True, f"pregnancy status {observation.effective.text}")
        return NO

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """Only normal indexes; or a high or low one with its follow-up."""
        for outside, side in ((view.high, self.above), (view.low, self.below)):
            if outside:
                follow_up = self.follow_up(view.patient, side)
                if follow_up.holds:
                    return Finding(
                        True, f"index {side.name} normal on {outside[-1].effective.end.text}; {follow_up.why}"
                    )
        if view.high or view.low:
            where = " and ".join(
                side.name for outside, side in ((view.high, self.above), (view.low, self.below)) if outside
            )
            return Finding(False, f"index {where} normal without a follow-up in the year")
        if view.normal:
            return Finding(True, f"normal body mass index on {view.normal[-1].effective.end.text}")
        return Finding(False, "no body mass index in the year")

    def follow_up(self, patient: Patient, side: Side) -> Finding:
        """A follow-up ordered or performed in the year for the diagnosis on this side of normal."""
        if not patient.seen & (side.follow_up | side.referral | side.drug):
            return NO
        diagnoses = [condition for condition in patient.conditions if condition.codes & side.diagnosis]
        services = side.follow_up | side.referral
        for service in patient.service_orders:
            if (
                service.codes & services
                and service.requested
                and self._ordered(service.authored, service.reasons, side, diagnoses)
            ):
                return Finding(True, f"follow-up ordered on {service.authored.text}")
        for drug in patient.medication_orders:
            if (
                drug.codes & side.drug
                and drug.requested
                and self._ordered(drug.authored, drug.reasons, side, diagnoses)
            ):
                return Finding(True, f"medication ordered on {drug.authored.text}")
        performed = self._performed_above if side is self.above else self._performed_below
        for procedure in patient.procedures:
            if (
                procedure.codes & side.follow_up
                and point_within_days(procedure.performed.known_start, self.period.span)
                and performed(procedure, diagnoses)
            ):
                return Finding(True, f"follow-up on {procedure.performed.text}")
        return NO

    def _ordered(self, authored: Moment, reasons: int, side: Side, diagnoses: list[Condition]) -> bool:
        """In the year, and for the diagnosis: as the reason given, or started by that day."""
        return point_within_days(authored, self.period.span) and (
            bool(reasons & side.diagnosis)
            or any(on_or_before_day(condition.prevalence.known_start, authored) for condition in diagnoses)
        )

    def _performed_above(self, procedure: Procedure, diagnoses: list[Condition]) -> bool:
        if procedure.reasons & self.above.diagnosis:
            return True
        start = procedure.performed.known_start
        return any(condition.kind & ConditionKind.PROBLEM and _present_on(condition, start) for condition in diagnoses)

    def _performed_below(self, procedure: Procedure, diagnoses: list[Condition]) -> bool:
        """As above, but completed where the reason is given, and for a health concern, within the year, where it is not."""
        if procedure.reasons & self.below.diagnosis and procedure.status == "completed":
            return True
        start = procedure.performed.known_start
        return within_days(procedure.performed, self.period.span) and any(
            condition.kind & ConditionKind.PROBLEM and condition.health_concern and _present_on(condition, start)
            for condition in diagnoses
        )

    def exception(self, view: View) -> Finding:
        """On the day a visit starts: a medical reason for no follow-up, or the index not measured for a medical reason or at the patient's
        wish."""
        patient = view.patient
        services = self.above.follow_up | self.below.follow_up | self.above.referral
        drugs = self.above.drug | self.below.drug
        if patient.seen & services:
            for service in patient.service_orders:
                if (
                    service.codes & services
                    and not service.requested
                    and service.status == "completed"
                    and service.refusal_reasons & self.medical_reason
                    and self._at_a_visit(service.authored, view)
                ):
                    return Finding(True, f"medical reason for no follow-up recorded on {service.authored.text}")
        if patient.seen & drugs:
            for drug in patient.medication_orders:
                if (
                    drug.codes & drugs
                    and not drug.requested
                    and drug.status == "completed"
                    and drug.reasons & self.medical_reason
                    and self._at_a_visit(drug.authored, view)
                ):
                    return Finding(True, f"medical reason for no medication recorded on {drug.authored.text}")
        if patient.seen & self.index:
            for observation in patient.observations:
                if (
                    observation.codes & self.index
                    and observation.kind & ObservationKind.NOT_DONE
                    and observation.not_done_reason & self.not_done_reason
                    and self._at_a_visit(observation.effective.end, view)
                ):
                    return Finding(True, f"index not measured on {observation.effective.end.text}, with a reason")
        return NO

    def _at_a_visit(self, when: Moment, view: View) -> bool:
        return any(same_day(when, visit.period.start) for visit in view.visits)

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:  # noqa: ARG002
        """An index, or the follow-up of the one outside normal."""
        last = date_of(self.period.last_day)
        if not view.high and not view.low:
            return (
                Gap(GapKind.CARE, "a body mass index measured in the year", last),
                Gap(GapKind.DOCUMENTATION, "if it was declined or cannot be measured: the reason, at a visit", last),
            )
        side = self.above if view.high else self.below
        name = "overweight or obesity" if side is self.above else "underweight"
        return (
            Gap(GapKind.CARE, f"a follow-up plan for the index {side.name} normal, with {name} as its reason", last),
            Gap(GapKind.DOCUMENTATION, "if a medical reason speaks against a follow-up: the reason, at a visit", last),
        )


def _present_on(condition: Condition, day: Moment) -> bool:
    """Started on or before a day, and surely not ended before it."""
    return (
        on_or_before_day(condition.prevalence.known_start, day) and day.last_day <= condition.prevalence.end.first_day
    )
