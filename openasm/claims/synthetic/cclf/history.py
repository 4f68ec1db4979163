"""What the feed holds beside the claims that stand: earlier versions, their cancellations, denials, repeats.

Numbers of claims that stand are those of the tables. Other records get numbers of their own above them, so that a reader
that keeps one of them adds a claim, and with it a visit that breaks the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openasm.claims.synthetic.bill import Bill
from openasm.claims.synthetic.people import People
from openasm.claims.synthetic.settings import Flags, Ints

PHANTOM, UNDOING, EARLIER, CANCELLING = 4_000_000, 5_000_000, 6_000_000, 8_000_000
"""First numbers of claims that never stood, of what cancels them, of earlier versions and of what cancels those."""

REBILLED, CORRECTED, DENIED_LINE = 0.03, 0.04, 0.05
"""Edges on a claim's random number: below the first an earlier version was cancelled; up to the second so was one with
another last day (facilities); up to the third a denied line hangs on the claim (clinicians)."""

PHANTOM_SHARE = 0.012


@dataclass(frozen=True, slots=True)
class History:
    """Records in the order of the file. row: line of the bill they are made from; claim: number written; kind: 0 original,
    1 cancellation, 2 adjustment; day and thru: service days; allowed, paid in cents; effective: day it took effect; load: day it was loaded; denied:
    0 no, 1 the claim, 2 the line; line: line number; control: number shared by the versions of a claim.
    """

    row: Ints
    claim: Ints
    kind: Ints
    day: Ints
    thru: Ints
    allowed: Ints
    paid: Ints
    effective: Ints
    denied: Ints
    line: Ints
    control: Ints

    def __len__(self) -> int:
        return len(self.row)

    @property
    def load(self) -> Ints:
        """The Monday on or after the day a record took effect."""
        return self.effective + (4 - self.effective) % 7  # day 4 after 1970-01-01 was a Monday


def histories(
    bill: Bill, rows: Ints, rng: np.random.Generator, *, facility: bool, paid: Ints, phantoms: Ints
) -> History:
    """The records behind some lines of a bill.

    rows: lines to write (the first lines of claims, for facilities); paid: payment of each; phantoms: lines of which some are
    copied to claims that never stood.
    """
    claim = bill.claim[rows]
    draw = rng.random(int(bill.claim.max(initial=0)) + 1)
    lag = rng.integers(8, 45, len(draw))
    rebilled = draw[claim] < REBILLED
    corrected = (draw[claim] >= REBILLED) & (draw[claim] < CORRECTED) & facility
    denied = (draw[claim] >= CORRECTED) & (draw[claim] < DENIED_LINE) & (bill.line[rows] == 1) & (not facility)
    effective = bill.thru_day[rows] + lag[claim]
    earlier = rebilled | corrected
    parts: list[History] = []

    def part(chosen: Flags, **changes: Ints) -> None:
        where = np.flatnonzero(chosen)
        base = {
            "row": rows[where],
            "claim": claim[where],
            "kind": np.zeros(len(where), dtype=np.int64),
            "day": bill.from_day[rows[where]],
            "thru": bill.thru_day[rows[where]],
            "allowed": bill.allowed[rows[where]],
            "paid": paid[where],
            "effective": effective[where],
            "denied": np.zeros(len(where), dtype=np.int64),
            "line": bill.line[rows[where]],
            "control": claim[where],
        }
        parts.append(History(**{**base, **{name: value[where] for name, value in changes.items()}}))

    ones = np.ones(len(rows), dtype=np.int64)
    longer = bill.thru_day[rows] + np.where(corrected, 2, 0)
    more_allowed, more_paid = bill.allowed[rows] + 1_100, paid + 1_000
    # A cancellation may be processed weeks before or after what replaces the claim, and stands first in the file.
    cancelled_on = effective + np.where(claim % 2 == 0, -3, 30)
    part(
        earlier,
        claim=claim + CANCELLING,
        kind=ones,
        thru=longer,
        allowed=more_allowed,
        paid=more_paid,
        effective=cancelled_on,
    )
    part(np.ones(len(rows), dtype=bool), kind=np.where(earlier & facility, 2, 0))
    part(earlier, claim=claim + EARLIER, thru=longer, allowed=more_allowed, paid=more_paid, effective=effective - 6)
    part(denied, denied=2 * ones, line=90 * ones, allowed=0 * ones, paid=0 * ones)
    repeated = rng.random(len(rows)) < 0.002
    part(repeated & ~earlier)  # the same record twice
    parts += _phantoms(bill, phantoms, rng)
    return History(*(np.concatenate([getattr(each, name) for each in parts]) for name in History.__slots__))


def _phantoms(bill: Bill, rows: Ints, rng: np.random.Generator) -> list[History]:
    """Copies of claims on other days that were denied, or cancelled without a successor."""
    chosen = rows[rng.random(len(rows)) < PHANTOM_SHARE]
    count = len(chosen)
    number = np.arange(count, dtype=np.int64)
    day = np.maximum(bill.from_day[chosen] + rng.integers(-40, 41, count), bill.from_day[rows].min(initial=1 << 30))
    day = np.minimum(day, bill.from_day[rows].max(initial=0))
    denied = number % 2 == 0
    base = History(
        row=chosen,
        claim=number + PHANTOM,
        kind=np.zeros(count, dtype=np.int64),
        day=day,
        thru=day,
        allowed=np.where(denied, 0, bill.allowed[chosen]),
        paid=np.where(denied, 0, bill.paid[chosen]),
        effective=day + 20,
        denied=denied.astype(np.int64),
        line=np.ones(count, dtype=np.int64),
        control=number + PHANTOM,
    )
    again = np.flatnonzero(~denied)
    cancel = History(
        **{
            **{name: getattr(base, name)[again] for name in History.__slots__},
            "claim": number[again] + UNDOING,
            "kind": np.ones(len(again), dtype=np.int64),
            "effective": day[again] + 25,
        }
    )
    return [cancel, base]


def former_number(people: People, beneficiary: Ints, day: Ints) -> Flags:
    """Whether a record made on the day still carries the person's former number."""
    change = people.new_mbi[beneficiary]
    return np.asarray((change >= 0) & (day < change))
