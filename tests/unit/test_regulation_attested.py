"""Improvement activities (512.735) and Promoting Interoperability (512.740)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from openasm.regulation.attestations import AttestationRow, attestations_of, days_within
from openasm.regulation.improvement import activities, attested_activities, improvement_adjustment
from openasm.regulation.interoperability import items_of, reweighting_possible, score_interoperability
from openasm.regulation.rulebook import rules_for
from tests.builders.regulation_rows import FULL_PI, TIN, attested

RULES = rules_for(2027)
JANUARY_1 = dt.date(2027, 1, 1)


def activity(item, *, days=90, answer="yes", start=JANUARY_1, tin=TIN):
    return AttestationRow(tin, item, answer, None, None, start, start + dt.timedelta(days - 1))


def adjustment(*rows, tins=(TIN,)):
    items = attestations_of(rows, tins)
    return improvement_adjustment(attested_activities(items, tins=len(tins), rules=RULES).sum(axis=0), RULES).tolist()


def test_both_one_and_no_activity():
    assert activities(RULES) == ("IA_1", "IA_2")
    assert adjustment(activity("IA_1"), activity("IA_2")) == [0.0]
    assert adjustment(activity("IA_2")) == [-10.0]
    assert adjustment() == [-20.0]


@pytest.mark.parametrize(
    ("row", "points"),
    [
        (activity("IA_1", days=89), -20.0),
        (activity("IA_1", days=90), -10.0),
        (activity("IA_1", answer="no"), -20.0),
        (activity("IA_1", answer="excluded"), -20.0),
        (activity("IA_1", answer=None), -20.0),
        (AttestationRow(TIN, "IA_1", "yes"), -20.0),  # no dates
        (AttestationRow(TIN, "IA_1", "yes", None, None, JANUARY_1, None), -20.0),
        (activity("IA_1", start=dt.date(2027, 10, 3), days=90), -10.0),  # to 31 December
        (activity("IA_1", start=dt.date(2027, 10, 4), days=120), -20.0),  # 89 days within the year
        (activity("IA_1", start=dt.date(2026, 1, 1), days=800), -10.0),  # the whole year and more
        (activity("IA_1", start=dt.date(2026, 1, 1), days=300), -20.0),  # another year
    ],
)
def test_ninety_days_within_the_year(row, points):
    assert adjustment(row) == [points]


def test_one_attestation_a_tin():
    other = "001234568"
    rows = [
        activity("IA_1"),
        activity("IA_1", tin=other),
        activity("IA_2", tin=other),
        activity("IA_2", tin="009999999"),
    ]
    assert adjustment(*rows, tins=(TIN, other)) == [-10.0, 0.0]


def test_days_of_reversed_and_missing_periods():
    first = JANUARY_1.toordinal()
    assert days_within(np.array([first + 5, 0, first]), np.array([first, first, 0]), year=2027).tolist() == [0, 0, 0]


def score(items, **more):
    return score_interoperability(attested(items, **more), tins=1, rules=RULES)


def changed(**items):
    return {**FULL_PI, **items}


def without(*names):
    return {name: value for name, value in FULL_PI.items() if name not in names}


def test_everything_reported_in_full():
    result = score(FULL_PI)
    assert result.score.tolist() == [100.0]
    assert result.adjustment.tolist() == [0.0]
    assert all(met.all() for met in result.requirements.values())


def test_nobody_reports_anything():
    result = score_interoperability({}, tins=2, rules=RULES)
    assert result.score.tolist() == [0.0, 0.0]
    assert result.adjustment.tolist() == [-10.0, -10.0]


@pytest.mark.parametrize("item", FULL_PI)
def test_each_required_item_missing_makes_the_score_zero(item):
    result = score(without(item))
    assert result.score.tolist() == [0.0]
    unmet = [name for name, met in result.requirements.items() if not met[0]]
    assert unmet == (["health_information_exchange"] if "HIE" in item else [item])


@pytest.mark.parametrize("item", FULL_PI)
def test_each_required_item_answered_no_makes_the_score_zero(item):
    assert score(changed(**{item: "no"})).score.tolist() == [0.0]


@pytest.mark.parametrize("item", ["PI_PEA_1", "PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1"])
def test_what_has_no_exclusion_cannot_be_excluded(item):
    assert score(changed(**{item: "excluded"})).score.tolist() == [0.0]


@pytest.mark.parametrize("way", ["PI_HIE_5", "PI_HIE_6"])
def test_exchange_answered_yes_or_no_has_no_exclusion(way):
    alone = without("PI_HIE_1", "PI_HIE_4")
    assert score({**alone, way: "yes"}).score.tolist() == [100.0]
    for answer in ("no", "excluded"):
        assert score({**alone, way: answer}).score.tolist() == [0.0]


@pytest.mark.parametrize(
    ("technology", "days", "points"), [("yes", 180, 100), ("yes", 179, 0), ("no", 365, 0), (None, 0, 0)]
)
def test_certified_technology_over_180_days(technology, days, points):
    assert score(FULL_PI, technology=technology, days=days).score.tolist() == [points]


@pytest.mark.parametrize(
    ("fraction", "points"),
    [((50, 100), 5), ((45, 100), 5), ((44, 100), 4), ((1, 1000), 1), ((0, 1000), 0), ((1000, 1000), 10)],
)
def test_a_proportions_points_round_half_up_and_one_case_is_worth_a_point(fraction, points):
    assert score(changed(PI_EP_1=fraction)).score.tolist() == [90 + points]


def test_a_denominator_of_zero_is_no_report():
    assert score(changed(PI_EP_1=(0, 0))).score.tolist() == [0.0]


def test_the_bonus_counts_once_and_the_score_stops_at_100():
    low = changed(PI_PEA_1=(1, 25))
    assert score(low).score.tolist() == [76.0]
    assert score({**low, "PI_PHCDRR_2": "yes"}).score.tolist() == [81.0]
    assert score({**low, "PI_PHCDRR_2": "yes", "PI_PHCDRR_6": "yes"}).score.tolist() == [81.0]
    assert score({**FULL_PI, "PI_PHCDRR_4": "yes"}).score.tolist() == [100.0]


HALF = {"PI_EP_1": (1, 2), "PI_HIE_1": (1, 2), "PI_HIE_4": (1, 2), "PI_PEA_1": (1, 2)}


@pytest.mark.parametrize(
    ("items", "points"),
    [
        # EP_1 5, EP_2 10, HIE 7.5 -> 8 twice, PEA 12.5 -> 13, public health 25
        ({}, 5 + 10 + 8 + 8 + 13 + 25),
        ({"PI_EP_2": "excluded"}, 10 + 8 + 8 + 13 + 25),
        ({"PI_EP_1": "excluded"}, 10 + 10 + 10 + 13 + 25),
        ({"PI_EP_1": "excluded", "PI_EP_2": "excluded"}, 13 + 13 + 13 + 25),  # 25 to each half of the exchange
        ({"PI_HIE_1": "excluded"}, 5 + 10 + 8 + 20 + 25),  # PEA 40
        ({"PI_HIE_1": "excluded", "PI_HIE_4": "excluded"}, 5 + 10 + 28 + 25),  # PEA 55
        ({"PI_EP_1": "excluded", "PI_HIE_4": "excluded"}, 10 + 10 + 23 + 25),  # HIE_4's 20 to PEA, then 45
        ({"PI_PHCDRR_1": "excluded"}, 5 + 10 + 8 + 8 + 13 + 25),
        ({"PI_PHCDRR_1": "excluded", "PI_PHCDRR_3": "excluded"}, 5 + 10 + 8 + 8 + 25),  # PEA 50
        ({"PI_HIE_5": "yes"}, 5 + 10 + 30 + 13 + 25),  # the better way
        ({"PI_HIE_5": "yes", "PI_EP_1": "excluded"}, 10 + 40 + 13 + 25),
        ({"PI_HIE_6": "yes", "PI_HIE_1": "excluded", "PI_HIE_4": "excluded"}, 5 + 10 + 30 + 13 + 25),
    ],
)
def test_points_of_excluded_measures_move(items, points):
    assert score({**FULL_PI, **HALF, **items}).score.tolist() == [points]


def test_available_points_always_sum_to_100():
    for items in ({}, {"PI_EP_1": "excluded"}, {"PI_HIE_1": "excluded", "PI_EP_2": "excluded"}, {"PI_HIE_6": "yes"}):
        result = score({**FULL_PI, **items})
        assert sum(points[0] for points in result.available.values()) == 100


def test_the_items_are_known_by_name():
    assert len(items_of(RULES)) == 18
    assert set(FULL_PI) < set(items_of(RULES))
    assert not reweighting_possible(RULES)


def test_many_tins_score_as_one_by_one():
    tins = [f"00123456{place}" for place in range(4)]
    answers = [FULL_PI, {**FULL_PI, **HALF}, without("PI_EP_1"), {**FULL_PI, "PI_HIE_1": "excluded", "PI_HIE_5": "yes"}]
    rows = []
    for tin, items in zip(tins, answers, strict=True):
        rows.append(activity("CEHRT", days=200, tin=tin))
        rows.extend(
            AttestationRow(tin, item, None, *value) if isinstance(value, tuple) else AttestationRow(tin, item, value)
            for item, value in items.items()
        )
    together = score_interoperability(attestations_of(rows, tins), tins=4, rules=RULES)
    assert together.score.tolist() == [float(score(items).score[0]) for items in answers]
