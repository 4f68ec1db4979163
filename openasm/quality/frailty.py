"""Advanced illness, frailty and long-term nursing-home residence (library AdvancedIllnessandFrailty 1.27.000)."""

from __future__ import annotations

from openasm.clinical.facts import Observation, ObservationKind, Patient
from openasm.clinical.moments import Span, on_or_before_day, overlaps_days, plus_months, point_within_days
from openasm.clinical.terminology import Terminology
from openasm.quality.populations import NO, Finding, MeasurementPeriod
from openasm.quality.presence import finished_encounter, verified_condition
from openasm.quality.status import ALWAYS_LASTING, FINAL_OR_PRELIMINARY, ORDER_INTENTS, is_assessment, is_order


class AdvancedIllnessAndFrailty:
    """Frailty in the period, and advanced illness in it or the year before."""

    def __init__(self, terms: Terminology, period: MeasurementPeriod) -> None:
        self.during = period.span
        self.year_before_or_during = Span(plus_months(period.start, -12), period.end)
        self.device = terms["Frailty Device"]
        self.equipment_used = terms["medical equipment used"]
        self.diagnosis = terms["Frailty Diagnosis"]
        self.encounter = terms["Frailty Encounter"]
        self.symptom = terms["Frailty Symptom"]
        self.any_frailty = self.device | self.equipment_used | self.diagnosis | self.encounter | self.symptom
        self.advanced_illness = terms["Advanced Illness"]
        self.dementia_drug = terms["Dementia Medications"]
        self.housing_status = terms["housing status"]
        self.nursing_home = terms["lives in nursing home"]

    def frailty(self, patient: Patient) -> Finding:
        """Any in the period, by day: frailty device ordered or in use, verified frailty diagnosis, frailty encounter, frailty symptom."""
        if not patient.seen & self.any_frailty:
            return NO
        during = self.during
        for order in patient.device_orders:
            if order.codes & self.device and is_order(order) and point_within_days(order.authored, during):
                return Finding(True, f"frailty device ordered on {order.authored.text}")
        for observation in patient.observations:
            if self._shows_frailty(observation):
                return Finding(True, f"sign of frailty on {observation.effective.end.text}")
        condition = verified_condition(patient, self.diagnosis, during)
        if condition is not None:
            return Finding(True, f"frailty diagnosis {condition.prevalence.text}")
        encounter = finished_encounter(patient, self.encounter, during)
        if encounter is not None:
            return Finding(True, f"frailty encounter {encounter.period.text}")
        return NO

    def _shows_frailty(self, observation: Observation) -> bool:
        if observation.codes & self.equipment_used:
            return (
                bool(observation.value_codes & self.device)
                and is_assessment(observation)
                and point_within_days(observation.effective.end, self.during)
            )
        return (
            bool(observation.codes & self.symptom)
            and bool(observation.kind & ObservationKind.SIMPLE)
            and observation.status in FINAL_OR_PRELIMINARY
            and overlaps_days(observation.effective, self.during)
        )

    def illness(self, patient: Patient) -> Finding:
        """A verified advanced illness that starts, or an active dementia drug order whose days overlap, the period or the year before.

        An order whose days cannot be reckoned counts as lasting always (docs/method/reference-engine-quirks.md).
        """
        if not patient.seen & (self.advanced_illness | self.dementia_drug):
            return NO
        window = self.year_before_or_during
        for condition in patient.conditions:
            if (
                condition.codes & self.advanced_illness
                and condition.verified
                and point_within_days(condition.prevalence.start, window)
            ):
                return Finding(True, f"advanced illness since {condition.prevalence.start.text}")
        for order in patient.medication_orders:
            if (
                order.codes & self.dementia_drug
                and order.requested
                and order.status == "active"
                and order.intent in ORDER_INTENTS
                and overlaps_days(order.supply or ALWAYS_LASTING, window)
            ):
                when = order.supply.text if order.supply else f"ordered on {order.authored.text}"
                return Finding(True, f"dementia medication {when}")
        return NO

    def nursing_home_resident(self, patient: Patient) -> Finding:
        """The latest housing status up to the end of the period says: lives in a nursing home."""
        if not patient.seen & self.housing_status:
            return NO
        latest: Observation | None = None
        for observation in patient.observations:
            if (
                observation.codes & self.housing_status
                and is_assessment(observation)
                and on_or_before_day(observation.effective.end, self.during.end)
                and (latest is None or observation.effective.end >= latest.effective.end)
            ):
                latest = observation
        if latest is not None and latest.value_codes & self.nursing_home:
            return Finding(True, f"lives in a nursing home, as of {latest.effective.end.text}")
        return NO
