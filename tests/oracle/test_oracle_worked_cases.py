"""The second implementation against cases worked by hand, before it judges anything."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.oracle.exact_arithmetic import (
    logistic,
    not_less_than_multiple_of_root,
    percentile,
    rounded_half_up,
    sample_variance,
    square_root,
    tenths,
)
from tests.oracle.exact_cost import CUT_POINTS, cost_points_from_edges, cost_points_from_pool
from tests.oracle.exact_interoperability import interoperability_score
from tests.oracle.exact_quality import decile_edges, decile_points, score_measure, standing
from tests.oracle.exact_scoring import days_in_year, improvement_adjustment, interoperability_adjustment, pay, score


def fraction(text: str) -> Fraction:
    return Fraction(text)


def test_the_rules_example_of_the_pool() -> None:
    # r 9%, R 85%, Part B 1,000,000,000 -> 76,500,000: what a participant paid everything, alone, gets back before -r
    lines = [{"final_score": Fraction(50), "transformed_score": Fraction(1, 2), "part_b_paid": Fraction(10**9)}]
    pay(lines, Fraction(9, 100))
    assert lines[0]["payment_change_dollars"] == 76_500_000 - 90_000_000


def test_the_algebra_of_three_participants() -> None:
    lines = [
        {"final_score": Fraction(50), "transformed_score": fraction(t), "part_b_paid": Fraction(paid)}
        for t, paid in [("0.9", 100_000), ("0.5", 200_000), ("0.2", 50_000)]
    ]
    pay(lines, Fraction(9, 100))
    assert [line["scaling_factor"] for line in lines] == [fraction("1.4875")] * 3
    assert [line["payment_adjustment_factor"] for line in lines] == [
        fraction("0.0304875"),
        fraction("-0.0230625"),
        fraction("-0.063225"),
    ]
    assert sum(line["payment_change_dollars"] for line in lines) == -4725


@pytest.mark.parametrize(
    ("dollars", "points"),
    [
        ("13637.80", "7.5"),
        ("8001.84", "10"),
        ("8001.85", "9.9"),
        ("11759.15", "7.9"),
        ("15516.45", "6.9"),
        ("14164.73", "7.4"),  # 7.36 before rounding
        ("23970.37", "1"),
        ("23970.38", "1"),
        ("99999", "1"),
    ],
)
def test_the_cost_grid_on_the_published_cut_points(dollars: str, points: str) -> None:
    edges = [Fraction(text) for text in CUT_POINTS["mips-2024", "heart_failure"].split()]
    assert cost_points_from_edges(Fraction(dollars), edges) == fraction(points)


def pool_with_whole_deviation() -> list[Fraction]:
    """Median 1000 and S = 80 exactly: 25 values, deviations in units of S squared and summed make 24.

    2 x (2.5^2 + 5 x 1^2 + 3 x 0.5^2) = 2 x (6.25 + 5 + 0.75) = 24.
    """
    deviations = [200, 80, 80, 80, 80, 80, 40, 40, 40, 0, 0, 0]
    return [Fraction(1000 + sign * deviation) for deviation in deviations for sign in (-1, 1)] + [Fraction(1000)]


@pytest.mark.parametrize(
    ("dollars", "points"),
    [
        ("879.99", "10"),
        ("880", "9.9"),  # M - 1.5 S: first edge, in the band of 9
        ("919.99", "9"),
        ("920", "8.9"),  # M - 1.0 S
        ("960", "7.9"),  # M - 0.5 S
        ("1000", "7.5"),
        ("1036", "7.1"),  # t = (1040 - 1036) / 80 = 0.05 exactly, up
        ("1036.01", "7"),
        ("1040", "6.9"),  # M + 0.5 S
        ("1160", "3.9"),  # M + 2.0 S
        ("1180", "2.9"),  # M + 2.25 S
        ("1200", "1.9"),  # M + 2.5 S
        ("1219", "1.1"),  # t = 1 / 20
        ("1219.99", "1"),
        ("1220", "1"),
    ],
)
def test_the_cost_grid_on_a_pool(dollars: str, points: str) -> None:
    pool = pool_with_whole_deviation()
    assert sample_variance(pool) == 6400
    assert cost_points_from_pool(Fraction(dollars), pool) == fraction(points)


def test_squares_decide_where_the_root_is_no_fraction() -> None:
    two = Fraction(2)
    assert not_less_than_multiple_of_root(fraction("1.41422"), Fraction(1), two)
    assert not not_less_than_multiple_of_root(fraction("1.41421"), Fraction(1), two)
    assert not_less_than_multiple_of_root(fraction("-1.41421"), Fraction(-1), two)
    assert not not_less_than_multiple_of_root(fraction("-1.41422"), Fraction(-1), two)
    assert not_less_than_multiple_of_root(Fraction(0), Fraction(0), two)
    assert square_root(Fraction(9, 4)) == Fraction(3, 2)
    assert abs(square_root(two) ** 2 - 2) < Fraction(1, 10**58)


def test_roundings() -> None:
    assert [rounded_half_up(fraction(text)) for text in ("0.5", "1.5", "2.4999", "-0.5")] == [1, 2, 2, 0]
    assert [tenths(fraction(text)) for text in ("0.04999", "0.05", "0.85", "0.94", "0.95", "1")] == [
        fraction(text) for text in ("0", "0.1", "0.9", "0.9", "0.9", "0.9")
    ]


def test_percentiles_and_the_logistic_curve() -> None:
    assert percentile([Fraction(number) for number in (4, 1, 3, 2)], Fraction(1, 10)) == fraction("1.3")
    assert logistic(Fraction(0)) == Fraction(1, 2)
    one, two = logistic(Fraction(1)), logistic(Fraction(2))
    assert abs(two - fraction("0.8807970779778824")) < Fraction(1, 10**16)
    assert abs((one / (1 - one)) ** 2 - two / (1 - two)) < Fraction(1, 10**55)  # the odds are a power of e


@pytest.mark.parametrize(
    ("rate", "points"),
    [
        ("0", "1"),
        ("0.05", "1.5"),
        ("0.55", "6.5"),
        ("0.505", "6.1"),
        ("0.5049", "6"),
        ("0.899", "9.9"),
        ("0.9", "10"),
        ("1", "10"),
        ("-0.2", "1"),
    ],
)
def test_decile_points(rate: str, points: str) -> None:
    pool = [Fraction(twentieth, 20) for twentieth in range(21)]
    assert decile_edges(pool) == [Fraction(tenth, 10) for tenth in range(1, 10)]
    assert decile_points(Fraction(rate), pool) == fraction(points)


def test_all_equal_rates_all_get_ten_points() -> None:
    assert decile_points(Fraction(1, 3), [Fraction(1, 3)] * 20) == 10


def counts(measure: str, eligible: int, met: int, not_met: int, **more: str) -> dict[str, str]:
    row = {"tin": "000000001", "npi": "1", "measure": measure, "collection_type": "ecqm", "rate": ""}
    row |= {"eligible": str(eligible), "met": str(met), "not_met": str(not_met), "exclusions": "0", "exceptions": "0"}
    return row | more


def test_the_order_of_the_tests() -> None:
    assert standing(counts("236", 0, 0, 0)) == "excluded"
    assert standing(counts("236", 40, 10, 19)) == "zero"  # 29 / 40 below 0.75, and that comes before the case minimum
    assert standing(counts("236", 40, 10, 20)) == "qualifies"
    assert standing(counts("236", 19, 10, 9)) == "excluded"
    assert standing(counts("236", 40, 10, 9, exclusions="11")) == "excluded"  # 30 / 40 complete, 19 cases
    assert standing(counts("492", 19, 0, 0, rate="30.5", collection_type="claims")) == "excluded"
    assert standing(counts("492", 20, 0, 0, rate="30.5", collection_type="claims")) == "qualifies"


def test_the_choice_among_rows() -> None:
    me = {"tin": "000000001", "npi": "1"}
    pools = {("236", "ecqm"): [Fraction(rate, 20) for rate in range(21)], ("236", "cqm"): [Fraction(1, 2)] * 19}
    rows = [
        counts("236", 20, 11, 9),
        counts("236", 20, 12, 8, npi=""),
        counts("236", 20, 20, 0, collection_type="cqm"),  # its pool is too small
    ]
    lines = score_measure(me, "236", rows, pools)
    assert [line["status"] for line in lines] == ["not_used", "scored", "excluded"]
    assert [line["points"] for line in lines] == [fraction("6.5"), fraction("7"), None]
    assert [line["status"] for line in score_measure(me, "005", rows, pools)] == ["zero"]
    assert [line["status"] for line in score_measure(me, "492", rows, pools)] == ["excluded"]


def attested(start: str, end: str, answer: str = "yes", numbers: tuple[str, str] = ("", "")) -> dict[str, str]:
    return {"answer": answer, "start": start, "end": end, "numerator": numbers[0], "denominator": numbers[1]}


def test_periods_count_both_ends_within_the_year() -> None:
    assert days_in_year(attested("2027-01-01", "2027-03-31"), 2027) == 90
    assert days_in_year(attested("2026-12-01", "2027-03-31"), 2027) == 90
    assert days_in_year(attested("2027-10-03", "2027-12-31"), 2027) == 90
    assert days_in_year(attested("2027-10-03", "2028-02-01"), 2027) == 90
    assert days_in_year(attested("2028-01-01", "2028-12-31"), 2027) == 0
    both = {"IA_1": attested("2027-01-01", "2027-03-31"), "IA_2": attested("2027-01-01", "2027-03-30")}
    assert improvement_adjustment(both, 2027) == -10


def everything(**changes: dict[str, str] | None) -> dict[str, dict[str, str]]:
    items = {item: attested("", "", "yes") for item in ("PI_EP_2", "PI_PHCDRR_1", "PI_PHCDRR_3", "PI_PPHI_1")}
    items |= {item: attested("", "", "yes") for item in ("PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1")}
    for item in ("PI_EP_1", "PI_HIE_1", "PI_HIE_4", "PI_PEA_1"):
        items[item] = attested("", "", "", ("1", "2"))
    items["CEHRT"] = attested("2027-01-01", "2027-06-29")
    items |= {item: row for item, row in changes.items() if row is not None}
    return {item: row for item, row in items.items() if changes.get(item, row) is not None}


EXCLUDED = attested("", "", "excluded")


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, 5 + 10 + 8 + 8 + 13 + 25),  # 7.5 -> 8 twice, 12.5 -> 13
        ({"PI_EP_1": EXCLUDED}, 10 + 10 + 10 + 13 + 25),  # HIE 20 + 20
        ({"PI_EP_2": EXCLUDED}, 10 + 0 + 8 + 8 + 13 + 25),  # EP_1 of 20
        ({"PI_EP_1": EXCLUDED, "PI_EP_2": EXCLUDED}, 13 + 13 + 13 + 25),  # HIE 25 + 25
        ({"PI_HIE_1": EXCLUDED}, 5 + 10 + 8 + 20 + 25),  # PEA 40
        ({"PI_HIE_1": EXCLUDED, "PI_HIE_4": EXCLUDED}, 5 + 10 + 28 + 25),  # PEA 55 -> 27.5
        ({"PI_PHCDRR_1": EXCLUDED}, 5 + 10 + 8 + 8 + 13 + 25),
        ({"PI_PHCDRR_1": EXCLUDED, "PI_PHCDRR_3": EXCLUDED}, 5 + 10 + 8 + 8 + 25),  # PEA 50
        ({"PI_HIE_5": attested("", "")}, 5 + 10 + 30 + 13 + 25),
        ({"PI_PHCDRR_2": attested("", ""), "PI_PHCDRR_4": attested("", "")}, 5 + 10 + 8 + 8 + 13 + 25 + 5),
        ({"PI_EP_1": attested("", "", "", ("1", "1000"))}, 1 + 10 + 8 + 8 + 13 + 25),
        ({"PI_EP_1": attested("", "", "", ("0", "1000"))}, 0 + 10 + 8 + 8 + 13 + 25),
        ({"PI_PEA_1": EXCLUDED}, 0),  # no exclusion exists
        ({"PI_HIE_4": None}, 0),
        ({"PI_ONCDIR_1": attested("", "", "no")}, 0),
    ],
)
def test_interoperability_points(changes: dict[str, dict[str, str] | None], points: int) -> None:
    assert interoperability_score(everything(**changes)) == points


def test_interoperability_needs_180_days_of_certified_technology() -> None:
    assert interoperability_adjustment(everything(), 2027) == -10 * (1 - Fraction(69, 100))
    shorter = everything(CEHRT=attested("2027-01-01", "2027-06-28"))
    assert interoperability_adjustment(shorter, 2027) == -10


def test_a_whole_cohort_by_hand() -> None:
    """Twenty alone in their TIN; rates 20/40 to 39/40 on one measure of four, nothing else handed in, costs absent.

    Edges are those of 0.500 ... 0.975 in steps of 0.025: e1 = 0.5 + 1.9 x 0.025 = 0.5475 and so on. The first: n = 0, t = 0,
    1 point of 40. The last: 10 points. Q alone counts; IA -20, PI -10, solo +15.
    """
    participants = [
        {"tin": f"{tin:09d}", "npi": "1", "cohort": "low_back_pain", "clinicians_in_tin": "1", "part_b_paid": "100.50"}
        | {"hcc_mean": "", "dual_share": ""}
        for tin in range(20)
    ]
    quality = [
        counts("134", 40, 20 + place, 20 - place, tin=participant["tin"])
        for place, participant in enumerate(participants)
    ]
    answer = score(participants=participants, quality=quality, cost=[], attestations=[])
    assert [line["final_score"] for line in answer.scores[:1]] == [Fraction(0)]  # 2.5 - 20 - 10 + 15 < 0
    assert answer.scores[-1]["final_score"] == 25 - 20 - 10 + 15
    assert answer.scores[-1]["quality_score"] == Fraction(1, 4)
    assert answer.scores[0]["payment_change_dollars"] == Fraction("-9.045")
    assert answer.scores[0]["cost_score"] is None
    assert {line["status"] for line in answer.scores} == {"scored"}
    assert [line["points"] for line in answer.measures[:4]] == [0, Fraction(1), 0, 0]
    assert [line["status"] for line in answer.measures[:4]] == ["zero", "scored", "zero", "zero"]
    assert sum(line["payment_change_dollars"] for line in answer.scores) < 0


def test_one_fewer_than_the_smallest_pool_is_no_benchmark() -> None:
    participants = [
        {"tin": f"{tin:09d}", "npi": "1", "cohort": "low_back_pain", "clinicians_in_tin": "99", "part_b_paid": "100"}
        | {"hcc_mean": "", "dual_share": ""}
        for tin in range(19)
    ]
    quality = [
        counts(measure, 40, 20, 20, tin=participant["tin"])
        for participant in participants
        for measure in ("134", "128", "238", "220")
    ]
    answer = score(participants=participants, quality=quality, cost=[], attestations=[])
    assert {line["status"] for line in answer.scores} == {"not_scored"}
    assert {line["payment_adjustment_factor"] for line in answer.scores} == {0}
    assert {line["payment_multiplier"] for line in answer.scores} == {1}
