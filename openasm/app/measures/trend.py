"""A measure over the runs of a year, and the line that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from openasm.app.clinicians.measures import measure_rows
from openasm.app.look import charts
from openasm.app.look.templatetags.look import day
from openasm.app.measures.standing import together
from openasm.app.published.models import MeasureResult, Run
from openasm.report.content import COUNTING

MOST_RUNS = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """The measure in one run: the practice's rate as number and text, mean points of the rows that count (None: none does)."""

    run: Run
    rate: float | None
    own: str
    points: float | None


def moments(runs: Sequence[Run], rows: Mapping[int, Sequence[MeasureResult]]) -> tuple[Moment, ...]:
    """The measure in each run that has it, the oldest first. rows: of one measure, cohort and collection type, by run."""
    found = []
    for run in sorted(runs, key=lambda run: run.pk):
        own = rows.get(run.pk)
        if not own:
            continue
        whole = together(own)
        points = [each.points for each in own if each.status in COUNTING and each.points is not None]
        mean = sum(points) / len(points) if points else None
        found.append(Moment(run, whole.rate, measure_rows([whole], [])[0].own, mean))
    return tuple(found)


def trend_chart(found: Sequence[Moment], *, title: str) -> SafeString:
    """A line over the runs that have a rate; nothing for fewer than two."""
    known = [(each.run, each.rate, each.own) for each in found if each.rate is not None]
    return charts.line(
        [(day(run.made_at), rate) for run, rate, _ in known], title=title, text=[own for _, _, own in known]
    )
