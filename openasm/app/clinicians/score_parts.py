"""A final score in its parts, from the published result: what categories bring, what is added and taken away.

The parts add up to the final score (42 CFR 512.745): where the score was held at its limits, or set to 0 for want of a minimum
submission, one more part says by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openasm.app.look.charts import Step
from openasm.app.published.models import ParticipantResult

PARTS = (
    ("quality", "Quality"),
    ("cost", "Cost"),
    ("improvement", "Improvement activities"),
    ("interoperability", "Interoperability"),
    ("complex_patients", "Complex patients"),
    ("small_practice", "Small practice"),
)
LIMITS = "limits"
TITLES = {**dict(PARTS), LIMITS: "Limits and minimum submission"}
_SMALLEST = 1e-9  # points: less is a matter of adding in another order


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One part of a final score. points: of the final score, what it adds or takes; how: how it came about, in few words."""

    key: str
    title: str
    points: float
    how: str


def score_parts(result: ParticipantResult) -> tuple[ScorePart, ...]:
    """The parts of a final score in the order of the rule; none where there is no final score."""
    if result.final_score is None:
        return ()
    parts = [
        ScorePart(
            "quality", TITLES["quality"], _category(result.quality_weight, result.quality_score), _quality(result)
        ),
        ScorePart("cost", TITLES["cost"], _category(result.cost_weight, result.cost_score), _cost(result)),
    ]
    attested, score = result.activities_attested, result.interoperability_score
    for key, points, how in (
        ("improvement", result.improvement_adjustment, "" if attested is None else f"{attested} of 2 attested"),
        (
            "interoperability",
            result.interoperability_adjustment,
            "" if score is None else f"score {score:.0f} of 100",
        ),
        ("complex_patients", result.complex_patient_adjustment, "risk scores and dual eligibility against the cohort"),
        ("small_practice", result.small_practice_adjustment, "by the number of clinicians in the TIN"),
    ):
        parts.append(ScorePart(key, TITLES[key], points or 0.0, how))
    rest = result.final_score - sum(part.points for part in parts)
    if abs(rest) > _SMALLEST:
        why = (
            "no measure was reported completely enough: the score is 0"
            if result.minimum_submission_met is False
            else "the final score is held between 0 and 100"
        )
        parts.append(ScorePart(LIMITS, TITLES[LIMITS], rest, why))
    return tuple(parts)


def waterfall_steps(result: ParticipantResult, parts: Sequence[ScorePart]) -> list[Step]:
    """The parts and their sum, for the chart."""
    if result.final_score is None:
        return []
    return [*(Step(part.title, part.points) for part in parts), Step("Final score", result.final_score, total=True)]


def _category(weight: float | None, score: float | None) -> float:
    return 0.0 if weight is None or score is None else 100 * weight * score


def _quality(result: ParticipantResult) -> str:
    if result.quality_score is None:
        return "not scored: cost takes its weight"
    text = f"{100 * (result.quality_weight or 0):.0f} × {result.quality_score:.4f}"
    if result.quality_points is not None and result.quality_measures_counted:
        text += f" ({result.quality_points:.1f} of {result.quality_measures_counted * 10} points)"
    return text


def _cost(result: ParticipantResult) -> str:
    if result.cost_score is None:
        return "not scored: quality takes its weight"
    text = f"{100 * (result.cost_weight or 0):.0f} × {result.cost_score:.4f}"
    return text + (f" ({result.cost_points:.1f} of 10 points)" if result.cost_points is not None else "")
