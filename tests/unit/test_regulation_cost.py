"""Cost, 42 CFR 512.730: the grid, CMS's published cut points, edges decided without square roots."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.regulation.cost import (
    CostFinding,
    cost_edges,
    cost_measure_of,
    cost_points,
    grid_multiples,
    points_of,
    pool_benchmark,
    published_benchmark,
    score_cost,
)
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for

RULES = rules_for(2027)
CUTS = {
    ("COST_HF_1", "mips-2024"): "8001.85 9880.5 11759.15 15516.45 17395.1 19273.75 21152.41 22091.73 23031.06 23970.38",
    (
        "COST_HF_1",
        "mips-2025",
    ): "8610.75 10550.47 12490.18 16369.62 18309.33 20249.05 22188.77 23158.63 24128.49 25098.35",
    ("COST_LBP_1", "mips-2024"): "1010.79 1296.08 1581.38 2151.96 2437.26 2722.55 3007.84 3150.49 3293.13 3435.78",
    ("COST_LBP_1", "mips-2025"): "1019.5 1328.74 1637.98 2256.45 2565.69 2874.93 3184.17 3338.79 3493.41 3648.03",
}
MEDIAN_AND_DEVIATION = {
    ("COST_HF_1", "mips-2024"): (13637.80, 3757.30),
    ("COST_HF_1", "mips-2025"): (14429.90, 3879.44),
    ("COST_LBP_1", "mips-2024"): (1866.67, 570.58),
    ("COST_LBP_1", "mips-2025"): (1947.22, 618.47),
}


def ratios(*texts):
    return Ratios.of_fractions(None if text is None else Fraction(text) for text in texts)


@pytest.mark.parametrize("key", CUTS)
def test_published_cut_points(key):
    benchmark = published_benchmark(*key, RULES)
    assert benchmark.edges.tolist() == [float(cut) for cut in CUTS[key].split()]
    median, deviation = MEDIAN_AND_DEVIATION[key]
    assert benchmark.median == pytest.approx(median, abs=0.02)
    assert benchmark.standard_deviation == pytest.approx(deviation, abs=0.011)
    grid = benchmark.median + grid_multiples(RULES) * benchmark.standard_deviation
    assert grid == pytest.approx(benchmark.edges, abs=0.03)


def test_worked_points_of_2024():
    benchmark = published_benchmark("COST_HF_1", "mips-2024", RULES)
    expected = {
        "13637.80": 7.5,
        "8001.84": 10.0,
        "8001.85": 9.9,
        "11759.15": 7.9,
        "15516.45": 6.9,
        "15516.44": 7.0,
        "14164.73": 7.4,
        "23970.37": 1.0,
        "23970.38": 1.0,
        "99999": 1.0,
        "0": 10.0,
    }
    assert dict(zip(expected, points_of(ratios(*expected), benchmark, RULES).tolist(), strict=True)) == expected


def test_the_national_average_before_rounding():
    edges = published_benchmark("COST_HF_1", "mips-2024", RULES).edges
    assert 7 + (edges[3] - 14164.73) / (edges[3] - edges[2]) == pytest.approx(7.36, abs=0.005)


@pytest.mark.parametrize(
    ("measure", "source"), [("COST_HF_1", "mips-2026"), ("COST_HF_1", "mips-2023"), ("COST_HIP_1", "mips-2024")]
)
def test_placeholders_and_the_unknown_are_no_benchmarks(measure, source):
    with pytest.raises(NotFound):
        published_benchmark(measure, source, RULES)


def test_a_pool_of_twenty_one():
    """Scores 1000, 1100, ..., 3000: median 2000, variance 385,000 of n - 1."""
    pool = ratios(*(str(1000 + 100 * place) for place in range(21)))
    benchmark = pool_benchmark(pool, RULES)
    assert benchmark.median == 2000
    assert benchmark.variance == 385_000
    assert benchmark.standard_deviation == pytest.approx(620.4836822995428, rel=1e-15)
    assert benchmark.edges == pytest.approx(
        2000 + 620.4836822995428 * np.array([-1.5, -1, -0.5, 0.5, 1, 1.5, 2, 2.25, 2.5, 2.75])
    )
    points = points_of(pool, benchmark, RULES)
    assert points[10] == 7.5
    assert points[0] == 10.0
    assert points.tolist() == sorted(points.tolist(), reverse=True)
    of_n = RULES.with_value("cost.standard_deviation_divisor", "n", citation="what if")
    assert pool_benchmark(pool, of_n).variance == Fraction(7_700_000, 21)


def square_pool():
    """Scores of which the deviation is a whole number: edges are rational and can be hit."""
    # 13 and 13 at distance 100 of the mean 1000, 1 at 1000: sum of squares 260,000, n - 1 = 26, variance 10,000
    return ["900"] * 13 + ["1000"] + ["1100"] * 13


def test_scores_exactly_on_the_edges():
    pool = ratios(*square_pool())
    benchmark = pool_benchmark(pool, RULES)
    assert benchmark.standard_deviation == 100
    assert benchmark.edges.tolist() == [850, 900, 950, 1050, 1100, 1150, 1200, 1225, 1250, 1275]
    expected = [9.9, 8.9, 7.9, 6.9, 5.9, 4.9, 3.9, 2.9, 1.9, 1.0]
    on_edge = ratios(*(str(edge) for edge in benchmark.edges.astype(int)))
    assert points_of(on_edge, benchmark, RULES).tolist() == expected
    a_hair = Fraction(1, 10**30)
    below = Ratios.of_fractions(Fraction(int(edge)) - a_hair for edge in benchmark.edges)
    assert points_of(below, benchmark, RULES).tolist() == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    # t = 0.45 exactly (1050 - 45), and a hair on either side
    half = Ratios.of_fractions([Fraction(1005), Fraction(1005) + a_hair, Fraction(1005) - a_hair])
    assert points_of(half, benchmark, RULES).tolist() == [7.5, 7.4, 7.5]


@pytest.mark.parametrize(
    ("count", "finding"), [(19, CostFinding.POOL_TOO_SMALL), (20, CostFinding.SCORED), (21, CostFinding.SCORED)]
)
def test_the_smallest_pool(count, finding):
    scores = ratios(*(str(1000 + place) for place in range(count)), "1", None)
    episodes = np.array([20] * count + [19, 0])
    result = score_cost(scores, episodes, cohort="low_back_pain", rules=RULES)
    assert [CostFinding(each) for each in result.finding] == [finding] * count + [
        CostFinding.TOO_FEW_EPISODES,
        CostFinding.NO_SCORE,
    ]
    assert result.pool_size == count
    assert np.isnan(result.category_score[count:]).all()
    assert np.isnan(result.category_score[:count]).all() == (finding is not CostFinding.SCORED)


def test_equal_scores_are_not_scored_though_their_float_deviation_is_not_zero():
    scores = ratios(*["0.1"] * 30)
    assert np.std(scores.value, ddof=1) != 0
    result = score_cost(scores, np.full(30, 20), cohort="heart_failure", rules=RULES)
    assert set(result.finding.tolist()) == {CostFinding.NO_SPREAD}
    assert result.benchmark is None
    assert np.isnan(result.points).all()


def test_a_published_benchmark_needs_no_pool():
    result = score_cost(ratios("13637.80"), np.array([20]), cohort="heart_failure", rules=RULES, benchmark="mips-2024")
    assert result.points.tolist() == [7.5]
    assert result.category_score.tolist() == [0.75]
    assert (result.benchmark.source, result.benchmark.pool_size) == ("mips-2024", 0)


def test_unknown_benchmarks_and_cohorts():
    with pytest.raises(WrongUsage, match="mips-2026"):
        score_cost(ratios("1"), np.array([20]), cohort="heart_failure", rules=RULES, benchmark="mips-2026")
    with pytest.raises(NotFound):
        cost_measure_of("knees", RULES)
    assert [cost_measure_of(cohort, RULES) for cohort in ("heart_failure", "low_back_pain")] == [
        "COST_HF_1",
        "COST_LBP_1",
    ]


def test_a_choice_that_cannot_be_computed_is_refused():
    rules = RULES.with_value("cost.benchmark_center", "mean", citation="what if")
    with pytest.raises(InputRefused, match="R010"):
        pool_benchmark(ratios(*square_pool()), rules)


def test_float_edges_and_points_agree_with_the_exact_ones():
    pool = ratios(*(str(1000 + 17 * place % 401) for place in range(40)))
    benchmark = pool_benchmark(pool, RULES)
    gaps = np.insert(pool.value, [0, 7], np.nan)
    edges = cost_edges(np.stack([gaps, gaps]), grid_multiples(RULES))
    assert edges[0] == pytest.approx(benchmark.edges)
    assert cost_points(pool.value[None], edges[:1])[0].tolist() == points_of(pool, benchmark, RULES).tolist()
    assert np.isnan(cost_points(gaps, edges[0])[[0, 8]]).all()


def test_float_edges_without_spread_or_pool():
    scores = np.array([[5.0, 5.0, 5.0], [np.nan, np.nan, np.nan], [np.nan, 4.0, np.nan]])
    edges = cost_edges(scores, grid_multiples(RULES))
    assert np.isnan(edges).all()
    assert np.isnan(cost_points(scores, edges)).all()


def test_huge_and_tiny_amounts_stay_exact():
    base = 10**25
    scores = Ratios.of_fractions(Fraction(base) + Fraction(place, 10**12) for place in range(21))
    result = score_cost(scores, np.full(21, 20), cohort="heart_failure", rules=RULES)
    small = Ratios.of_fractions(Fraction(place) for place in range(21))
    plain = score_cost(small, np.full(21, 20), cohort="heart_failure", rules=RULES)
    assert result.points.tolist() == plain.points.tolist()
