"""What a participant's score still lacks that the practice can change: seen from the published result."""

from __future__ import annotations

from dataclasses import dataclass

from openasm.app.published.models import ParticipantResult

ACTIVITIES = 2  # improvement activities that a practice attests (42 CFR 512.735)
SMALL_LOSS = 1.0  # points of the final score: less is not worth a mark in a list


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that should be so. title: how it stands, in a few words."""

    title: str
    met: bool


def checks_of(result: ParticipantResult) -> tuple[Check, ...]:
    """The checks of one participant: submission, activities, interoperability, cost."""
    activities = result.activities_attested or 0
    lost = -(result.interoperability_adjustment or 0.0)
    return (
        Check("Quality submission incomplete", result.minimum_submission_met is not False),
        Check(f"Activities {activities} of {ACTIVITIES}", activities >= ACTIVITIES),
        Check(f"Interoperability −{lost:.1f} points", lost < SMALL_LOSS),
        Check("Cost not scored", result.cost_score is not None),
    )
