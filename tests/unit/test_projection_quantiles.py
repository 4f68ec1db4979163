"""The distributions peers and participants are drawn from."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from openasm.projection.published import cost_table, rate_quantiles, rate_table, spread_of
from openasm.projection.quantiles import (
    LATENT_STEP,
    PERCENTILES,
    STEPS,
    another_year_of_amounts,
    another_year_of_counts,
    from_percentiles,
    lognormal,
    middles,
    normal_quantiles,
    published_values,
)
from openasm.regulation.rulebook import rules_for

RULES = rules_for(2027)


def every_published() -> list[tuple[str, str]]:
    return [
        (parameter.name.removeprefix("published_benchmarks.quality_"), kind)
        for parameter in RULES
        if parameter.name.startswith("published_benchmarks.quality_")
        for kind in parameter.table
        if kind in ("ecqm", "cqm")
    ]


@pytest.mark.parametrize(("measure", "kind"), every_published())
def test_the_inverse_distribution_goes_through_every_published_percentile(measure, kind):
    years = RULES[f"published_benchmarks.quality_{measure}"].table[kind]
    newest = max(year for year, record in years.items() if not record["mock"])
    record = years[newest]
    if record["scale"] != "percentile":
        pytest.skip("a fixed scale is no distribution")
    expected = np.array(published_values(record)) / 100
    at = np.array(PERCENTILES)
    if measure == "238":  # lower is better: worst first
        got, _ = rate_quantiles(measure, kind, 1 - at, rules=RULES, vintage="newest")
    else:
        got, _ = rate_quantiles(measure, kind, at, rules=RULES, vintage="newest")
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("measure", "kind"), every_published())
def test_peers_rates_are_rates_and_better_is_larger(measure, kind):
    table, source = rate_table(measure, kind, rules=RULES, vintage="newest")
    assert source.year == 2026
    assert np.all(np.diff(table) >= 0)
    assert np.all((np.abs(table) >= 0) & (np.abs(table) <= 1))
    assert len(table) == STEPS


def test_a_topped_out_measure_ties_exactly():
    table, _ = rate_table("005", "cqm", rules=RULES, vintage="newest")
    best = table[STEPS // 2 :]  # the 30th percentile is already 100%
    assert set(best.tolist()) == {1.0}


def test_a_flat_scale_takes_the_other_collection_type_at_the_published_average():
    at = middles(20_000)
    values, source = rate_quantiles("236", "cqm", at, rules=RULES, vintage="newest")
    by_ecqm, _ = rate_quantiles("236", "ecqm", at, rules=RULES, vintage="newest")
    assert "+2.65" in source.how
    assert np.median(values) - np.median(by_ecqm) == pytest.approx(0.0265, abs=1e-9)


def test_placeholder_rows_are_never_used():
    _, source = rate_table("492", "claims", rules=RULES, vintage="newest")
    assert source.year == 2025
    assert rate_table("492", "claims", rules=RULES, vintage="previous")[1].year == 2024
    assert cost_table("heart_failure", rules=RULES, vintage="newest", trend=1.0)[2] == 2025


@pytest.mark.parametrize(
    ("cohort", "median", "deviation", "mean"),
    [("heart_failure", 14429.90, 3879.44, 14803.41), ("low_back_pain", 1947.22, 618.47, 2033.37)],
)
def test_costs_have_the_published_median_spread_and_nearly_the_mean(cohort, median, deviation, mean):
    _, spread, _ = cost_table(cohort, rules=RULES, vintage="newest", trend=1.0)
    assert (spread.median, spread.standard_deviation) == (pytest.approx(median, abs=0.01), pytest.approx(deviation))
    values = lognormal(median, deviation, middles(200_001))
    assert np.median(values) == pytest.approx(median)
    assert values.std() == pytest.approx(deviation, rel=2e-3)
    assert values.mean() == pytest.approx(mean, rel=0.01)  # not fitted: supports the form


def test_cut_points_give_median_and_deviation_back():
    grid = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.25, 2.5, 2.75)
    spread = spread_of(tuple(100 + 8 * each for each in grid))
    assert (spread.median, spread.standard_deviation) == (100, 8)


def test_percentiles_that_fall_are_refused():
    with pytest.raises(ValueError, match="do not fall"):
        from_percentiles([1, 2, 3, 4, 5, 4, 7, 8, 9, 10, 11], np.array([0.5]), low=0, high=100)


def test_beyond_the_outer_percentiles_the_line_goes_on_within_bounds():
    eleven = [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99.9]
    values = from_percentiles(eleven, np.array([0.0, 0.005, 0.999, 1.0]), low=0, high=100)
    assert values.tolist() == pytest.approx([0.0, 0.5, 99.99, 100.0], abs=1e-9)


def test_another_years_counts_are_the_beta_binomial_distribution():
    met, cases, prior = 13, 20, 0.5
    slices = 4096
    table = another_year_of_counts(np.array([float(met)]), np.array([cases]), prior=prior, slices=slices)[0]
    first, second = met + prior, cases - met + prior

    def beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    for count in range(cases + 1):
        exact = math.comb(cases, count) * math.exp(beta(first + count, second + cases - count) - beta(first, second))
        assert np.mean(table == count / cases) == pytest.approx(exact, abs=1.01 / slices)


def test_another_year_of_few_and_of_many_cases():
    tables = another_year_of_counts(np.array([15.0, 150_000.0, 0.0]), np.array([20, 200_000, 0]), prior=0.5)
    few, many, none = tables
    assert (few[51], few[972]) == (0.5, 0.95)
    assert many[512] == pytest.approx(0.75, abs=1e-4)
    assert many.std() == pytest.approx(math.sqrt(2 * 0.75 * 0.25 / 200_000), rel=0.01)
    assert np.isnan(none).all()


def test_more_met_is_never_worse_in_any_slice():
    cases = np.full(41, 40)
    tables = another_year_of_counts(np.arange(41.0), cases, prior=0.5)
    assert np.all(np.diff(tables, axis=0) >= 0)


def test_another_year_of_an_amount_keeps_the_median_and_doubles_the_variance():
    table = another_year_of_amounts(np.array([1000.0]), np.array([0.01]), slices=200_000)[0]
    assert np.median(table) == pytest.approx(1000)
    assert np.log(table).var() == pytest.approx(math.log1p(0.02), rel=1e-3)


def test_latent_steps_span_the_normal_distribution():
    assert normal_quantiles(np.array([0.5]))[0] == 0
    assert STEPS * LATENT_STEP == 16
    assert Fraction(1, 4096) == Fraction(LATENT_STEP)
