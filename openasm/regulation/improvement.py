"""Improvement activities, 42 CFR 512.735: two activities, each missing one costs ten points of the final score."""

from __future__ import annotations

import numpy as np

from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.attestations import Answer, Attestations, days_within
from openasm.regulation.choices import chosen

PARAMETERS = (
    "improvement.activities",
    "improvement.period_days",
    "improvement.points_by_activities_attested",
    "improvement.attested_per",
)


def activities(rules: Rules) -> tuple[str, ...]:
    """The activities' item ids (`improvement.activities`)."""
    return rules["improvement.activities"].texts


def attested_activities(attestations: Attestations, *, tins: int, rules: Rules) -> BoolArray:
    """Which activities count, shape (activities, tins): attested `yes` over at least 90 continuous days of the year.

    Citation: 42 CFR 512.735 (`improvement.period_days`). The surprise: a row without dates does not count, and only the
    days of a period that lie within the performance year do.
    """
    chosen(rules, "improvement.attested_per")
    least = rules["improvement.period_days"].integer
    result = np.zeros((len(activities(rules)), tins), dtype=np.bool_)
    for place, activity in enumerate(activities(rules)):
        item = attestations.get(activity)
        if item is not None:
            long_enough = days_within(item.start, item.end, year=rules.year) >= least
            result[place] = (item.answer == Answer.YES) & long_enough
    return result


def improvement_adjustment(activities_attested: IntArray, rules: Rules) -> FloatArray:
    """Points on the final score (-20, -10, 0) for the number of activities attested (0, 1, 2); any shape.

    >>> from openasm.regulation.rulebook import rules_for
    >>> improvement_adjustment(np.array([0, 1, 2]), rules_for(2027)).tolist()
    [-20.0, -10.0, 0.0]
    """
    points = rules["improvement.points_by_activities_attested"].numbers
    return np.array([float(each) for each in points])[activities_attested]
