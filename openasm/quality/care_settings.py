"""Hospice and palliative care: exclusions that several measures share (libraries Hospice 6.18.000, PalliativeCare 1.18.000).

All comparisons are by day, with the measurement period.
"""

from __future__ import annotations

from openasm.clinical.facts import ObservationKind, Patient
from openasm.clinical.moments import overlaps_days, point_within_days
from openasm.clinical.terminology import Terminology
from openasm.quality.populations import NO, Finding, MeasurementPeriod
from openasm.quality.presence import completed_procedure, finished_encounter, verified_condition
from openasm.quality.status import FINAL, is_assessment, is_order


class HospiceCare:
    """Has the patient hospice services in the period?"""

    def __init__(self, terms: Terminology, period: MeasurementPeriod) -> None:
        self.during = period.span
        self.inpatient = terms["Encounter Inpatient"]
        self.discharged_to_hospice = terms.any_of("discharge to home hospice", "discharge to facility hospice")
        self.encounter = terms["Hospice Encounter"]
        self.assessment = terms["hospice assessment"]
        self.yes = terms["yes"]
        self.care = terms["Hospice Care Ambulatory"]
        self.diagnosis = terms["Hospice Diagnosis"]
        self.any = self.inpatient | self.encounter | self.assessment | self.care | self.diagnosis

    def find(self, patient: Patient) -> Finding:
        """Any of: inpatient stay ending in the period with discharge to hospice; hospice encounter, assessment answered yes, completed
        hospice procedure or verified hospice diagnosis overlapping it; hospice order written in it."""
        if not patient.seen & self.any:
            return NO
        during = self.during
        encounter = finished_encounter(patient, self.encounter, during)
        if encounter is not None:
            return Finding(True, f"hospice encounter {encounter.period.text}")
        for stay in patient.encounters:
            if (
                stay.codes & self.inpatient
                and stay.status == "finished"
                and stay.discharge & self.discharged_to_hospice
                and point_within_days(stay.period.end, during)
            ):
                return Finding(True, f"discharged to hospice on {stay.period.end.text}")
        for observation in patient.observations:
            if (
                observation.codes & self.assessment
                and observation.value_codes & self.yes
                and is_assessment(observation)
                and overlaps_days(observation.effective, during)
            ):
                return Finding(True, f"hospice care recorded in an assessment of {observation.effective.text}")
        for order in patient.service_orders:
            if order.codes & self.care and is_order(order) and point_within_days(order.authored, during):
                return Finding(True, f"hospice care ordered on {order.authored.text}")
        procedure = completed_procedure(patient, self.care, during)
        if procedure is not None:
            return Finding(True, f"hospice care {procedure.performed.text}")
        condition = verified_condition(patient, self.diagnosis, during)
        if condition is not None:
            return Finding(True, f"hospice diagnosis {condition.prevalence.text}")
        return NO


class PalliativeCare:
    """Has the patient palliative care in the period?"""

    def __init__(self, terms: Terminology, period: MeasurementPeriod) -> None:
        self.during = period.span
        self.assessment = terms["palliative assessment"]
        self.diagnosis = terms["Palliative Care Diagnosis"]
        self.encounter = terms["Palliative Care Encounter"]
        self.intervention = terms["Palliative Care Intervention"]
        self.any = self.assessment | self.diagnosis | self.encounter | self.intervention

    def find(self, patient: Patient) -> Finding:
        """Any of: FACIT-Pal assessment, verified palliative diagnosis, palliative encounter or completed intervention overlapping the
        period."""
        if not patient.seen & self.any:
            return NO
        during = self.during
        for observation in patient.observations:
            if (
                observation.codes & self.assessment
                and observation.kind & ObservationKind.SCREENING
                and observation.status in FINAL
                and overlaps_days(observation.effective, during)
            ):
                return Finding(True, f"palliative care assessment {observation.effective.text}")
        condition = verified_condition(patient, self.diagnosis, during)
        if condition is not None:
            return Finding(True, f"palliative care diagnosis {condition.prevalence.text}")
        encounter = finished_encounter(patient, self.encounter, during)
        if encounter is not None:
            return Finding(True, f"palliative care encounter {encounter.period.text}")
        procedure = completed_procedure(patient, self.intervention, during)
        if procedure is not None:
            return Finding(True, f"palliative care {procedure.performed.text}")
        return NO
