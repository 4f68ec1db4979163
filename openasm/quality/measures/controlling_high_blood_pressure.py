"""CMS165 (quality 236): adults with hypertension whose latest blood pressure of the year was below 140/90 mmHg."""

from __future__ import annotations

from typing import NamedTuple

from openasm.clinical.facts import Encounter, Observation, ObservationKind, Patient, Quantity
from openasm.clinical.moments import (
    FAR,
    Moment,
    Span,
    born_by,
    date_of,
    iso,
    just_before,
    on_or_before,
    overlaps,
    plus_months,
    point_within_days,
    surely_born_after,
    surely_born_by,
    within_days,
)
from openasm.clinical.terminology import Terminology
from openasm.quality.care_settings import HospiceCare, PalliativeCare
from openasm.quality.frailty import AdvancedIllnessAndFrailty
from openasm.quality.populations import NO, Finding, Gap, GapKind, Measure, MeasurementPeriod
from openasm.quality.quantities import in_unit
from openasm.quality.specification import Specification
from openasm.quality.status import FINAL

ACUTE_CLASSES = frozenset(("EMER", "IMP", "ACUTE", "NONAC", "PRENC", "SS"))


class Reading(NamedTuple):
    """A blood pressure of one moment. Either part is None when the record does not hold it in a comparable unit."""

    when: Moment
    systolic: float | None
    diastolic: float | None


class View(NamedTuple):
    """What the questions look at: the patient, and the readings of the day that decides."""

    patient: Patient
    day: int | None
    readings: list[Reading]


class ControllingHighBloodPressure(Measure):
    """Controlling High Blood Pressure."""

    name = "CMS165"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least, self.age_most = specification.whole("age_least"), specification.whole("age_most")
        self.systolic_below = specification.limit("systolic_below")
        self.diastolic_below = specification.limit("diastolic_below")
        self.frailty_alone_age = specification.whole("frailty_alone_age")
        self.old_enough = born_by(period.last_day, self.age_least)
        self.too_old = born_by(period.last_day, self.age_most + 1)
        self.frail_from = born_by(period.last_day, specification.whole("frail_age"))
        self.frailty_alone_from = born_by(period.last_day, self.frailty_alone_age)
        first_months = just_before(plus_months(period.start, specification.whole("onset_months")))
        self.diagnosed_by = Span(period.start, first_months)
        self.hypertension = terms["Essential Hypertension"]
        self.visit = terms.any_of(
            "Office Visit",
            "Annual Wellness Visit",
            "Preventive Care Services Established Office Visit, 18 and Up",
            "Preventive Care Services Initial Office Visit, 18 and Up",
            "Home Healthcare Services",
            "Virtual Encounter",
            "Telephone Visits",
        )
        self.excluding_condition = terms.any_of(
            "Pregnancy",
            "End Stage Renal Disease",
            "Kidney Transplant Recipient",
            "Chronic Kidney Disease, Stage 5",
        )
        self.kidney_procedure = terms.any_of("Kidney Transplant", "Dialysis Services")
        self.dialysis_visit = terms["ESRD Monthly Outpatient Services"]
        self.stay = terms.any_of("Encounter Inpatient", "Emergency Department Evaluation and Management Visit")
        self.systolic = terms["systolic pressure"]
        self.diastolic = terms["diastolic pressure"]
        self.hospice = HospiceCare(terms, period)
        self.palliative = PalliativeCare(terms, period)
        self.frailty = AdvancedIllnessAndFrailty(terms, period)

    def view(self, patient: Patient) -> View:
        """The readings of the latest day in the period that has a qualifying one."""
        day, readings = self.latest_readings(patient)
        return View(patient, day, readings)

    def initial_population(self, view: View) -> Finding:
        """18 to 85 at the end of the year; verified essential hypertension overlapping its first six months; a qualifying visit in it."""
        birth = view.patient.birth
        if not (surely_born_by(birth, self.old_enough) and surely_born_after(birth, self.too_old)):
            return Finding(
                False, f"not known to be {self.age_least} to {self.age_most} years old at the end of the year"
            )
        for condition in view.patient.conditions:
            if (
                condition.codes & self.hypertension
                and condition.verified
                and overlaps(condition.prevalence, self.diagnosed_by)
            ):
                break
        else:
            return Finding(False, "no essential hypertension in the first six months of the year")
        for encounter in view.patient.encounters:
            if (
                encounter.codes & self.visit
                and encounter.status == "finished"
                and within_days(encounter.period, self.period.span)
            ):
                return Finding(True, f"hypertension, and a visit on {encounter.period.start.text}")
        return Finding(False, "no qualifying visit in the year")

    def exclusion(self, view: View) -> Finding:
        """Hospice, pregnancy or kidney failure, frailty with advanced illness (alone from 81), nursing home, palliative care."""
        patient = view.patient
        for found in (self.hospice.find(patient), self._pregnancy_or_kidney_failure(patient)):
            if found.holds:
                return found
        found = self._frailty(view)
        if found.holds:
            return found
        return self.palliative.find(patient)

    def _pregnancy_or_kidney_failure(self, patient: Patient) -> Finding:
        if not patient.seen & (self.excluding_condition | self.kidney_procedure | self.dialysis_visit):
            return NO
        for condition in patient.conditions:
            if (
                condition.codes & self.excluding_condition
                and condition.verified
                and overlaps(condition.prevalence, self.period.span)
            ):
                names = " or ".join(self.terms.names(condition.codes & self.excluding_condition))
                return Finding(True, f"{names} {condition.prevalence.text}")
        for procedure in patient.procedures:
            if (
                procedure.codes & self.kidney_procedure
                and procedure.status == "completed"
                and on_or_before(procedure.performed.end, self.period.end)
            ):
                return Finding(True, f"kidney transplant or dialysis {procedure.performed.text}")
        for encounter in patient.encounters:
            if (
                encounter.codes & self.dialysis_visit
                and encounter.status == "finished"
                and on_or_before(encounter.period.known_start, self.period.end)
            ):
                return Finding(True, f"monthly services for end stage renal disease {encounter.period.text}")
        return NO

    def _frailty(self, view: View) -> Finding:
        birth = view.patient.birth
        if not surely_born_by(birth, self.frail_from):
            return NO
        frailty = self.frailty.frailty(view.patient)
        if frailty.holds:
            if surely_born_by(birth, self.frailty_alone_from):
                return Finding(True, f"{self.frailty_alone_age} or older with {frailty.why}")
            illness = self.frailty.illness(view.patient)
            if illness.holds and surely_born_after(birth, self.frailty_alone_from):
                return Finding(True, f"{illness.why} with {frailty.why}")
        return self.frailty.nursing_home_resident(view.patient)

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """The lowest systolic and the lowest diastolic pressure of the latest day with a reading are below the limits."""
        if view.day is None:
            return Finding(False, "no qualifying blood pressure reading in the year")
        day = iso(view.day)
        systolic = _lowest([reading.systolic for reading in view.readings])
        diastolic = _lowest([reading.diastolic for reading in view.readings])
        if systolic is None or diastolic is None:
            return Finding(False, f"a blood pressure of {day} lacks a systolic or diastolic value in mm[Hg]")
        controlled = systolic < self.systolic_below and diastolic < self.diastolic_below
        if view.patient.seen & self.stay and any(
            self._in_a_stay(reading.when, view.patient.encounters) for reading in view.readings
        ):
            return Finding(
                controlled,
                f"latest blood pressure {systolic:g}/{diastolic:g} on {day}, the day of an inpatient or emergency stay that "
                "the reading does not refer to",
            )
        return Finding(controlled, f"latest blood pressure {systolic:g}/{diastolic:g} on {day}")

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:
        """A later reading below the limits closes the gap until the end of the year."""
        last = date_of(self.period.last_day)
        limits = f"{self.systolic_below:g}/{self.diastolic_below:g}"
        if view.day is None:
            return (Gap(GapKind.CARE, f"a blood pressure reading below {limits} mmHg outside acute care", last),)
        found = self.numerator(view, group)
        if _lowest([reading.systolic for reading in view.readings]) is None:
            return (Gap(GapKind.DATA, f"a complete reading: {found.why}", last),)
        return (Gap(GapKind.CARE, f"a later reading below {limits} mmHg; {found.why}", last),)

    # --- readings --------------------------------------------------------------------------------------------------------

    def latest_readings(self, patient: Patient) -> tuple[int | None, list[Reading]]:
        """The latest day in the period that has a qualifying reading, with all qualifying readings of that day."""
        latest: int | None = None
        readings: list[Reading] = []
        for observation in patient.observations:
            if not observation.kind & ObservationKind.BLOOD_PRESSURE or observation.status not in FINAL:
                continue
            when = latest_of(observation.effective)
            if not point_within_days(when, self.period.span) or not self._qualifies(
                observation, when, patient.encounters
            ):
                continue
            if latest is None or when.day > latest:
                latest, readings = when.day, []
            if when.day == latest:
                readings.append(self._reading(observation, when))
        return latest, readings

    def _qualifies(self, observation: Observation, when: Moment, encounters: list[Encounter]) -> bool:
        """Not on a day of an inpatient or emergency stay, or made in an encounter that is not known to be acute.

        A reading without an encounter of its own therefore counts even on the day of a stay (docs/method/reference-engine-quirks.md); the
        reason given with the result says so.
        """
        own = observation.encounter
        if not own:
            return True
        for encounter in encounters:
            if encounter.id == own:
                if encounter.class_code not in ACUTE_CLASSES:
                    return True
                break
        else:
            return True
        return not self._in_a_stay(when, encounters)

    def _in_a_stay(self, when: Moment, encounters: list[Encounter]) -> bool:
        """On a day of a finished inpatient or emergency stay."""
        return any(
            encounter.codes & self.stay and encounter.status == "finished" and point_within_days(when, encounter.period)
            for encounter in encounters
        )

    def _reading(self, observation: Observation, when: Moment) -> Reading:
        return Reading(when, _part(observation, self.systolic), _part(observation, self.diastolic))


def latest_of(span: Span) -> Moment:
    """The end of a span, or its start when it has not ended."""
    return span.end if span.end.latest < FAR else span.known_start


def _part(observation: Observation, code: int) -> float | None:
    """The one component with a code, in mm[Hg]; None when there is none, or more than one."""
    values: list[Quantity | None] = [part.value for part in observation.components if part.codes & code]
    return in_unit(values[0], "mm[Hg]") if len(values) == 1 else None


def _lowest(values: list[float | None]) -> float | None:
    """The least of some values; a missing one leaves it unknown, as the logic sorts missing values first."""
    known = [value for value in values if value is not None]
    return min(known) if len(known) == len(values) and known else None
