"""CMS156 (quality 238): patients of 65 and older who were ordered high-risk medications more than once. Lower is better.

Rate 1: medications to avoid. Rate 2: antipsychotics and benzodiazepines without a diagnosis that calls for them. Rate 3: either.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from openasm.clinical.facts import MedicationOrder, Patient
from openasm.clinical.moments import (
    Span,
    born_by,
    date_of,
    overlaps,
    plus_months,
    point_within,
    surely_born_by,
    within,
)
from openasm.clinical.terminology import Terminology
from openasm.quality.care_settings import HospiceCare, PalliativeCare
from openasm.quality.populations import NO, Finding, Gap, GapKind, Measure, MeasurementPeriod
from openasm.quality.specification import Specification, strengths
from openasm.quality.status import is_order

# Classes of which more than one order counts by itself, whatever the dose or diagnosis.
AVOID = (
    "Potentially Harmful Antihistamines for Older Adults",
    "Potentially Harmful Antiparkinsonian Agents for Older Adults",
    "Potentially Harmful Gastrointestinal Antispasmodics for Older Adults",
    "Dipyridamole Medications",
    "Guanfacine Medications",
    "Nifedipine Medications",
    "Potentially Harmful Antidepressants for Older Adults",
    "Potentially Harmful Barbiturates for Older Adults",
    "ergoloid mesylates",
    "Meprobamate Medications",
    "Potentially Harmful Estrogens for Older Adults",
    "Potentially Harmful Sulfonylureas for Older Adults",
    "Desiccated Thyroid Medications",
    "Potentially Harmful Nonbenzodiazepine Hypnotics for Older Adults",
    "Potentially Harmful Skeletal Muscle Relaxants for Older Adults",
    "Potentially Harmful Pain Medications for Older Adults",
    "Megestrol Medications",
    "Meperidine Medications",
)


class View(NamedTuple):
    """The patient, the orders of any high-risk class, and the answers to the first two rates."""

    patient: Patient
    orders: list[MedicationOrder]
    avoid: Finding
    without_diagnosis: Finding


class HighRiskMedications(Measure):
    """Use of High-Risk Medications in Older Adults."""

    name = "CMS156"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least = specification.whole("age_least")
        self.old_enough = born_by(period.last_day, self.age_least)
        self.year_before = plus_months(period.start, -12 * specification.whole("diagnosis_years_before"))
        self.visit = terms.any_of(
            "Office Visit",
            "Ophthalmological Services",
            "Preventive Care Services Established Office Visit, 18 and Up",
            "Discharge Services Nursing Facility",
            "Nursing Facility Visit",
            "Care Services in Long Term Residential Facility",
            "Preventive Care Services Initial Office Visit, 18 and Up",
            "Annual Wellness Visit",
            "Home Healthcare Services",
            "Telephone Visits",
            "Virtual Encounter",
            "established patient visit 99211",
        )
        self.avoid = {name: terms[name] for name in AVOID}
        self.anti_infective = terms["Potentially Harmful Antiinfectives for Older Adults"]
        self.anti_infective_days = Fraction(specification.limit("anti_infective_days_above"))
        self.dosed = (
            ("digoxin", terms["Digoxin Medications"], Fraction(str(specification.limit("digoxin_mg_a_day_above")))),
            ("doxepin", terms["Doxepin Medications"], Fraction(str(specification.limit("doxepin_mg_a_day_above")))),
        )
        self.strengths = tuple((terms[each.name], Fraction(each.amount), each.unit) for each in strengths())
        self.antipsychotic = terms["Potentially Harmful Antipsychotics for Older Adults"]
        self.benzodiazepine = terms["Potentially Harmful Benzodiazepines for Older Adults"]
        self.calls_for_antipsychotic = terms.any_of("Schizophrenia", "Bipolar Disorder")
        self.calls_for_benzodiazepine = terms.any_of(
            "Seizure Disorder",
            "REM Sleep Behavior Disorder",
            "Benzodiazepine Withdrawal",
            "Alcohol Withdrawal",
            "Generalized Anxiety Disorder",
        )
        self.any_drug = self.anti_infective | self.antipsychotic | self.benzodiazepine
        for bit in (*self.avoid.values(), *(codes for _, codes, _ in self.dosed)):
            self.any_drug |= bit
        self.hospice = HospiceCare(terms, period)
        self.palliative = PalliativeCare(terms, period)

    def view(self, patient: Patient) -> View:
        """Orders of high-risk classes, and what they amount to."""
        if not patient.seen & self.any_drug:
            return View(patient, [], NO, NO)
        orders = [order for order in patient.medication_orders if order.codes & self.any_drug and is_order(order)]
        return View(patient, orders, self._to_avoid(orders), self._without_diagnosis(patient, orders))

    def initial_population(self, view: View) -> Finding:
        """65 or older at the end of the year, with a qualifying visit in it (as instants, not by day)."""
        if not surely_born_by(view.patient.birth, self.old_enough):
            return Finding(False, f"not known to be {self.age_least} or older at the end of the year")
        for encounter in view.patient.encounters:
            if (
                encounter.codes & self.visit
                and encounter.status == "finished"
                and within(encounter.period, self.period.span)
            ):
                return Finding(True, f"visit on {encounter.period.start.text}")
        return Finding(False, "no qualifying visit in the year")

    def exclusion(self, view: View) -> Finding:
        """Hospice or palliative care in the year."""
        found = self.hospice.find(view.patient)
        return found if found.holds else self.palliative.find(view.patient)

    def numerator(self, view: View, group: int) -> Finding:
        """Group 1: medications to avoid; group 2: without an appropriate diagnosis; group 3: either."""
        if group == 1:
            found = view.avoid
        elif group == 2:
            found = view.without_diagnosis
        else:
            found = view.avoid if view.avoid.holds else view.without_diagnosis
        return found if found.holds else Finding(False, "no high-risk medication of this kind ordered more than once")

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:
        """Orders once made cannot be taken back; for rate 2 a diagnosis that was left out of the record may be added."""
        if group == 2:
            missing = f"a diagnosis that calls for the drug, if the patient has one; {view.without_diagnosis.why}"
            return (Gap(GapKind.DOCUMENTATION, missing, date_of(self.period.last_day)),)
        return (Gap(GapKind.CARE, f"no longer to be closed this year: {self.numerator(view, group).why}", None),)

    # --- rate 1 ----------------------------------------------------------------------------------------------------------

    def _to_avoid(self, orders: list[MedicationOrder]) -> Finding:
        ordered = 0
        for order in orders:
            ordered |= order.codes
        for name, codes in self.avoid.items():
            if ordered & codes:
                counted = self.more_than_one(orders, codes)
                if counted:
                    return Finding(True, f"{name} ordered more than once, first on {counted[0].authored.text}")
        counted = self.more_than_one(orders, self.anti_infective)
        days = sum((order.days_supplied for order in counted if order.days_supplied is not None), Fraction(0))
        if days > self.anti_infective_days:
            return Finding(
                True, f"anti-infectives for {float(days):g} days, first ordered on {counted[0].authored.text}"
            )
        for name, codes, limit in self.dosed:
            if ordered & codes:
                counted = self.more_than_one([order for order in orders if self._above(order, limit)], codes)
                if counted:
                    return Finding(True, f"{name} above {float(limit):g} mg a day ordered more than once")
        return NO

    def _above(self, order: MedicationOrder, limit: Fraction) -> bool:
        daily = self.daily_dose(order)
        return daily is not None and daily > limit

    def daily_dose(self, order: MedicationOrder) -> Fraction | None:
        """Average milligrams a day: quantity x strength / days supplied; None when it cannot be reckoned.

        Strengths of liquids (mg/mL) give none: the logic compares their result, in mg/mL a day, with mg a day, which no unit conversion
        makes comparable (docs/method/reference-engine-quirks.md).
        """
        if order.days_supplied is None or order.quantity is None or order.days_supplied == 0:
            return None
        for code, amount, unit in self.strengths:
            if order.codes & code:
                return order.quantity * amount / order.days_supplied if unit == "mg" else None
        return None

    def more_than_one(self, orders: list[MedicationOrder], codes: int) -> list[MedicationOrder]:
        """The orders of a class written in the year that have a refill, or another order of the class beside them.

        Beside: written on another date of the year; or on the same date with a supply that starts on another date, both starts in the year.
        """
        of_class = [order for order in orders if order.codes & codes]
        year = self.period.span
        written = [order for order in of_class if point_within(order.authored, year)]
        return [
            order
            for order in written
            if (order.refills is not None and order.refills >= 1)
            or any(_date(other) != _date(order) for other in written)
            or any(_date(other) == _date(order) and self._supplies_differ(order, other) for other in of_class)
        ]

    def _supplies_differ(self, one: MedicationOrder, other: MedicationOrder) -> bool:
        """The supplies start on different dates within the year; a bare date on the year's first or last day is at its edge, and unknown."""
        if one.supply is None or other.supply is None:
            return False
        first, second = one.supply.start, other.supply.start
        return first != second and all(point_within(start, self.period.span) for start in (first, second))

    # --- rate 2 ----------------------------------------------------------------------------------------------------------

    def _without_diagnosis(self, patient: Patient, orders: list[MedicationOrder]) -> Finding:
        for name, drug, diagnoses in (
            ("antipsychotic", self.antipsychotic, self.calls_for_antipsychotic),
            ("benzodiazepine", self.benzodiazepine, self.calls_for_benzodiazepine),
        ):
            if self.more_than_one(orders, drug):
                first = min(
                    order.authored
                    for order in orders
                    if order.codes & drug and point_within(order.authored, self.period.span)
                )
                window = Span(self.year_before, first)
                if not any(
                    condition.codes & diagnoses and condition.verified and overlaps(condition.prevalence, window)
                    for condition in patient.conditions
                ):
                    return Finding(
                        True, f"{name} ordered more than once, first on {first.text}, without a diagnosis for it"
                    )
        return NO


def _date(order: MedicationOrder) -> tuple[int, int]:
    return order.authored.first_day, order.authored.last_day
