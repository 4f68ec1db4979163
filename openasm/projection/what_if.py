"""What if: several levers at once, by as much as somebody wishes, and peers that move too.

    effect = what_if(model, draws, Wish(gaps_closed={"236": 0.5}, cost_lower=0.05))

The scaling factor and the midpoint of each draw are held as they were drawn, as for single levers (see levers.py): one practice hardly
moves them. When the peers move they would move as well, so a shift of the peers says less than a projection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from openasm.base.errors import WrongUsage
from openasm.projection.known import Deciles
from openasm.projection.levers import Effect, effect_of
from openasm.projection.simulate import Benchmarks, CohortDraws, CohortModel
from openasm.projection.standing import Standing
from openasm.regulation.improvement import activities, improvement_adjustment
from openasm.regulation.interoperability import interoperability_adjustment
from openasm.regulation.quality import CLAIMS, is_inverse, measures_of


@dataclass(frozen=True, slots=True)
class Wish:
    """How far each lever is pulled. Shares run from 0 to 1; None leaves a value as it is.

    gaps_closed: by measure, the share of cases not met that become met (of the claims measure: of admissions that do not
    happen; of inverse measures: of met ones that no longer are). activities: attested; interoperability: score from 0 to 100;
    cost_lower: share of the episode cost, negative: higher; peers_better: points of a rate as a share (0.02: two points) by
    which the peers' benchmarks rise (claims measure and cost: by that share); negative: fall.
    """

    gaps_closed: Mapping[str, float] = field(default_factory=dict)
    activities: int | None = None
    interoperability: float | None = None
    cost_lower: float = 0.0
    peers_better: float = 0.0

    def __post_init__(self) -> None:
        shares = self.gaps_closed.values()
        if (
            any(not 0 <= share <= 1 for share in shares)
            or not -1 < self.cost_lower < 1
            or not -1 < self.peers_better < 1
        ):
            raise WrongUsage("Shares run from 0 to 1.")
        if self.interoperability is not None and not 0 <= self.interoperability <= 100:
            raise WrongUsage("The interoperability score runs from 0 to 100.")


def what_if(model: CohortModel, draws: CohortDraws, wish: Wish) -> Effect:
    """The effect of a wish on each participant asked for. WrongUsage for a number of activities that cannot be."""
    rules = model.scenario.rules
    if wish.activities is not None and not 0 <= wish.activities <= len(activities(rules)):
        raise WrongUsage(f"Activities run from 0 to {len(activities(rules))}.")
    among = _moved(model, draws.benchmarks, wish.peers_better) if wish.peers_better else None
    return effect_of(model, draws, lambda standing: _changed(model, standing, wish), among=among)


def _changed(model: CohortModel, standing: Standing, wish: Wish) -> Standing:
    rules, rows = model.scenario.rules, standing.rows
    met, admissions = standing.met.copy(), standing.admissions.copy()
    for place, measure in enumerate(measures_of(standing.cohort, rules)):
        share = wish.gaps_closed.get(measure, 0.0)
        if not share:
            continue
        chosen = rows.measure == place
        cases = (rows.met + rows.not_met).astype(np.float64)
        better = met * (1 - share) if is_inverse(measure, rules) else met + share * (cases - met)
        met = np.where(chosen, better, met)
        admissions = np.where(chosen, admissions * (1 - share), admissions)
    changed = replace(standing, met=met, admissions=admissions, cost=standing.cost * (1 - wish.cost_lower))
    if wish.activities is not None:
        points = improvement_adjustment(np.array([wish.activities], dtype=np.int64), rules).item()
        changed = replace(changed, improvement=np.full(len(standing), points))
    if wish.interoperability is not None:
        points = interoperability_adjustment(np.array([wish.interoperability]), rules).item()
        changed = replace(changed, interoperability=np.full(len(standing), points))
    return changed


def _moved(model: CohortModel, benchmarks: Benchmarks, better: float) -> Benchmarks:
    """Benchmarks of peers that are better. Edges are turned so that larger is better: those of inverse measures are below 0."""
    measures = measures_of(model.cohort, model.scenario.rules)
    moved = {}
    for pool, each in benchmarks.deciles.items():
        measure, kind = pool
        if kind == CLAIMS:
            moved[pool] = Deciles(each.edges * (1 - better), each.worst * (1 - better))
            continue
        low, high = (-1.0, 0.0) if is_inverse(measures[measure], model.scenario.rules) else (0.0, 1.0)
        moved[pool] = Deciles(np.clip(each.edges + better, low, high), np.clip(each.worst + better, low, high))
    return replace(benchmarks, deciles=moved, cost_edges=benchmarks.cost_edges * (1 - better))
