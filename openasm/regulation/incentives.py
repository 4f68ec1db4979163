"""Beneficiary incentives, arrangements, waivers and data requests, 42 CFR 512.760 to 512.775: values, caps, dates.

Money is whole cents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from openasm.base.parameters import Rules
from openasm.regulation.choices import chosen

PARAMETERS = (
    "incentives.cap_dollars",
    "incentives.cap_period",
    "incentives.in_kind",
    "incentives.technology_dollars",
    "incentives.documentation_years",
    "incentives.arrangement_terms",
    "incentives.arrangement_payment_limit",
    "incentives.telehealth_waivers",
    "incentives.data_requests_per_year",
)


@dataclass(frozen=True, slots=True)
class IncentiveTotals:
    """What one beneficiary has been given, in cents, under both readings of the cap's period."""

    lifetime_cents: int
    year_cents: int  # of the calendar year asked for
    cap_cents: int
    remaining_cents: int  # under the reading in force; never below 0
    over_cap: bool  # under the reading in force


def incentive_totals(given: Iterable[tuple[date, int]], *, year: int, rules: Rules) -> IncentiveTotals:
    """Totals of the incentives given to one beneficiary, (day, cents) each, against the cap. Citation: 42 CFR 512.770.

    The surprise: no text says whether the cap is for life or for a year, so both totals come back and `incentives.cap_period`
    decides which one counts.

    >>> from openasm.regulation.rulebook import rules_for
    >>> given = [(date(2027, 5, 1), 60_000), (date(2028, 5, 1), 50_000)]
    >>> incentive_totals(given, year=2028, rules=rules_for(2027))
    IncentiveTotals(lifetime_cents=110000, year_cents=50000, cap_cents=100000, remaining_cents=0, over_cap=True)
    """
    entries = list(given)
    lifetime = sum(cents for _, cents in entries)
    of_year = sum(cents for day, cents in entries if day.year == year)
    cap = int(rules["incentives.cap_dollars"].exact * 100)
    counted = lifetime if chosen(rules, "incentives.cap_period") == "lifetime" else of_year
    return IncentiveTotals(lifetime, of_year, cap, max(cap - counted, 0), counted > cap)


def must_be_in_kind(rules: Rules) -> bool:
    """Whether incentives must be items or services rather than money (`incentives.in_kind`)."""
    return rules["incentives.in_kind"].flag


def stays_participants_property(technology_cents: int, rules: Rules) -> bool:
    """Whether technology of this value stays the participant's, so that its return is to be recorded.

    >>> from openasm.regulation.rulebook import rules_for
    >>> stays_participants_property(75_00, rules_for(2027)), stays_participants_property(75_01, rules_for(2027))
    (False, True)
    """
    return technology_cents > rules["incentives.technology_dollars"].exact * 100


def documentation_kept_until(day: date, rules: Rules) -> date:
    """The last day for which documentation of something done on `day` is kept; 29 February ends on 28 February."""
    year = day.year + rules["incentives.documentation_years"].integer
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def missing_arrangement_terms(terms: Mapping[str, bool], rules: Rules) -> tuple[str, ...]:
    """The terms of 42 CFR 512.771(a) that a collaborative care arrangement lacks, in the order of the rule.

    terms: term -> whether the arrangement has it; a term that is not named is missing.
    """
    return tuple(term for term in rules["incentives.arrangement_terms"].texts if not terms.get(term, False))


def arrangement_payments_within_limit(paid_cents: int, adjustment_cents: Iterable[int], rules: Rules) -> bool:
    """Whether the parties' payments stay within the sum of the participant's payment adjustments (512.771(a)(7)).

    The surprise: with negative adjustments in sum nothing at all may be paid.
    """
    chosen(rules, "incentives.arrangement_payment_limit")
    return paid_cents <= max(0, sum(adjustment_cents))


def telehealth_limits_waived(rules: Rules) -> tuple[str, ...]:
    """The telehealth limits that do not hold for ASM beneficiaries (`incentives.telehealth_waivers`)."""
    return rules["incentives.telehealth_waivers"].texts


def data_requests_missing(requests_made: int, rules: Rules) -> int:
    """How many formal data requests the year still needs (`incentives.data_requests_per_year`)."""
    return max(0, rules["incentives.data_requests_per_year"].integer - requests_made)
