"""Scoring the known participants in many draws at once: what another year of theirs may show, and the points it earns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from openasm.base.parameters import Rules
from openasm.projection.quantiles import OWN_STEPS, another_year_of_amounts, another_year_of_counts
from openasm.projection.standing import Flags, Numbers, Places, Standing
from openasm.regulation.quality import CLAIMS, Finding, decile_points, is_inverse, measures_of, score_quality

Pool = tuple[int, int]  # place of the measure in the cohort's list, place of the collection type in COLLECTION_TYPES

SHIFT = 16 - (OWN_STEPS - 1).bit_length()  # a 16-bit number to a slice of a participant's own distribution


@dataclass(frozen=True, slots=True, eq=False)
class Deciles:
    """A benchmark in each draw: edges (draws, 9) and worst (draws,); NaN in draws whose pool was too small."""

    edges: Numbers
    worst: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """Rows of one measure, collection type and level: at most one a participant. rows: a stretch of the rows."""

    pool: Pool
    rows: slice
    participants: Places


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The known participants of a cohort, made ready for drawing.

    tables: what each source's rate may be, better is larger, (sources, slices); one slice: no error of its own.
    cost_tables: the same of cost scores, (participants, slices), NaN where not scored. outcome: points of each measure and
    participant that no draw changes, (measures, participants): 0, or NaN where excluded or still to be scored.
    """

    standing: Standing
    tables: Numbers
    cost_tables: Numbers
    outcome: Numbers
    layers: tuple[tuple[_Layer, ...], ...]
    pool_rows: Mapping[Pool, Places]
    cost_scored: Flags
    minimum_submission_met: Flags

    def __len__(self) -> int:
        return len(self.standing)

    @property
    def numbers_needed(self) -> int:
        """How many 16-bit numbers one draw takes."""
        return len(self.tables) + len(self.standing)

    def rates(self, numbers: Numbers) -> Numbers:
        """The rate of each row in each draw, (draws, rows), better is larger. numbers: (draws, numbers_needed) of uint16."""
        by_source = _looked_up(self.tables, numbers[:, : len(self.tables)])
        return by_source[:, self.standing.source]

    def costs(self, numbers: Numbers) -> Numbers:
        """The cost score of each participant in each draw, (draws, participants), NaN where not scored."""
        return _looked_up(self.cost_tables, numbers[:, len(self.tables) : self.numbers_needed])

    def in_pool(self, pool: Pool, rates: Numbers) -> Numbers:
        """The rates that take part in a benchmark, (draws, members)."""
        return rates[:, self.pool_rows[pool]] if pool in self.pool_rows else rates[:, :0]

    def measure_points(self, rates: Numbers, benchmarks: Mapping[Pool, Deciles]) -> list[Numbers]:
        """Points of each measure, (draws, participants); NaN where the measure is excluded.

        Of several rows for one measure the one with most points counts. A pool without a benchmark excludes its rows.
        """
        result = []
        for measure, layers in enumerate(self.layers):
            points = np.broadcast_to(self.outcome[measure], (len(rates), len(self))).copy()
            for layer in layers:
                benchmark = benchmarks.get(layer.pool)
                if benchmark is None:
                    continue
                earned = decile_points(rates[:, layer.rows], benchmark.edges, benchmark.worst)
                earned = earned + 0 * benchmark.edges[:, :1]  # NaN in draws without a benchmark
                points[:, layer.participants] = np.fmax(points[:, layer.participants], earned)
            result.append(points)
        return result


def known_participants(standing: Standing, rules: Rules, assumptions: Rules, *, own_error: bool) -> Known:
    """Make participants ready for drawing.

    own_error: their rates and costs are those of another year of the same size; otherwise just as the run has them.
    """
    rows = standing.rows
    measures = measures_of(standing.cohort, rules)
    result = score_quality(rows, cohort=standing.cohort, participants=len(standing), rules=rules)
    to_score = (result.row_finding == Finding.NO_BENCHMARK) | (result.row_finding == Finding.SCORED)
    outcome = np.full((len(measures), len(standing)), np.nan, dtype=np.float32)
    outcome[result.measure_finding == Finding.NOT_SUBMITTED] = 0.0
    zero = result.row_finding == Finding.INCOMPLETE
    outcome[rows.measure[zero], rows.participant[zero]] = 0.0
    layers: list[tuple[_Layer, ...]] = []
    pool_rows: dict[Pool, Places] = {}
    for measure in range(len(measures)):
        of_measure = []
        for kind in np.unique(rows.collection_type[rows.measure == measure]).tolist():
            pool = (measure, kind)
            of_pool = (rows.measure == measure) & (rows.collection_type == kind)
            pool_rows[pool] = np.flatnonzero(of_pool & result.row_in_pool)
            for level in (False, True):
                places = np.flatnonzero(of_pool & (rows.tin_level == level))
                if len(places) and to_score[places].any():
                    of_measure.append(
                        _Layer(pool, slice(int(places[0]), int(places[-1]) + 1), rows.participant[places])
                    )
        layers.append(tuple(of_measure))
    scored = (standing.episodes >= rules["cost.case_minimum"].integer) & ~np.isnan(standing.cost)
    return Known(
        standing=standing,
        tables=_rate_tables(standing, to_score, rules, assumptions, own_error=own_error),
        cost_tables=_cost_tables(standing, scored, assumptions, own_error=own_error),
        outcome=outcome,
        layers=tuple(layers),
        pool_rows=pool_rows,
        cost_scored=scored,
        minimum_submission_met=result.minimum_submission_met,
    )


def _rate_tables(standing: Standing, to_score: Flags, rules: Rules, assumptions: Rules, *, own_error: bool) -> Numbers:
    """What each source's rate may be, better is larger; NaN for sources that earn no points by rate."""
    rows = standing.rows
    _, first = np.unique(standing.source, return_index=True)
    scored = np.zeros(standing.sources, dtype=np.bool_)
    scored[standing.source[to_score]] = True
    cases = (rows.met + rows.not_met)[first]
    met, admissions, eligible = standing.met[first], standing.admissions[first], rows.eligible[first]
    claims = rows.collection_type[first] == CLAIMS
    if own_error:
        tables = another_year_of_counts(
            np.where(scored & ~claims, met, 0.0),
            np.where(scored & ~claims, cases, 0),
            prior=assumptions["projection.prior_cases"].number,
        )
        years = eligible * assumptions["projection.admission_years_per_patient"].number
        # Events are about Poisson: the relative variance of a rate is one over their number, of which there is at least one.
        events = np.maximum(1.0, np.nan_to_num(admissions, nan=1.0) / 100 * years)
        tables[claims] = another_year_of_amounts(admissions[claims], 1 / events[claims])
    else:
        rate = np.full(len(first), np.nan)
        np.divide(met, cases, out=rate, where=cases > 0)
        tables = np.where(claims, admissions, rate)[:, None]
    tables[~scored] = np.nan
    measures = measures_of(standing.cohort, rules)
    inverse = np.array([is_inverse(measure, rules) for measure in measures], dtype=np.bool_)
    # Turned so that a larger number drawn is a better rate, for inverse measures too.
    turned = inverse[rows.measure[first]] if len(first) else np.zeros(0, dtype=np.bool_)
    tables[turned] = -tables[turned][:, ::-1]
    return tables.astype(np.float32)


def _cost_tables(standing: Standing, scored: Flags, assumptions: Rules, *, own_error: bool) -> Numbers:
    """What each participant's cost score may be, falling, so that a larger number drawn is a lower cost."""
    cost = np.where(scored, standing.cost, np.nan)
    if not own_error:
        return cost[:, None].astype(np.float32)
    variation = assumptions["projection.episode_cost_variation"].number
    tables = another_year_of_amounts(cost, variation**2 / np.maximum(1, standing.episodes))
    return tables[:, ::-1].astype(np.float32)


def _looked_up(tables: Numbers, numbers: Numbers) -> Numbers:
    """One value of each table in each draw. tables: (n, slices), numbers: (draws, n) of uint16; gives (draws, n)."""
    count, slices = tables.shape
    if slices == 1:
        return np.broadcast_to(tables[:, 0], (len(numbers), count))
    place = np.arange(count, dtype=np.int64) * slices + (numbers >> SHIFT)
    return np.asarray(np.take(tables.ravel(), place))
