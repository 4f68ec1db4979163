"""Known participants for projection tests, without a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from openasm.projection.standing import Standing, quality_rows
from openasm.regulation.quality import measures_of
from openasm.regulation.rulebook import rules_for
from tests.builders.score_folders import npi, tin

COST = {"heart_failure": (14430.0, 3880.0), "low_back_pain": (1947.0, 618.0)}


def quality_row(
    practice: str, someone: str, measure: str, met: int, cases: int, *, kind: str = "ecqm", eligible: int | None = None
) -> dict[str, str]:
    """One row of quality.csv as text."""
    return {
        **{"tin": practice, "npi": someone, "measure": measure, "collection_type": kind, "rate": ""},
        **{"eligible": str(cases if eligible is None else eligible), "met": str(met), "not_met": str(cases - met)},
        **{"exclusions": "0", "exceptions": "0"},
    }


def claims_row(practice: str, someone: str, eligible: int, rate: float) -> dict[str, str]:
    """Measure 492."""
    row = quality_row(practice, someone, "492", 0, 0, kind="claims", eligible=eligible)
    return {**row, "met": "", "not_met": "", "exclusions": "", "exceptions": "", "rate": f"{rate:.2f}"}


def standing_of(
    cohort: str,
    rows: Sequence[Mapping[str, str]],
    people: Sequence[tuple[str, str]],
    *,
    cost: Sequence[float] | None = None,
    episodes: int = 60,
    part_b: Sequence[float] | None = None,
) -> Standing:
    """Participants with these quality rows; costs at the published median unless given."""
    count = len(people)
    quality, source = quality_rows(rows, people, measures_of(cohort, rules_for(2027)))
    return Standing(
        cohort=cohort,
        tins=tuple(each[0] for each in people),
        npis=tuple(each[1] for each in people),
        names=tuple(f"Test Clinician {place + 1}" for place in range(count)),
        clinicians=np.full(count, 20),
        part_b=np.array(part_b if part_b is not None else [100_000.0] * count),
        risk_scores=tuple(Fraction(100 + place % 7, 100) for place in range(count)),
        dual_shares=tuple(Fraction(10 + place % 5, 100) for place in range(count)),
        improvement=np.zeros(count),
        interoperability=np.zeros(count),
        rows=quality,
        met=quality.met.astype(np.float64),
        admissions=quality.claims_rate.value,
        source=source,
        cost=np.array(cost if cost is not None else [COST[cohort][0]] * count),
        episodes=np.full(count, episodes),
    )


def made_up(cohort: str, count: int, *, seed: int = 1, cases: tuple[int, int] = (20, 120)) -> Standing:
    """`count` participants with every measure reported, rates and costs at random."""
    draw = np.random.default_rng(seed)
    people = [(tin(place // 3), npi(place)) for place in range(count)]
    rows = []
    for practice, someone in people:
        for measure in measures_of(cohort, rules_for(2027)):
            if measure == "492":
                rows.append(claims_row(practice, someone, int(draw.integers(30, 200)), draw.normal(67, 4)))
                continue
            size = int(draw.integers(*cases))
            met = int(draw.binomial(size, 0.05 if measure == "238" else draw.beta(6, 3)))
            rows.append(quality_row(practice, someone, measure, met, size, kind="cqm" if measure == "220" else "ecqm"))
    middle, spread = COST[cohort]
    return standing_of(
        cohort,
        rows,
        people,
        cost=np.maximum(1, draw.normal(middle, spread, count)).round(2).tolist(),
        part_b=draw.lognormal(11.5, 0.7, count).round(2).tolist(),
    )
