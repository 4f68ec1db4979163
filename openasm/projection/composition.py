"""Who the peers drawn from published benchmarks are: what they report and attest, the same in every draw."""

from __future__ import annotations

import numpy as np

from openasm.projection.grid import Grid
from openasm.projection.peers import Adjustments, Piece, PublishedPeers, latent_steps
from openasm.projection.published import Published, cost_table, rate_table
from openasm.projection.quantiles import lognormal, middles
from openasm.projection.scenario import Scenario
from openasm.projection.standing import Flags, Numbers, Standing
from openasm.regulation.cost import cost_measure_of
from openasm.regulation.final_score import complex_patient_adjustment, small_practice_adjustment
from openasm.regulation.improvement import improvement_adjustment
from openasm.regulation.interoperability import interoperability_adjustment
from openasm.regulation.quality import COLLECTION_TYPES, collection_types_of, measures_of
from openasm.regulation.ratios import Ratios


class Shuffler:
    """Assigns shares of some peers in exact numbers but at random places; equal seeds, equal places on every machine."""

    def __init__(self, seed: int, key: tuple[int, ...], count: int) -> None:
        self._bits = np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=key))
        self.count = count

    def order(self) -> Numbers:
        """The peers' places in a random order."""
        return np.argsort(np.asarray(self._bits.random_raw(self.count)), kind="stable")

    def flags(self, *shares: float) -> list[Flags]:
        """Disjoint groups of these shares, each a flag a peer; together at most everyone."""
        order = self.order()
        result = []
        start = 0
        for share in shares:
            stop = min(self.count, start + round(share * self.count))
            group = np.zeros(self.count, dtype=np.bool_)
            group[order[start:stop]] = True
            result.append(group)
            start = stop
        return result

    def values(self, shares: dict[float, float]) -> Numbers:
        """A value a peer, each value for its share of the peers."""
        groups = self.flags(*shares.values())
        result = np.full(self.count, next(iter(shares)), dtype=np.float64)
        for value, group in zip(shares, groups, strict=True):
            result[group] = value
        return result

    def spread(self, values: Numbers) -> Numbers:
        """Some values, one a peer, at random places."""
        return np.asarray(values[self.order()])


def published_peers(
    standing: Standing, count: int, scenario: Scenario, *, key: int
) -> tuple[PublishedPeers, Numbers, tuple[Published, ...]]:
    """`count` peers beside the known participants of a cohort.

    Also gives the known participants' complex-patient points within the whole cohort (participants,) and the published
    benchmarks used. key: one for each cohort.
    """
    rules = scenario.rules
    shuffle = Shuffler(scenario.seed, (key, 1), count)
    measures = measures_of(standing.cohort, rules)
    (silent,) = shuffle.flags(scenario.number("nothing_submitted_share"))
    by_ecqm = round(scenario.number("ecqm_share") * count)
    vintage = scenario.text("benchmark_vintage")
    pieces: list[Piece] = []
    sources: list[Published] = []
    for place, measure in enumerate(measures):
        kinds = collection_types_of(measure, rules)
        claims = kinds == ("claims",)
        not_reported = 0.0 if claims else scenario.number("not_reported_share")
        too_few, zero = shuffle.flags(scenario.number("below_minimum_share"), not_reported)
        if not claims:
            zero |= silent
            too_few &= ~silent
        for kind, stretch in _stretches(kinds, by_ecqm, count):
            table, source = rate_table(measure, kind, rules=rules, vintage=vintage)
            sources.append(source)
            grid = Grid.over(table)
            pieces.append(
                Piece(
                    measure=place,
                    pool=(place, COLLECTION_TYPES.index(kind)),
                    peers=stretch,
                    grid=grid,
                    places=grid.places(table),
                    zero=np.flatnonzero(zero[stretch]),
                    excluded=np.flatnonzero((too_few & ~zero)[stretch]),
                    gone=np.where((too_few | zero)[stretch], np.nan, 0.0).astype(np.float32),
                )
            )
    (no_cost,) = shuffle.flags(scenario.number("without_cost_share"))
    costs, spread, cost_year = cost_table(
        standing.cohort, rules=rules, vintage=vintage, trend=scenario.number("cost_trend")
    )
    sources.append(
        Published(
            cost_measure_of(standing.cohort, rules),
            "claims",
            cost_year,
            f"lognormal with the median ${spread.median:,.0f} and standard deviation ${spread.standard_deviation:,.0f}",
        )
    )
    adjustments, own_complex = _adjustments(standing, shuffle, silent, scenario)
    paid = shuffle.spread(_amounts("part_b", count, scenario))
    peers = PublishedPeers(
        measures=len(measures),
        pieces=tuple(pieces),
        correlation=scenario.number("quality_correlation"),
        cost_values=costs[latent_steps(1.0)],
        cost_gone=np.where(no_cost, np.nan, 0.0).astype(np.float32),
        adjustments=adjustments,
        paid=paid.astype(np.float32),
        rules=rules,
    )
    return peers, own_complex, tuple(sources)


def _stretches(kinds: tuple[str, ...], by_ecqm: int, count: int) -> list[tuple[str, slice]]:
    """Which peers report by which collection type: the first by eCQM, the others by CQM, where both are allowed."""
    if set(kinds) != {"ecqm", "cqm"}:
        return [(kinds[0], slice(0, count))]
    return [
        (kind, part)
        for kind, part in (("ecqm", slice(0, by_ecqm)), ("cqm", slice(by_ecqm, count)))
        if part.start < part.stop
    ]


def _adjustments(
    standing: Standing, shuffle: Shuffler, silent: Flags, scenario: Scenario
) -> tuple[Adjustments, Numbers]:
    rules, count = scenario.rules, shuffle.count
    solo_share = min(scenario.number("solo_share"), scenario.number("small_practice_share"))
    solo, small = shuffle.flags(solo_share, scenario.number("small_practice_share") - solo_share)
    limit = rules["final_score.small_practice_clinicians"].integer
    clinicians = np.where(solo, 1, np.where(small, max(2, limit), limit + 1)).astype(np.int64)
    risk = shuffle.spread(_amounts("risk_score", count, scenario))
    dual = shuffle.spread(np.minimum(1.0, _amounts("dual_share", count, scenario)))
    complex_patient = complex_patient_adjustment(
        _thousandths(risk).followed_by(Ratios.of_fractions(standing.risk_scores)),
        _thousandths(dual).followed_by(Ratios.of_fractions(standing.dual_shares)),
        rules,
    )
    peers = Adjustments(
        improvement=_single(
            improvement_adjustment(shuffle.values(scenario.shares("improvement_shares")).astype(np.int64), rules)
        ),
        interoperability=_single(
            interoperability_adjustment(shuffle.values(scenario.shares("interoperability_shares")), rules)
        ),
        complex_patient=_single(complex_patient[:count]),
        small_practice=_single(small_practice_adjustment(clinicians, rules)),
        minimum_submission_met=~silent,
    )
    return peers, complex_patient[count:]


def _amounts(name: str, count: int, scenario: Scenario) -> Numbers:
    """Lognormal amounts at equally likely points, rising."""
    median = scenario.number(f"{name}_median")
    if median == 0 or count == 0:
        return np.zeros(count)
    return lognormal(median, median * scenario.number(f"{name}_variation"), middles(count))


def _thousandths(values: Numbers) -> Ratios:
    """Values rounded to thousandths, exact."""
    return Ratios.of_counts(np.round(values * 1000).astype(np.int64), np.full(len(values), 1000))


def _single(values: Numbers) -> Numbers:
    """Single precision: half the memory of a large simulation, and far more digits than the inputs have."""
    return np.asarray(values, dtype=np.float32)
