"""What would help: each improvement alone, under the same chance, the same peers and the same benchmarks.

The benchmarks and the scaling factor of each draw are held as they were drawn: one participant among thousands hardly moves
them. In a cohort of a few dozen they do move, and a lever then helps a little less than said here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np

from openasm.projection.known import Deciles, Known, known_participants
from openasm.projection.peers import Adjustments
from openasm.projection.scenario import NEXT_YEAR
from openasm.projection.simulate import Benchmarks, CohortDraws, CohortModel, final_scores, random_numbers
from openasm.projection.standing import Numbers, Standing, rows_at
from openasm.regulation.improvement import activities, improvement_adjustment
from openasm.regulation.interoperability import interoperability_adjustment
from openasm.regulation.payment import adjustment_factor, capped_factor, transformed_score
from openasm.regulation.quality import (
    CLAIMS,
    COLLECTION_TYPES,
    QualityRows,
    collection_types_of,
    is_inverse,
    measures_of,
)
from openasm.regulation.ratios import Ratios

RATE_STEP = 0.05  # "5 points better"
COST_STEP = 0.05
ADMISSION_STEP = 0.05
ROWS_AT_ONCE = 200_000
CASES_OF_A_NEW_REPORT = 1000  # a what-if rate to three decimals

Change = Callable[[Standing], Standing]


@dataclass(frozen=True, slots=True, eq=False)
class LeverDraws:
    """A lever's mean effect on each participant, shape (participants,): points of final score, factor."""

    key: str
    title: str
    score: Numbers
    factor: Numbers


def pull_levers(model: CohortModel, draws: CohortDraws) -> tuple[LeverDraws, ...]:
    """Every lever's effect over the draws whose benchmarks were kept; the first, `one_point`, is one more point of score."""
    kept = len(draws.benchmarks.scaling)
    levers = _levers(model, draws)
    changed = [(_ready(model, change), key) for key, _, change in levers]
    count = len(model.focal)
    score = np.zeros((len(levers) + 1, count))
    factor = np.zeros((len(levers) + 1, count))
    at_once = max(1, min(kept, ROWS_AT_ONCE // max(1, len(model.focal.standing.rows) + count)))
    for first in range(0, kept, at_once):
        some = slice(first, min(first + at_once, kept))
        numbers, _ = random_numbers(model, first, some.stop - some.start)
        benchmarks = _some(draws.benchmarks, some)
        base_score = _scores(model, model.focal, model.adjustments, numbers, benchmarks)
        base_factor = factors(model, base_score, benchmarks)
        highest = model.scenario.rules["final_score.highest"].number
        for place in range(len(levers) + 1):
            if place == 0:
                # A score of 0 comes from submitting nothing, or lies below 0 before clipping: no point is to be had.
                more = np.minimum(base_score + np.float32(1), np.float32(highest))
                new_score = np.where(base_score == 0, base_score, more)
            else:
                known, adjustments = changed[place - 1][0]
                new_score = _scores(model, known, adjustments, numbers, benchmarks)
            new_factor = factors(model, new_score, benchmarks)
            score[place] += np.nan_to_num(new_score - base_score).sum(axis=0, dtype=np.float64)
            factor[place] += (new_factor - base_factor).sum(axis=0, dtype=np.float64)
    names = [("one_point", "One more point of final score"), *((key, title) for key, title, _ in levers)]
    return tuple(
        LeverDraws(key, title, score[place] / kept, factor[place] / kept) for place, (key, title) in enumerate(names)
    )


def factors(model: CohortModel, final: Numbers, benchmarks: Benchmarks) -> Numbers:
    """Payment factors of final scores (draws, participants) under the draws' scaling factors."""
    rules = model.scenario.rules
    transformed = transformed_score(final, benchmarks.midpoint, rules)
    return capped_factor(adjustment_factor(final, transformed, benchmarks.scaling, rules), rules)


def _scores(
    model: CohortModel, known: Known, adjustments: Adjustments, numbers: Numbers, benchmarks: Benchmarks
) -> Numbers:
    added = known.numbers_needed - numbers.shape[1]
    if added:  # measures reported anew: their rate is given, so any number will do
        at = len(known.tables) - added
        numbers = np.concatenate(
            [numbers[:, :at], np.zeros((len(numbers), added), dtype=numbers.dtype), numbers[:, at:]], axis=1
        )
    return final_scores(
        known,
        adjustments,
        known.rates(numbers),
        known.costs(numbers),
        benchmarks.deciles,
        benchmarks.cost_edges,
        model.scenario,
    )


def _ready(model: CohortModel, change: Change) -> tuple[Known, Adjustments]:
    """The focal participants after a change, made ready for drawing with the same numbers."""
    before = model.focal.standing
    after = change(before)
    scenario = model.scenario
    own_error = scenario.own_error == NEXT_YEAR
    known = known_participants(after, scenario.rules, scenario.assumptions, own_error=own_error)
    added = after.sources - before.sources
    if added:
        tables = known.tables.copy()
        tables[-added:] = tables[-added:].mean(axis=1, keepdims=True)
        known = replace(known, tables=tables)
    adjustments = replace(
        model.adjustments,
        improvement=after.improvement.astype(np.float32),
        interoperability=after.interoperability.astype(np.float32),
        minimum_submission_met=known.minimum_submission_met,
    )
    return known, adjustments


def _some(benchmarks: Benchmarks, some: slice) -> Benchmarks:
    return Benchmarks(
        {pool: Deciles(each.edges[some], each.worst[some]) for pool, each in benchmarks.deciles.items()},
        benchmarks.cost_edges[some],
        benchmarks.scaling[some],
        benchmarks.midpoint[some],
    )


def _levers(model: CohortModel, draws: CohortDraws) -> list[tuple[str, str, Change]]:
    """key, title and change of each lever that does something for somebody."""
    rules, standing = model.scenario.rules, model.focal.standing
    found: list[tuple[str, str, Change]] = []
    for place, measure in enumerate(measures_of(standing.cohort, rules)):
        rows = standing.rows.measure == place
        if rows.any():
            if (standing.rows.collection_type[rows] == CLAIMS).all():
                title = f"Measure {measure}: {ADMISSION_STEP:.0%} fewer admissions"
            elif is_inverse(measure, rules):
                title = f"Measure {measure}: rate {RATE_STEP * 100:.0f} points lower (lower is better)"
            else:
                title = f"Measure {measure}: rate {RATE_STEP * 100:.0f} points higher"
            found.append((f"measure_{measure}", title, _better(place, inverse=is_inverse(measure, rules))))
        kinds = collection_types_of(measure, rules)
        reported = np.zeros(len(standing), dtype=np.bool_)
        reported[standing.rows.participant[rows]] = True
        pool = (place, COLLECTION_TYPES.index(kinds[0]))
        if kinds != ("claims",) and not reported.all() and pool in draws.benchmarks.deciles:
            medians = draws.benchmarks.deciles[pool].edges[:, 4]
            medians = medians[~np.isnan(medians)]  # draws whose pool was large enough
            if len(medians):
                title = f"Measure {measure}: report it completely, at the cohort's median rate"
                found.append((f"report_{measure}", title, _reported(place, pool[1], abs(float(medians.mean())))))
    least = rules["quality.data_completeness"].exact
    found.append(
        ("completeness", f"Report at least {float(least):.0%} of the eligible cases of every measure", _complete(least))
    )
    both = improvement_adjustment(np.array([len(activities(rules))], dtype=np.int64), rules).item()
    full = interoperability_adjustment(np.array([100.0]), rules).item()
    found.append(("improvement", "Attest both improvement activities", _improvement(both)))
    found.append(("interoperability", "Full Promoting Interoperability score", _interoperability(full)))
    found.append(("cost", f"Episode cost {COST_STEP:.0%} lower", _cheaper))
    found.append(("all", "All of these together", _all_of([change for _, _, change in found])))
    return found


def _better(measure: int, *, inverse: bool) -> Change:
    def change(standing: Standing) -> Standing:
        rows = standing.rows
        cases = (rows.met + rows.not_met).astype(np.float64)
        chosen = rows.measure == measure
        step = -RATE_STEP if inverse else RATE_STEP
        met = np.where(chosen, np.clip(standing.met + step * cases, 0.0, cases), standing.met)
        admissions = np.where(chosen, standing.admissions * (1 - ADMISSION_STEP), standing.admissions)
        return replace(standing, met=met, admissions=admissions)

    return change


def _reported(measure: int, kind: int, rate: float) -> Change:
    """The measure reported by those who have no row for it."""

    def change(standing: Standing) -> Standing:
        rows = standing.rows
        without = np.setdiff1d(np.arange(len(standing)), rows.participant[rows.measure == measure])
        count = len(without)
        if not count:
            return standing
        met = round(rate * CASES_OF_A_NEW_REPORT)
        none = np.zeros(count, dtype=np.int64)
        columns = {
            "participant": without,
            "measure": none + measure,
            "collection_type": none + kind,
            "tin_level": np.zeros(count, dtype=np.bool_),
            "eligible": none + CASES_OF_A_NEW_REPORT,
            "met": none + met,
            "not_met": none + CASES_OF_A_NEW_REPORT - met,
            "exclusions": none,
            "exceptions": none,
        }
        joined = QualityRows(
            claims_rate=Ratios(
                np.concatenate([rows.claims_rate.numerator, none]), np.concatenate([rows.claims_rate.denominator, none])
            ),
            **{name: np.concatenate([getattr(rows, name), new]) for name, new in columns.items()},
        )
        order = np.lexsort((joined.participant, joined.tin_level, joined.collection_type, joined.measure))
        return replace(
            standing,
            rows=rows_at(joined, order),
            met=np.concatenate([standing.met, np.full(count, float(met))])[order],
            admissions=np.concatenate([standing.admissions, np.full(count, np.nan)])[order],
            source=np.concatenate([standing.source, standing.sources + np.arange(count)])[order],
        )

    return change


def _complete(least: Fraction) -> Change:
    """The cases missing to the completeness reported too, with the rate of those already reported."""

    def change(standing: Standing) -> Standing:
        rows = standing.rows
        needed = -(-rows.eligible * least.numerator // least.denominator)
        cases = rows.met + rows.not_met
        missing = np.where((rows.collection_type != CLAIMS) & (cases > 0), np.maximum(0, needed - rows.answered), 0)
        met = standing.met * np.where(cases > 0, 1 + missing / np.maximum(cases, 1), 1.0)
        grown = QualityRows(
            **{field.name: getattr(rows, field.name) for field in fields(QualityRows) if field.name != "not_met"},
            not_met=rows.not_met + missing,
        )
        return replace(standing, rows=grown, met=met)

    return change


def _improvement(points: float) -> Change:
    return lambda standing: replace(standing, improvement=np.full(len(standing), points))


def _interoperability(points: float) -> Change:
    return lambda standing: replace(standing, interoperability=np.full(len(standing), points))


def _cheaper(standing: Standing) -> Standing:
    return replace(standing, cost=standing.cost * (1 - COST_STEP))


def _all_of(changes: Sequence[Change]) -> Change:
    def change(standing: Standing) -> Standing:
        for each in changes:
            standing = each(standing)
        return standing

    return change


def _mean_score(scores: Numbers) -> Numbers:
    """Mean over the draws (draws, participants) that have a score; NaN where none has."""
    present = ~np.isnan(scores)
    count = present.sum(axis=0)
    total = np.where(present, scores, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """Means over the draws, shape (participants,): final score (of draws that give one; NaN: none does) and factor, before and after a change."""

    score_before: Numbers
    score_after: Numbers
    factor_before: Numbers
    factor_after: Numbers


def effect_of(model: CohortModel, draws: CohortDraws, change: Change, *, among: Benchmarks | None = None) -> Effect:
    """What a change to the participants asked for does over the draws whose benchmarks were kept.

    among: benchmarks after the change (peers that moved); None: as drawn.
    """
    numbers, _ = random_numbers(model, 0, len(draws.benchmarks.scaling))
    moved = among or draws.benchmarks
    before = _scores(model, model.focal, model.adjustments, numbers, draws.benchmarks)
    after = _scores(model, *_ready(model, change), numbers, moved)
    return Effect(
        _mean_score(before),
        _mean_score(after),
        factors(model, before, draws.benchmarks).mean(axis=0, dtype=np.float64),
        factors(model, after, moved).mean(axis=0, dtype=np.float64),
    )
