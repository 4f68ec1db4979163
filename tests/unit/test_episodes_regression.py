"""Percentiles, least squares, expected costs and scores against NumPy's own and against the plain chain."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from openasm.episodes import plain
from openasm.episodes.design import BLOCK, Design, Marks, RiskFacts
from openasm.episodes.hcc import condition_categories
from openasm.episodes.plain import Episode
from openasm.episodes.regression import Basis, Expected, expected_costs, least_squares, percentile
from openasm.episodes.score import measure_scores
from openasm.episodes.specifications.construction import Construction
from tests.builders.episode_claims import demonstration

CATEGORIES = condition_categories("CMS-HCC Model V24", 2026)


def facts_of(ages: list[int], marks: list[tuple[int, int]], variables: list[tuple[int, int]]) -> RiskFacts:
    """Facts from ages and pairs (episode, category number) and (episode, variable)."""
    numbers = np.array(CATEGORIES.numbers)
    size = len(ages)
    zeros = np.zeros(size, dtype=np.int64)
    pairs = np.array(marks, dtype=np.int64).reshape(-1, 2)
    own = np.array(variables, dtype=np.int64).reshape(-1, 2)
    return RiskFacts(
        age=np.array(ages),
        at_start={"disabled_origin": zeros, "esrd": zeros, "institutional": zeros},
        categories=Marks.of(pairs[:, 0], np.searchsorted(numbers, pairs[:, 1]), size),
        variables=Marks.of(own[:, 0], own[:, 1], size),
    )


def region(size: int, seed: int = 1) -> tuple[RiskFacts, np.ndarray, Design, Construction]:
    random = np.random.default_rng(seed)
    codes, construction = demonstration("heart_failure")
    some = [18, 19, 85, 111, 136]
    marks = [
        (row, int(number))
        for row in range(size)
        for number in random.choice(some, random.integers(0, 5), replace=False)
    ]
    facts = facts_of(random.integers(40, 100, size).tolist(), marks, [(row, 0) for row in range(0, size, 3)])
    costs = np.rint(random.gamma(2.0, 400_000.0, size))
    return facts, costs, Design(CATEGORIES, codes.risk_variables, construction), construction


@pytest.mark.parametrize("percent", ["0.5", "1", "50", "98", "99", "100"])
def test_percentile_is_the_plain_one(percent: str) -> None:
    values = np.random.default_rng(4).integers(0, 10_000, 137)
    exact = plain.percentile([Fraction(int(each)) for each in values], Fraction(percent))
    assert percentile(values.astype(float), Fraction(percent)) == pytest.approx(float(exact), rel=1e-12)


def test_least_squares_predicts_what_lstsq_predicts() -> None:
    facts, costs, design, _ = region(800)
    members = np.arange(800)
    matrix = design.rows(facts, members)
    beta, dependent = least_squares(lambda: design.blocks(facts, members), costs, design.names)
    reference, *_ = np.linalg.lstsq(matrix, costs, rcond=None)
    assert np.allclose(matrix @ beta, matrix @ reference, rtol=1e-9, atol=1e-3)
    unvaried = [name for name, b in zip(design.names, beta, strict=True) if b != 0]
    assert "HCC18" in unvaried
    assert "HCC1" not in unvaried  # nobody has it
    assert dependent == ()


def test_a_column_that_repeats_another_is_left_out_and_named() -> None:
    random = np.random.default_rng(2)
    matrix = np.column_stack([np.ones(200), random.integers(0, 2, (200, 3))]).astype(float)
    matrix = np.column_stack([matrix, matrix[:, 1], 1 - matrix[:, 2]])
    values = random.normal(100, 10, 200)
    names = ("intercept", "a", "b", "c", "a again", "not b")
    beta, dependent = least_squares(lambda: [(slice(0, 200), matrix)], values, names)
    assert dependent == ("a again", "not b")
    reference, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    assert np.allclose(matrix @ beta, matrix @ reference)


def test_blocks_add_up_to_the_whole_matrix() -> None:
    size = BLOCK + 10
    facts = facts_of([70 + number % 20 for number in range(size)], [(0, 18), (BLOCK, 85), (size - 1, 111)], [])
    codes, construction = demonstration("heart_failure")
    design = Design(CATEGORIES, codes.risk_variables, construction)
    parts = list(design.blocks(facts, np.arange(size)))
    assert [rows.shape[0] for _, rows in parts] == [BLOCK, 10]
    assert parts[0][1][0, design.names.index("HCC18")] == 1
    assert parts[1][1][0, design.names.index("HCC85")] == 1
    assert parts[1][1][-1, design.names.index("HCC111")] == 1


def test_the_design_is_the_plain_one() -> None:
    facts, _, design, construction = region(60)
    matrix = design.rows(facts, np.arange(60))
    codes, _ = demonstration("heart_failure")
    assert list(design.names[1:]) == plain.risk_names(codes, construction, CATEGORIES)
    first = facts.categories.first
    numbers = CATEGORIES.numbers
    for row in range(60):
        seen = {numbers[column] for column in facts.categories.column[first[row] : first[row + 1]]}
        standing = CATEGORIES.after_hierarchies(seen)
        wanted = {f"HCC{number}" for number in standing}
        wanted |= {
            name
            for name, groups in construction.hcc_interactions.items()
            if all(standing & set(group) for group in groups)
        }
        wanted |= {plain.age_band(int(facts.age[row]), construction)} - {plain.reference_band(construction)}
        wanted |= {"DEMO_VAR_1"} if row % 3 == 0 else set()
        assert {name for name, x in zip(design.names[1:], matrix[row, 1:], strict=True) if x} == wanted


def both(size: int, **changes: object) -> tuple[Expected, list[Episode]]:
    """Expected costs of one model by both ways."""
    facts, costs, design, construction = region(size)
    construction = replace(construction, **changes)
    design = replace(design, construction=construction)
    names = list(design.names[1:])
    matrix = design.rows(facts, np.arange(size))
    episodes = [
        Episode(
            str(row),
            "P",
            "T",
            0,
            364 + row % 200,
            observed_cents=int(costs[row]),
            risk=frozenset(name for name, x in zip(names, matrix[row, 1:], strict=True) if x),
        )
        for row in range(size)
    ]
    annualized = np.array([each.observed_cents * 365 / each.days for each in episodes])
    fast = expected_costs(annualized, ["all, without Part D"] * size, facts, design, construction)
    return fast, plain.fit_model(episodes, names, construction)


def test_expected_costs_are_the_plain_ones() -> None:
    fast, slow = both(150)
    assert fast.models[0].basis is Basis.REGRESSION
    assert [each.excluded_reason == "outlier" for each in slow] == fast.outlier.tolist()
    assert 2 <= fast.models[0].outliers <= 6
    for row, each in enumerate(slow):
        assert fast.observed[row] == pytest.approx(float(each.winsorized or 0))
        if each.expected is None:
            assert np.isnan(fast.expected[row])
        else:
            assert fast.expected[row] == pytest.approx(float(each.expected), rel=1e-6)


def test_mean_expected_is_mean_observed_of_the_episodes_that_stay() -> None:
    fast, _ = both(150)
    kept = ~fast.outlier
    assert fast.expected[kept].mean() == pytest.approx(fast.observed[kept].mean(), rel=1e-12)
    assert fast.observed.max() == pytest.approx(100 * fast.models[0].winsorized_at)


@pytest.mark.parametrize(
    ("changes", "basis"),
    [
        ({}, Basis.OWN_MEAN),
        ({"national_mean_dollars": Fraction(9_000)}, Basis.SUPPLIED_MEAN),
        ({"coefficients": {"all": {"intercept": 5_000.0, "HCC85": 2_500.0}}}, Basis.SUPPLIED_COEFFICIENTS),
        ({"coefficients": {"all, without Part D": {"intercept": 5_000.0}}}, Basis.SUPPLIED_COEFFICIENTS),
    ],
)
def test_too_few_episodes_say_what_is_used_instead(changes: dict[str, object], basis: Basis) -> None:
    fast, slow = both(40, **changes)
    assert fast.models[0].basis is basis
    assert not fast.outlier.any()
    assert fast.expected.tolist() == pytest.approx([float(each.expected or 0) for each in slow])


def test_a_model_without_costs_has_no_ratio() -> None:
    facts, _, design, construction = region(150)
    found = expected_costs(np.zeros(150), ["all, with Part D"] * 150, facts, design, construction)
    assert found.models[0].basis is Basis.NO_COST
    assert np.isnan(found.expected).all()


def test_scores_by_hand() -> None:
    """The case of docs/method/episodes.md."""
    found = measure_scores(
        np.array([365, 400, 365]),
        np.array([0.8, 1.2, np.nan]),
        np.array([True, True, False]),
        ["000000001"] * 3,
        held=[(1, "B"), (0, "A"), (1, "A"), (2, "A")],
        national_mean=10_000.0,
    )
    assert [(each.npi, each.episodes, round(each.dollars, 2)) for each in found] == [
        ("", 2, 10_091.50),
        ("A", 2, 10_091.50),
        ("B", 1, 12_000.00),
    ]
