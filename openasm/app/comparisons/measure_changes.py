"""A clinician's measures in two runs side by side, with the middles of their benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openasm.app.clinicians.measures import MeasureRow, measure_rows
from openasm.app.people.models import Practice
from openasm.app.published.models import Benchmark, MeasureResult, Run


@dataclass(frozen=True, slots=True)
class MeasurePair:
    """One measure in the earlier and the later run; None: not in that one."""

    title: str
    collection_type: str
    level: str
    before: MeasureRow | None
    after: MeasureRow | None

    @property
    def points(self) -> float | None:
        """Change of the points, where both runs have some."""
        rows = (self.before, self.after)
        values = [row.line.points for row in rows if row is not None]
        return None if len(values) < 2 or None in values else (values[1] or 0.0) - (values[0] or 0.0)


def measure_changes(practice: Practice, runs: tuple[Run, Run], *, npi: str, cohort: str) -> tuple[MeasurePair, ...]:
    """Every measure of either run, in the order of the later one."""
    results = list(MeasureResult.objects.filter(practice=practice, run__in=runs, npi=npi, cohort=cohort).order_by("pk"))
    benchmarks = list(Benchmark.objects.filter(run__in=runs, cohort=cohort).order_by("pk"))
    earlier, later = (_rows(run, results, benchmarks) for run in runs)
    keys = dict.fromkeys((*later, *earlier))
    return tuple(_pair(earlier.get(key), later.get(key)) for key in keys)


def _rows(
    run: Run, results: Iterable[MeasureResult], benchmarks: Iterable[Benchmark]
) -> dict[tuple[str, str, str], MeasureRow]:
    rows = measure_rows(
        (each for each in results if each.run_id == run.pk), (each for each in benchmarks if each.run_id == run.pk)
    )
    return {(row.line.measure, row.line.collection_type, row.line.level): row for row in rows}


def _pair(before: MeasureRow | None, after: MeasureRow | None) -> MeasurePair:
    row = after or before
    assert row is not None
    return MeasurePair(f"{row.line.measure} {row.line.title}", row.line.collection_type, row.line.level, before, after)
