"""CMS144 (quality 008): patients with heart failure and reduced ejection fraction who are prescribed a beta-blocker proven in it."""

from __future__ import annotations

from openasm.clinical.facts import MedicationOrder, Observation, ObservationKind
from openasm.clinical.moments import before, within
from openasm.clinical.terminology import Terminology
from openasm.quality.heart_failure import HeartFailureTherapy, View
from openasm.quality.populations import NO, Finding, Gap, MeasurementPeriod
from openasm.quality.quantities import in_unit
from openasm.quality.specification import Specification
from openasm.quality.status import FINAL


class BetaBlockerForReducedFunction(HeartFailureTherapy):
    """Heart Failure: Beta-Blocker Therapy for Left Ventricular Systolic Dysfunction."""

    name = "CMS144"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.drug = terms["Beta Blocker Therapy for LVSD"]
        self.heart_rate_below = specification.limit("heart_rate_below")
        self.reasons = terms.any_of("Medical Reason", "Patient Reason")
        self.substances = terms.any_of("Beta Blocker Therapy Ingredient", "beta blocker substance")
        self.allergy_diagnosis = terms.any_of("Allergy to Beta Blocker Therapy", "Intolerance to Beta Blocker Therapy")
        self.contraindication = terms.any_of("Arrhythmia", "Hypotension", "Asthma", "Bradycardia")
        self.block = terms["Atrioventricular Block"]
        self.pacer_in_situ = terms["Cardiac Pacer in Situ"]
        self.pacer = terms["Cardiac Pacer"]

    def counts_as_current(self, order: MedicationOrder, drug: int) -> bool:
        """Current therapy may be named by reference (docs/method/reference-engine-quirks.md)."""
        return bool(order.codes & drug)

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """The drug ordered at a reduced-function visit, or current over it."""
        found = self.therapy(view, self.drug)
        return (
            found
            if found.holds
            else Finding(False, "no order for a beta-blocker for reduced function at a visit or over it")
        )

    def exception(self, view: View) -> Finding:
        """Slow heart rate twice; reason for not ordering; arrhythmia, hypotension, asthma, bradycardia; allergy; AV block without pacer."""
        found = self._slow_twice(view)
        if found.holds:
            return found
        found = self.not_ordered(view, self.drug, self.reasons, only_orders=False)
        if found.holds:
            return found
        condition = self.at_visit(view, self.contraindication)
        if condition is not None:
            names = " or ".join(self.terms.names(condition.codes & self.contraindication))
            return Finding(True, f"{names} {condition.prevalence.text}")
        condition = self.beyond_visit(view, self.allergy_diagnosis)
        if condition is not None:
            return Finding(True, f"diagnosis of allergy or intolerance {condition.prevalence.text}")
        found = self.allergic(view, self.substances)
        if found.holds:
            return found
        condition = self.at_visit(view, self.block)
        if condition is not None and self.beyond_visit(view, self.pacer_in_situ) is None and not self._paced(view):
            return Finding(True, f"atrioventricular block without pacer, {condition.prevalence.text}")
        return NO

    def _paced(self, view: View) -> bool:
        """A pacer procedure completed, started before the end of a reduced-function visit."""
        return any(
            procedure.codes & self.pacer
            and procedure.status == "completed"
            and any(before(procedure.performed.known_start, visit.period.end) for visit in view.reduced_function_visits)
            for procedure in view.patient.procedures
        )

    def _slow_twice(self, view: View) -> Finding:
        """Two consecutive heart rates below the limit within one reduced-function visit. The status of the earlier is not looked at."""
        rates = [each for each in view.patient.observations if each.kind & ObservationKind.HEART_RATE]
        if len(rates) > 1:
            for visit in view.reduced_function_visits:
                if self._slow_twice_in([rate for rate in rates if within(rate.effective, visit.period)]):
                    return Finding(
                        True,
                        f"two heart rates below {self.heart_rate_below:g} at the visit on {visit.period.start.text}",
                    )
        return NO

    def _slow_twice_in(self, rates: list[Observation]) -> bool:
        for rate in rates:
            if rate.status in FINAL and self._slow(rate):
                earlier = [each for each in rates if before(each.effective.end, rate.effective.known_start)]
                if earlier and self._slow(max(earlier, key=_started)):
                    return True
        return False

    def _slow(self, rate: Observation) -> bool:
        value = in_unit(rate.quantity, "/min")
        return value is not None and value < self.heart_rate_below

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:  # noqa: ARG002
        """An order at a visit, or a documented reason."""
        return self.therapy_gaps("a beta-blocker (bisoprolol, carvedilol, sustained-release metoprolol)")


def _started(observation: Observation) -> tuple[int, int, str]:
    start = observation.effective.start
    return start.earliest, start.latest, observation.id
