"""Electronic measures of a worklist by their CMS number: title, quality id, and whether less is better."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from openasm.base.errors import OpenAsmError
from openasm.base.years import FIRST_PERFORMANCE_YEAR
from openasm.regulation.quality import is_inverse, measures_of
from openasm.regulation.rulebook import rules_for
from openasm.report.titles import measure_title
from openasm.submission.formats import formats_for


@dataclass(frozen=True, slots=True)
class Named:
    """A measure as a worklist names it: number there (`CMS165`), quality id (`236`, empty when it is none of the model), title."""

    number: str
    measure: str
    title: str
    lower_is_better: bool

    @property
    def label(self) -> str:
        """`236 Controlling high blood pressure`; its number alone when it has no title."""
        return f"{self.measure} {self.title}" if self.measure else self.number


def named(number: str, year: int) -> Named:
    """A measure by the number a worklist has; one that is none of the model's is its own title.

    >>> named("CMS156", 2027).label, named("CMS156", 2027).lower_is_better
    ('238 High-risk medicines in older adults', True)
    """
    return _by_number(year).get(number) or Named(number, "", number, False)


def number_of(measure: str, year: int) -> str:
    """The number under which a worklist has a measure of the model; empty when it has none.

    >>> number_of("236", 2027)
    'CMS165'
    """
    return next((each.number for each in _by_number(year).values() if each.measure == measure), "")


def numbers_of(cohorts: Collection[str], year: int) -> frozenset[str]:
    """The numbers of measures on which participants of some cohorts are scored.

    >>> sorted(numbers_of(["low_back_pain"], 2027))
    ['CMS156', 'CMS2', 'CMS69']
    """
    return frozenset().union(*(_of_cohort(cohort, year) for cohort in cohorts))


@cache
def _of_cohort(cohort: str, year: int) -> frozenset[str]:
    try:
        measures = measures_of(cohort, rules_for(year))
    except OpenAsmError:  # as in _by_number
        if year == FIRST_PERFORMANCE_YEAR:
            raise
        return _of_cohort(cohort, FIRST_PERFORMANCE_YEAR)
    return frozenset(number_of(measure, year) for measure in measures) - {""}


@cache
def _by_number(year: int) -> dict[str, Named]:
    try:
        formats, rules = formats_for(year), rules_for(year)
    except OpenAsmError:  # not published for that year: the first year's measures keep their names
        if year == FIRST_PERFORMANCE_YEAR:
            raise
        return _by_number(FIRST_PERFORMANCE_YEAR)
    found = {}
    for measure in formats.measures:
        number = formats.measure(measure).ecqm
        if number:
            found[number] = Named(number, measure, measure_title(measure), is_inverse(measure, rules))
    return found
