"""A ledger of in-kind incentives of one beneficiary, checked before something is given (42 CFR 512.770). Money is whole cents.

>>> from openasm.regulation.rulebook import rules_for
>>> given = [Incentive(dt.date(2027, 5, 1), 60_000)]
>>> check = before_giving(given, Incentive(dt.date(2028, 5, 1), 50_000), rules=rules_for(2027))
>>> check.over_cap_for_life, check.over_cap_of_year, check.allowed
(True, False, False)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from openasm.base.parameters import Rules
from openasm.regulation.incentives import (
    documentation_kept_until,
    incentive_totals,
    must_be_in_kind,
    stays_participants_property,
)


@dataclass(frozen=True, slots=True)
class Incentive:
    """One item. cents: its value; technology: a device or the like; in_kind: an item or service rather than money;
    asm_beneficiary, connected_to_care: whether the beneficiary is one of ASM, and whether the item belongs to care of the condition;
    tied_to_provider: whether it hangs on receiving items or services from somebody, which it must not.
    """

    day: dt.date
    cents: int
    technology: bool = False
    in_kind: bool = True
    asm_beneficiary: bool = True
    connected_to_care: bool = True
    tied_to_provider: bool = False

    def __post_init__(self) -> None:
        if self.cents <= 0:
            raise ValueError("an incentive has a value of at least one cent")


@dataclass(frozen=True, slots=True)
class IncentiveCheck:
    """What giving an item would mean. Totals are cents with the item, under both readings of the cap's period.

    reasons: why it may not be given, empty when it may; left_cents: what may still be given afterwards, under the reading in force.
    """

    lifetime_cents: int
    year_cents: int
    cap_cents: int
    over_cap_for_life: bool
    over_cap_of_year: bool
    left_cents: int
    stays_property: bool
    keep_until: dt.date
    reasons: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it under the reading in force."""
        return not self.reasons

    @property
    def readings_differ(self) -> bool:
        """Whether the two readings of the cap's period answer differently."""
        return self.over_cap_for_life != self.over_cap_of_year


def before_giving(given: Sequence[Incentive], item: Incentive, *, rules: Rules) -> IncentiveCheck:
    """Whether an item may be given to a beneficiary who has had others; nothing is recorded here.

    given: every item so far, in any order. The surprise: at exactly the cap it is still allowed, one cent more is not.
    """
    entries = [(each.day, each.cents) for each in (*given, item)]
    totals = incentive_totals(entries, year=item.day.year, rules=rules)
    reasons = [
        words
        for holds, words in (
            (not item.asm_beneficiary, "not an ASM beneficiary"),
            (not item.connected_to_care, "not connected to care of the targeted condition"),
            (must_be_in_kind(rules) and not item.in_kind, "money is not an in-kind item or service"),
            (item.tied_to_provider, "tied to receiving items or services from a provider"),
            (totals.over_cap, f"over the cap of {totals.cap_cents / 100:,.2f} dollars"),
        )
        if holds
    ]
    stays = item.technology and stays_participants_property(item.cents, rules)
    return IncentiveCheck(
        totals.lifetime_cents,
        totals.year_cents,
        totals.cap_cents,
        totals.lifetime_cents > totals.cap_cents,
        totals.year_cents > totals.cap_cents,
        totals.remaining_cents,
        stays,
        documentation_kept_until(item.day, rules),
        tuple(reasons),
    )
