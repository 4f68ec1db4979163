"""Simulated cohorts: in every draw everybody is drawn, the benchmarks are set anew, and everyone is scored and paid.

Draw number d uses its own stretch of one stream of random bits, so a result depends on the seed alone: not on how many draws
are worked on at once, nor on how many threads share the work, nor on how many further draws follow.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from openasm.base.errors import WrongUsage
from openasm.projection.composition import published_peers
from openasm.projection.known import Deciles, Known, Pool, known_participants
from openasm.projection.peers import Adjustments, Peers, ResampledPeers
from openasm.projection.published import Published
from openasm.projection.scenario import NEXT_YEAR, OWN, Scenario
from openasm.projection.standing import Numbers, Places, Standing
from openasm.regulation.cost import cost_edges, cost_points, grid_multiples
from openasm.regulation.final_score import complex_patient_adjustment, small_practice_adjustment
from openasm.regulation.order import in_order, median_of
from openasm.regulation.payment import payment
from openasm.regulation.quality import category_score, decile_edges
from openasm.regulation.ratios import Ratios

CELLS_AT_ONCE = 150_000  # participants x draws worked on together: what a core's cache holds against calls per draw
KEPT_MEMORY = 32_000_000  # bytes: below the largest threshold the C library adjusts to
COHORT_KEYS = {"heart_failure": 1, "low_back_pain": 2}


@dataclass(frozen=True, slots=True, eq=False)
class CohortModel:
    """One cohort before drawing: the participants asked for, and the peers around them (None: nobody else)."""

    cohort: str
    focal: Known
    adjustments: Adjustments
    peers: Peers | None
    scenario: Scenario
    sources: tuple[Published, ...]

    @property
    def size(self) -> int:
        """Participants in the simulated cohort."""
        return len(self.focal) + (len(self.peers) if self.peers is not None else 0)

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Every benchmark somebody takes part in."""
        others = self.peers.pools if self.peers is not None else frozenset()
        return tuple(sorted(set(self.focal.pool_rows) | others))


@dataclass(frozen=True, slots=True, eq=False)
class Benchmarks:
    """What the cohort sets in each draw: deciles by pool, cost edges (draws, 10), scaling factor and midpoint (draws,)."""

    deciles: Mapping[Pool, Deciles]
    cost_edges: Numbers
    scaling: Numbers
    midpoint: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class CohortDraws:
    """The draws of one cohort.

    final_score, factor: (participants asked for, draws), single precision; NaN: no final score. benchmarks: of the first
    draws only (`simulate(keep=...)`). median_final_score, share_cut, undistributed, dollars_sum, pool: of the whole cohort,
    (draws,); dollars_sum: everybody's change of payments, pool: the incentive pool.
    """

    final_score: Numbers
    factor: Numbers
    benchmarks: Benchmarks
    scaling: Numbers
    midpoint: Numbers
    median_final_score: Numbers
    share_cut: Numbers
    undistributed: Numbers
    dollars_sum: Numbers
    pool: Numbers


def cohort_model(standing: Standing, asked: Places, scenario: Scenario) -> CohortModel:
    """The cohort around some participants of a run.

    asked: places in `standing` of the participants to project. Raises WrongUsage when published peers are asked for and
    the participants leave no room for them.
    """
    rules = scenario.rules
    focal_standing = standing.only(asked)
    own_error = scenario.own_error == NEXT_YEAR
    focal = known_participants(focal_standing, rules, scenario.assumptions, own_error=own_error)
    peers: Peers | None = None
    sources: tuple[Published, ...] = ()
    if scenario.peers == OWN:
        complex_patient = complex_patient_adjustment(
            Ratios.of_fractions(standing.risk_scores), Ratios.of_fractions(standing.dual_shares), rules
        )
        others = np.setdiff1d(np.arange(len(standing)), asked)
        if len(others):
            other_standing = standing.only(others)
            known = known_participants(other_standing, rules, scenario.assumptions, own_error=False)
            adjustments = _adjustments(known, complex_patient[others], scenario)
            peers = ResampledPeers(known, adjustments, other_standing.part_b.astype(np.float32), rules)
        own_complex = complex_patient[asked]
    else:
        count = scenario.participants_in_cohort(standing.cohort) - len(asked)
        if count < len(asked):
            raise WrongUsage(
                f"{len(asked):,} participants are most of the {standing.cohort.replace('_', ' ')} cohort of "
                f"{count + len(asked):,}: project them against each other with --peers own, or fewer with --tin."
            )
        peers, own_complex, sources = published_peers(focal_standing, count, scenario, key=COHORT_KEYS[standing.cohort])
    return CohortModel(standing.cohort, focal, _adjustments(focal, own_complex, scenario), peers, scenario, sources)


def _adjustments(known: Known, complex_patient: Numbers, scenario: Scenario) -> Adjustments:
    standing = known.standing
    return Adjustments(
        improvement=standing.improvement.astype(np.float32),
        interoperability=standing.interoperability.astype(np.float32),
        complex_patient=complex_patient.astype(np.float32),
        small_practice=small_practice_adjustment(standing.clinicians, scenario.rules).astype(np.float32),
        minimum_submission_met=known.minimum_submission_met,
    )


def simulate(model: CohortModel, *, draws: int, keep: int = 0, threads: int | None = None) -> CohortDraws:
    """Draw, benchmark, score and pay the cohort `draws` times.

    keep: for how many of the first draws the benchmarks are kept, for levers. threads: None takes the machine's cores; the
    result is the same for any number. Bound by looking up performances, rates and points, and by sorting the pools; memory is
    that of the results plus some tens of megabytes a thread.
    """
    asked = len(model.focal)
    at_once = max(1, min(draws, CELLS_AT_ONCE // model.size))
    keep = min(keep, draws)
    result = CohortDraws(
        final_score=np.empty((asked, draws), dtype=np.float32),
        factor=np.empty((asked, draws), dtype=np.float32),
        benchmarks=Benchmarks(
            {pool: Deciles(np.empty((keep, 9), np.float32), np.empty(keep, np.float32)) for pool in model.pools},
            np.empty((keep, 10), np.float32),
            np.empty(keep, np.float32),
            np.empty(keep, np.float32),
        ),
        **{
            name: np.empty(draws)
            for name in (
                "scaling",
                "midpoint",
                "median_final_score",
                "share_cut",
                "undistributed",
                "dollars_sum",
                "pool",
            )
        },
    )

    def work(first: int) -> None:
        _simulate_some(model, first, min(at_once, draws - first), keep, result)

    _keep_memory_for_reuse()
    starts = range(0, draws, at_once)
    workers = min(len(starts), threads or os.cpu_count() or 1)
    if workers == 1:
        for first in starts:
            work(first)
    else:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(work, starts):
                pass
    return result


def _keep_memory_for_reuse() -> None:
    """One large array given back: from then on the C library keeps freed memory instead of returning it block by block.

    Otherwise a third of the time goes into the system's zeroing the same pages again and again. No effect on systems whose
    library does not adjust its threshold.
    """
    np.empty(KEPT_MEMORY // 8)


def random_numbers(model: CohortModel, first: int, count: int) -> tuple[Numbers, Numbers]:
    """The 16-bit numbers of draws `first` to `first + count`: the focal participants' and the peers', (draws, needed)."""
    focal = model.focal.numbers_needed
    needed = focal + (model.peers.numbers_needed if model.peers is not None else 0)
    words = -(-needed // 4)
    seed = np.random.SeedSequence(model.scenario.seed, spawn_key=(COHORT_KEYS[model.cohort], 0))
    bits = np.random.PCG64DXSM(seed)
    bits.advance(first * words)
    raw = np.asarray(bits.random_raw(count * words)).astype("<u8", copy=False)
    numbers = raw.view("<u2").reshape(count, words * 4)
    return numbers[:, :focal], numbers[:, focal:needed]


def _simulate_some(model: CohortModel, first: int, count: int, keep: int, result: CohortDraws) -> None:
    rules = model.scenario.rules
    own_numbers, peer_numbers = random_numbers(model, first, count)
    rates, costs = model.focal.rates(own_numbers), model.focal.costs(own_numbers)
    drawn = model.peers.drawn(peer_numbers) if model.peers is not None else None

    smallest = rules["quality.smallest_pool"].integer
    deciles = {}
    for pool in model.pools:
        members = [*(drawn.in_pool(pool) if drawn is not None else ()), model.focal.in_pool(pool, rates)]
        deciles[pool] = pool_deciles(members, smallest)
    members = [costs] if drawn is None else [drawn.costs(), costs]
    edges = pool_cost_edges(members, model)

    own_final = final_scores(model.focal, model.adjustments, rates, costs, deciles, edges, model.scenario)
    final: Numbers = own_final
    paid: Numbers = model.focal.standing.part_b.astype(np.float32)
    if drawn is not None and model.peers is not None:
        final = np.concatenate([drawn.final_scores(deciles, edges), own_final], axis=1)
        others_paid = model.peers.part_b(drawn)
        paid = np.concatenate([others_paid, np.broadcast_to(paid, (*others_paid.shape[:-1], len(paid)))], axis=-1)
    paid_out = payment(final, paid, rules)

    to = slice(first, first + count)
    others = model.size - len(model.focal)
    result.final_score[:, to] = own_final.T
    result.factor[:, to] = paid_out.factor[:, others:].T
    result.scaling[to] = paid_out.scaling_factor
    result.midpoint[to] = paid_out.midpoint
    result.median_final_score[to] = median_of(*in_order(final))
    result.share_cut[to] = np.count_nonzero(paid_out.factor < 0, axis=1) / model.size
    result.undistributed[to] = paid_out.undistributed_dollars
    result.dollars_sum[to] = paid_out.change_dollars.sum(axis=1)
    result.pool[to] = paid_out.pool_dollars
    if first < keep:
        kept, some = slice(first, min(first + count, keep)), slice(0, min(count, keep - first))
        for pool, benchmark in deciles.items():
            result.benchmarks.deciles[pool].edges[kept] = benchmark.edges[some]
            result.benchmarks.deciles[pool].worst[kept] = benchmark.worst[some]
        result.benchmarks.cost_edges[kept] = edges[some]
        result.benchmarks.scaling[kept] = paid_out.scaling_factor[some]
        result.benchmarks.midpoint[kept] = paid_out.midpoint[some]


def final_scores(
    known: Known,
    adjustments: Adjustments,
    rates: Numbers,
    costs: Numbers,
    deciles: Mapping[Pool, Deciles],
    edges: Numbers,
    scenario: Scenario,
) -> Numbers:
    """Final scores of known participants (draws, participants) under the draws' benchmarks."""
    quality = category_score(known.measure_points(rates, deciles))
    return adjustments.final_scores(quality, cost_points(costs, edges) / 10, scenario.rules)


def pool_deciles(members: Sequence[Numbers], smallest: int) -> Deciles:
    """The benchmark of a pool given in parts, each (draws, n); NaN in draws with fewer than `smallest` members."""
    together = members[0] if len(members) == 1 else np.concatenate(members, axis=1)
    return Deciles(*decile_edges(together, smallest=smallest))


def pool_cost_edges(members: Sequence[Numbers], model: CohortModel) -> Numbers:
    """Cost edges of a pool given in parts; NaN in draws where it is too small or all scores are equal."""
    rules = model.scenario.rules
    together = members[0] if len(members) == 1 else np.concatenate(members, axis=1)
    lost = 1 if rules["cost.standard_deviation_divisor"].text == "n_minus_1" else 0
    smallest = rules["cost.smallest_pool"].integer
    return cost_edges(together, grid_multiples(rules), degrees_lost=lost, smallest=smallest)
