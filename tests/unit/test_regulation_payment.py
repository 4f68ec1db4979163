"""Payment, 42 CFR 512.750: the rule's example, the algebra, caps, nobody to distribute to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from openasm.regulation.payment import (
    adjustment_factor,
    capped_factor,
    displayed_factor,
    payment,
    scaling_factor,
    transformed_score,
)
from openasm.regulation.rulebook import rules_for

RULES = rules_for(2027)
NO_CAP = RULES.with_value("payment.positive_factor_cap", "none", citation="what if")
COHORT_MEDIAN = RULES.with_value("payment.transform_midpoint_choice", "cohort_median", citation="what if")


def test_the_rules_example_of_the_pool():
    result = payment(np.array([50.0]), np.array([1_000_000_000.0]), RULES)
    assert float(result.pool_dollars) == pytest.approx(76_500_000)


def test_the_algebra_of_three():
    transformed, paid = np.array([0.9, 0.5, 0.2]), np.array([100_000.0, 200_000.0, 50_000.0])
    scaling = scaling_factor(transformed, paid, RULES)
    assert float(scaling) == pytest.approx(1.4875, abs=1e-15)
    factors = adjustment_factor(np.array([70.0, 50.0, 40.0]), transformed, scaling, RULES)
    assert factors == pytest.approx([0.0304875, -0.0230625, -0.063225], abs=1e-15)
    assert float((factors * paid).sum()) == pytest.approx(-4725)


def test_the_transform():
    scores = np.array([0.0, 50.0, 60.0, 100.0, np.nan, 1e-6])
    values = transformed_score(scores, np.asarray(50.0), RULES)
    assert values.tolist() == pytest.approx(
        [0, 0.5, 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-5)), math.nan, 1 / (1 + math.exp(5))], nan_ok=True
    )


def test_a_slope_like_a_step_overflows_to_nothing():
    rules = RULES.with_value("payment.transform_slope", 1000, citation="what if")
    assert transformed_score(np.array([1.0, 99.0]), np.asarray(50.0), rules).tolist() == [0.0, 1.0]


def test_zero_and_no_score():
    result = payment(np.array([80.0, 0.0, np.nan]), np.array([1000.0, 2000.0, 4000.0]), RULES)
    assert result.factor[1:].tolist() == [-0.09, 0.0]
    assert result.multiplier[1:].tolist() == [0.91, 1.0]
    assert result.change_dollars[1:].tolist() == [-180.0, 0.0]
    assert math.isnan(result.transformed_score[2])
    assert float(result.pool_dollars) == pytest.approx(0.09 * 0.85 * 3000)  # the third is not in the pool


def test_the_cap_and_what_it_leaves_undistributed():
    scores, paid = np.array([100.0, 0.0]), np.array([1000.0, 9000.0])
    capped, free = payment(scores, paid, RULES), payment(scores, paid, NO_CAP)
    assert capped.factor.tolist() == [0.09, -0.09]
    assert free.factor[0] == pytest.approx(0.09 * 0.85 * 10 - 0.09)
    assert capped.uncapped_factor.tolist() == free.factor.tolist()
    assert float(capped.undistributed_dollars) == pytest.approx((free.factor[0] - 0.09) * 1000)
    assert float(free.undistributed_dollars) == 0
    assert capped_factor(np.array([-0.5, 0.05, 0.5]), RULES).tolist() == [-0.5, 0.05, 0.09]


def test_nobody_above_zero_leaves_the_pool_undistributed():
    result = payment(np.array([0.0, 0.0]), np.array([1000.0, 9000.0]), RULES)
    assert math.isnan(result.scaling_factor)
    assert result.factor.tolist() == [-0.09, -0.09]


def test_a_score_above_zero_without_payments_by_anyone_keeps_its_payments():
    result = payment(np.array([70.0, 0.0]), np.array([0.0, 9000.0]), RULES)
    assert math.isnan(result.scaling_factor)
    assert result.factor.tolist() == [0.0, -0.09]
    assert float(result.undistributed_dollars) == 0


def test_an_empty_cohort_and_one_without_scores():
    assert payment(np.array([]), np.array([]), RULES).factor.tolist() == []
    result = payment(np.array([np.nan]), np.array([5.0]), RULES)
    assert (result.factor.tolist(), float(result.pool_dollars)) == ([0.0], 0.0)
    assert math.isnan(payment(np.array([np.nan]), np.array([5.0]), COHORT_MEDIAN).midpoint)


def test_the_cohort_median_as_midpoint():
    scores = np.array([[10.0, 30.0, np.nan, 70.0, 90.0], [0.0, 20.0, 40.0, np.nan, np.nan]])
    result = payment(scores, np.ones(5), COHORT_MEDIAN)
    assert result.midpoint.tolist() == [50.0, 20.0]
    assert result.transformed_score[1, 1] == 0.5
    assert payment(scores[0], np.ones(5), COHORT_MEDIAN).midpoint == 50.0


def test_draws_are_paid_one_by_one():
    scores = np.array([[10.0, 30.0, np.nan, 0.0], [80.0, 0.0, 40.0, np.nan]])
    paid = np.array([100.0, 200.0, 300.0, 400.0])
    together = payment(scores, paid, RULES)
    for draw in range(2):
        alone = payment(scores[draw], paid, RULES)
        assert together.factor[draw].tolist() == alone.factor.tolist()
        assert float(together.scaling_factor[draw]) == float(alone.scaling_factor)
        assert float(together.undistributed_dollars[draw]) == float(alone.undistributed_dollars)


@pytest.mark.parametrize(("factor", "text"), [(0.0304875, "+0.0305"), (-0.09, "-0.0900"), (0.0, "+0.0000")])
def test_factors_as_people_see_them(factor, text):
    assert displayed_factor(factor, RULES) == text
