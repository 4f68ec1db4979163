"""CMS2 (quality 134): patients of 12 and older screened for depression, with a follow-up when the screen was positive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from openasm.clinical.facts import ConditionKind, Encounter, Observation, ObservationKind, Patient
from openasm.clinical.moments import (
    Moment,
    before_day,
    born_by,
    date_of,
    overlaps_after_days,
    point_within,
    point_within_days,
    surely_born_after,
    surely_born_by,
    up_to_days_after,
    up_to_days_before,
    within_days,
)
from openasm.clinical.terminology import Terminology
from openasm.quality.populations import NO, Finding, Gap, GapKind, Measure, MeasurementPeriod
from openasm.quality.specification import Specification
from openasm.quality.status import ALWAYS_LASTING, ORDERED, is_assessment, is_order


@dataclass(frozen=True, slots=True)
class Track:
    """Screening of adolescents or of adults: the codes of screen and follow-up."""

    name: str
    screening: int
    drug: int
    referral: int
    follow_up: int


class View(NamedTuple):
    """The patient and the qualifying visits."""

    patient: Patient
    visits: list[Encounter]


class DepressionScreening(Measure):
    """Preventive Care and Screening: Screening for Depression and Follow-Up Plan."""

    name = "CMS2"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least = specification.whole("age_least")
        self.old_enough = born_by(period.first_day, self.age_least)
        self.in_between = born_by(period.first_day, specification.whole("adolescent_most") + 1)
        self.adult = born_by(period.first_day, specification.whole("adult_least"))
        self.screening_days = specification.whole("screening_days_before")
        self.follow_up_days = specification.whole("follow_up_days_after")
        self.visit = terms.any_of(
            "Encounter to Screen for Depression", "Physical Therapy Evaluation", "Telephone Visits"
        )
        self.bipolar = terms["Bipolar Disorder"]
        self.negative, self.positive = terms["screening negative"], terms["screening positive"]
        self.reason = terms.any_of("screening declined", "Medical Reason")
        self.adolescents = Track(
            "adolescent",
            terms["adolescent depression screening"],
            terms["Adolescent Depression Medications"],
            terms["Referral for Adolescent Depression"],
            terms["Follow Up for Adolescent Depression"],
        )
        self.adults = Track(
            "adult",
            terms["adult depression screening"],
            terms["Adult Depression Medications"],
            terms["Referral for Adult Depression"],
            terms["Follow Up for Adult Depression"],
        )

    def view(self, patient: Patient) -> View:
        """The qualifying visits."""
        visits = [
            encounter
            for encounter in patient.encounters
            if encounter.codes & self.visit
            and encounter.status == "finished"
            and within_days(encounter.period, self.period.span)
        ]
        return View(patient, visits)

    def initial_population(self, view: View) -> Finding:
        """12 or older at the start of the year, with a qualifying visit in it."""
        if not surely_born_by(view.patient.birth, self.old_enough):
            return Finding(False, f"not known to be {self.age_least} or older at the start of the year")
        if not view.visits:
            return Finding(False, "no qualifying visit in the year")
        return Finding(True, f"visit on {view.visits[0].period.start.text}")

    def exclusion(self, view: View) -> Finding:
        """Bipolar disorder on the problem list that started before the day of a qualifying visit."""
        if view.patient.seen & self.bipolar:
            for condition in view.patient.conditions:
                if condition.codes & self.bipolar and condition.kind & ConditionKind.PROBLEM:
                    start = condition.prevalence.known_start
                    if any(before_day(start, visit.period.start) for visit in view.visits):
                        return Finding(True, f"bipolar disorder {condition.prevalence.text}")
        return NO

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """The most recent screen, with the tool of the patient's age, is negative, or positive with a follow-up."""
        latest: Finding | None = None
        for track in self.tracks(view):
            screen = self.latest_screen(view, track)
            if screen is None:
                continue
            when = screen.effective.end.text
            if screen.value_codes & self.negative:
                return Finding(True, f"negative {track.name} depression screen on {when}")
            follow_up = self.follow_up(view, track, screen)
            if follow_up.holds:
                return Finding(True, f"positive {track.name} depression screen on {when}; {follow_up.why}")
            positive = screen.value_codes & self.positive
            latest = Finding(
                False,
                f"positive {track.name} depression screen on {when} without a follow-up at a visit or within "
                f"{self.follow_up_days} days"
                if positive
                else f"{track.name} depression screen on {when} with a result that is neither positive nor negative",
            )
        return latest or Finding(False, f"no depression screen on a visit day or the {self.screening_days} days before")

    def tracks(self, view: View) -> tuple[Track, ...]:
        """The screens that count at the patient's age: adolescent from 12 to 16, either at 17, adult from 18."""
        birth = view.patient.birth
        if surely_born_by(birth, self.adult):
            return (self.adults,)
        if surely_born_by(birth, self.in_between):
            return (self.adolescents, self.adults) if surely_born_after(birth, self.adult) else ()
        if surely_born_by(birth, self.old_enough) and surely_born_after(birth, self.in_between):
            return (self.adolescents,)
        return ()

    def screens(self, view: View, track: Track) -> list[Observation]:
        """Final screens with a result that end on a visit day or up to 14 days before one."""
        if not view.patient.seen & track.screening:
            return []
        return [
            observation
            for observation in view.patient.observations
            if observation.codes & track.screening
            and observation.has_value
            and is_assessment(observation)
            and any(
                up_to_days_before(observation.effective.end, visit.period.start, self.screening_days)
                for visit in view.visits
            )
        ]

    def latest_screen(self, view: View, track: Track) -> Observation | None:
        """The screen that started last."""
        screens = self.screens(view, track)
        return max(screens, key=_started) if screens else None

    def follow_up(self, view: View, track: Track, screen: Observation) -> Finding:
        """After a positive screen up to 14 days before a visit: a follow-up procedure within that visit, or a referral or drug ordered from
        the day the visit ends to two days later; in the year."""
        patient = view.patient
        if not screen.value_codes & self.positive or not patient.seen & (track.drug | track.referral | track.follow_up):
            return NO
        visits = [
            visit
            for visit in view.visits
            if up_to_days_before(screen.effective.known_start, visit.period.start, self.screening_days)
        ]
        for procedure in patient.procedures:
            if procedure.codes & track.follow_up and procedure.status == "completed":
                start = procedure.performed.known_start
                if point_within_days(start, self.period.span) and any(
                    point_within(start, visit.period) for visit in visits
                ):
                    return Finding(True, f"follow-up on {start.text}")
        for referral in patient.service_orders:
            if (
                referral.codes & track.referral
                and referral.requested
                and referral.status in ORDERED
                and self._in_time(referral.authored, visits)
            ):
                return Finding(True, f"referral on {referral.authored.text}")
        for order in patient.medication_orders:
            if (
                order.codes & track.drug
                and is_order(order)
                and self._in_time(order.authored, visits)
                and any(overlaps_after_days(order.supply or ALWAYS_LASTING, visit.period) for visit in visits)
            ):
                return Finding(True, f"medication ordered on {order.authored.text}")
        return NO

    def _in_time(self, authored: Moment, visits: list[Encounter]) -> bool:
        return point_within_days(authored, self.period.span) and any(
            up_to_days_after(authored, visit.period.end, self.follow_up_days) for visit in visits
        )

    def exception(self, view: View) -> Finding:
        """A screen recorded as not done at a visit, declined or for a medical reason, and no screen of that kind around any visit."""
        for track in (self.adolescents, self.adults):
            if not view.patient.seen & track.screening:
                continue
            for observation in view.patient.observations:
                if (
                    observation.codes & track.screening
                    and observation.kind & ObservationKind.NOT_DONE
                    and observation.not_done_reason & self.reason
                    and any(point_within_days(observation.issued, visit.period) for visit in view.visits)
                    and not self.screens(view, track)
                ):
                    return Finding(
                        True, f"{track.name} depression screen not done on {observation.issued.text}, with a reason"
                    )
        return NO

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:  # noqa: ARG002
        """A screen at a visit; after a positive one, the follow-up within two days of the visit."""
        last = date_of(self.period.last_day)
        for track in self.tracks(view):
            screen = self.latest_screen(view, track)
            if screen is None:
                continue
            if not screen.value_codes & self.positive:
                return (Gap(GapKind.DATA, f"the result of the depression screen of {screen.effective.end.text}", last),)
            ends = [
                date_of(visit.period.end.day) + timedelta(days=self.follow_up_days)
                for visit in view.visits
                if visit.period.end.has_day
                and up_to_days_before(screen.effective.known_start, visit.period.start, self.screening_days)
            ]
            missing = f"a follow-up of the positive depression screen of {screen.effective.end.text}: referral, treatment or drug"
            return (Gap(GapKind.CARE, missing, min(max(ends), last) if ends else last),)
        return (
            Gap(GapKind.CARE, "a depression screen at a visit or up to 14 days before one", last),
            Gap(
                GapKind.DOCUMENTATION,
                "if the screen was declined or is not for this patient: the reason, at a visit",
                last,
            ),
        )


def _started(screen: Observation) -> tuple[int, int, str]:
    start = screen.effective.start
    return start.earliest, start.latest, screen.id
