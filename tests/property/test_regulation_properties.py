"""What must hold of the rule whatever the cohort: bounds, order, permutation, batching, budget, exactness."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.regulation.cost import cost_edges, cost_points, grid_multiples, pool_benchmark, score_cost
from openasm.regulation.cost import points_of as cost_points_of
from openasm.regulation.final_score import complex_patient_adjustment, final_score
from openasm.regulation.interoperability import score_interoperability
from openasm.regulation.payment import payment
from openasm.regulation.quality import (
    category_score,
    decile_edges,
    decile_points,
    decile_steps,
    points_of,
    quality_benchmark,
    score_quality,
)
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from tests.builders.regulation_rows import FULL_PI, attested, quality_rows

RULES = rules_for(2027)
NO_CAP = RULES.with_value("payment.positive_factor_cap", "none", citation="what if")
AT_MEDIAN = RULES.with_value("payment.transform_midpoint_choice", "cohort_median", citation="what if")

examples = settings(max_examples=80, deadline=None, derandomize=True)

# Few distinct rates, many ties, and rates that stand on edges and half tenths.
pools = st.tuples(st.sampled_from([20, 40, 97, 300]), st.lists(st.integers(0, 300), min_size=20, max_size=40)).map(
    lambda drawn: [Fraction(met % (drawn[0] + 1), drawn[0]) for met in drawn[1]]
)
cost_pools = st.tuples(st.sampled_from([1, 100, 7]), st.lists(st.integers(0, 90), min_size=20, max_size=40)).map(
    lambda drawn: [Fraction(amount, drawn[0]) for amount in drawn[1]]
)
seeds = st.integers(0, 2**32)
final_scores = st.sampled_from([0.0, 100.0, math.nan, 50.0, 1e-6]) | st.floats(0, 100)


def plain_decile_points(x: Fraction, pool: list[Fraction]) -> float:
    """The words of the rule over a sorted list, nothing else."""
    ordered = sorted(pool)
    edges = []
    for decile in range(1, 10):
        position = Fraction(decile, 10) * (len(ordered) - 1)
        below = position.numerator // position.denominator
        above = min(below + 1, len(ordered) - 1)
        edges.append(ordered[below] + (position - below) * (ordered[above] - ordered[below]))
    n = sum(edge <= x for edge in edges)
    if n == 9:
        return 10.0
    low = ordered[0] if n == 0 else edges[n - 1]
    tenth = (10 * (x - low) / (edges[n] - low) + Fraction(1, 2)) // 1 if x > low else 0
    return n + 1 + min(9, tenth) / 10


@examples
@given(pools, st.booleans())
def test_decile_points_are_exact_within_bounds_and_never_fall_with_better_rates(pool, inverse):
    ratios = Ratios.of_fractions(pool)
    benchmark = quality_benchmark(ratios, inverse=inverse, rules=RULES)
    points = points_of(ratios, benchmark, RULES)
    turned = [-rate if inverse else rate for rate in pool]
    assert points.tolist() == [plain_decile_points(rate, turned) for rate in turned]
    assert points.min() >= 1
    assert points.max() <= 10
    in_order = points[np.array(sorted(range(len(pool)), key=lambda place: turned[place]))]
    assert (np.diff(in_order) >= 0).all()


@examples
@given(pools, seeds)
def test_permuting_the_pool_and_batching_the_rates_change_nothing(pool, seed):
    benchmark = quality_benchmark(Ratios.of_fractions(pool), inverse=False, rules=RULES)
    shuffled = Random(seed).sample(pool, len(pool))
    again = quality_benchmark(Ratios.of_fractions(shuffled), inverse=False, rules=RULES)
    assert (benchmark.edges, benchmark.worst) == (again.edges, again.worst)
    together = points_of(Ratios.of_fractions(pool), benchmark, RULES)
    by_three = [points_of(Ratios.of_fractions(pool[at : at + 3]), benchmark, RULES) for at in range(0, len(pool), 3)]
    assert together.tolist() == np.concatenate(by_three).tolist()


@examples
@given(cost_pools)
def test_cost_points_are_within_bounds_and_never_rise_with_cost(pool):
    ratios = Ratios.of_fractions(pool)
    benchmark = pool_benchmark(ratios, RULES)
    assert (benchmark is None) == (len(set(pool)) == 1)
    if benchmark is None:
        return
    points = cost_points_of(ratios, benchmark, RULES)
    assert points.min() >= 1
    assert points.max() <= 10
    in_order = points[np.array(sorted(range(len(pool)), key=lambda place: pool[place]))]
    assert (np.diff(in_order) <= 0).all()
    assert np.allclose(points * 10, np.round(points * 10))


@examples
@given(cost_pools, st.fractions(1, 1000, max_denominator=7), st.fractions(-1000, 1000, max_denominator=7))
def test_cost_points_do_not_depend_on_unit_or_zero_of_dollars(pool, factor, shift):
    """Edges are median + multiples of the deviation: a change of unit changes no point, ties and edges included."""
    episodes = np.full(len(pool), 20)
    one = score_cost(Ratios.of_fractions(pool), episodes, cohort="heart_failure", rules=RULES)
    moved = Ratios.of_fractions(factor * score + shift for score in pool)
    other = score_cost(moved, episodes, cohort="heart_failure", rules=RULES)
    assert one.points.tolist() == other.points.tolist() or (np.isnan(one.points).all() and np.isnan(other.points).all())


@examples
@given(
    st.lists(
        st.tuples(
            st.integers(0, 24),
            st.sampled_from(["236", "005", "008"]),
            st.sampled_from(["ecqm", "cqm"]),
            st.booleans(),
            st.integers(0, 60),
            st.integers(0, 60),
            st.integers(0, 40),
        ),
        max_size=80,
        unique_by=lambda row: row[:4],
    ),
    seeds,
)
def test_the_order_of_rows_changes_nothing_in_the_category(rows, seed):
    def build(listed):
        return quality_rows(
            (
                {
                    "who": who,
                    "measure": measure,
                    "type": kind,
                    "tin": tin,
                    "met": met,
                    "not_met": missed,
                    "eligible": met + missed + more,
                }
                for who, measure, kind, tin, met, missed, more in listed
            ),
            cohort="heart_failure",
            rules=RULES,
        )

    order = Random(seed).sample(range(len(rows)), len(rows))
    one = score_quality(build(rows), cohort="heart_failure", participants=25, rules=RULES)
    other = score_quality(build([rows[place] for place in order]), cohort="heart_failure", participants=25, rules=RULES)
    assert np.array_equal(one.category_score, other.category_score, equal_nan=True)
    assert np.array_equal(one.measure_points, other.measure_points, equal_nan=True)
    assert np.array_equal(one.row_finding[order], other.row_finding)
    assert one.benchmarks.keys() == other.benchmarks.keys()
    assert np.array_equal(one.row_used[order], other.row_used)
    known = one.category_score[~np.isnan(one.category_score)]
    assert ((known >= 0) & (known <= 1)).all()


@examples
@given(st.lists(st.tuples(final_scores, st.floats(0, 1e6)), min_size=1, max_size=30))
def test_the_budget_of_a_cohort(people):
    """Without a cap the dollars sum to -(1 - R) r sum(B), when someone with payments has a transformed score above 0.

    A score of 0 has T = 0 and the factor -r, which is what the formula gives for T = 0: so zero scores do not disturb the sum,
    they finance the others. When nobody with payments scores above 0, the zeros' whole -r stays with the Trust Fund.
    """
    scores, paid = np.array([each[0] for each in people]), np.array([each[1] for each in people])
    result = payment(scores, paid, NO_CAP)
    base = paid[~np.isnan(scores)].sum()
    if np.isnan(result.scaling_factor):
        assert math.isclose(result.change_dollars.sum(), -0.09 * paid[scores == 0].sum(), abs_tol=1e-6)
    else:
        assert math.isclose(result.change_dollars.sum(), -0.15 * 0.09 * base, rel_tol=1e-9, abs_tol=1e-6)
    capped = payment(scores, paid, RULES)
    assert math.isclose(
        result.change_dollars.sum() - capped.change_dollars.sum(),
        capped.undistributed_dollars,
        rel_tol=1e-9,
        abs_tol=1e-6,
    )
    assert (capped.factor >= -0.09).all()
    assert (capped.factor <= 0.09).all()
    assert (capped.factor[np.isnan(scores)] == 0).all()


@examples
@given(st.lists(st.tuples(final_scores, st.floats(1, 1e6)), min_size=1, max_size=30), st.floats(0.001, 1000))
def test_scaling_dollars_scales_dollars_and_moves_no_factor(people, scale):
    scores, paid = np.array([each[0] for each in people]), np.array([each[1] for each in people])
    one, scaled = payment(scores, paid, RULES), payment(scores, scale * paid, RULES)
    assert np.allclose(one.factor, scaled.factor, rtol=1e-9, atol=1e-12)
    assert np.allclose(scale * one.change_dollars, scaled.change_dollars, rtol=1e-9, atol=1e-9)


@examples
@given(st.lists(st.tuples(final_scores, st.floats(1, 1e6)), min_size=2, max_size=20))
def test_a_better_final_score_never_has_a_worse_factor(people):
    scores, paid = np.array([each[0] for each in people]), np.array([each[1] for each in people])
    known = np.flatnonzero(~np.isnan(scores))
    factors = payment(scores, paid, RULES).factor[known[np.argsort(scores[known])]]
    assert (np.diff(factors) >= -1e-15).all()


@examples
@given(
    st.lists(
        st.tuples(st.floats(0, 1) | st.just(math.nan), st.floats(0, 1) | st.just(math.nan)), min_size=1, max_size=10
    ),
    st.sampled_from([0.0, -10.0, -20.0]),
    st.floats(-10, 0),
    st.floats(0, 10),
    st.sampled_from([0.0, 10.0, 15.0]),
    st.booleans(),
)
def test_final_scores_stay_within_bounds_and_rise_with_each_part(
    parts, improvement, interoperability, complex_patient, small, minimum
):
    quality, cost = np.array([each[0] for each in parts]), np.array([each[1] for each in parts])
    ones = np.ones(len(parts))

    def final(quality, cost, interoperability):
        return final_score(
            quality,
            cost,
            improvement=improvement * ones,
            interoperability=interoperability * ones,
            complex_patient=complex_patient * ones,
            small_practice=small * ones,
            minimum_submission_met=np.full(len(parts), minimum),
            rules=RULES,
        )

    score = final(quality, cost, interoperability)
    assert np.array_equal(np.isnan(score), np.isnan(quality) & np.isnan(cost) & minimum)
    known = ~np.isnan(score)
    assert ((score[known] >= 0) & (score[known] <= 100)).all()
    for better in (
        final(np.minimum(quality + 0.05, 1), cost, interoperability),
        final(quality, np.minimum(cost + 0.05, 1), interoperability),
        final(quality, cost, interoperability / 2),
    ):
        assert (better[known] >= score[known] - 1e-9).all()


@examples
@given(
    st.lists(st.none() | st.fractions(0, 5, max_denominator=50), min_size=1, max_size=30),
    seeds,
)
def test_complex_patients_stay_within_bounds_and_in_order(values, seed):
    nothing = Ratios.of_fractions([None] * len(values))
    points = complex_patient_adjustment(Ratios.of_fractions(values), nothing, RULES)
    assert ((points >= 0) & (points <= 10)).all()
    known = sorted((value, point) for value, point in zip(values, points.tolist(), strict=True) if value is not None)
    assert all(low[1] <= high[1] + 1e-12 for low, high in pairwise(known))
    order = Random(seed).sample(range(len(values)), len(values))
    again = complex_patient_adjustment(Ratios.of_fractions(values[place] for place in order), nothing, RULES)
    assert np.array_equal(points[order], again)


@examples
@given(
    st.dictionaries(
        st.sampled_from(sorted(FULL_PI)), st.sampled_from(["yes", "no", "excluded", (0, 9), (3, 9), (9, 9)])
    )
)
def test_interoperability_stays_within_bounds(changes):
    result = score_interoperability(attested({**FULL_PI, **changes}), tins=1, rules=RULES)
    assert 0 <= result.score[0] <= 100
    assert result.score[0] == round(result.score[0])
    assert -10 <= result.adjustment[0] <= 0
    assert (result.score[0] == 0) or all(met[0] for met in result.requirements.values())


draws = st.integers(1, 4).flatmap(
    lambda rows: st.integers(20, 30).flatmap(
        lambda columns: st.lists(
            st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0, math.nan]), min_size=columns, max_size=columns),
            min_size=rows,
            max_size=rows,
        )
    )
)


@examples
@given(draws)
def test_steps_of_points_are_the_points_read_the_other_way_round(table):
    """Counting the steps a rate has reached gives the points of `decile_points`, ties and equal pools included."""
    values = np.round(np.array(table), 6)  # deciles wide enough for floats to tell their tenths apart
    edges, worst = decile_edges(values)
    steps, points = decile_steps(edges, worst)
    expected = decile_points(values, edges, worst)
    for draw, everyone in enumerate(values):
        row = everyone[~np.isnan(everyone)]
        if not len(row):
            assert np.isnan(points[draw]).all()
            assert np.isnan(steps[draw]).all()
            continue
        assert (np.diff(points[draw]) >= 0).all()
        assert (np.diff(steps[draw]) >= 0).all()
        got = points[draw][np.searchsorted(steps[draw], row, side="right")]
        off = np.abs(got - expected[draw][~np.isnan(everyone)])
        near = np.abs(row[:, None] - steps[draw]).min(axis=1) <= 1e-12 * max(1.0, np.abs(row).max())
        assert (off[~near] == 0).all()
        assert (off <= 0.1 + 1e-12).all()
        on_edge = np.isin(row, edges[draw])
        assert (off[on_edge] == 0).all()


@examples
@given(draws)
def test_draws_side_by_side_equal_draws_one_by_one(table):
    """Every formula over (draws, participants) gives row by row what it gives over (participants,)."""
    values = np.array(table)
    multiples = grid_multiples(RULES)
    edges, worst = decile_edges(values)
    points = decile_points(values, edges, worst)
    bands = cost_edges(values, multiples)
    costs = cost_points(values, bands)
    category = category_score([points, costs])
    ones = np.ones(values.shape[1])
    final = final_score(
        category,
        costs / 10,
        improvement=-10 * ones,
        interoperability=-2 * ones,
        complex_patient=0 * ones,
        small_practice=10 * ones,
        minimum_submission_met=ones > 0,
        rules=RULES,
    )
    paid = 1000 + np.arange(values.shape[1])
    for rules in (RULES, AT_MEDIAN):
        result = payment(final, paid, rules)
        for draw, row in enumerate(values):
            row_edges, row_worst = decile_edges(row)
            assert np.array_equal(row_edges, edges[draw], equal_nan=True)
            row_points = decile_points(row, row_edges, row_worst)
            assert np.array_equal(row_points, points[draw], equal_nan=True)
            row_bands = cost_edges(row, multiples)
            assert np.allclose(row_bands, bands[draw], rtol=1e-12, equal_nan=True)
            assert np.array_equal(cost_points(row, bands[draw]), costs[draw], equal_nan=True)
            assert np.array_equal(category_score([row_points, costs[draw]]), category[draw], equal_nan=True)
            alone = payment(final[draw], paid, rules)
            assert np.allclose(alone.factor, result.factor[draw], rtol=1e-12)
            assert np.allclose(alone.change_dollars, result.change_dollars[draw], rtol=1e-12)
            assert np.isclose(alone.scaling_factor, result.scaling_factor[draw], rtol=1e-12, equal_nan=True)
