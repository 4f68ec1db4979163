"""Quality, 42 CFR 512.725: tests of a row, benchmarks, decile points, the row that counts, the category."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from openasm.base.errors import NotFound
from openasm.regulation.quality import (
    Finding,
    category_score,
    collection_types_of,
    completeness_reached,
    decile_edges,
    decile_points,
    is_inverse,
    measures_of,
    points_of,
    quality_benchmark,
    score_quality,
    tin_level_rows_need_small_practice,
)
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from tests.builders.regulation_rows import quality_rows

RULES = rules_for(2027)
HEART = "heart_failure"


def score(rows, participants, cohort=HEART, rules=RULES):
    return score_quality(
        quality_rows(rows, cohort=cohort, rules=rules), cohort=cohort, participants=participants, rules=rules
    )


def crowd(measure="236", count=21, first=0, **more):
    """`count` participants with rates 0/100, 5/100, ..., one row each."""
    return [
        {"who": first + place, "measure": measure, "met": 5 * place, "not_met": 100 - 5 * place, **more}
        for place in range(count)
    ]


def test_measures_directions_and_collection_types():
    assert measures_of("heart_failure", RULES) == ("492", "008", "005", "236", "377")
    assert measures_of("low_back_pain", RULES) == ("238", "134", "128", "220")
    assert [
        measure
        for cohort in ("heart_failure", "low_back_pain")
        for measure in measures_of(cohort, RULES)
        if is_inverse(measure, RULES)
    ] == ["492", "238"]
    assert collection_types_of("492", RULES) == ("claims",)
    assert collection_types_of("377", RULES) == ("ecqm",)
    assert collection_types_of("220", RULES) == ("cqm",)
    assert collection_types_of("236", RULES) == ("ecqm", "cqm")
    assert tin_level_rows_need_small_practice(RULES)
    with pytest.raises(NotFound):
        measures_of("knees", RULES)
    with pytest.raises(NotFound):
        collection_types_of("001", RULES)


def test_deciles_of_a_drawn_table():
    """21 rates 0%, 5%, ..., 100%: the k-th decile is the order statistic 2k, that is 10k%."""
    pool = Ratios.of_counts(np.arange(0, 101, 5), np.full(21, 100))
    benchmark = quality_benchmark(pool, inverse=False, rules=RULES)
    assert benchmark.edges == tuple(Fraction(10 * decile, 100) for decile in range(1, 10))
    assert benchmark.worst == 0
    rates = {
        "0": 1.0,
        "1/20": 1.5,
        "99/1000": 1.9,
        "1/10": 2.0,
        "29/200": 2.5,
        "89/100": 9.9,
        "9/10": 10.0,
        "1": 10.0,
        "31/1000": 1.3,
    }
    points = points_of(Ratios.of_fractions(Fraction(rate) for rate in rates), benchmark, RULES)
    assert dict(zip(rates, points.tolist(), strict=True)) == rates


def test_half_a_tenth_rounds_up_exactly():
    """t = 0.05, 0.15, ... exactly: floats would fall on either side."""
    pool = Ratios.of_counts(np.arange(0, 101, 5), np.full(21, 100))
    benchmark = quality_benchmark(pool, inverse=False, rules=RULES)
    rates = [Fraction(decile, 10) + Fraction(2 * tenth + 1, 20) / 10 for decile in range(9) for tenth in range(9)]
    expected = [decile + 1 + (tenth + 1) / 10 for decile in range(9) for tenth in range(9)]
    just_below = [rate - Fraction(1, 10**12) for rate in rates]
    assert points_of(Ratios.of_fractions(rates), benchmark, RULES).tolist() == expected
    assert points_of(Ratios.of_fractions(just_below), benchmark, RULES).tolist() == pytest.approx(
        [each - 0.1 for each in expected]
    )


def test_an_inverse_measure_reads_from_the_other_end():
    pool = Ratios.of_counts(np.arange(0, 101, 5), np.full(21, 100))
    benchmark = quality_benchmark(pool, inverse=True, rules=RULES)
    assert benchmark.worst == -1
    assert benchmark.edges[0] == Fraction(-9, 10)
    assert benchmark.edges_as_rates == tuple(Fraction(100 - 10 * decile, 100) for decile in range(1, 10))
    rates = Ratios.of_fractions([Fraction(0), Fraction(1, 10), Fraction(11, 100), Fraction(1), None])
    assert points_of(rates, benchmark, RULES).tolist() == [10.0, 10.0, 9.9, 1.0, pytest.approx(np.nan, nan_ok=True)]
    assert quality_benchmark(pool, inverse=False, rules=RULES).edges_as_rates[0] == Fraction(1, 10)


def test_equal_rates_are_all_at_the_top():
    """Every edge is the common rate, and who is on an edge has reached it."""
    result = score([{"who": who, "measure": "236", "met": 50, "not_met": 50} for who in range(20)], 20)
    assert result.measure_points[3].tolist() == [10.0] * 20


def test_half_the_pool_at_the_top_rate():
    rates = Ratios.of_fractions([Fraction(1)] * 10 + [Fraction(place, 10) for place in range(10)])
    benchmark = quality_benchmark(rates, inverse=False, rules=RULES)
    # order statistics 0, .1, ..., .9, 1 x 10; position 9.5 of the 5th decile is half way from .9 to 1
    assert benchmark.edges[4] == Fraction(95, 100)
    assert benchmark.edges[5] == 1
    points = points_of(rates, benchmark, RULES)
    assert set(points[:10].tolist()) == {10.0}


@pytest.mark.parametrize(("count", "finding"), [(19, Finding.NO_BENCHMARK), (20, Finding.SCORED), (21, Finding.SCORED)])
def test_the_smallest_pool(count, finding):
    result = score(crowd(count=count), count)
    assert set(result.row_finding.tolist()) == {finding}
    assert result.pool_sizes == {("236", "ecqm"): count}
    assert (("236", "ecqm") in result.benchmarks) == (finding is Finding.SCORED)


@pytest.mark.parametrize(
    ("row", "finding", "points"),
    [
        ({"eligible": 0}, Finding.NOTHING_ELIGIBLE, None),
        ({"eligible": 100, "met": 50, "not_met": 24}, Finding.INCOMPLETE, 0.0),
        ({"eligible": 100, "met": 50, "not_met": 25}, Finding.SCORED, "by decile"),
        ({"eligible": 4, "met": 2, "not_met": 0}, Finding.INCOMPLETE, 0.0),  # incomplete comes before too few
        ({"eligible": 19, "met": 10, "not_met": 9}, Finding.TOO_FEW_CASES, None),
        ({"eligible": 20, "met": 10, "not_met": 10}, Finding.SCORED, "by decile"),
        ({"eligible": 100, "met": 10, "not_met": 9, "exclusions": 40, "exceptions": 41}, Finding.TOO_FEW_CASES, None),
        ({"eligible": 100, "exclusions": 100}, Finding.TOO_FEW_CASES, None),  # 0 / 0 is no rate
    ],
)
def test_the_order_of_tests(row, finding, points):
    result = score([*crowd(), {"who": 21, "measure": "236", **row}], 22)
    assert Finding(result.row_finding[21]) is finding
    if points is None:
        assert np.isnan(result.measure_points[3, 21])
    elif points == "by decile":
        assert 1 <= result.measure_points[3, 21] <= 10
    else:
        assert result.measure_points[3, 21] == points
    assert finding.counted == (not np.isnan(result.measure_points[3, 21]))
    assert result.row_in_pool[21] == (finding is Finding.SCORED)


def test_another_order_of_tests_can_be_asked_for():
    rules = RULES.with_value(
        "quality.order_of_tests",
        ("too_few_cases", "incomplete", "nothing_eligible", "no_benchmark"),
        citation="what if",
    )
    result = score([*crowd(), {"who": 21, "measure": "236", "eligible": 40, "met": 2}], 22, rules=rules)
    assert result.row_finding[21] == Finding.TOO_FEW_CASES
    assert np.isnan(result.measure_points[3, 21])


def test_completeness_is_decided_in_whole_numbers():
    answered, eligible = np.array([3 * 10**15, 3 * 10**15 - 1, 0]), np.array([4 * 10**15, 4 * 10**15, 0])
    assert completeness_reached(answered, eligible, Fraction(3, 4)).tolist() == [True, False, False]


def test_a_missing_row_costs_a_required_measure_but_not_the_claims_measure():
    result = score(crowd(), 22)
    assert [Finding(each) for each in result.measure_finding[:, 21]] == [
        Finding.NOT_CALCULATED,
        Finding.NOT_SUBMITTED,
        Finding.NOT_SUBMITTED,
        Finding.NOT_SUBMITTED,
        Finding.NOT_SUBMITTED,
    ]
    assert result.category_score[21] == 0
    assert not result.minimum_submission_met[21]
    assert result.category_score[20] == pytest.approx(10 / 40)


def test_missing_rows_may_be_excluded_by_another_choice():
    rules = RULES.with_value(
        "quality.not_submitted", {"required_measure": "excluded", "claims_measure": "zero_points"}, citation="what if"
    )
    result = score(crowd(), 22, rules=rules)
    assert result.measure_points[0, 21] == 0
    assert np.isnan(result.measure_points[1:, 21]).all()


def claims_crowd(count):
    return [
        {"who": who, "measure": "492", "type": "claims", "eligible": 20, "rate": f"{40 + who}.5"}
        for who in range(count)
    ]


def test_the_claims_measure_has_cases_but_no_completeness():
    extra = [
        {"who": 21, "measure": "492", "type": "claims", "eligible": 19, "rate": "10"},
        {"who": 22, "measure": "492", "type": "claims", "eligible": 0, "rate": None},
        {"who": 23, "measure": "492", "type": "claims", "eligible": 50, "rate": None},
    ]
    result = score([*claims_crowd(21), *extra], 24)
    assert result.measure_points[0, 0] == 10  # the lowest rate of admissions
    assert result.measure_points[0, 20] == 1
    assert [Finding(each) for each in result.row_finding[21:]] == [
        Finding.TOO_FEW_CASES,
        Finding.NOTHING_ELIGIBLE,
        Finding.TOO_FEW_CASES,
    ]
    assert np.isnan(result.row_completeness).all()
    assert not result.minimum_submission_met.any()  # the claims measure is nobody's submission
    assert result.row_rate[0] == 40.5


def test_the_row_with_most_points_counts():
    rows = [
        *crowd(type="ecqm"),
        *crowd(type="cqm", count=20, first=1),
    ]
    # who 10 has 50% by eCQM (6.0) and 45% of the other crowd by CQM
    result = score(rows, 22)
    ecqm, cqm = result.row_points[10], result.row_points[21 + 9]
    assert result.measure_points[3, 10] == max(ecqm, cqm)
    assert result.row_used[10] != result.row_used[21 + 9]


def tied_rows(*rows):
    """Everyone has the same rate of everything, so that all points are 10."""
    everyone = [
        {"who": who, "measure": "236", "type": kind, "met": 50, "not_met": 50}
        for who in range(1, 21)
        for kind in ("ecqm", "cqm")
    ]
    return [*({"who": 0, "measure": "236", "met": 50, "not_met": 50, **row} for row in rows), *everyone]


@pytest.mark.parametrize(
    ("preferences", "used"),
    [
        (("ecqm", "individual"), 3),
        (("individual", "ecqm"), 3),
        (("cqm", "tin"), 0),
        (("tin", "ecqm"), 2),
        (("individual", "cqm"), 1),
    ],
)
def test_ties_between_rows(preferences, used):
    rows = tied_rows({"type": "cqm", "tin": True}, {"type": "cqm"}, {"type": "ecqm", "tin": True}, {"type": "ecqm"})
    rules = RULES.with_value("quality.row_choice_ties", preferences, citation="what if")
    result = score(rows, 21, rules=rules)
    assert result.row_points[:4].tolist() == [10.0] * 4
    assert result.chosen_row[3, 0] == used
    assert result.row_used[:4].sum() == 1


def test_ties_prefer_ecqm_before_individual():
    result = score(tied_rows({"type": "cqm"}, {"type": "ecqm", "tin": True}), 21)
    assert result.chosen_row[3, 0] == 1


def test_a_zero_counts_before_an_excluded_row():
    rows = [
        *crowd(),
        {"who": 21, "measure": "236", "type": "ecqm", "eligible": 19, "met": 19},
        {"who": 21, "measure": "236", "type": "cqm", "eligible": 100, "met": 50},
    ]
    result = score(rows, 22)
    assert result.chosen_row[3, 21] == 22
    assert result.measure_points[3, 21] == 0
    assert result.measure_finding[3, 21] == Finding.INCOMPLETE


def test_all_rows_excluded_leave_the_measure_out():
    rows = [
        *crowd(),
        {"who": 21, "measure": "236", "type": "cqm", "eligible": 0},
        {"who": 21, "measure": "236", "type": "ecqm", "eligible": 19, "met": 19},
    ]
    result = score(rows, 22)
    assert result.chosen_row[3, 21] == -1
    assert np.isnan(result.measure_points[3, 21])
    assert result.measure_finding[3, 21] == Finding.TOO_FEW_CASES  # of the preferred row


def test_one_rate_a_participant_enters_the_pool():
    rows = [
        *crowd(),
        {"who": 0, "measure": "236", "met": 100, "tin": True},  # beside an individual row: not in the pool
        {"who": 21, "measure": "236", "met": 19, "eligible": 19},  # too few: the TIN's row stands in
        {"who": 21, "measure": "236", "met": 60, "not_met": 40, "tin": True},
    ]
    result = score(rows, 22)
    assert result.row_in_pool[21:].tolist() == [False, False, True]
    assert result.pool_sizes[("236", "ecqm")] == 22


def test_a_rate_below_the_pools_worst_earns_one_point():
    """A TIN's row beside the individual rows that made the pool."""
    rows = [
        *({"who": who, "measure": "236", "met": 50 + who, "not_met": 50 - who} for who in range(21)),
        {"who": 5, "measure": "236", "met": 0, "not_met": 100, "tin": True},
    ]
    result = score(rows, 21)
    assert result.row_points[21] == 1.0
    assert result.chosen_row[3, 5] == 5


def test_the_minimum_submission():
    rows = [
        {"who": 0, "measure": "236", "eligible": 4, "met": 3},  # few, but complete
        {"who": 1, "measure": "236", "eligible": 0},
        {"who": 2, "measure": "236", "eligible": 100, "met": 74},
        {"who": 3, "measure": "236", "eligible": 100, "met": 75, "tin": True},
        {"who": 3, "measure": "005", "eligible": 100, "met": 75},
    ]
    assert score(rows, 5).minimum_submission_met.tolist() == [True, False, False, True, False]
    two = RULES.with_value("quality.minimum_submission_measures", 2, citation="what if")
    assert score(rows, 5, rules=two).minimum_submission_met.tolist() == [False, False, False, True, False]


def test_no_rows_at_all():
    result = score([], 2)
    assert result.category_score.tolist() == [0.0, 0.0]
    assert result.benchmarks == {}


def test_category_score_of_no_measures_is_none():
    assert np.isnan(category_score([]))


def test_float_deciles_agree_with_exact_ones():
    rng = np.random.default_rng(5)
    met, cases = rng.integers(0, 60, 57), np.full(57, 60)
    pool = Ratios.of_counts(met, cases)
    exact = quality_benchmark(pool, inverse=False, rules=RULES)
    edges, worst = decile_edges(pool.value)
    assert edges.tolist() == pytest.approx([float(edge) for edge in exact.edges])
    assert worst == float(exact.worst)
    with_gaps = np.insert(pool.value, [3, 20], np.nan)
    assert decile_edges(with_gaps)[0].tolist() == edges.tolist()
    assert decile_points(pool.value, edges, worst) == pytest.approx(points_of(pool, exact, RULES), abs=0.11)


def test_an_empty_pool_has_no_edges_and_gives_no_points():
    edges, worst = decile_edges(np.full((2, 3), np.nan))
    assert np.isnan(edges).all()
    assert np.isnan(decile_points(np.array([[0.5], [0.6]]), edges, worst)).all()
