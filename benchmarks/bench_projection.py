"""Projection: simulated cohorts, each with everybody drawn, benchmarked, scored and paid anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.measure import Row, measured
from openasm.projection.scenario import Scenario, assumptions_for
from openasm.projection.simulate import cohort_model, simulate
from openasm.regulation.rulebook import rules_for
from tests.builders.standings import made_up

DRAWS = 10_000
SIZES = {"heart_failure": 2600, "low_back_pain": 4000}
MEASURES = {"heart_failure": 6, "low_back_pain": 5}  # with cost
FOCAL = 10


def run() -> list[Row]:
    """10,000 cohorts of 2,600 and 4,000, for ten known participants in each, against sorting as many random numbers."""
    base = Scenario(rules_for(2027), assumptions_for(2027), draws=DRAWS)
    scenario = base.with_assumption("participants_in_cohort", SIZES)
    models = [cohort_model(made_up(cohort, FOCAL), np.arange(FOCAL), scenario) for cohort in SIZES]
    for model in models:
        simulate(model, draws=60)  # tables and imports

    ours = measured(lambda: [simulate(model, draws=DRAWS, keep=1000) for model in models], repeat=2)
    sorting = measured(_sort_as_many, repeat=2)
    return [
        Row(
            name="simulated cohorts",
            what=f"{DRAWS:,} draws of {sum(SIZES.values()):,} participants in two cohorts, {FOCAL} known in each",
            took=ours,
            reference="numpy.sort of as many single-precision numbers by pool and draw, two threads",
            reference_took=sorting,
            limit_seconds=10.0,
            limit_mb=2000.0,
            note="bound by the look-ups within a core's cache (number to performance to rate to points), then the sorts "
            "of the pools, then the sums of final scores; the processor seconds divided by the cores that are free are "
            "the time to expect",
        )
    ]


def _sort_as_many() -> None:
    """The sorts alone: every measure's and cost's pool of every draw, in blocks that fit a core's cache."""
    block = 25

    def work(job: tuple[str, int]) -> None:
        cohort, seed = job
        numbers = np.random.default_rng(seed).random((block, SIZES[cohort]), dtype=np.float32)
        for _ in range(MEASURES[cohort]):
            np.sort(numbers, axis=1)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [(cohort, seed) for cohort in SIZES for seed in range(DRAWS // block)]))
