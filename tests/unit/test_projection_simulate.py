"""Simulated cohorts: reproducible, budget kept, the formulas those of the rule."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from openasm.base.errors import InputRefused, WrongUsage
from openasm.projection import simulate as simulation
from openasm.projection.known import known_participants
from openasm.projection.levers import pull_levers
from openasm.projection.outcome import break_even_scores, histogram_of, spread_of
from openasm.projection.scenario import NO_ERROR, OWN, PUBLISHED, Scenario, assumptions_for
from openasm.projection.sensitivity import alternatives
from openasm.projection.simulate import cohort_model, random_numbers, simulate
from openasm.regulation.cost import score_cost
from openasm.regulation.final_score import complex_patient_adjustment, final_score, small_practice_adjustment
from openasm.regulation.payment import payment
from openasm.regulation.quality import score_quality
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from tests.builders.score_folders import npi, tin
from tests.builders.standings import made_up, quality_row, standing_of

RULES = rules_for(2027)
ASSUMED = assumptions_for(2027)
COHORTS = ("heart_failure", "low_back_pain")


def scenario(**changes) -> Scenario:
    return Scenario(RULES, ASSUMED, **changes)


def small_cohorts(size: int = 300) -> Scenario:
    sizes = dict.fromkeys(COHORTS, size)
    return scenario().with_assumption("participants_in_cohort", sizes)


def everyone(standing):
    return np.arange(len(standing))


@pytest.mark.parametrize("cohort", COHORTS)
def test_without_any_chance_the_projection_is_the_score(cohort):
    """Own cohort, everybody asked for, final data: every draw is the exact scoring of the same rows."""
    standing = made_up(cohort, 120)
    model = cohort_model(standing, everyone(standing), scenario(peers=OWN, own_error=NO_ERROR))
    draws = simulate(model, draws=3)
    quality = score_quality(standing.rows, cohort=cohort, participants=120, rules=RULES)
    cost = score_cost(
        Ratios.of_fractions([None if np.isnan(each) else round(each * 100) for each in standing.cost]),
        standing.episodes,
        cohort=cohort,
        rules=RULES,
    )
    final = final_score(
        quality.category_score,
        cost.category_score,
        improvement=standing.improvement,
        interoperability=standing.interoperability,
        complex_patient=complex_patient_adjustment(
            Ratios.of_fractions(standing.risk_scores), Ratios.of_fractions(standing.dual_shares), RULES
        ),
        small_practice=small_practice_adjustment(standing.clinicians, RULES),
        minimum_submission_met=quality.minimum_submission_met,
        rules=RULES,
    )
    exact = payment(final, standing.part_b, RULES)
    # Single precision may round a tenth of a point of one measure the other way; nothing else.
    assert np.abs(draws.final_score - final[:, None]).max() <= 1.3
    assert np.mean(np.abs(draws.final_score[:, 0] - final) < 1e-3) > 0.98
    assert np.abs(draws.factor - exact.factor[:, None]).max() < 0.003
    assert np.ptp(draws.factor, axis=1).max() == 0


@pytest.mark.parametrize("peers", [PUBLISHED, OWN])
@pytest.mark.parametrize("cohort", COHORTS)
def test_the_seed_alone_decides(cohort, peers, monkeypatch):
    standing = made_up(cohort, 60)
    base = dataclasses.replace(small_cohorts(), peers=peers)

    def run(threads: int, cells: int, draws: int = 40, seed: int = 2027):
        monkeypatch.setattr(simulation, "CELLS_AT_ONCE", cells)
        model = cohort_model(standing, np.arange(4), dataclasses.replace(base, seed=seed))
        return simulate(model, draws=draws, keep=10, threads=threads)

    one = run(1, 75_000)
    for other in (run(2, 75_000), run(1, 1), run(2, 1500), run(1, 7000)):
        for name in ("final_score", "factor", "scaling", "median_final_score", "share_cut", "dollars_sum"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        for pool, deciles in one.benchmarks.deciles.items():
            assert np.array_equal(deciles.edges, other.benchmarks.deciles[pool].edges)
    longer = run(2, 3000, draws=55)
    assert np.array_equal(longer.factor[:, :40], one.factor)
    assert not np.array_equal(run(1, 75_000, seed=2028).factor, one.factor)


@pytest.mark.parametrize("peers", [PUBLISHED, OWN])
@pytest.mark.parametrize("cohort", COHORTS)
def test_every_draw_keeps_the_budget(cohort, peers):
    standing = made_up(cohort, 80)
    model = cohort_model(standing, np.arange(5), dataclasses.replace(small_cohorts(), peers=peers))
    draws = simulate(model, draws=50)
    share = RULES["payment.redistributed_share"].number
    # pool = r x R x sum(B), and all dollars add up to -r x (1 - R) x sum(B) but for what the cap withholds
    assert draws.dollars_sum + draws.undistributed == pytest.approx(-draws.pool * (1 - share) / share, rel=1e-4)


@pytest.mark.parametrize("cohort", COHORTS)
def test_bounds(cohort):
    model = cohort_model(made_up(cohort, 10), np.arange(10), small_cohorts())
    draws = simulate(model, draws=100)
    risk = RULES["payment.risk_level"].number
    assert np.all((draws.final_score >= 0) & (draws.final_score <= 100))
    assert np.all((draws.factor >= -risk - 1e-7) & (draws.factor <= risk + 1e-7))
    assert np.all((draws.share_cut >= 0) & (draws.share_cut <= 1))
    score = break_even_scores(model, draws)
    assert np.all((score >= 0) & (score <= 100))


def test_more_draws_converge():
    model = cohort_model(made_up("heart_failure", 3), np.arange(3), small_cohorts())
    draws = simulate(model, draws=1600)
    spread = draws.final_score.std(axis=1)
    for size in (100, 400):
        off = np.abs(draws.final_score[:, :size].mean(axis=1) - draws.final_score.mean(axis=1))
        assert np.all(off < 4 * spread / np.sqrt(size))


def test_own_peers_are_drawn_with_replacement_and_evenly():
    standing = made_up("low_back_pain", 50)
    model = cohort_model(standing, np.arange(2), scenario(peers=OWN))
    _, numbers = random_numbers(model, 0, 4000)
    drawn = model.peers.drawn(numbers)
    counts = np.bincount(drawn.chosen.ravel(), minlength=48)
    expected = drawn.chosen.size / 48
    assert len(counts) == 48
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_a_pool_of_nineteen_has_no_benchmark_and_twenty_has():
    for count, scored in ((19, False), (20, True)):
        people = [(tin(1), npi(place)) for place in range(count)]
        rows = [quality_row(*each, "134", 30 + place, 60) for place, each in enumerate(people)]
        standing = standing_of("low_back_pain", rows, people, cost=[1900.0 + place for place in range(count)])
        model = cohort_model(standing, everyone(standing), scenario(peers=OWN, own_error=NO_ERROR))
        draws = simulate(model, draws=1, keep=1)
        assert np.isfinite(draws.benchmarks.deciles[(1, 0)].edges).all() == scored
        assert np.isfinite(draws.benchmarks.cost_edges).all() == scored


def test_a_tin_level_report_has_one_chance_for_all_its_participants():
    people = [(tin(1), npi(place)) for place in range(3)]
    rows = [quality_row(tin(1), "", "134", 20, 40)]
    standing = standing_of("low_back_pain", rows, people)
    known = known_participants(standing, RULES, ASSUMED, own_error=True)
    numbers = np.arange(0, 65536, 999, dtype=np.uint16)[:, None].repeat(known.numbers_needed, axis=1)
    rates = known.rates(numbers)
    assert standing.sources == 1
    assert rates.shape == (len(numbers), 3)
    assert np.array_equal(rates[:, 0], rates[:, 2])
    assert np.ptp(rates[:, 0]) > 0.2


def test_the_individual_and_the_tin_report_compete_and_the_better_counts():
    people = [(tin(1), npi(place)) for place in range(25)]
    rows = [quality_row(tin(1), "", "134", 60, 60)]
    rows += [quality_row(*each, "134", place, 60) for place, each in enumerate(people)]
    standing = standing_of("low_back_pain", rows, people)
    model = cohort_model(standing, everyone(standing), scenario(peers=OWN, own_error=NO_ERROR))
    known = model.focal
    none = np.zeros((1, known.numbers_needed), dtype=np.uint16)
    rates = known.rates(none)
    assert known.in_pool((1, 0), rates).shape == (1, 25)  # the individual rates, not the TIN's
    draws = simulate(model, draws=1, keep=1)
    points = known.measure_points(rates, draws.benchmarks.deciles)[1]
    assert points.tolist() == [[10.0] * 25]


def test_published_peers_need_room():
    standing = made_up("heart_failure", 200)
    with pytest.raises(WrongUsage, match="--peers own"):
        cohort_model(standing, everyone(standing), small_cohorts(300))


@pytest.mark.parametrize(
    "changes", [{"peers": "theirs"}, {"own_error": "some"}, {"draws": 0}, {"draws": 10**6}, {"seed": -1}]
)
def test_a_scenario_that_makes_no_sense_is_refused(changes):
    with pytest.raises(WrongUsage):
        scenario(**changes)


def test_levers_agree_with_simulating_the_changed_participant_anew():
    """The benchmarks are held in a lever; against a cohort that is scored anew the difference is small."""
    standing = made_up("heart_failure", 1)
    base = small_cohorts(1200)
    model = cohort_model(standing, np.arange(1), base)
    draws = simulate(model, draws=300, keep=300)
    levers = {each.key: each for each in pull_levers(model, draws)}
    cheaper = dataclasses.replace(standing, cost=standing.cost * 0.95)
    again = simulate(cohort_model(cheaper, np.arange(1), base), draws=300)
    assert levers["cost"].score[0] == pytest.approx((again.final_score - draws.final_score).mean(), abs=0.05)
    assert levers["cost"].factor[0] == pytest.approx((again.factor - draws.factor).mean(), abs=2e-4)


def test_levers_help_and_nothing_that_is_full_already_helps():
    people = [(tin(1), npi(1)), (tin(2), npi(2))]
    rows = [
        quality_row(*people[0], "134", 60, 100),
        quality_row(*people[0], "128", 50, 60, eligible=100),  # incomplete
        quality_row(*people[1], "134", 0, 100),
    ]
    standing = standing_of("low_back_pain", rows, people)
    model = cohort_model(standing, np.arange(2), small_cohorts())
    draws = simulate(model, draws=200, keep=200)
    levers = {each.key: each for each in pull_levers(model, draws)}
    assert set(levers) >= {"one_point", "measure_134", "measure_128", "report_238", "report_220", "completeness", "all"}
    for each in levers.values():
        assert np.all(each.score >= -1e-6)
        assert np.all(each.factor >= -1e-9)
    assert levers["completeness"].score[0] > 1
    assert levers["completeness"].score[1] == 0
    assert levers["improvement"].score.tolist() == [0, 0]
    assert levers["interoperability"].score.tolist() == [0, 0]
    assert levers["one_point"].score == pytest.approx([1.0, 1.0], abs=1e-4)
    assert np.all(levers["all"].score >= levers["completeness"].score - 1e-6)
    assert np.all(levers["all"].score >= levers["measure_134"].score - 1e-6)


def test_who_submitted_nothing_gains_nothing_from_a_point_and_much_from_one_report():
    people = [(tin(1), npi(1))]
    standing = standing_of("low_back_pain", [], people)
    model = cohort_model(standing, np.arange(1), small_cohorts())
    draws = simulate(model, draws=50, keep=50)
    assert np.all(draws.final_score == 0)
    assert draws.factor == pytest.approx(-0.09)
    levers = {each.key: each for each in pull_levers(model, draws)}
    assert levers["one_point"].factor[0] == 0
    assert levers["report_134"].score[0] > 20


def test_alternatives_change_only_what_nobody_has_confirmed():
    found = alternatives(scenario())
    names = {each.parameter for each in found}
    assert {
        "payment.transform_midpoint_choice",
        "payment.positive_factor_cap",
        "payment.redistributed_share",
        "payment.transform_slope",
        "cost.grid_multiples",
        "projection.nothing_submitted_share",
    } <= names
    assert all(each.base != each.changed for each in found)
    assert len({each.key for each in found}) == len(found)
    confirmed = RULES.with_value("payment.positive_factor_cap", "none", citation="the user's reading")
    again = alternatives(Scenario(confirmed, ASSUMED))
    assert "payment.positive_factor_cap" not in {each.parameter for each in again}


def test_the_median_earns_five_and_a_half_under_the_moved_grid():
    moved = next(each for each in alternatives(scenario()) if each.parameter == "cost.grid_multiples")
    multiples = moved.scenario.rules["cost.grid_multiples"].numbers
    assert (multiples[4] + multiples[5]) / 2 == 0
    scores = Ratios.of_fractions(range(80, 121))
    result = score_cost(scores, np.full(41, 30), cohort="low_back_pain", rules=moved.scenario.rules)
    assert result.points[20] == 5.5


def test_a_bad_assumption_is_refused_with_its_place(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "section: projection\nparameters:\n  ecqm_share:\n    values:\n"
        "      - {years: [2027], value: 1.5, citation: my own count}\n"
        "  improvement_shares:\n    values:\n"
        '      - {years: [2027], value: {"2": 0.5, "1": 0.1, "0": 0.1}, citation: my own count}\n'
    )
    with pytest.raises(InputRefused) as refused:
        assumptions_for(2027, overlays=[path])
    assert [(each.kind.code, each.column) for each in refused.value.problems] == [
        ("J003", "projection.ecqm_share"),
        ("J003", "projection.improvement_shares"),
    ]


def test_spreads_and_histograms():
    values = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    spread = spread_of(values)
    assert (spread.mean, spread.median, spread.p25, spread.p75) == (3, 3, 2, 4)
    assert (spread.p5, spread.p95) == (pytest.approx(1.2), pytest.approx(4.8))
    assert spread_of(np.array([np.nan, 2.0])).median == 2
    assert spread_of(np.array([np.nan])).median is None
    histogram = histogram_of(values)
    assert (sum(histogram.counts), len(histogram.edges)) == (5, len(histogram.counts) + 1)
    assert histogram_of(np.full(7, 2.5)).counts == (7,)
    assert histogram_of(np.array([np.nan])) is None
