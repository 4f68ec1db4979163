"""ECHO1Y (not an ASM measure): adults with heart failure whose echocardiogram was repeated within a year with no hospital stay between.

Fewer is better. The definition is OpenASM's own; it shows that a measure is added by one file and one entry in
parameters/other_measures.yaml.
"""

from __future__ import annotations

from typing import NamedTuple

from openasm.clinical.facts import Patient
from openasm.clinical.moments import born_by, date_of, overlaps_days, surely_born_by
from openasm.clinical.terminology import Terminology
from openasm.quality.populations import NO, Finding, Measure, MeasurementPeriod
from openasm.quality.specification import Specification


class View(NamedTuple):
    """The patient, and the days of echocardiograms and of hospital admissions, rising."""

    patient: Patient
    echocardiograms: list[int]
    admissions: list[int]


class RepeatEchocardiogram(Measure):
    """Repeat Echocardiogram within a Year in Heart Failure."""

    name = "ECHO1Y"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least = specification.whole("age_least")
        self.old_enough = born_by(period.first_day, self.age_least)
        self.repeat_days = specification.whole("repeat_days")
        self.heart_failure = terms["Heart Failure"]
        self.stay = terms["Encounter Inpatient"]
        self.echocardiogram = terms.any_of(
            "complete echocardiogram", "echocardiogram without Doppler", "limited echocardiogram"
        )

    def view(self, patient: Patient) -> View:
        """Days that are known; an echocardiogram of an unknown day cannot be within a year of another."""
        echocardiograms = {
            procedure.performed.start.day
            for procedure in patient.procedures
            if procedure.codes & self.echocardiogram
            and procedure.status == "completed"
            and procedure.performed.start.has_day
        }
        admissions = {
            encounter.period.start.day
            for encounter in patient.encounters
            if encounter.codes & self.stay and encounter.status == "finished" and encounter.period.start.has_day
        }
        return View(patient, sorted(echocardiograms), sorted(admissions))

    def initial_population(self, view: View) -> Finding:
        """18 or older at the start of the year, heart failure in it, and an echocardiogram in it."""
        if not surely_born_by(view.patient.birth, self.old_enough):
            return Finding(False, f"not known to be {self.age_least} or older at the start of the year")
        if not any(
            condition.codes & self.heart_failure
            and condition.verified
            and overlaps_days(condition.prevalence, self.period.span)
            for condition in view.patient.conditions
        ):
            return Finding(False, "no heart failure in the year")
        days = [day for day in view.echocardiograms if self.period.first_day <= day <= self.period.last_day]
        if not days:
            return Finding(False, "no echocardiogram in the year")
        return Finding(True, f"echocardiogram on {date_of(days[-1])}")

    def exclusion(self, view: View) -> Finding:  # noqa: ARG002
        """None."""
        return NO

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """An echocardiogram of the year less than a year after another, with no admission from the day of the first to that of the second."""
        for first, second in zip(view.echocardiograms, view.echocardiograms[1:], strict=False):
            if not self.period.first_day <= second <= self.period.last_day or second - first >= self.repeat_days:
                continue
            if not any(first <= day <= second for day in view.admissions):
                return Finding(
                    True, f"echocardiograms on {date_of(first)} and {date_of(second)}, no hospital stay between"
                )
        return Finding(False, "no echocardiogram repeated within a year without a hospital stay between")
