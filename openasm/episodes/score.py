"""Step 8: the measure score of each TIN and TIN-NPI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openasm.episodes.design import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class MeasureScore:
    """A score in dollars; npi "" at the level of the TIN."""

    tin: str
    npi: str
    episodes: int
    dollars: float


def measure_scores(
    days: Ints,
    ratio: Floats,
    counted: Flags,
    tin: Sequence[str],
    *,
    held: Sequence[tuple[int, str]],
    national_mean: float,
) -> list[MeasureScore]:
    """Mean ratio weighted by days, times the national mean (dollars), for every TIN and TIN-NPI. As `plain.scores`.

    days, ratio, counted: (episodes,); tin: of each episode; held: episode number and NPI of each attribution. Sums run in the
    order of episodes, whatever order they came in.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for episode in np.flatnonzero(counted).tolist():
        groups.setdefault((tin[episode], ""), []).append(episode)
    for episode, npi in sorted(held):
        if counted[episode]:
            groups.setdefault((tin[episode], npi), []).append(episode)
    found = []
    for (own_tin, npi), members in sorted(groups.items()):
        weights = days[members].astype(np.float64)
        mean_ratio = float((weights * ratio[members]).sum() / weights.sum())
        found.append(MeasureScore(own_tin, npi, len(members), mean_ratio * national_mean))
    return found
