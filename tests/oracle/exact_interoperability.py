"""The Promoting Interoperability score of the second implementation (readings 11 to 15 of `exact_scoring`)."""

from __future__ import annotations

from fractions import Fraction

from tests.oracle.exact_arithmetic import rounded_half_up

Row = dict[str, str]

EXCLUDABLE = ["PI_EP_1", "PI_EP_2", "PI_HIE_1", "PI_HIE_4", "PI_PHCDRR_1", "PI_PHCDRR_3"]
MUST_SAY_YES = ["PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1"]
BONUS = ["PI_PHCDRR_2", "PI_PHCDRR_4", "PI_PHCDRR_5", "PI_PHCDRR_6"]


def says_yes(items: dict[str, Row], item: str) -> bool:
    return item in items and items[item]["answer"] == "yes"


def excluded(items: dict[str, Row], item: str) -> bool:
    return item in EXCLUDABLE and item in items and items[item]["answer"] == "excluded"


def proportion(items: dict[str, Row], item: str) -> tuple[int, int] | None:
    row = items.get(item)
    if row is None or row["answer"] not in ("", "yes") or not row["numerator"] or not row["denominator"]:
        return None
    if int(row["denominator"]) == 0:
        return None
    return int(row["numerator"]), int(row["denominator"])


def earned(points: Fraction, fraction: tuple[int, int] | None) -> int:
    """points x numerator / denominator to a whole point; None is an excluded measure, whose points have moved."""
    if fraction is None:
        return 0
    numerator, denominator = fraction
    rounded = rounded_half_up(points * numerator / denominator)
    return max(1, rounded) if numerator >= 1 else rounded


def interoperability_score(items: dict[str, Row]) -> int:
    """0 to 100; the certified technology and its period are the caller's."""
    for item in MUST_SAY_YES:
        if not says_yes(items, item):
            return 0
    for item in ("PI_EP_2", "PI_PHCDRR_1", "PI_PHCDRR_3"):
        if not says_yes(items, item) and not excluded(items, item):
            return 0
    if proportion(items, "PI_EP_1") is None and not excluded(items, "PI_EP_1"):
        return 0
    access = proportion(items, "PI_PEA_1")
    if access is None:
        return 0

    e_prescribing_1, e_prescribing_2 = Fraction(10), Fraction(10)
    exchange, patient_access, public_health = Fraction(30), Fraction(25), Fraction(25)
    if excluded(items, "PI_EP_2"):
        e_prescribing_1, e_prescribing_2 = e_prescribing_1 + e_prescribing_2, Fraction(0)
    if excluded(items, "PI_EP_1"):
        exchange, e_prescribing_1 = exchange + e_prescribing_1, Fraction(0)
    if excluded(items, "PI_PHCDRR_1") and excluded(items, "PI_PHCDRR_3"):
        patient_access, public_health = patient_access + public_health, Fraction(0)

    outside_exchange = earned(e_prescribing_1, proportion(items, "PI_EP_1")) + int(e_prescribing_2) + int(public_health)
    options = []
    if says_yes(items, "PI_HIE_5") or says_yes(items, "PI_HIE_6"):
        options.append(int(exchange) + earned(patient_access, access))
    loops = ["PI_HIE_1", "PI_HIE_4"]
    if all(proportion(items, item) is not None or excluded(items, item) for item in loops):
        from_loops, moved = 0, Fraction(0)
        for item in loops:
            if excluded(items, item):
                moved = moved + exchange / 2
            else:
                from_loops = from_loops + earned(exchange / 2, proportion(items, item))
        options.append(from_loops + earned(patient_access + moved, access))
    if not options:
        return 0
    bonus = 5 if any(says_yes(items, item) for item in BONUS) else 0
    return min(100, outside_exchange + max(options) + bonus)
