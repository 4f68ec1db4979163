"""Groups of participants that reports compare: by practice size, state, dual-eligible share and specialty.

A grouping gives each row of `inputs/participants` a label, or None where the group is not known; labels come in a fixed order.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, str]
Key = tuple[str, str, str]  # TIN, NPI, cohort

SIZE_BANDS = (
    (1, 1, "Solo"),
    (2, 15, "2 to 15 clinicians"),
    (16, 99, "16 to 99 clinicians"),
    (100, math.inf, "100 or more clinicians"),
)
QUINTILES = ("Lowest fifth", "Second fifth", "Middle fifth", "Fourth fifth", "Highest fifth")
SIZE, STATE, DUAL, SPECIALTY = "Practice size", "State", "Share of dual-eligible patients", "Specialty"
NOT_KNOWN = "Not known"


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way of grouping. labels: in order; label_of: a participant's label, `NOT_KNOWN` where it cannot be told."""

    kind: str
    labels: tuple[str, ...]
    label_of: Callable[[Row], str]

    def split(self, rows: Sequence[Row]) -> list[tuple[str, list[int]]]:
        """Places of the rows in each group that has any, in the order of the labels."""
        found: dict[str, list[int]] = {label: [] for label in self.labels}
        for place, row in enumerate(rows):
            found[self.label_of(row)].append(place)
        return [(label, places) for label, places in found.items() if places]


def key_of(row: Row) -> Key:
    """What names a participant: TIN, NPI and cohort."""
    return row["tin"], row["npi"], row["cohort"]


def by_size() -> Grouping:
    """By the number of clinicians in the TIN; 15 is where the rule's small practice ends (42 CFR 512.705)."""

    def label_of(row: Row) -> str:
        size = row["clinicians_in_tin"]
        if not size:
            return NOT_KNOWN
        return next(label for low, high, label in SIZE_BANDS if low <= int(size) <= high)

    return Grouping(SIZE, (*(label for _, _, label in SIZE_BANDS), NOT_KNOWN), label_of)


def by_state(rows: Sequence[Row]) -> Grouping:
    """By state, in alphabetical order."""
    states = sorted({row["state"] for row in rows if row["state"]})
    return Grouping(STATE, (*states, NOT_KNOWN), lambda row: row["state"] or NOT_KNOWN)


def by_dual_share(rows: Sequence[Row]) -> Grouping:
    """By fifths of the dual-eligible share within each cohort; equal shares never part, so fifths may differ in size."""
    cuts: dict[str, list[float]] = {}
    for cohort in {row["cohort"] for row in rows}:
        shares = sorted(float(row["dual_share"]) for row in rows if row["cohort"] == cohort and row["dual_share"])
        cuts[cohort] = [shares[math.ceil(len(shares) * fifth / 5) - 1] for fifth in range(1, 5)] if shares else []

    def label_of(row: Row) -> str:
        if not row["dual_share"]:
            return NOT_KNOWN
        return QUINTILES[bisect.bisect_left(cuts[row["cohort"]], float(row["dual_share"]))]

    return Grouping(DUAL, (*QUINTILES, NOT_KNOWN), label_of)


def by_specialty(specialties: Mapping[tuple[str, str], str]) -> Grouping:
    """By specialty, given by TIN and NPI, in alphabetical order."""
    labels = sorted(set(specialties.values()))
    return Grouping(SPECIALTY, (*labels, NOT_KNOWN), lambda row: specialties.get((row["tin"], row["npi"])) or NOT_KNOWN)
