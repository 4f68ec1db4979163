"""What a change is made of, from the published numbers of both runs alone.

A final score is a sum of parts (clinicians.score_parts), so its change is the sum of theirs. A payment change is factor x Part B, and
the factor follows from the own final score and from the cohort: midpoint, scaling factor and rule values. Exchanging own score,
payment scaling and Part B one after the other gives the dollars of each; no order is better than another, so each takes its average
over the orders (the Shapley value). Where the published numbers do not give the published payment, nothing is taken apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from openasm.app.clinicians.score_parts import LIMITS, TITLES, score_parts
from openasm.app.published.models import ParticipantResult
from openasm.archive.comparison import shared_out
from openasm.base.parameters import Rules
from openasm.regulation.payment import adjustment_factor, capped_factor, transformed_score

PAYMENT_CAUSES = ("score", "scaling", "part_b")
PAYMENT_TITLES = {
    "score": "Own final score",
    "scaling": "Payment scaling: the cohort's midpoint and scaling factor, and the rule values of payment",
    "part_b": "Part B payments",
}
_TENTH, _DOLLAR = 1, 0  # places shown
_CLOSE = 2.0  # cents that the payment worked out again may differ from the published one


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part of the change of a final score. before, after: points; shown: the change in tenths, so that what is shown adds up."""

    key: str
    title: str
    before: float
    after: float
    shown: float


@dataclass(frozen=True, slots=True)
class CauseChange:
    """One cause of a change with its amount as shown (tenths of a point, or whole dollars)."""

    title: str
    shown: float


@dataclass(frozen=True, slots=True)
class Side:
    """What the payments of one cohort rest on in one run. document: the cohort's row of cohorts.csv."""

    rules: Rules
    document: Mapping[str, Any]

    def cents(self, scores: Sequence[float | None], part_b_cents: Sequence[int]) -> Any:
        """The payment changes of final scores (None: none) and Part B payments, in cents."""
        there = np.array([score is not None for score in scores])
        final = np.array([score or 0.0 for score in scores])
        midpoint = np.asarray(_number(self.document.get("midpoint")))
        scaling = np.asarray(_number(self.document.get("scaling_factor")))
        transformed = transformed_score(final, midpoint, self.rules)
        factor = capped_factor(adjustment_factor(final, transformed, scaling, self.rules), self.rules)
        return np.where(there, factor * np.array(part_b_cents, dtype=np.float64), 0.0)


def score_changes(before: ParticipantResult, after: ParticipantResult) -> tuple[PartChange, ...]:
    """The change of a final score by part, those that stand still included; none where a run has no final score."""
    if before.final_score is None or after.final_score is None:
        return ()
    first = {part.key: part.points for part in score_parts(before)}
    second = {part.key: part.points for part in score_parts(after)}
    changes = {key: second.get(key, 0.0) - first.get(key, 0.0) for key in TITLES if key in first or key in second}
    whole = shown_tenths(after.final_score) - shown_tenths(before.final_score)
    shown = shared_out({key: value if abs(value) > 1e-9 else 0.0 for key, value in changes.items()}, whole, _TENTH)
    return tuple(
        PartChange(key, TITLES[key], first.get(key, 0.0), second.get(key, 0.0), shown[key] / 10)
        for key in changes
        if key != LIMITS or changes[key] or first.get(key)
    )


def payment_causes(
    pairs: Sequence[tuple[ParticipantResult, ParticipantResult]], sides: tuple[Side, Side]
) -> list[dict[str, float] | None]:
    """The changes of payments by cause, in dollars; None where the published numbers do not give the published payments.

    pairs: participants of one cohort in both runs; sides: what its payments rest on in them.
    """
    if not pairs:
        return []
    both = tuple(zip(*pairs, strict=True))
    scores = [[each.final_score for each in results] for results in both]
    part_b = [[each.part_b_cents for each in results] for results in both]
    values = {
        (score, scaling, paid): sides[scaling].cents(scores[score], part_b[paid])
        for score in (0, 1)
        for scaling in (0, 1)
        for paid in (0, 1)
    }
    known = np.ones(len(pairs), dtype=bool)
    for run, results in enumerate(both):
        published = np.array([np.nan if each.change_cents is None else each.change_cents for each in results])
        known &= np.abs(values[run, run, run] - published) <= _CLOSE  # what is not a number is not close
    parts = {cause: np.zeros(len(pairs)) for cause in PAYMENT_CAUSES}
    orders = list(permutations(range(3)))
    for order in orders:
        corner = [0, 0, 0]
        for cause in order:
            old = values[corner[0], corner[1], corner[2]]
            corner[cause] = 1
            parts[PAYMENT_CAUSES[cause]] += (values[corner[0], corner[1], corner[2]] - old) / len(orders) / 100
    return [
        {cause: float(amounts[place]) for cause, amounts in parts.items()} if known[place] else None
        for place in range(len(pairs))
    ]


def shown_dollars(parts: Mapping[str, float], change: int, titles: Mapping[str, str]) -> tuple[CauseChange, ...]:
    """Parts as whole dollars that add up to the change shown."""
    clean = {key: value if abs(value) > 1e-6 else 0.0 for key, value in parts.items()}
    return tuple(CauseChange(titles[key], amount) for key, amount in shared_out(clean, change, _DOLLAR).items())


def shown_tenths(score: float) -> int:
    """A final score in whole tenths of a point, as the pages round it."""
    return round(float(f"{score:.1f}") * 10)


def whole_dollars(cents: int) -> int:
    """Cents as the whole dollars shown."""
    return int(cents / 100 + 0.5) if cents >= 0 else -int(0.5 - cents / 100)


def _number(text: object) -> float:
    return float(str(text)) if text not in (None, "") else float("nan")
