"""CMS135 (quality 005): patients with heart failure and reduced ejection fraction who are prescribed an ACE inhibitor, ARB or ARNI."""

from __future__ import annotations

from openasm.clinical.facts import ObservationKind
from openasm.clinical.moments import Moment, Span, plus_months, point_within
from openasm.clinical.terminology import Terminology
from openasm.quality.heart_failure import HeartFailureTherapy, View
from openasm.quality.populations import NO, Finding, Gap, MeasurementPeriod
from openasm.quality.specification import Specification
from openasm.quality.status import FINAL


class AceInhibitorArbOrArni(HeartFailureTherapy):
    """Heart Failure: ACE Inhibitor, ARB or ARNI Therapy for Left Ventricular Systolic Dysfunction."""

    name = "CMS135"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.drug = terms["ACE Inhibitor or ARB or ARNI"]
        self.reasons = terms.any_of(
            "Medical Reason", "Patient Reason", "Patient Reason for ACE Inhibitor or ARB Decline"
        )
        self.substances = terms.any_of(
            "ACE Inhibitor or ARB or ARNI Ingredient",
            "ACE inhibitor substance",
            "angiotensin receptor antagonist substance",
            "neprilysin inhibitor substance",
        )
        self.allergy_diagnosis = terms.any_of("Allergy to ACE Inhibitor or ARB", "Intolerance to ACE Inhibitor or ARB")
        self.pregnancy = terms["Pregnancy"]
        self.pregnancy_months = specification.whole("pregnancy_months")
        self.renal_failure = terms["renal failure due to ACE inhibitor"]

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """The drug ordered at a reduced-function visit, or current over it."""
        found = self.therapy(view, self.drug)
        return (
            found if found.holds else Finding(False, "no order for an ACE inhibitor, ARB or ARNI at a visit or over it")
        )

    def exception(self, view: View) -> Finding:
        """Reason for not ordering; allergy or intolerance; pregnancy; renal failure due to ACE inhibitor."""
        found = self.not_ordered(view, self.drug, self.reasons, only_orders=True)
        if found.holds:
            return found
        found = self.allergic(view, self.substances)
        if found.holds:
            return found
        condition = self.beyond_visit(view, self.allergy_diagnosis)
        if condition is not None:
            return Finding(True, f"diagnosis of allergy or intolerance {condition.prevalence.text}")
        found = self._pregnant(view)
        if found.holds:
            return found
        condition = self.at_visit(view, self.renal_failure)
        if condition is not None:
            return Finding(True, f"acute renal failure caused by ACE inhibitor {condition.prevalence.text}")
        return NO

    def _pregnant(self, view: View) -> Finding:
        """Pregnancy, by diagnosis or status, that started within the nine months up to the start of a reduced-function visit."""
        patient = view.patient
        for condition in patient.conditions:
            if (
                condition.codes & self.pregnancy
                and condition.verified
                and self._recent(condition.prevalence.start, view)
            ):
                return Finding(True, f"pregnancy {condition.prevalence.text}")
        for observation in patient.observations:
            if (
                observation.kind & ObservationKind.PREGNANCY_STATUS
                and observation.value_codes & self.pregnancy
                and observation.status in FINAL
                and self._recent(observation.effective.start, view)
            ):
                return Finding(True, f"pregnancy status {observation.effective.text}")
        return NO

    def _recent(self, start: Moment, view: View) -> bool:
        for visit in view.reduced_function_visits:
            begins = visit.period.start
            if point_within(start, Span(plus_months(begins, -self.pregnancy_months), begins)):
                return True
        return False

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:  # noqa: ARG002
        """An order at a visit, or a documented reason."""
        return self.therapy_gaps("an ACE inhibitor, ARB or ARNI")
