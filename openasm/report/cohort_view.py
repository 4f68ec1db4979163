"""Whole cohorts in numbers: how many are scored, how scores lie, how practices of different size fare."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from openasm.archive.projection import Histogram
from openasm.archive.run import Run
from openasm.report.cells import number
from openasm.report.content import CohortView, GroupLine
from openasm.report.groups import Key, Row, by_size, key_of
from openasm.report.titles import COHORT_TITLES

BIN = 5  # points of final score in one bar


def cohort_views(run: Run, scores: Sequence[Row], people: Mapping[Key, Row]) -> Iterable[CohortView]:
    """The cohorts of a run, in its order. people: the rows of `inputs/participants` by TIN, NPI and cohort."""
    for summary in run.table("cohorts").rows():
        cohort = summary["cohort"]
        rows = [row for row in scores if row["cohort"] == cohort]
        finals = [value for row in rows if (value := number(row["final_score"])) is not None]
        positive = [value for value in finals if value > 0]
        changes = [number(row["payment_change_dollars"]) or 0.0 for row in rows]
        yield CohortView(
            cohort=cohort,
            title=COHORT_TITLES[cohort],
            participants=len(rows),
            scored=len(positive),
            zero=sum(value == 0 for value in finals),
            without_score=len(rows) - len(finals),
            median_score=statistics.median(finals) if finals else None,
            gaining=sum(change > 0 for change in changes),
            losing=sum(change < 0 for change in changes),
            net_dollars=math.fsum(changes),
            scaling_factor=number(summary["scaling_factor"]),
            histogram=score_histogram(positive),
            groups=tuple(_groups(rows, people)),
        )


def score_histogram(scores: Iterable[float]) -> Histogram:
    """Final scores in bars of five points; 100 falls in the last.

    >>> score_histogram([4.9, 5.0, 100.0]).counts[:2]
    (1, 1)
    """
    counts = [0] * (100 // BIN)
    for value in scores:
        counts[min(len(counts) - 1, int(value // BIN))] += 1
    return Histogram(tuple(float(edge) for edge in range(0, 101, BIN)), tuple(counts))


def _groups(rows: Sequence[Row], people: Mapping[Key, Row]) -> Iterable[GroupLine]:
    yield _group("all", "All", rows)
    sizes = by_size()
    for label, places in sizes.split([people[key_of(row)] for row in rows]):
        yield _group(sizes.kind, label, [rows[place] for place in places])


def _group(kind: str, label: str, rows: Sequence[Row]) -> GroupLine:
    finals = [value for row in rows if (value := number(row["final_score"])) is not None]
    factors = [value for row in rows if (value := number(row["payment_adjustment_factor"])) is not None]
    return GroupLine(
        kind,
        label,
        len(rows),
        statistics.median(finals) if finals else None,
        statistics.median(factors) if factors else None,
        sum(value > 0 for value in factors) / len(factors) if factors else None,
        math.fsum(number(row["payment_change_dollars"]) or 0.0 for row in rows),
    )
