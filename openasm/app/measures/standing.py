"""How a practice stands on each measure: its clinicians' rows taken together.

The practice's own rate is that of its TIN row where the run has one. Otherwise it is of all its clinicians' cases together: met of met and not
met; for claims measures the mean, weighted by eligible cases or episodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openasm.app.clinicians.measures import COST, MeasureRow, measure_rows
from openasm.app.published.models import Benchmark, MeasureResult
from openasm.report.content import COUNTING

Key = tuple[str, str, str]  # cohort, measure, collection type


@dataclass(frozen=True, slots=True)
class Standing:
    """One measure of one cohort and collection type over a practice's clinicians.

    row: the practice's own rate as a row with its benchmark; counted: clinicians for whom a row counts; points: mean over them, of ten;
    lowest: the least points; change: of the mean since the run before; too_few, incomplete, missing: clinicians whose row fails so.
    """

    cohort: str
    row: MeasureRow
    clinicians: int
    counted: int
    points: float | None
    lowest: float | None
    change: float | None
    too_few: int
    incomplete: int
    missing: int
    completeness: float | None

    @property
    def is_cost(self) -> bool:
        """Whether this is the cost measure, which has no rate of met cases."""
        return self.row.line.measure.startswith(COST)


def standings(
    results: Iterable[MeasureResult], before: Iterable[MeasureResult], benchmarks: Sequence[Benchmark]
) -> tuple[Standing, ...]:
    """Standings by cohort, then measure, the cost measure last. before: the rows of the run before, empty when there is none."""
    now, earlier = _grouped(results), _grouped(before)
    found = []
    for key in sorted(now, key=lambda key: (key[0], key[1].startswith(COST), key[1], key[2])):
        cohort, rows = key[0], now[key]
        of_cohort = [each for each in benchmarks if each.cohort == cohort]
        was = _mean_points(earlier.get(key, ()))
        points = _mean_points(rows)
        counted = _counted(rows)
        complete = [each.completeness for each in rows if each.completeness is not None]
        found.append(
            Standing(
                cohort=cohort,
                row=measure_rows([together(rows)], of_cohort)[0],
                clinicians=len({each.npi for each in rows}),
                counted=len({each.npi for each in counted}),
                points=points,
                lowest=min((each.points for each in counted if each.points is not None), default=None),
                change=None if points is None or was is None else points - was,
                too_few=_failing(rows, "too_few_cases"),
                incomplete=_failing(rows, "incomplete"),
                missing=len({each.npi for each in rows if not each.collection_type}),
                completeness=min(complete, default=None),
            )
        )
    return tuple(found)


def together(rows: Sequence[MeasureResult]) -> MeasureResult:
    """One row for the practice from its clinicians' rows of one measure, cohort and collection type; it is not stored."""
    first = rows[0]
    made = MeasureResult(
        measure=first.measure, collection_type=first.collection_type, cohort=first.cohort, status="", reason=""
    )
    whole = next((each for each in rows if each.level == "tin"), None)
    if whole is not None:
        made.level, made.rate, made.met, made.not_met = "tin", whole.rate, whole.met, whole.not_met
        made.eligible, made.completeness = whole.eligible, whole.completeness
        return made
    made.level = "individual"
    made.eligible = sum(each.eligible or 0 for each in rows)
    if first.collection_type == "claims" or first.measure.startswith(COST):
        weighed = [(each.rate, each.eligible or 0) for each in rows if each.rate is not None]
        weight = sum(number for _, number in weighed)
        made.rate = sum(rate * number for rate, number in weighed) / weight if weight else None
        return made
    made.met = sum(each.met or 0 for each in rows)
    made.not_met = sum(each.not_met or 0 for each in rows)
    cases = made.met + made.not_met
    made.rate = made.met / cases if cases else None
    return made


def _grouped(results: Iterable[MeasureResult]) -> Mapping[Key, list[MeasureResult]]:
    found: dict[Key, list[MeasureResult]] = defaultdict(list)
    for each in results:
        found[each.cohort, each.measure, each.collection_type].append(each)
    return found


def _counted(rows: Iterable[MeasureResult]) -> list[MeasureResult]:
    return [each for each in rows if each.status in COUNTING]


def _mean_points(rows: Iterable[MeasureResult]) -> float | None:
    """Mean of the points that count, each clinician's once; None when none counts."""
    points = [each.points for each in _counted(rows) if each.points is not None]
    return sum(points) / len(points) if points else None


def _failing(rows: Sequence[MeasureResult], finding: str) -> int:
    """Clinicians with a row of a finding and none that earns points (where the row of the TIN counts, the own one need not)."""
    fine = {each.npi for each in _counted(rows) if each.finding == "scored"}
    return len({each.npi for each in rows if each.finding == finding} - fine)
