"""Final score, 42 CFR 512.745: adjustments, weights, the cliff at zero."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from openasm.regulation.final_score import (
    category_weights,
    complex_patient_adjustment,
    final_score,
    is_small_practice,
    small_practice_adjustment,
)
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for

RULES = rules_for(2027)
NONE = math.nan


def final(quality, cost, *, improvement=0.0, interoperability=0.0, complex_patient=0.0, small=0.0, minimum=True):
    result = final_score(
        np.array([quality]),
        np.array([cost]),
        improvement=np.array([improvement]),
        interoperability=np.array([interoperability]),
        complex_patient=np.array([complex_patient]),
        small_practice=np.array([small]),
        minimum_submission_met=np.array([minimum]),
        rules=RULES,
    )
    return float(result[0])


def test_the_worked_sum():
    assert final(0.65, 0.72, improvement=-10, interoperability=-2.5, complex_patient=3.1, small=10) == pytest.approx(
        69.1
    )


def test_clipping():
    assert final(1.0, 1.0, small=15) == 100
    assert final(0.05, 0.1, improvement=-20) == 0


def test_missing_categories():
    assert final(0.8, NONE) == pytest.approx(80)
    assert final(NONE, 0.3, small=10) == pytest.approx(40)
    assert math.isnan(final(NONE, NONE, small=10))
    weights = category_weights(np.array([NONE, 0.1, NONE, 0.1]), np.array([0.1, NONE, NONE, 0.1]), RULES)
    assert [each.tolist() for each in weights] == [[0, 1, 0, 0.5], [1, 0, 0, 0.5]]


def test_a_failed_minimum_submission_is_exactly_zero_whatever_else():
    assert final(1.0, 1.0, small=15, minimum=False) == 0.0
    assert final(NONE, NONE, minimum=False) == 0.0


@pytest.mark.parametrize(
    ("quality", "cost", "improvement", "interoperability"),
    [
        (0.1, 0.1, -10, 0.0),
        (0.3, NONE, -20, -10),
        (NONE, 0.1, -10, 0.0),
        (0.17, 0.17, -10, -7.0),
        (0.013 * 10, 0.27, -20, 0.0),
    ],
)
def test_a_sum_of_zero_is_exactly_zero(quality, cost, improvement, interoperability):
    assert final(quality, cost, improvement=improvement, interoperability=interoperability) == 0.0


def test_the_smallest_real_score_is_not_taken_for_zero():
    assert final(0.1 + 1 / 10_000, 0.1, improvement=-10) > 0


def test_draws_broadcast_over_participants():
    quality = np.array([[0.5, 0.6, NONE], [0.4, NONE, NONE]])
    result = final_score(
        quality,
        np.array([0.5, NONE, NONE]),
        improvement=np.zeros(3),
        interoperability=np.zeros(3),
        complex_patient=np.zeros(3),
        small_practice=np.array([0.0, 10.0, 0.0]),
        minimum_submission_met=np.array([True, True, True]),
        rules=RULES,
    )
    assert result[0].tolist() == pytest.approx([50, 70, NONE], nan_ok=True)
    assert result[1].tolist() == pytest.approx([45, NONE, NONE], nan_ok=True)


def test_small_practices():
    clinicians = np.array([1, 2, 15, 16, 400])
    assert small_practice_adjustment(clinicians, RULES).tolist() == [15, 10, 10, 0, 0]
    assert is_small_practice(clinicians, RULES).tolist() == [True, True, True, False, False]


def ratios(*texts):
    return Ratios.of_fractions(None if text is None else Fraction(text) for text in texts)


def test_complex_patients_of_a_drawn_table():
    """HCC 1, 2, 3, 4: mean 2.5, sample deviation 1.29099; median 2.5, so 3 and 4 earn points. Dual shares are equal."""
    result = complex_patient_adjustment(ratios("1", "2", "3", "4"), ratios("0.2", "0.2", "0.2", "0.2"), RULES)
    deviation = math.sqrt(5 / 3)
    assert result.tolist() == pytest.approx([0, 0, 1.5 + 4 * 0.5 / deviation, 1.5 + 4 * 1.5 / deviation])


def test_a_value_at_the_median_counts_and_may_lie_below_the_mean():
    result = complex_patient_adjustment(ratios("1", "2", "2", "9"), ratios(None, None, None, None), RULES)
    deviation = math.sqrt(((1 - 3.5) ** 2 + 2 * (2 - 3.5) ** 2 + (9 - 3.5) ** 2) / 3)
    assert result[1] == max(0.0, 1.5 + 4 * (2 - 3.5) / deviation)
    assert result[0] == 0
    mild = complex_patient_adjustment(ratios("1", "2", "2", "3.2"), ratios(None, None, None, None), RULES)
    assert 0 < mild[1] < 1.5


def test_the_sum_stops_at_ten():
    outlier = ratios(*["1"] * 30, "50")
    assert complex_patient_adjustment(outlier, outlier, RULES)[-1] == 10


def test_empty_values_stay_out():
    with_gaps = complex_patient_adjustment(ratios("1", None, "2", "3", "4", None), ratios(*[None] * 6), RULES)
    plain = complex_patient_adjustment(ratios("1", "2", "3", "4"), ratios(*[None] * 4), RULES)
    assert with_gaps[[0, 2, 3, 4]].tolist() == plain.tolist()
    assert with_gaps[[1, 5]].tolist() == [0, 0]


def test_equal_values_earn_nothing_though_their_float_deviation_is_not_zero():
    values = ratios(*["0.1"] * 30)
    assert np.std(values.value, ddof=1) != 0
    assert complex_patient_adjustment(values, values, RULES).tolist() == [0.0] * 30


def test_one_participant_alone_has_no_spread():
    assert complex_patient_adjustment(ratios("1.4"), ratios("0.3"), RULES).tolist() == [0.0]


def test_the_median_is_met_exactly():
    """1/3 thrice: floats of sums would differ in the last digit."""
    third = Fraction(1, 3)
    values = Ratios.of_fractions([third - 1, third, third, third, third + Fraction(3, 10)])
    assert (complex_patient_adjustment(values, ratios(*[None] * 5), RULES)[1:] > 0).all()


def test_tiny_differences_keep_their_digits():
    shifted = Ratios.of_fractions(Fraction(10**9) + Fraction(place, 10**6) for place in range(5))
    plain = Ratios.of_fractions(Fraction(place) for place in range(5))
    nothing = ratios(*[None] * 5)
    left, right = (complex_patient_adjustment(values, nothing, RULES) for values in (shifted, plain))
    assert left == pytest.approx(right, rel=1e-14)
