"""The algebra of a proportion measure's populations, once for all measures.

A measure answers five questions about a patient, each by itself. What they mean together: outside the initial population nothing else
counts; outside the denominator neither; an exclusion removes a patient before the numerator is looked at; an exception only counts for who
is neither excluded nor in the numerator. The rate is numerator / (denominator - exclusions - exceptions).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple

from openasm.clinical.facts import Patient
from openasm.clinical.moments import Moment, Span, day_number, last_instant, midnight
from openasm.clinical.terminology import Terminology
from openasm.quality.specification import Specification


class Finding(NamedTuple):
    """The answer to one question, with the reason in plain words (dates allowed, no identifiers)."""

    holds: bool
    why: str


YES = Finding(True, "")
NO = Finding(False, "")


class GapKind(StrEnum):
    """What would close a gap."""

    CARE = "care"  # something is still to be done
    DOCUMENTATION = "documentation"  # an exception or a finding needs to be recorded
    DATA = "data"  # it may have been done, but the record lacks what shows it


class Gap(NamedTuple):
    """What keeps a patient from meeting a measure. due: the last day on which it can be closed; None when it no longer can."""

    kind: GapKind
    missing: str
    due: date | None
    earliest: date | None = None  # first day on which it can be closed, when there is one


class Outcome(NamedTuple):
    """A patient's populations in one group of one measure, after the algebra. exception is None where the measure has none."""

    group: int
    initial_population: bool
    denominator: bool
    exclusion: bool
    exception: bool | None
    numerator: bool
    reason: str
    gaps: tuple[Gap, ...] = ()


class Criteria(NamedTuple):
    """The answers to the five questions, each by itself, before the algebra (the denominator's includes the initial population's)."""

    group: int
    initial_population: bool
    denominator: bool
    exclusion: bool
    exception: bool | None
    numerator: bool


class MeasurementPeriod(NamedTuple):
    """1 January to 31 December of a year."""

    year: int
    span: Span
    first_day: int
    last_day: int

    @property
    def start(self) -> Moment:
        """Its first instant."""
        return self.span.start

    @property
    def end(self) -> Moment:
        """Its last millisecond."""
        return self.span.end


def measurement_period(year: int) -> MeasurementPeriod:
    """The calendar year; its edges are instants in UTC, and days as written.

    >>> measurement_period(2026).span.text
    '2026-01-01 to 2026-12-31'
    """
    first, last = day_number(date(year, 1, 1)), day_number(date(year, 12, 31))
    return MeasurementPeriod(year, Span(midnight(first), last_instant(last)), first, last)


_REASONS_KEPT = 1_000


class Measure(ABC):
    """One measure bound to a terminology and a year. Subclasses live one a file under `measures`.

    `view` gathers what several questions share; the questions then only look at the view. `Any` because each measure has a view of its own.
    """

    name: ClassVar[str]

    def __init__(self, specification: Specification, terms: Terminology, period: MeasurementPeriod) -> None:
        self.specification = specification
        self.terms = terms
        self.period = period
        self.groups = tuple(specification.groups)
        self.has_exceptions = specification.has_exceptions
        self._outside: dict[str, list[Outcome]] = {}  # reasons for not being in the denominator, and what comes of them

    @abstractmethod
    def view(self, patient: Patient) -> Any:
        """What the questions need to know about the patient."""

    @abstractmethod
    def initial_population(self, view: Any) -> Finding:
        """Whether the measure is about this patient at all."""

    def denominator(self, view: Any) -> Finding:  # noqa: ARG002
        """Whether the patient counts, given the initial population; most measures ask nothing more."""
        return YES

    @abstractmethod
    def exclusion(self, view: Any) -> Finding:
        """Whether something takes the patient out before the numerator is looked at."""

    @abstractmethod
    def numerator(self, view: Any, group: int) -> Finding:
        """Whether the care (or, for an inverse measure, the harm) that the measure counts took place."""

    def exception(self, view: Any) -> Finding:  # noqa: ARG002
        """Whether a documented reason excuses a patient who is not in the numerator."""
        return NO

    def gaps(self, view: Any, group: int) -> tuple[Gap, ...]:  # noqa: ARG002
        """What would close the gap of a patient who is in the denominator and not met."""
        return ()

    def evaluate(self, patient: Patient) -> list[Outcome]:
        """The patient's populations in every group of the measure."""
        view = self.view(patient)
        found = self.initial_population(view)
        if not found.holds:
            return self._not_in("initial population", found)
        found = self.denominator(view)
        if not found.holds:
            return self._not_in("denominator", found)
        none = False if self.has_exceptions else None
        found = self.exclusion(view)
        if found.holds:
            reason = f"Excluded: {found.why}."
            return [Outcome(group, True, True, True, none, False, reason) for group in self.groups]
        return [self._in_denominator(view, group, none) for group in self.groups]

    def _not_in(self, population: str, found: Finding) -> list[Outcome]:
        """The outcomes of a patient outside a population. Most patients are outside most measures for one of a few reasons."""
        reason = f"Not in the {population}: {found.why}."
        outcomes = self._outside.get(reason)
        if outcomes is None:
            if len(self._outside) >= _REASONS_KEPT:
                self._outside.clear()
            initial = population == "denominator"
            none = False if self.has_exceptions else None
            outcomes = [Outcome(group, initial, False, False, none, False, reason) for group in self.groups]
            self._outside[reason] = outcomes
        return outcomes.copy()

    def _in_denominator(self, view: Any, group: int, none: bool | None) -> Outcome:
        found = self.numerator(view, group)
        if found.holds:
            gaps = self.gaps(view, group) if self.specification.lower_is_better else ()
            return Outcome(group, True, True, False, none, True, f"In the numerator: {found.why}.", gaps)
        if self.has_exceptions:
            excuse = self.exception(view)
            if excuse.holds:
                return Outcome(group, True, True, False, True, False, f"Exception: {excuse.why}.")
        gaps = () if self.specification.lower_is_better else self.gaps(view, group)
        return Outcome(group, True, True, False, none, False, f"Not in the numerator: {found.why}.", gaps)

    def criteria(self, patient: Patient) -> list[Criteria]:
        """Each question by itself, for checks against engines that report criteria rather than results."""
        view = self.view(patient)
        initial = self.initial_population(view).holds
        denominator = initial and self.denominator(view).holds
        exclusion = self.exclusion(view).holds
        exception = self.exception(view).holds if self.has_exceptions else None
        return [
            Criteria(group, initial, denominator, exclusion, exception, self.numerator(view, group).holds)
            for group in self.groups
        ]


class Tally(NamedTuple):
    """Counts of a measure's group over patients. eligible: the denominator before exclusions and exceptions."""

    eligible: int
    met: int
    exclusions: int
    exceptions: int

    @property
    def not_met(self) -> int:
        """In the denominator, not excluded, not excepted, not in the numerator."""
        return self.eligible - self.met - self.exclusions - self.exceptions

    @property
    def rate(self) -> Fraction | None:
        """met / (eligible - exclusions - exceptions), exact; None when nobody is left.

        >>> Tally(10, 4, 1, 1).rate
        Fraction(1, 2)
        """
        left = self.eligible - self.exclusions - self.exceptions
        return Fraction(self.met, left) if left else None
