"""Cost of the second implementation: from a score in dollars to points (reading 9 of `exact_scoring`)."""

from __future__ import annotations

from fractions import Fraction

from tests.oracle.exact_arithmetic import median, not_less_than_multiple_of_root, sample_variance, tenths

Row = dict[str, str]

COST_MEASURE = {"heart_failure": "COST_HF_1", "low_back_pain": "COST_LBP_1"}
COST_MULTIPLES = [Fraction(quarter, 4) for quarter in (-6, -4, -2, 2, 4, 6, 8, 9, 10, 11)]
HEART_FAILURE_2024 = "8001.85 9880.5 11759.15 15516.45 17395.1 19273.75 21152.41 22091.73 23031.06 23970.38"
HEART_FAILURE_2025 = "8610.75 10550.47 12490.18 16369.62 18309.33 20249.05 22188.77 23158.63 24128.49 25098.35"
LOW_BACK_PAIN_2024 = "1010.79 1296.08 1581.38 2151.96 2437.26 2722.55 3007.84 3150.49 3293.13 3435.78"
LOW_BACK_PAIN_2025 = "1019.5 1328.74 1637.98 2256.45 2565.69 2874.93 3184.17 3338.79 3493.41 3648.03"
CUT_POINTS = {
    ("mips-2024", "heart_failure"): HEART_FAILURE_2024,
    ("mips-2025", "heart_failure"): HEART_FAILURE_2025,
    ("mips-2024", "low_back_pain"): LOW_BACK_PAIN_2024,
    ("mips-2025", "low_back_pain"): LOW_BACK_PAIN_2025,
}


def cost_points_from_edges(x: Fraction, edges: list[Fraction]) -> Fraction:
    if x < edges[0]:
        return Fraction(10)
    if x >= edges[9]:
        return Fraction(1)
    for k, lower, upper in zip(range(9, 0, -1), edges[:9], edges[1:], strict=True):
        if lower <= x < upper:
            return k + tenths((upper - x) / (upper - lower))
    raise AssertionError


def cost_points_from_pool(x: Fraction, pool: list[Fraction]) -> Fraction:
    """As above with the edges M + kS, never taking the root: x >= M + cS is decided on squares."""
    middle, variance = median(pool), sample_variance(pool)

    def at_or_above(multiple: Fraction) -> bool:
        return not_less_than_multiple_of_root(x - middle, multiple, variance)

    if not at_or_above(COST_MULTIPLES[0]):
        return Fraction(10)
    if at_or_above(COST_MULTIPLES[9]):
        return Fraction(1)
    for k, lower, upper in zip(range(9, 0, -1), COST_MULTIPLES[:9], COST_MULTIPLES[1:], strict=True):
        if at_or_above(lower) and not at_or_above(upper):
            # t rounded half up is j / 10 or more exactly when t >= (2j - 1) / 20, that is x <= U - (2j - 1)/20 x (U - L)
            j = 0
            for candidate in range(1, 11):
                limit = upper - Fraction(2 * candidate - 1, 20) * (upper - lower)
                if not_less_than_multiple_of_root(middle - x, -limit, variance):
                    j = candidate
            return k + min(Fraction(9, 10), Fraction(j, 10))
    raise AssertionError


def cost_row(participant: Row, cohort: str, cost: list[Row]) -> Row | None:
    for row in cost:
        if (row["tin"], row["npi"], row["measure"]) == (participant["tin"], participant["npi"], COST_MEASURE[cohort]):
            return row
    return None
