"""Quality category, 42 CFR 512.725: from submitted rows to a category score.

The steps follow the rule: tests of each row, benchmark pools, deciles, points, the row that counts, the category score, and the
minimum submission. `score_quality` does them for one cohort, exact at every edge; a simulation uses `decile_edges`,
`decile_points` and `category_score` on `(draws, participants)` arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

import numpy as np

from openasm.base.errors import NotFound
from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.choices import chosen
from openasm.regulation.deciles import PARAMETERS as DECILE_PARAMETERS
from openasm.regulation.deciles import QualityBenchmark as QualityBenchmark
from openasm.regulation.deciles import decile_edges as decile_edges
from openasm.regulation.deciles import decile_points as decile_points
from openasm.regulation.deciles import decile_steps as decile_steps
from openasm.regulation.deciles import points_of as points_of
from openasm.regulation.deciles import quality_benchmark as quality_benchmark
from openasm.regulation.ratios import Ratios

PARAMETERS = (
    "quality.measures",
    "quality.inverse_measures",
    "quality.collection_types",
    "quality.case_minimum",
    "quality.data_completeness",
    "quality.order_of_tests",
    "quality.not_submitted",
    "quality.benchmark_pool",
    "quality.benchmark_period",
    "quality.without_benchmark",
    "quality.row_choice",
    "quality.row_choice_ties",
    "quality.tin_level_rows",
    "quality.category_score",
    "quality.minimum_submission_measures",
    "quality.minimum_submission_completeness",
    *DECILE_PARAMETERS,
)

COLLECTION_TYPES = ("ecqm", "cqm", "claims")  # `QualityRows.collection_type` holds the place in this tuple
CLAIMS = COLLECTION_TYPES.index("claims")


class Finding(IntEnum):
    """What the tests of a measure row found."""

    NOT_SUBMITTED = 0  # required measure without a row: 0 points, counted
    NOT_CALCULATED = 1  # measure without a row that need not have one (claims measure): excluded
    NOTHING_ELIGIBLE = 2  # excluded
    INCOMPLETE = 3  # 0 points, counted
    TOO_FEW_CASES = 4  # excluded
    NO_BENCHMARK = 5  # excluded
    SCORED = 6  # points by decile

    @property
    def counted(self) -> bool:
        """Whether the measure stays in the category's denominator."""
        return self in (Finding.NOT_SUBMITTED, Finding.INCOMPLETE, Finding.SCORED)


_TESTS = {
    "nothing_eligible": Finding.NOTHING_ELIGIBLE,
    "incomplete": Finding.INCOMPLETE,
    "too_few_cases": Finding.TOO_FEW_CASES,
    "no_benchmark": Finding.NO_BENCHMARK,
}


@dataclass(frozen=True, slots=True, eq=False)
class QualityRows:
    """The submitted rows of one cohort, columns of shape (rows,).

    A TIN-level row appears once for each participant of the TIN. participant: place of the participant in the cohort;
    measure: place in `measures_of(cohort, rules)`; collection_type: place in COLLECTION_TYPES; tin_level: whether the row
    was reported for the whole TIN; counts as in quality.csv (0 where empty); claims_rate: the given rate of claims rows (no
    value elsewhere). No two rows may share participant, measure, collection type and level.
    """

    participant: IntArray
    measure: IntArray
    collection_type: IntArray
    tin_level: BoolArray
    eligible: IntArray
    met: IntArray
    not_met: IntArray
    exclusions: IntArray
    exceptions: IntArray
    claims_rate: Ratios

    def __len__(self) -> int:
        return len(self.participant)

    @property
    def from_claims(self) -> BoolArray:
        """Which rows CMS calculates from claims."""
        return np.asarray(self.collection_type == CLAIMS)

    @property
    def rate(self) -> Ratios:
        """met / (met + not met), or the given rate of claims rows; no value for 0 / 0."""
        claims = self.from_claims
        return Ratios(
            np.where(claims, self.claims_rate.numerator, self.met),
            np.where(claims, self.claims_rate.denominator, self.met + self.not_met),
        )

    @property
    def answered(self) -> IntArray:
        """met + not met + exclusions + exceptions: the numerator of completeness."""
        return self.met + self.not_met + self.exclusions + self.exceptions


@dataclass(frozen=True, slots=True, eq=False)
class QualityResult:
    """Quality of one cohort. Shapes: (participants,), (measures, participants) and (rows,)."""

    measures: tuple[str, ...]
    category_score: FloatArray  # (participants,) 0-1, NaN: not scored
    minimum_submission_met: BoolArray  # (participants,)
    measure_points: FloatArray  # (measures, participants) 0-10, NaN: excluded
    measure_finding: IntArray  # (measures, participants) Finding
    chosen_row: IntArray  # (measures, participants) place in the rows, -1: no row counts
    row_finding: IntArray  # (rows,) Finding
    row_points: FloatArray  # (rows,) NaN: excluded
    row_rate: FloatArray  # (rows,) fraction (claims: as given), NaN: no rate
    row_completeness: FloatArray  # (rows,) NaN: nothing eligible, or claims
    row_used: BoolArray  # (rows,) the row that counts for its measure
    row_in_pool: BoolArray  # (rows,) the rate is in the benchmark's pool
    benchmarks: Mapping[tuple[str, str], QualityBenchmark]  # (measure, collection type)
    pool_sizes: Mapping[tuple[str, str], int]  # also of pools too small for a benchmark


def measures_of(cohort: str, rules: Rules) -> tuple[str, ...]:
    """The cohort's measure ids in the order of the rule (`quality.measures`). NotFound for an unknown cohort.

    >>> from openasm.regulation.rulebook import rules_for
    >>> measures_of("low_back_pain", rules_for(2027))
    ('238', '134', '128', '220')
    """
    return _texts(rules["quality.measures"].table, cohort, "cohort")


def is_inverse(measure: str, rules: Rules) -> bool:
    """Whether less is better (`quality.inverse_measures`)."""
    return measure in rules["quality.inverse_measures"].texts


def collection_types_of(measure: str, rules: Rules) -> tuple[str, ...]:
    """How a measure may be collected (`quality.collection_types`). NotFound for an unknown measure."""
    return _texts(rules["quality.collection_types"].table, measure, "quality measure")


def tin_level_rows_need_small_practice(rules: Rules) -> bool:
    """Whether only small practices may report quality for the whole TIN (`quality.tin_level_rows`)."""
    return chosen(rules, "quality.tin_level_rows") == "small_practices_only"


def score_quality(rows: QualityRows, *, cohort: str, participants: int, rules: Rules) -> QualityResult:
    """The whole quality category of one cohort, exact at every edge.

    participants: how many the cohort has. Citation: 42 CFR 512.725; parameters: PARAMETERS of this module.

    The surprise: a row below the case minimum leaves the measure out, but a row below the completeness keeps it in with 0
    points, so reporting too little is worse than having few patients.
    """
    for name in ("benchmark_pool", "benchmark_period", "without_benchmark", "row_choice"):
        chosen(rules, f"quality.{name}")
    measures = measures_of(cohort, rules)
    rate = rows.rate
    failed = failed_tests(rows, rate, rules)
    qualifies = ~(failed["nothing_eligible"] | failed["incomplete"] | failed["too_few_cases"])
    in_pool = _one_a_participant(rows, qualifies)

    points = np.full(len(rows), np.nan)
    without = np.zeros(len(rows), dtype=np.bool_)
    benchmarks: dict[tuple[str, str], QualityBenchmark] = {}
    pool_sizes: dict[tuple[str, str], int] = {}
    pool_of_row = rows.measure * len(COLLECTION_TYPES) + rows.collection_type
    for pool in np.unique(pool_of_row).tolist():
        key = (measures[pool // len(COLLECTION_TYPES)], COLLECTION_TYPES[pool % len(COLLECTION_TYPES)])
        of_pool = pool_of_row == pool
        members = rate[of_pool & in_pool]
        pool_sizes[key] = len(members)
        benchmark = quality_benchmark(members, inverse=is_inverse(key[0], rules), rules=rules)
        if benchmark is None:
            without |= of_pool
        else:
            benchmarks[key] = benchmark
            to_score = of_pool & qualifies
            points[to_score] = points_of(rate[to_score], benchmark, rules)

    finding = _first_failed({**failed, "no_benchmark": without}, rules)
    points[finding == Finding.INCOMPLETE] = 0.0
    points[(finding != Finding.INCOMPLETE) & (finding != Finding.SCORED)] = np.nan
    choice = _rows_that_count(rows, points, finding, measures, participants, rules)
    used = np.zeros(len(rows), dtype=np.bool_)
    used[choice.row[choice.row >= 0]] = True
    completeness = np.full(len(rows), np.nan)
    np.divide(rows.answered, rows.eligible, out=completeness, where=(rows.eligible > 0) & ~rows.from_claims)
    chosen(rules, "quality.category_score")
    return QualityResult(
        measures=measures,
        category_score=category_score(list(choice.points)),
        minimum_submission_met=minimum_submission_met(rows, len(measures), participants, rules),
        measure_points=choice.points,
        measure_finding=choice.finding,
        chosen_row=choice.row,
        row_finding=finding,
        row_points=points,
        row_rate=rate.value,
        row_completeness=completeness,
        row_used=used,
        row_in_pool=in_pool,
        benchmarks=benchmarks,
        pool_sizes=pool_sizes,
    )


def completeness_reached(answered: IntArray, eligible: IntArray, least: Fraction) -> BoolArray:
    """Whether answered / eligible is at least `least`, in whole numbers; never with nothing eligible.

    >>> completeness_reached(np.array([75, 74]), np.array([100, 100]), Fraction(3, 4)).tolist()
    [True, False]
    """
    return (eligible > 0) & (answered * least.denominator >= eligible * least.numerator)


def failed_tests(rows: QualityRows, rate: Ratios, rules: Rules) -> dict[str, BoolArray]:
    """Which rows fail each test that needs no benchmark: nothing_eligible, incomplete, too_few_cases; shape (rows,).

    The claims measure is calculated by CMS, so it cannot be incomplete, and its cases are the eligible ones. 0 / 0 is no
    rate and counts as below the case minimum.
    """
    claims = rows.from_claims
    cases = np.where(claims, rows.eligible, rows.met + rows.not_met)
    reached = completeness_reached(rows.answered, rows.eligible, rules["quality.data_completeness"].exact)
    return {
        "nothing_eligible": rows.eligible == 0,
        "incomplete": ~reached & ~claims,
        "too_few_cases": (cases < rules["quality.case_minimum"].integer) | ~rate.present,
    }


def category_score(points: Sequence[FloatArray]) -> FloatArray:
    """Category score 0-1 from one array of points a measure, each (participants,) or (draws, participants).

    NaN points: the measure is excluded. NaN result: nothing was scored.

    >>> category_score([np.array([10.0, np.nan]), np.array([5.0, np.nan])]).tolist()
    [0.75, nan]
    """
    if not points:
        return np.full((), np.nan)
    total = np.fmax(points[0], 0.0)  # 0 in the place of NaN
    excluded = np.isnan(points[0]).astype(np.uint8)
    for each in points[1:]:
        total += np.fmax(each, 0.0)
        excluded += np.isnan(each).view(np.uint8)
    counted = len(points) - excluded
    with np.errstate(invalid="ignore"):
        return np.asarray(total / (10 * counted).astype(total.dtype))


def minimum_submission_met(rows: QualityRows, measures: int, participants: int, rules: Rules) -> BoolArray:
    """Whether each participant submitted enough to be scored at all, shape (participants,).

    Counts measures that are not calculated from claims and reach the completeness; a TIN-level row counts for each
    participant of the TIN. A row with nothing eligible has no completeness and does not count.
    """
    least = rules["quality.minimum_submission_completeness"].exact
    good = completeness_reached(rows.answered, rows.eligible, least) & ~rows.from_claims
    submitted = np.zeros((measures, participants), dtype=np.bool_)
    submitted[rows.measure[good], rows.participant[good]] = True
    return np.asarray(submitted.sum(axis=0) >= rules["quality.minimum_submission_measures"].integer)


@dataclass(frozen=True, slots=True, eq=False)
class _Choice:
    """What counts for each measure and participant, shape (measures, participants)."""

    row: IntArray
    points: FloatArray
    finding: IntArray


def _rows_that_count(
    rows: QualityRows,
    points: FloatArray,
    finding: IntArray,
    measures: tuple[str, ...],
    participants: int,
    rules: Rules,
) -> _Choice:
    """Of the rows not excluded the one with most points; all excluded leaves the measure excluded."""
    shape = (len(measures), participants)
    row = np.full(shape, -1, dtype=np.int64)
    counted_points = np.full(shape, np.nan)
    counted_finding = np.empty(shape, dtype=np.int64)
    absent = rules["quality.not_submitted"].table
    for place, measure in enumerate(measures):
        kind = "claims_measure" if collection_types_of(measure, rules) == ("claims",) else "required_measure"
        if absent[kind] == "zero_points":
            counted_points[place], counted_finding[place] = 0.0, Finding.NOT_SUBMITTED
        else:
            counted_finding[place] = Finding.NOT_CALCULATED
    preferences = rules["quality.row_choice_ties"].texts
    other_type = rows.collection_type != COLLECTION_TYPES.index(
        next(each for each in preferences if each in COLLECTION_TYPES)
    )
    other_level = rows.tin_level == ("individual" in preferences)
    keys = (other_type, other_level) if preferences[0] in COLLECTION_TYPES else (other_level, other_type)
    slot = rows.measure * participants + rows.participant
    best_first = np.lexsort((keys[1], keys[0], -np.nan_to_num(points, nan=-1.0), slot))
    slots, first = np.unique(slot[best_first], return_index=True)
    best = best_first[first]
    row.flat[slots] = np.where(np.isnan(points[best]), -1, best)
    counted_points.flat[slots] = points[best]
    counted_finding.flat[slots] = finding[best]
    return _Choice(row, counted_points, counted_finding)


def _one_a_participant(rows: QualityRows, qualifies: BoolArray) -> BoolArray:
    """The rates of each pool, one a participant: the qualifying individual row, else the qualifying TIN row."""
    places = np.flatnonzero(qualifies)
    places = places[np.argsort(rows.tin_level[places], kind="stable")]
    participants = int(rows.participant.max(initial=0)) + 1
    pool = rows.measure[places] * len(COLLECTION_TYPES) + rows.collection_type[places]
    _, first = np.unique(pool * participants + rows.participant[places], return_index=True)
    result = np.zeros(len(rows), dtype=np.bool_)
    result[places[first]] = True
    return result


def _first_failed(failed: Mapping[str, BoolArray], rules: Rules) -> IntArray:
    """The finding of each row: the first failed test in the order of `quality.order_of_tests`, else SCORED."""
    finding = np.full(len(failed["no_benchmark"]), Finding.SCORED, dtype=np.int64)
    for test in reversed(rules["quality.order_of_tests"].texts):
        finding[failed[test]] = _TESTS[test]
    return finding


def _texts(table: Mapping[str, object], key: str, kind: str) -> tuple[str, ...]:
    items = table.get(key)
    if not isinstance(items, tuple):
        raise NotFound(f"There is no {kind} named {key} in the rule.")
    return tuple(str(item) for item in items)
