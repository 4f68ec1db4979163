"""Properties of a projection, and whether its ranges hold what they promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.projection.outcome import share_above, share_below, spreads_of
from openasm.projection.quantiles import another_year_of_amounts, another_year_of_counts
from openasm.projection.scenario import Scenario, assumptions_for
from openasm.projection.simulate import cohort_model, simulate
from openasm.regulation.rulebook import rules_for
from tests.builders.score_folders import npi, tin
from tests.builders.standings import quality_row, standing_of

BASE = Scenario(rules_for(2027), assumptions_for(2027)).with_assumption(
    "participants_in_cohort", {"heart_failure": 120, "low_back_pain": 120}
)
MEASURES = {"238": "ecqm", "134": "ecqm", "128": "cqm", "220": "cqm"}
SETTINGS = settings(max_examples=40, deadline=None, derandomize=True)


def one(met: dict[str, int], cases: int, cost: float):
    person = (tin(1), npi(1))
    rows = [quality_row(*person, measure, met[measure], cases, kind=kind) for measure, kind in MEASURES.items()]
    return standing_of("low_back_pain", rows, [person], cost=[cost])


@st.composite
def someone(draw):
    cases = draw(st.integers(20, 200))
    met = {measure: draw(st.integers(0, cases)) for measure in MEASURES}
    return met, cases, draw(st.floats(800, 4500))


@SETTINGS
@given(someone(), st.sampled_from([*MEASURES, "cost"]), st.integers(1, 60))
def test_better_inputs_never_lower_the_score_or_the_payment(person, what, step):
    met, cases, cost = person
    before = simulate(cohort_model(one(met, cases, cost), np.arange(1), BASE), draws=60, threads=1)
    better = dict(met)
    if what == "cost":
        cost = max(1.0, cost - 10 * step)
    elif what == "238":
        better[what] = max(0, met[what] - step)
    else:
        better[what] = min(cases, met[what] + step)
    after = simulate(cohort_model(one(better, cases, cost), np.arange(1), BASE), draws=60, threads=1)
    # Draw by draw: the same chance and the same peers. One's own rate is one of some 110 in the pool, which moves the edges
    # a little, hence a tenth of a point; the other participants' share of the pool likewise.
    assert np.all(after.final_score >= before.final_score - 0.51)
    assert np.median(after.final_score) >= np.median(before.final_score) - 0.3
    assert np.median(after.factor) >= np.median(before.factor) - 1.5e-3
    for each in (before, after):
        assert 0 <= share_below(each.factor) <= 1
        assert 0 <= share_above(each.factor) <= 1
        assert share_below(each.factor) + share_above(each.factor) <= 1


@SETTINGS
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_the_numbers_of_a_spread_are_in_order(values):
    (spread,) = spreads_of(np.array([values]))
    assert spread.p5 <= spread.p25 <= spread.median <= spread.p75 <= spread.p95
    assert min(values) <= spread.mean <= max(values)


@pytest.mark.parametrize(("cases", "low", "high"), [(20, 0.86, 0.97), (60, 0.87, 0.95), (400, 0.88, 0.93)])
def test_ninety_percent_ranges_of_rates_hold_next_years_rate(cases, low, high):
    """Participants with known true rates: this year's count gives a range, which next year's rate must fall in."""
    draw = np.random.default_rng(20270101)
    rates = draw.beta(6, 3, 4000)
    this_year, next_year = draw.binomial(cases, rates), draw.binomial(cases, rates) / cases
    tables = another_year_of_counts(this_year.astype(float), np.full(4000, cases), prior=0.5)
    lower, upper = np.quantile(tables, [0.05, 0.95], axis=1, method="inverted_cdf")
    covered = np.mean((next_year >= lower) & (next_year <= upper))
    # At least the promise, and not much more than what whole counts force.
    assert low <= covered <= high


def test_ninety_percent_ranges_of_costs_hold_next_years_cost():
    draw = np.random.default_rng(20270102)
    variance = 1 / draw.integers(20, 150, 4000)
    true = draw.lognormal(9.5, 0.25, 4000)
    this_year = true * np.exp(draw.normal(0, np.sqrt(variance)))
    next_year = true * np.exp(draw.normal(0, np.sqrt(variance)))
    tables = another_year_of_amounts(this_year, variance)
    lower, upper = np.quantile(tables, [0.05, 0.95], axis=1)
    assert np.mean((next_year >= lower) & (next_year <= upper)) == pytest.approx(0.90, abs=0.02)


def test_ninety_percent_ranges_of_final_scores_hold_the_score_of_another_year():
    """The whole way: true rates, this year's data, a projected range; and next year's data scored in the same cohorts."""
    draw = np.random.default_rng(20270103)
    count, cases, size = 150, 60, 400
    people = [(tin(place), npi(place)) for place in range(count)]
    true = {measure: draw.beta(1, 15, count) if measure == "238" else draw.beta(6, 3, count) for measure in MEASURES}
    cost = draw.lognormal(np.log(1947), 0.3, count)
    variance = 1 / 60

    def a_year():
        rows = [
            quality_row(*each, measure, int(draw.binomial(cases, true[measure][place])), cases, kind=kind)
            for measure, kind in MEASURES.items()
            for place, each in enumerate(people)
        ]
        costs = cost * np.exp(draw.normal(0, np.sqrt(variance), count))
        return standing_of("low_back_pain", rows, people, cost=costs.tolist(), episodes=60)

    base = BASE.with_assumption("participants_in_cohort", {"heart_failure": size, "low_back_pain": size})
    projected = simulate(cohort_model(a_year(), np.arange(count), base), draws=400)
    lower, upper = np.quantile(projected.final_score, [0.05, 0.95], axis=1)
    final = dataclasses.replace(base, own_error="none")
    inside = []
    for _ in range(4):
        happened = simulate(cohort_model(a_year(), np.arange(count), final), draws=1).final_score[:, 0]
        inside.append((happened >= lower) & (happened <= upper))
    # 600 trials, four on each range: a standard error of about two points.
    assert np.mean(inside) == pytest.approx(0.90, abs=0.05)
