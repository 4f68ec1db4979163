"""The worklist as a file's rows."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator

from django.db.models import QuerySet

from openasm.app.look.exports import Cell
from openasm.app.people.models import Practice
from openasm.app.published.models import Run
from openasm.app.worklists.models import Case
from openasm.app.worklists.rows import CaseRow, case_rows

HEADER = (
    *("patient", "measure", "measure_title", "group", "missing", "clinicians", "first_day", "last_day"),
    *("final_score_points", "dollars", "owner", "status", "outcome", "planned_for"),
)
_AT_A_TIME = 5_000


def file_rows(cases: QuerySet[Case], *, practice: Practice, run: Run, today: dt.date) -> Iterator[tuple[Cell, ...]]:
    """Rows in the order of the list, read some thousand at a time."""
    source = cases.select_related("patient", "item__owner").order_by("pk").iterator(chunk_size=_AT_A_TIME)
    while some := list(itertools.islice(source, _AT_A_TIME)):
        for row in case_rows(some, practice=practice, run=run, today=today, names={}):  # a file has no names
            yield _cells(row)


def _cells(row: CaseRow) -> tuple[Cell, ...]:
    case, item = row.case, row.item
    return (
        *(case.patient.identifier, case.measure, row.measure.title, case.group),
        "; ".join(f"{way.kind}: {way.missing}" for way in row.ways),
        case.npis.strip(),
        *(_iso(case.earliest), _iso(case.due), case.points, None if case.cents is None else case.cents / 100),
        str(item.owner) if item is not None and item.owner is not None else "",
        *(row.status, row.outcome, _iso(item.due) if item is not None else ""),
    )


def _iso(day: dt.date | None) -> str:
    return "" if day is None else day.isoformat()
