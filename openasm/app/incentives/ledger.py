"""The ledger by beneficiary: totals under both readings of the cap, and the check before something is entered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openasm.app.incentives.models import GivenItem
from openasm.app.people.models import Practice
from openasm.base.parameters import Rules
from openasm.regulation.incentives import IncentiveTotals, incentive_totals, stays_participants_property
from openasm.submission.incentive_ledger import Incentive, IncentiveCheck, before_giving


@dataclass(frozen=True, slots=True)
class Account:
    """One beneficiary's items, newest first, and totals of the year asked for. to_return: technology not returned yet."""

    patient: str
    identifier: str
    items: tuple[GivenItem, ...]
    totals: IncentiveTotals
    to_return: tuple[GivenItem, ...]


def items_in_force(practice: Practice, patient: str = "") -> list[GivenItem]:
    """Items that were not taken back, of the practice or of one beneficiary, newest first."""
    rows = GivenItem.objects.filter(practice=practice, cancels=None, cancelled_by=None)
    return list((rows.filter(patient=patient) if patient else rows).prefetch_related("attempts"))


def accounts_of(items: Iterable[GivenItem], *, year: int, rules: Rules) -> list[Account]:
    """Accounts by beneficiary: those with least left first."""
    by_patient: dict[str, list[GivenItem]] = {}
    for each in items:
        by_patient.setdefault(each.patient, []).append(each)
    accounts = [
        Account(
            patient,
            str(found[0].identifier),
            tuple(found),
            incentive_totals([(each.day, each.cents) for each in found], year=year, rules=rules),
            tuple(each for each in found if is_to_return(each, rules)),
        )
        for patient, found in by_patient.items()
    ]
    return sorted(accounts, key=lambda each: (each.totals.remaining_cents, each.patient))


def is_to_return(item: GivenItem, rules: Rules) -> bool:
    """Technology that stays the practice's property and has not come back."""
    stays = item.technology and stays_participants_property(item.cents, rules)
    return stays and not any(attempt.returned for attempt in item.attempts.all())


def check_of(given: Iterable[GivenItem], item: Incentive, *, rules: Rules) -> IncentiveCheck:
    """What giving an item to somebody who has had others would mean."""
    return before_giving([_incentive(each) for each in given], item, rules=rules)


def _incentive(item: GivenItem) -> Incentive:
    return Incentive(
        item.day,
        item.cents,
        technology=item.technology,
        in_kind=item.in_kind,
        asm_beneficiary=item.asm_beneficiary,
        connected_to_care=item.connected_to_care,
        tied_to_provider=item.tied_to_provider,
    )


def words_of(check: IncentiveCheck, rules: Rules) -> list[str]:
    """What to tell before an item is entered: reasons against it, and where the two readings of the cap differ."""
    told = [f"It may not be given: {reason}." for reason in check.reasons]
    if check.readings_differ:
        reading = rules["incentives.cap_period"].text
        told.append(
            "The two readings of the cap differ here: over a lifetime "
            f"{_dollars(check.lifetime_cents)}, in the calendar year {_dollars(check.year_cents)}, "
            f"against {_dollars(check.cap_cents)}. The reading in force is {reading}; no CMS text settles it."
        )
    if check.stays_property:
        told.append(
            "Technology above the threshold stays the practice's property: its return, or attempts at it, are to be recorded."
        )
    return told


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"
