"""docs/method/scoring.md: every table of the page recomputed by the code that scores."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from openasm.base.parameters import Rules
from openasm.regulation.cost import category_score as cost_category
from openasm.regulation.cost import points_of as cost_points
from openasm.regulation.cost import pool_benchmark
from openasm.regulation.deciles import points_of, quality_benchmark
from openasm.regulation.final_score import category_weights, final_score, indicator_points, small_practice_adjustment
from openasm.regulation.improvement import improvement_adjustment
from openasm.regulation.interoperability import interoperability_adjustment
from openasm.regulation.payment import adjustment_factor, payment, scaling_factor
from openasm.regulation.quality import Finding, category_score, score_quality
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from tests.builders.regulation_rows import quality_rows

PAGE = Path(__file__).parents[2] / "docs" / "method" / "scoring.md"
TEXT = PAGE.read_text(encoding="utf-8")


def table(first: str, *, section: str) -> list[dict[str, str]]:
    """The rows of the table of a section whose first column is `first`, by column name."""
    part = next(each for each in TEXT.split("\n## ") if each.startswith(section))
    lines = part[part.index(f"| {first} |") :].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    names = rows[0]
    body = []
    for line, cells in zip(lines[2:], rows[2:], strict=False):
        if not line.startswith("|"):
            break
        body.append(dict(zip(names, cells, strict=True)))
    assert body
    return body


def fractions(words: list[str]) -> Ratios:
    return Ratios.of_fractions([Fraction(word) for word in words])


@pytest.fixture(scope="module")
def rules() -> Rules:
    return rules_for(2027)


OUTCOME = {  # the page's words: the finding of 21 others' pool of whole rates around the row
    "counts": Finding.SCORED,
    "0 points, stays in the denominator": Finding.INCOMPLETE,
}
LEFT_OUT = {Finding.TOO_FEW_CASES, Finding.NOTHING_ELIGIBLE}


def test_which_rows_count(rules: Rules) -> None:
    said = table("eligible", section="Quality")
    others = [{"who": number, "measure": "236", "met": number, "not_met": 40} for number in range(21)]
    own = [
        {
            "who": 21 + place,
            "measure": "236",
            **{name.replace(" ", "_"): int(row[name]) for name in list(row)[:-1]},
        }
        for place, row in enumerate(said)
    ]
    rows = quality_rows([*others, *own], cohort="heart_failure", rules=rules)
    result = score_quality(rows, cohort="heart_failure", participants=21 + len(own), rules=rules)
    for row, finding in zip(said, result.row_finding[21:], strict=True):
        if row["what follows"] == "left out":
            assert Finding(finding) in LEFT_OUT
        else:
            assert Finding(finding) is OUTCOME[row["what follows"]]


def test_quality_points(rules: Rules) -> None:
    pool = Ratios.of_fractions([Fraction(place, 20) for place in range(21)])
    benchmark = quality_benchmark(pool, inverse=False, rules=rules)
    assert benchmark is not None
    assert [str(edge) for edge in benchmark.edges] == [str(Fraction(n, 10)) for n in range(1, 10)]
    said = table("rate", section="Quality")
    assert points_of(fractions([row["rate"] for row in said]), benchmark, rules).tolist() == [
        float(row["points"]) for row in said
    ]


def test_cost_points(rules: Rules) -> None:
    deviations = [200, 80, 80, 80, 80, 80, 40, 40, 40, 0, 0, 0]  # their squares sum to 24 x 80^2 on both sides
    pool = [Fraction(1000 + sign * each) for each in deviations for sign in (-1, 1)] + [Fraction(1000)]
    benchmark = pool_benchmark(Ratios.of_fractions(pool), rules)
    assert benchmark is not None
    said = table("cost score", section="Cost")
    points = cost_points(fractions([row["cost score"] for row in said]), benchmark, rules)
    assert points.tolist() == [float(row["points"]) for row in said]
    assert cost_category(np.array([7.5]), rules).tolist() == [0.75]


def test_improvement_and_interoperability(rules: Rules) -> None:
    for row in table("activities", section="Improvement"):
        points = improvement_adjustment(np.array([int(row["activities"])]), rules) + interoperability_adjustment(
            np.array([float(row["interoperability score"])]), rules
        )
        assert points[0] == pytest.approx(float(row["points on the final score"]), abs=1e-12)


def test_final_scores(rules: Rules) -> None:
    said = table("quality", section="Final score")
    quality = np.array([float(row["quality"]) for row in said])
    cost = np.array([float(row["cost"]) if row["cost"] else np.nan for row in said])
    scores = final_score(
        quality,
        cost,
        improvement=np.array([float(row["improvement"]) for row in said]),
        interoperability=np.array([float(row["interoperability"]) for row in said]),
        complex_patient=np.array([float(row["complex patients"]) for row in said]),
        small_practice=small_practice_adjustment(np.array([int(row["clinicians in the TIN"]) for row in said]), rules),
        minimum_submission_met=np.ones(len(said), dtype=bool),
        rules=rules,
    )
    assert scores.tolist() == pytest.approx([float(row["final score"]) for row in said], abs=1e-9)
    assert category_weights(quality[:2], cost[:2], rules)[0].tolist() == [0.5, 1.0]


def test_complex_patients_in_words(rules: Rules) -> None:
    """1.5 at the median and 4 more a standard deviation above the mean; below the median nothing."""
    values = Ratios.of_fractions([Fraction(each) for each in (1, 2, 3)])  # mean and median 2, standard deviation 1
    assert indicator_points(values, rules).tolist() == [0.0, 1.5, 5.5]


def test_the_category_of_the_text() -> None:
    assert "20.5 / 40 = 0.5125" in TEXT
    points = [np.array([each]) for each in (10.0, 6.5, 4.0, 0.0, np.nan)]
    assert category_score(points).tolist() == [0.5125]


def test_payment(rules: Rules) -> None:
    said = table("T", section="Payment")
    transformed = np.array([float(row["T"]) for row in said])
    paid = np.array([float(row["Part B"]) for row in said])
    scaling = scaling_factor(transformed, paid, rules)
    assert scaling == pytest.approx(1.4875)
    factors = adjustment_factor(np.full(3, 50.0), transformed, scaling, rules)
    assert factors.tolist() == pytest.approx([float(row["factor"]) for row in said], abs=1e-12)
    assert (factors * paid).tolist() == pytest.approx([float(row["dollars"]) for row in said], abs=1e-9)
    assert (factors * paid).sum() == pytest.approx(-4725)
    middle = payment(np.array([30.0, 50.0, 70.0]), np.full(3, 1000.0), rules)
    assert middle.factor[1] == pytest.approx(-0.0135)
    assert float(middle.scaling_factor) == pytest.approx(1.7)


def test_every_file_and_section_named_exists() -> None:
    root = PAGE.parents[2]
    named = re.findall(r"`(openasm/[a-z_/]+\.py)`", TEXT)
    assert len(named) >= 6
    assert all((root / name).is_file() for name in named)
