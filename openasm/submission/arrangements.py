"""Collaborative care arrangements with primary care, checked term by term (42 CFR 512.771(a)), with the clock of IA_2."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openasm.base.parameters import Rules
from openasm.regulation.incentives import arrangement_payments_within_limit, missing_arrangement_terms
from openasm.submission.clocks import PeriodClock, activity_clock

# term of `incentives.arrangement_terms` -> what to look for, and the paragraph
TERM_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "in_writing": ("It is in writing", "512.771(a)(1)"),
        "signed_by_both_parties": ("Both parties have signed", "512.771(a)(1)"),
        "effective_date": ("It names the day it takes effect", "512.771(a)(1)"),
        "one_primary_care_practice": ("It is with one primary care practice and nobody else", "512.771(a)(2)"),
        "shared_established_beneficiary": (
            "Both share at least one established patient who is an ASM beneficiary",
            "512.771(a)(2)",
        ),
        "purpose": ("It furthers the improvement activities or the model's clinical goals", "512.771(a)(3)"),
        "voluntary": ("Taking part is voluntary, and not taking part costs nothing", "512.771(a)(4)"),
        "complies_with_law": ("Both keep to the fraud and abuse laws", "512.771(a)(5)"),
        "not_tied_to_referrals": ("Neither chance nor payment hangs on referrals or other business", "512.771(a)(6)"),
        "payments_within_limit": ("Payments stay within the sum of the payment adjustments", "512.771(a)(7)"),
    }
)


@dataclass(frozen=True, slots=True)
class ArrangementCheck:
    """missing: terms it lacks, in the order of the rule; clock: of IA_2, from the day it is in force; None where it is not in force."""

    missing: tuple[str, ...]
    clock: PeriodClock
    payments_within_limit: bool

    @property
    def complete(self) -> bool:
        """Whether it has every term and its payments are within the limit."""
        return not self.missing and self.payments_within_limit


def check_arrangement(
    terms: Mapping[str, bool],
    *,
    signed: Iterable[dt.date],
    effective: dt.date | None,
    today: dt.date,
    rules: Rules,
    ended: dt.date | None = None,
    paid_cents: int = 0,
    adjustment_cents: Iterable[int] = (),
) -> ArrangementCheck:
    """Check an arrangement on a day.

    terms: term -> whether it has it; signed: the days of both signatures. It is in force from its effective date or the second
    signature, whichever is later (assumed: an earlier effective date does not reach back); with a term missing its clock does not run.
    """
    signatures = sorted(signed)
    missing = missing_arrangement_terms(terms, rules)
    start = None
    if len(signatures) == 2 and effective is not None and not missing:
        start = max(effective, signatures[-1])
    return ArrangementCheck(
        missing,
        activity_clock(start, today=today, rules=rules, end=ended),
        arrangement_payments_within_limit(paid_cents, adjustment_cents, rules),
    )
