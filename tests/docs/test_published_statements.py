"""docs/method/published-statements.md: every line of what OpenASM does is what it does."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from openasm.base.years import payment_year
from openasm.episodes.specifications.construction import construction_for
from openasm.participants.geography import COMPLETE_AREA_COUNT
from openasm.participants.model_years import mips_in_words
from openasm.regulation.interoperability import reweighting_possible
from openasm.regulation.payment import payment
from openasm.regulation.quality import measures_of
from openasm.regulation.rulebook import rule_book, rules_for
from openasm.runs.scoring import inputs as score_inputs

PAGE = Path(__file__).parents[2] / "docs" / "method" / "published-statements.md"
POINTS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| point")
]
RULES = rules_for(2027)


def peers() -> None:
    """Neither specialty nor region is asked for where scores are compared; the pool is the cohort."""
    assert "cohort" in str(RULES["quality.benchmark_pool"].value)
    columns = {column.name for column in score_inputs.PARTICIPANT_COLUMNS}
    assert not columns & {"specialty", "region", "area", "cbsa"}


def middling() -> None:
    symmetric = payment(np.array([20.0, 50.0, 80.0]), np.full(3, 1000.0), RULES)
    assert symmetric.factor[1] == pytest.approx(-0.15 * RULES["payment.risk_level"].number)


def first_payment_year() -> None:
    assert [payment_year(year) for year in range(2027, 2032)] == [2029, 2030, 2031, 2032, 2033]


def whose_episode() -> None:
    for cohort in ("heart_failure", "low_back_pain"):
        assert construction_for(cohort, 2027).npi_share == Fraction(30, 100)


def mips() -> None:
    assert "exempt from MIPS for 2027" in mips_in_words(2027, "yes", was_in=False)
    assert "MIPS applies" in mips_in_words(2027, "no", was_in=False)


def back_pain_measures() -> None:
    assert measures_of("low_back_pain", RULES) == ("238", "134", "128", "220")


def threshold() -> None:
    assert RULES["participation.episode_threshold"].integer == 20
    assert "episode" in RULES["participation.episode_threshold"].unit


def hardship() -> None:
    assert not reweighting_possible(RULES)


def budget() -> None:
    change = payment(np.array([31.0, 44.0, 52.0, 77.0]), np.array([500.0, 900.0, 100.0, 300.0]), RULES).change_dollars
    assert change.sum() == pytest.approx(-0.15 * 0.09 * 1800)


def areas() -> None:
    assert COMPLETE_AREA_COUNT == 235


HELD = {
    "who the peers are": peers,
    "a middling score": middling,
    "first payment year": first_payment_year,
    "whose episode it is": whose_episode,
    "relation to MIPS": mips,
    "imaging for back pain": back_pain_measures,
    "the threshold": threshold,
    "hardship": hardship,
    "budget neutral": budget,
    "number of areas": areas,
}


def test_every_line_has_its_test() -> None:
    assert [line[0] for line in POINTS if not line[0].startswith("---")] == list(HELD)


@pytest.mark.parametrize("point", HELD)
def test_it_does_what_the_page_says(point: str) -> None:
    HELD[point]()


def test_every_rule_value_named_exists() -> None:
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", PAGE.read_text(encoding="utf-8")))
    assert named
    assert named <= {entry.name for entry in rule_book().entries}
