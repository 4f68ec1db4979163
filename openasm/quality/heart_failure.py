"""What CMS135 and CMS144 share: heart failure, visits, left ventricular systolic dysfunction, drug therapy (library AHAOverall 4.1.000).

A *heart failure visit* is a finished visit of a counted type within the period whose days overlap a verified heart failure condition. A
*reduced-function visit* is one with a finding of moderate or severe left ventricular systolic dysfunction that started before the
visit ended, however long ago. Every later question is asked of the reduced-function visits.
"""

from __future__ import annotations

from typing import NamedTuple

from openasm.clinical.facts import Condition, Encounter, MedicationOrder, ObservationKind, Patient
from openasm.clinical.moments import (
    UNKNOWN,
    Moment,
    Span,
    before,
    before_day,
    born_by,
    date_of,
    on_or_before_day,
    overlaps_after_days,
    overlaps_days,
    point_within_days,
    surely_born_by,
    within_days,
)
from openasm.clinical.terminology import Terminology
from openasm.quality.populations import NO, Finding, Gap, GapKind, Measure, MeasurementPeriod
from openasm.quality.quantities import in_unit
from openasm.quality.specification import Specification
from openasm.quality.status import FINAL, is_order


class View(NamedTuple):
    """The patient, the visits that count, the heart failure visits, and those with reduced function."""

    patient: Patient
    visits: list[Encounter]
    heart_failure_visits: list[Encounter]
    reduced_function_visits: list[Encounter]


class HeartFailureTherapy(Measure):
    """Base of the two measures of drug therapy in heart failure with reduced ejection fraction."""

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least = specification.whole("age_least")
        self.old_enough = born_by(period.first_day, self.age_least)
        self.visits_least = specification.whole("visits")
        self.ejection_fraction_most = specification.limit("ejection_fraction_most")
        self.outpatient_visit = terms.any_of(
            "Care Services in Long Term Residential Facility",
            "Home Healthcare Services",
            "Nursing Facility Visit",
            "Office Visit",
            "Outpatient Consultation",
        )
        self.any_visit = self.outpatient_visit | terms["Patient Provider Interaction"]
        self.heart_failure = terms["Heart Failure"]
        self.ejection_fraction = terms["Ejection Fraction"]
        self.reduced_function = terms["Moderate or Severe LVSD"]
        self.dysfunction = terms["left ventricular systolic dysfunction"]
        self.moderate_or_severe = terms["Moderate or Severe"]
        self.transplant = terms["Heart Transplant"]
        self.assist_device = terms["Left Ventricular Assist Device Placement"]
        self.complication = terms.any_of(
            "Heart Transplant Complications", "Left Ventricular Assist Device Complications"
        )

    def view(self, patient: Patient) -> View:
        """The visits that the questions are asked of."""
        visits = [
            encounter
            for encounter in patient.encounters
            if encounter.codes & self.any_visit
            and encounter.status == "finished"
            and within_days(encounter.period, self.period.span)
        ]
        if not visits or not patient.seen & self.heart_failure:
            return View(patient, visits, [], [])
        heart_failure = [
            condition for condition in patient.conditions if condition.codes & self.heart_failure and condition.verified
        ]
        with_heart_failure = [
            visit
            for visit in visits
            if visit.codes & self.outpatient_visit
            and any(overlaps_days(condition.prevalence, visit.period) for condition in heart_failure)
        ]
        findings = self.reduced_function_since(patient) if with_heart_failure else []
        reduced = [visit for visit in with_heart_failure if any(before(since, visit.period.end) for since in findings)]
        return View(patient, visits, with_heart_failure, reduced)

    def reduced_function_since(self, patient: Patient) -> list[Moment]:
        """When each finding of moderate or severe dysfunction started: ejection fraction at most 40 %, or a verified condition."""
        since = []
        for observation in patient.observations:
            if (
                observation.codes & self.ejection_fraction
                and observation.kind & ObservationKind.CLINICAL_RESULT
                and observation.status in FINAL
            ):
                fraction = in_unit(observation.quantity, "%")
                if fraction is not None and fraction <= self.ejection_fraction_most:
                    since.append(observation.effective.known_start)
        since.extend(
            condition.prevalence.known_start
            for condition in patient.conditions
            if condition.verified
            and (
                condition.codes & self.reduced_function
                or (condition.codes & self.dysfunction and condition.severity & self.moderate_or_severe)
            )
        )
        return since

    def initial_population(self, view: View) -> Finding:
        """18 or older at the start of the year, two visits in it, one of them a heart failure visit."""
        if not surely_born_by(view.patient.birth, self.old_enough):
            return Finding(False, f"not known to be {self.age_least} or older at the start of the year")
        if len(view.visits) < self.visits_least:
            return Finding(False, f"fewer than {self.visits_least} visits in the year")
        if not view.heart_failure_visits:
            return Finding(False, "no visit with heart failure in the year")
        return Finding(True, f"heart failure visit on {view.heart_failure_visits[0].period.start.text}")

    def denominator(self, view: View) -> Finding:
        """A heart failure visit with moderate or severe left ventricular systolic dysfunction before its end."""
        if not view.reduced_function_visits:
            return Finding(
                False, "no finding of moderate or severe left ventricular systolic dysfunction before a visit"
            )
        return Finding(True, f"reduced function at the visit on {view.reduced_function_visits[0].period.start.text}")

    def exclusion(self, view: View) -> Finding:
        """Heart transplant, left ventricular assist device, or a complication of either, before the end of a reduced-function visit."""
        patient, visits = view.patient, view.reduced_function_visits
        if not patient.seen & (self.transplant | self.assist_device | self.complication):
            return NO
        for procedure in patient.procedures:
            if procedure.status == "completed":
                start = procedure.performed.known_start
                if procedure.codes & self.transplant and any(before(start, visit.period.end) for visit in visits):
                    return Finding(True, f"heart transplant {procedure.performed.text}")
                if procedure.codes & self.assist_device and any(
                    before_day(start, visit.period.end) for visit in visits
                ):
                    return Finding(True, f"left ventricular assist device {procedure.performed.text}")
        for condition in patient.conditions:
            if condition.codes & self.complication and condition.verified:
                start = condition.prevalence.known_start
                if start == UNKNOWN:
                    start = condition.recorded
                if any(on_or_before_day(start, visit.period.end) for visit in visits):
                    return Finding(True, f"complication of a heart transplant or assist device, {start.text}")
        return NO

    # --- drug therapy ----------------------------------------------------------------------------------------------------

    def therapy(self, view: View, drug: int) -> Finding:
        """The drug is ordered on a day of a reduced-function visit, or its dosage covers such a visit and goes on after it.

        An order that names the drug by a reference is not seen by the first question, and by the second only where
        `reference_counts_as_current` says so (docs/method/reference-engine-quirks.md).
        """
        patient = view.patient
        if not patient.seen & drug:
            return NO
        for order in patient.medication_orders:
            if order.codes & drug and is_order(order) and order.id not in patient.rejected_orders:
                for visit in view.reduced_function_visits:
                    if order.direct_codes & drug and point_within_days(order.authored, visit.period):
                        return Finding(True, f"ordered at the visit on {visit.period.start.text}")
                    if self.counts_as_current(order, drug):
                        bounds = first_stretch(order.dosage_bounds)
                        if bounds is not None and overlaps_after_days(bounds, visit.period):
                            return Finding(True, f"taken {bounds.text}, over the visit on {visit.period.start.text}")
        return NO

    def counts_as_current(self, order: MedicationOrder, drug: int) -> bool:
        """Whether an order can show current therapy."""
        return bool(order.direct_codes & drug)

    def not_ordered(self, view: View, drug: int, reasons: int, *, only_orders: bool) -> Finding:
        """The drug is recorded as deliberately not ordered on a day of a reduced-function visit, for one of some reasons."""
        patient = view.patient
        if not patient.seen & drug:
            return NO
        for order in patient.medication_orders:
            if order.requested or not order.direct_codes & drug or not order.reasons & reasons:
                continue
            if only_orders and not (
                is_order(order._replace(requested=True)) and order.id not in patient.rejected_orders
            ):
                continue
            for visit in view.reduced_function_visits:
                if point_within_days(order.authored, visit.period):
                    return Finding(True, f"reason for not ordering recorded at the visit on {visit.period.start.text}")
        return NO

    # --- findings around the visits --------------------------------------------------------------------------------------

    def at_visit(self, view: View, codes: int) -> Condition | None:
        """A verified condition whose days overlap a reduced-function visit."""
        if view.patient.seen & codes:
            for condition in view.patient.conditions:
                if (
                    condition.codes & codes
                    and condition.verified
                    and any(overlaps_days(condition.prevalence, visit.period) for visit in view.reduced_function_visits)
                ):
                    return condition
        return None

    def beyond_visit(self, view: View, codes: int) -> Condition | None:
        """A verified condition that reaches into a reduced-function visit and goes on after its day."""
        if view.patient.seen & codes:
            for condition in view.patient.conditions:
                if (
                    condition.codes & codes
                    and condition.verified
                    and any(
                        overlaps_after_days(condition.prevalence, visit.period)
                        for visit in view.reduced_function_visits
                    )
                ):
                    return condition
        return None

    def allergic(self, view: View, substances: int) -> Finding:
        """A verified allergy or intolerance that reaches into a reduced-function visit and goes on after its day."""
        if view.patient.seen & substances:
            for allergy in view.patient.allergies:
                if (
                    allergy.codes & substances
                    and allergy.verified
                    and any(
                        overlaps_after_days(allergy.prevalence, visit.period) for visit in view.reduced_function_visits
                    )
                ):
                    return Finding(True, f"allergy or intolerance {allergy.prevalence.text}")
        return NO

    def therapy_gaps(self, drug: str) -> tuple[Gap, ...]:
        """What closes the gap: the drug at a visit, or its order on record; a reason, where there is one."""
        last = date_of(self.period.last_day)
        return (
            Gap(
                GapKind.CARE, f"{drug} ordered at a heart failure visit, or a current order that goes on after it", last
            ),
            Gap(GapKind.DOCUMENTATION, f"if {drug} is not for this patient: the reason, recorded at the visit", last),
        )


def first_stretch(bounds: tuple[Span, ...]) -> Span | None:
    """The earliest stretch of spans, those that touch or overlap joined; None when there is none.

    >>> from openasm.clinical.moments import moment
    >>> january = Span(moment("2026-01-01T00:00:00.000Z"), moment("2026-01-31T00:00:00.000Z"))
    >>> february = Span(moment("2026-01-31T00:00:00.000Z"), moment("2026-02-28T00:00:00.000Z"))
    >>> first_stretch((february, january)).text
    '2026-01-01 to 2026-02-28'
    """
    if len(bounds) <= 1:
        return bounds[0] if bounds else None
    ordered = sorted(bounds, key=_by_start)
    joined = ordered[0]
    for span in ordered[1:]:
        if span.start.earliest > joined.end.latest + 4:  # more than a millisecond later
            break
        if span.end.latest > joined.end.latest:
            joined = Span(joined.start, span.end)
    return joined


def _by_start(span: Span) -> tuple[Moment, Moment]:
    return span.start, span.end
