"""The rest of the cohort, drawn: from published benchmarks, or from the run's own participants with replacement.

Both kinds answer the same three questions about one stretch of draws: which rates stand in each benchmark's pool, which cost
scores do, and, once the benchmarks of each draw are known, what final scores everyone has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from openasm.base.parameters import Rules
from openasm.projection.grid import Grid, looked_up
from openasm.projection.known import Deciles, Known, Pool
from openasm.projection.quantiles import LATENT_STEP, STEPS, middles, normal_quantiles
from openasm.projection.standing import Flags, Numbers, Places
from openasm.regulation.cost import cost_points
from openasm.regulation.final_score import final_score
from openasm.regulation.quality import category_score, decile_steps

_BINARY = 2**32


@dataclass(frozen=True, slots=True, eq=False)
class Adjustments:
    """What is added to the categories of some participants, shape (participants,), and whether they are scored at all."""

    improvement: Numbers
    interoperability: Numbers
    complex_patient: Numbers
    small_practice: Numbers
    minimum_submission_met: Flags

    def final_scores(self, quality: Numbers, cost: Numbers, rules: Rules) -> Numbers:
        """Final scores (draws, participants) of category scores."""
        return final_score(
            quality,
            cost,
            improvement=self.improvement,
            interoperability=self.interoperability,
            complex_patient=self.complex_patient,
            small_practice=self.small_practice,
            minimum_submission_met=self.minimum_submission_met,
            rules=rules,
        )


class DrawnPeers(Protocol):
    """The peers in one stretch of draws."""

    def in_pool(self, pool: Pool) -> Sequence[Numbers]:
        """Rates in a benchmark's pool, better is larger, each (draws, n); NaN is no member."""

    def costs(self) -> Numbers:
        """Cost scores (draws, n); NaN is no member of the pool."""

    def final_scores(self, benchmarks: Mapping[Pool, Deciles], cost_edges: Numbers) -> Numbers:
        """Final scores (draws, peers) under the draws' benchmarks."""


class Peers(Protocol):
    """The rest of the cohort before drawing."""

    @property
    def numbers_needed(self) -> int:
        """How many 16-bit numbers one draw takes."""

    @property
    def pools(self) -> frozenset[Pool]:
        """The benchmarks they take part in."""

    def __len__(self) -> int: ...

    def drawn(self, numbers: Numbers) -> DrawnPeers:
        """The peers of some draws. numbers: (draws, numbers_needed) of uint16."""

    def part_b(self, drawn: DrawnPeers) -> Numbers:
        """Part B dollars, (peers,) or (draws, peers)."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Peers who report one measure by one collection type: a stretch of the peers.

    places: their rates over the latent grid, better is larger, as places of `grid`; zero, excluded: positions within the
    stretch of those with 0 points, and of those whose measure is left out; gone: NaN for both, who are not in the pool, else 0.
    """

    measure: int
    pool: Pool
    peers: slice
    grid: Grid
    places: Numbers
    zero: Places
    excluded: Places
    gone: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class PublishedPeers:
    """Peers drawn from published benchmarks, shapes (peers,).

    The pieces of each measure cover all peers, in order. cost_values: the cost score for each 16-bit number; cost_gone: NaN
    for those without a cost score, else 0.
    """

    measures: int
    pieces: tuple[Piece, ...]
    correlation: float
    cost_values: Numbers
    cost_gone: Numbers
    adjustments: Adjustments
    paid: Numbers
    rules: Rules

    def __len__(self) -> int:
        return len(self.paid)

    @property
    def numbers_needed(self) -> int:
        """One number a measure, one for cost, and one for what a peer's measures have in common."""
        return (self.measures + 1 + (self.correlation > 0)) * len(self)

    @property
    def pools(self) -> frozenset[Pool]:
        """The benchmarks they take part in."""
        return frozenset(piece.pool for piece in self.pieces)

    def part_b(self, drawn: DrawnPeers) -> Numbers:  # noqa: ARG002  the same in every draw
        """Part B dollars, (peers,)."""
        return self.paid

    def drawn(self, numbers: Numbers) -> DrawnPeers:
        """Each peer's latent performances, looked up in the distributions."""
        count = len(self)
        own_part = latent_steps((1 - self.correlation) ** 0.5)
        common = None
        if self.correlation > 0:
            shared = np.take(latent_steps(self.correlation**0.5), numbers[:, (self.measures + 1) * count :])
            common = shared - np.uint16(STEPS // 2)  # wraps round, and back when added below
        places: list[Numbers] = []
        for piece in self.pieces:
            start = piece.measure * count
            latent = np.take(own_part, numbers[:, start + piece.peers.start : start + piece.peers.stop])
            if common is not None:
                latent += common[:, piece.peers]
            places.append(np.take(piece.places, latent))
        at = self.measures * count
        cost = np.take(self.cost_values, numbers[:, at : at + count])
        cost += self.cost_gone
        return _DrawnPublished(self, places, cost)


@dataclass(frozen=True, slots=True, eq=False)
class _DrawnPublished:
    peers: PublishedPeers
    places: list[Numbers]  # of each piece, on its grid
    cost: Numbers

    def in_pool(self, pool: Pool) -> Sequence[Numbers]:
        pieces = zip(self.peers.pieces, self.places, strict=True)
        return [piece.grid.values(places, piece.gone) for piece, places in pieces if piece.pool == pool]

    def costs(self) -> Numbers:
        return self.cost

    def final_scores(self, benchmarks: Mapping[Pool, Deciles], cost_edges: Numbers) -> Numbers:
        peers = self.peers
        edges = np.stack([benchmarks[piece.pool].edges for piece in peers.pieces])
        worst = np.stack([benchmarks[piece.pool].worst for piece in peers.pieces])
        steps, heights = decile_steps(edges, worst)
        points: list[list[Numbers]] = [[] for _ in range(peers.measures)]
        for piece, places, *stairs in zip(peers.pieces, self.places, steps, heights, strict=True):
            earned = looked_up(piece.grid.staircase(*stairs), places)
            earned[:, piece.excluded] = np.nan
            earned[:, piece.zero] = 0.0
            points[piece.measure].append(earned)
        quality = category_score([each[0] if len(each) == 1 else np.concatenate(each, axis=1) for each in points])
        cost = cost_points(self.cost, cost_edges)
        cost /= 10
        return peers.adjustments.final_scores(quality, cost, peers.rules)


@dataclass(frozen=True, slots=True, eq=False)
class ResampledPeers:
    """Peers drawn with replacement from known participants, who keep the rates and costs the run has of them."""

    known: Known
    adjustments: Adjustments
    paid: Numbers
    rules: Rules

    def __len__(self) -> int:
        return len(self.known)

    @property
    def numbers_needed(self) -> int:
        """Two 16-bit numbers a peer choose the participant who stands in."""
        return 2 * len(self)

    @property
    def pools(self) -> frozenset[Pool]:
        """The benchmarks they take part in."""
        return frozenset(self.known.pool_rows)

    def part_b(self, drawn: DrawnPeers) -> Numbers:
        """Part B dollars, (draws, peers)."""
        assert isinstance(drawn, _DrawnResampled)
        return self.paid[drawn.chosen]

    def drawn(self, numbers: Numbers) -> DrawnPeers:
        """Who stands in for whom in each draw."""
        count = len(self)
        high = numbers[:, :count].astype(np.uint64)
        low = numbers[:, count : 2 * count].astype(np.uint64)
        chosen = ((high << np.uint64(16)) + low) * np.uint64(count) // np.uint64(_BINARY)
        none = np.zeros((1, self.known.numbers_needed), dtype=np.uint16)
        return _DrawnResampled(self, chosen.astype(np.int64), self.known.rates(none), self.known.costs(none))


@dataclass(frozen=True, slots=True, eq=False)
class _DrawnResampled:
    peers: ResampledPeers
    chosen: Places  # (draws, peers)
    rates: Numbers  # (1, rows)
    cost: Numbers  # (1, peers)

    def in_pool(self, pool: Pool) -> Sequence[Numbers]:
        known = self.peers.known
        if pool not in known.pool_rows:
            return []
        rows = known.pool_rows[pool]
        by_participant = np.full(len(known), np.nan, dtype=np.float32)
        by_participant[known.standing.rows.participant[rows]] = self.rates[0, rows]
        return [np.take(by_participant, self.chosen)]

    def costs(self) -> Numbers:
        return np.asarray(np.take(self.cost[0], self.chosen))

    def final_scores(self, benchmarks: Mapping[Pool, Deciles], cost_edges: Numbers) -> Numbers:
        """The final score each known participant has under the draws' benchmarks, given to whom they stand in for."""
        peers, draws = self.peers, len(self.chosen)
        rates = np.broadcast_to(self.rates, (draws, self.rates.shape[1]))
        quality = category_score(peers.known.measure_points(rates, benchmarks))
        cost = cost_points(np.broadcast_to(self.cost, (draws, len(peers))), cost_edges) / 10
        scores = peers.adjustments.final_scores(quality, cost, peers.rules)
        return np.asarray(np.take_along_axis(scores, self.chosen, axis=1))


@cache
def latent_steps(weight: float) -> Numbers:
    """A 16-bit number to a place on the latent grid: a normal variable times `weight`."""
    normal = normal_quantiles(middles(STEPS)) * weight
    return np.asarray((np.round(normal / LATENT_STEP) + STEPS // 2).astype(np.uint16))
