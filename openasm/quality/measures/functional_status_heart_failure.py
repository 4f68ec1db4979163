"""CMS90 (quality 377): patients with heart failure whose functional status was assessed twice with one instrument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openasm.clinical.facts import Encounter, Patient
from openasm.clinical.moments import (
    Moment,
    born_by,
    date_of,
    day_only,
    on_or_before_day,
    overlaps_before_days,
    overlaps_days,
    plus_days,
    surely_born_by,
    up_to_days_before,
    within_days,
)
from openasm.clinical.terminology import Terminology
from openasm.quality.care_settings import HospiceCare
from openasm.quality.populations import Finding, Gap, GapKind, Measure, MeasurementPeriod
from openasm.quality.specification import Specification, instruments
from openasm.quality.status import is_assessment


class View(NamedTuple):
    """The patient, the qualifying visits, and the days of complete assessments by instrument."""

    patient: Patient
    visits: list[Encounter]
    assessed: Mapping[str, list[Moment]]


class FunctionalStatusHeartFailure(Measure):
    """Functional Status Assessments for Heart Failure."""

    name = "CMS90"

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        super().__init__(specification, terms, period)
        self.age_least = specification.whole("age_least")
        self.old_enough = born_by(period.first_day, self.age_least)
        self.days_before_visit = specification.whole("first_assessment_days_before_visit")
        self.second_least = specification.whole("second_after_days_least")
        self.second_most = specification.whole("second_after_days_most")
        self.last_visit_end = plus_days(period.end, -specification.whole("visit_days_before_end"))
        self.heart_failure = terms["Heart Failure"]
        self.visit = terms.any_of("Office Visit", "Telephone Visits", "Virtual Encounter")
        self.impairment = terms["severe cognitive impairment"]
        self.instruments = {name: tuple(terms[part] for part in parts) for name, parts in instruments().items()}
        self.any_score = 0
        for parts in self.instruments.values():
            for part in parts:
                self.any_score |= part
        self.hospice = HospiceCare(terms, period)

    def view(self, patient: Patient) -> View:
        """Visits and assessments."""
        visits = [
            encounter
            for encounter in patient.encounters
            if encounter.codes & self.visit
            and encounter.status == "finished"
            and within_days(encounter.period, self.period.span)
        ]
        return View(patient, visits, self.assessments(patient))

    def assessments(self, patient: Patient) -> dict[str, list[Moment]]:
        """Days on which an assessment was complete, by instrument: every one of its scores has a value on that day."""
        if not patient.seen & self.any_score:
            return {}
        dates: dict[int, set[Moment]] = {}
        for observation in patient.observations:
            score = observation.codes & self.any_score
            if score and observation.has_value and is_assessment(observation):
                day = day_only(observation.effective.known_start)
                for bit in _bits(score):
                    dates.setdefault(bit, set()).add(day)
        complete = {}
        for name, parts in self.instruments.items():
            if all(part in dates for part in parts):
                days = dates[parts[0]] if len(parts) == 1 else _on_all([dates[part] for part in parts])
                if days:
                    complete[name] = sorted(days)
        return complete

    def initial_population(self, view: View) -> Finding:
        """18 or older at the start of the year; heart failure from before the year reaching into it; two visits on different days."""
        if not surely_born_by(view.patient.birth, self.old_enough):
            return Finding(False, f"not known to be {self.age_least} or older at the start of the year")
        if not any(
            condition.codes & self.heart_failure
            and condition.verified
            and overlaps_before_days(condition.prevalence, self.period.span)
            for condition in view.patient.conditions
        ):
            return Finding(False, "no heart failure from before the year that reaches into it")
        for first in view.visits:
            following = plus_days(first.period.end, 1)
            for second in view.visits:
                if on_or_before_day(following, second.period.start):
                    return Finding(True, f"visits on {first.period.start.text} and {second.period.start.text}")
        return Finding(False, "no two qualifying visits on different days of the year")

    def exclusion(self, view: View) -> Finding:
        """Hospice; severe cognitive impairment in the year."""
        found = self.hospice.find(view.patient)
        if found.holds:
            return found
        for condition in view.patient.conditions:
            if (
                condition.codes & self.impairment
                and condition.verified
                and overlaps_days(condition.prevalence, self.period.span)
            ):
                return Finding(True, f"severe cognitive impairment {condition.prevalence.text}")
        return found

    def numerator(self, view: View, group: int) -> Finding:  # noqa: ARG002
        """A first assessment up to 14 days before a visit that ends 180 days before the year does, and a second with the same instrument
        30 to 180 days after the first."""
        if not view.assessed:
            return Finding(False, "no complete functional status assessment")
        firsts = self.first_assessments(view)
        for instrument, first in firsts:
            for second in view.assessed[instrument]:
                if self._follows(first, second):
                    return Finding(True, f"{instrument} on {first.text} and {second.text}")
        if not firsts:
            return Finding(
                False, "no complete assessment in the two weeks before a visit of the first half of the year"
            )
        instrument, first = firsts[-1]
        return Finding(
            False, f"{instrument} on {first.text}, but no second {self.second_least} to {self.second_most} days later"
        )

    def first_assessments(self, view: View) -> list[tuple[str, Moment]]:
        """Complete assessments that can be the first of a pair, earliest first."""
        visits = [visit for visit in view.visits if on_or_before_day(visit.period.end, self.last_visit_end)]
        return sorted(
            (
                (instrument, first)
                for instrument, days in view.assessed.items()
                for first in days
                if any(up_to_days_before(first, visit.period.end, self.days_before_visit) for visit in visits)
            ),
            key=_by_day,
        )

    def _follows(self, first: Moment, second: Moment) -> bool:
        return on_or_before_day(plus_days(first, self.second_least), second) and on_or_before_day(
            second, plus_days(first, self.second_most)
        )

    def gaps(self, view: View, group: int) -> tuple[Gap, ...]:  # noqa: ARG002
        """The second assessment within its window, or a first pair while the year still allows one."""
        last = date_of(self.period.last_day)
        gaps = []
        for instrument, first in self.first_assessments(view):
            if first.has_day:
                opens, closes = (date_of(first.day + days) for days in (self.second_least, self.second_most))
                missing = f"a second {instrument} assessment; the first was on {first.text}"
                gaps.append(Gap(GapKind.CARE, missing, closes, opens))
        if gaps:
            return tuple(gaps)
        missing = (
            "a functional status assessment up to 14 days before a visit, and a second with the same instrument 30 to 180 "
            "days later"
        )
        due = date_of(self.last_visit_end.day)
        return (Gap(GapKind.CARE, missing, min(due, last)),)


def _bits(mask: int) -> Iterable[int]:
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


def _on_all(dates: list[set[Moment]]) -> set[Moment]:
    """The days that all have; a date known only to the month is surely the same day as no other."""
    common = set.intersection(*dates)
    return {day for day in common if day.has_day}


def _by_day(pair: tuple[str, Moment]) -> tuple[Moment, str]:
    return pair[1], pair[0]
