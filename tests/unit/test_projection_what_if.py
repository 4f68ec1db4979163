"""What if: nothing wished changes nothing, levers agree with single levers, peers that move take points away."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from openasm.archive.run import read_run
from openasm.base.errors import WrongUsage
from openasm.projection.levers import pull_levers
from openasm.projection.project import rules_of
from openasm.projection.scenario import NO_ERROR, OWN, Scenario, assumptions_for
from openasm.projection.simulate import cohort_model, simulate
from openasm.projection.standing import standings_of
from openasm.projection.what_if import Wish, what_if
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, write_folder


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("what-if")
    write_folder(folder / "inputs", cohort_rows(60))
    score_folder(folder / "inputs", folder / "run", year=2027, now=dt.datetime(2028, 1, 5, tzinfo=dt.UTC))
    run = read_run(folder / "run")
    rules = rules_of(run)
    scenario = Scenario(rules, assumptions_for(2027), OWN, NO_ERROR, draws=30)
    found = []
    for standing in standings_of(run, rules):
        model = cohort_model(standing, np.arange(min(5, len(standing))), scenario)
        found.append((model, simulate(model, draws=30, keep=30, threads=1)))
    return found


def test_no_wish_changes_nothing(cohort):
    for model, draws in cohort:
        effect = what_if(model, draws, Wish())
        np.testing.assert_array_equal(effect.score_before, effect.score_after)
        np.testing.assert_array_equal(effect.factor_before, effect.factor_after)
        np.testing.assert_allclose(effect.factor_before, draws.factor.mean(axis=1), atol=1e-6)


def test_single_levers_agree(cohort):
    for model, draws in cohort:
        levers = {each.key: each for each in pull_levers(model, draws)}
        for key, wish in (
            ("cost", Wish(cost_lower=0.05)),
            ("improvement", Wish(activities=2)),
            ("interoperability", Wish(interoperability=100.0)),
        ):
            effect = what_if(model, draws, wish)
            gained = np.nan_to_num(effect.score_after - effect.score_before)
            always = ~np.isnan(draws.final_score).any(
                axis=1
            )  # in draws without a score a single lever counts as nothing
            assert always.sum() >= 3
            np.testing.assert_allclose(gained[always], levers[key].score[always], atol=1e-4)
            np.testing.assert_allclose(effect.factor_after - effect.factor_before, levers[key].factor, atol=1e-6)


def test_closing_every_gap_helps_and_better_peers_hurt(cohort):
    helped = hurt = 0.0
    for model, draws in cohort:
        everything = dict.fromkeys(("236", "008", "005", "492", "377", "238", "134", "128", "220"), 1.0)
        effect = what_if(model, draws, Wish(gaps_closed=everything))
        gained = np.nan_to_num(effect.score_after - effect.score_before)
        assert (gained >= -1e-4).all()
        helped += gained.sum()
        lost = what_if(model, draws, Wish(peers_better=0.05))
        change = np.nan_to_num(lost.score_after - lost.score_before)
        assert (change <= 1e-4).all()
        hurt += change.sum()
    assert helped > 1
    assert hurt < -1


@pytest.mark.parametrize(
    "wrong", [{"gaps_closed": {"236": 1.5}}, {"cost_lower": 1.0}, {"peers_better": -1.0}, {"interoperability": 101.0}]
)
def test_wishes_that_cannot_be(wrong):
    with pytest.raises(WrongUsage):
        Wish(**wrong)


def test_three_activities_are_none(cohort):
    model, draws = cohort[0]
    with pytest.raises(WrongUsage, match="0 to 2"):
        what_if(model, draws, Wish(activities=3))
