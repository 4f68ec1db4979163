"""Made-up attestations of a TIN, on the boundaries of periods and roundings and on the cliff of a final score of 0."""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction

from tests.oracle.exact_scoring import score

Row = dict[str, str]

YES_ITEMS = ["PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1", "PI_EP_2", "PI_PHCDRR_1", "PI_PHCDRR_3"]
PROPORTIONS = ["PI_EP_1", "PI_HIE_1", "PI_HIE_4", "PI_PEA_1"]
EXCLUDABLE = ["PI_EP_1", "PI_EP_2", "PI_HIE_1", "PI_HIE_4", "PI_PHCDRR_1", "PI_PHCDRR_3"]
OPTIONAL = ["PI_HIE_5", "PI_HIE_6", "PI_PHCDRR_2", "PI_PHCDRR_4", "PI_PHCDRR_5", "PI_PHCDRR_6"]
# points x numerator / denominator on a half, or a numerator of 1 that rounds to nothing, or nothing at all
TIES = [
    (1, 20),
    (3, 20),
    (19, 20),
    (1, 30),
    (1, 10),
    (1, 2),
    (1, 50),
    (1, 100),
    (1, 40),
    (1, 1000),
    (0, 7),
    (7, 7),
    (99, 110),
]


def attestations(attesting: str, chance: random.Random, tin: str) -> list[Row]:
    if attesting == "none":
        return []
    rows = []
    for item, long_enough in (("IA_1", 90), ("IA_2", 90), ("CEHRT", 180)):
        if attesting in ("periods", "any") and chance.random() < 0.2:
            continue
        days = long_enough if attesting == "proportions" else long_enough + chance.choice([-1, 0, 0, 1])
        if attesting == "complete":
            days = 365
        start, end = _period(chance, days)
        answer = chance.choice(["yes", "yes", "yes", "no", ""]) if attesting == "any" else "yes"
        rows.append(_item(tin, item, answer, start=start, end=end))
    every = 1.0 if attesting in ("complete", "proportions", "periods") else 0.97
    for item in YES_ITEMS:
        if chance.random() < every:
            excluded = item in EXCLUDABLE and chance.random() < 0.25
            answer = chance.choice(["no", ""]) if chance.random() > every else "yes"
            rows.append(_item(tin, item, "excluded" if excluded else answer))
    for item in PROPORTIONS:
        if attesting != "complete" and item in EXCLUDABLE and chance.random() < 0.25:
            rows.append(_item(tin, item, "excluded"))
        elif chance.random() < every:
            numerator, denominator = (5, 5) if attesting == "complete" else chance.choice(TIES)
            if chance.random() < 0.2:
                denominator = chance.randrange(1, 400)
                numerator = chance.randrange(0, denominator + 1)
            answer = "no" if chance.random() > every else chance.choice(["", "yes"])
            given = (str(numerator), str(denominator))
            rows.append(_item(tin, item, answer, given if answer != "no" else ("", "")))
    rows.extend(_item(tin, item, chance.choice(["yes", "no", ""])) for item in OPTIONAL if chance.random() < 0.2)
    return rows


def attestations_to_zero(rows_of_folder: dict[str, list[Row]]) -> list[Row]:
    """What brings the first participant of each TIN, where it can be done, to a final score of exactly 0: a cliff."""
    needed: dict[str, Fraction] = {}
    for line in score(**rows_of_folder).scores:
        if line["status"] == "scored":
            categories = [each for each in (line["quality_score"], line["cost_score"]) if each is not None]
            bonuses = line["complex_patient_adjustment"] + line["small_practice_adjustment"]
            needed.setdefault(line["tin"], 100 * sum(categories) / len(categories) + bonuses)
    rows = []
    for tin, points in sorted(needed.items()):
        for activities in (0, 1, 2):  # attested; 20, 10 or 0 points are taken for them and up to 6.5 for the rest
            tenths = (points - 10 * (2 - activities)) * 10
            if tenths.denominator == 1 and 0 <= tenths <= 65:
                whole_year = {"start": "2027-01-01", "end": "2027-12-31"}
                rows += [_item(tin, item, "yes", **whole_year) for item in ("IA_1", "IA_2")[:activities]]
                rows += _interoperability_of(tin, 100 - int(tenths))
                break
    return rows


def _interoperability_of(tin: str, points: int) -> list[Row]:
    """Items that earn a whole number of points from 35 to 100."""
    rows = [_item(tin, "CEHRT", "yes", start="2027-01-01", end="2027-12-31")]
    rows += [_item(tin, item, "yes") for item in YES_ITEMS]
    left = points - 35  # what the items that are yes or no earn
    for item, most in (("PI_PEA_1", 25), ("PI_HIE_1", 15), ("PI_EP_1", 10), ("PI_HIE_4", 15)):
        rows.append(_item(tin, item, "", (str(min(left, most)), str(most))))
        left -= min(left, most)
    return rows


def _period(chance: random.Random, days: int) -> tuple[str, str]:
    first, last = date(2027, 1, 1), date(2027, 12, 31)
    latest_start = last - timedelta(days=days - 1)
    start = chance.choice(
        [first, latest_start, first + timedelta(days=chance.randrange((latest_start - first).days + 1))]
    )
    return start.isoformat(), (start + timedelta(days=days - 1)).isoformat()


def _item(
    tin: str, item: str, answer: str, counts: tuple[str, str] = ("", ""), *, start: str = "", end: str = ""
) -> Row:
    row = {"tin": tin, "item": item, "answer": answer, "numerator": counts[0], "denominator": counts[1]}
    return row | {"start": start, "end": end}
