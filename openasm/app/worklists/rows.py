"""A worklist's rows as pages and files show them: the case with its patient, ways to close it, clinicians and work, in few queries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openasm.app.look.templatetags.look import day
from openasm.app.people.models import Practice
from openasm.app.published.models import Gap, ParticipantResult, Run
from openasm.app.worklists.measures import Named, named
from openasm.app.worklists.models import OUTCOME_WORDS, STATUS_WORDS, Case, Outcome, Status, WorkItem

WARN_DAYS = 30
KIND_WORDS = {"care": "Care", "documentation": "Record", "data": "Data"}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to close a case: its kind, what is missing in words, and when it can be done."""

    kind: str
    missing: str
    when: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A row. tone, window: the badge of its window; clinicians: names of those it counts for; status, outcome: in words."""

    case: Case
    measure: Named
    ways: tuple[Way, ...]
    clinicians: tuple[str, ...]
    tone: str
    window: str
    status: str
    outcome: str

    @property
    def item(self) -> WorkItem | None:
        """The work on the case."""
        return self.case.item

    @property
    def version(self) -> int:
        """Version of the work as this row shows it; 0 where there is none."""
        return self.case.item.version if self.case.item is not None else 0


def case_rows(cases: Sequence[Case], *, practice: Practice, run: Run, today: dt.date) -> tuple[CaseRow, ...]:
    """Rows of cases whose patient, item and owner have been fetched with them; two queries more, however many cases."""
    ways = _ways(cases, practice=practice, run=run, today=today)
    names = clinician_names(practice, run) if cases else {}
    rows = []
    for case in cases:
        tone, window = window_badge(case.earliest, case.due, today)
        item = case.item
        rows.append(
            CaseRow(
                case,
                named(case.measure, run.performance_year),
                ways.get((case.patient_id, case.measure, case.group), ()),
                tuple(names.get(npi, npi) for npi in case.npis.split()),
                tone,
                window,
                STATUS_WORDS[Status(item.status)] if item is not None else STATUS_WORDS[Status.OPEN],
                OUTCOME_WORDS[Outcome(item.outcome)] if item is not None and item.outcome else "",
            )
        )
    return tuple(rows)


def clinician_names(practice: Practice, run: Run) -> dict[str, str]:
    """Names of a practice's participants by NPI."""
    people = ParticipantResult.objects.filter(practice=practice, run=run).order_by("name", "npi")
    return {npi: name or npi for npi, name in people.values_list("npi", "name")}


def window_badge(earliest: dt.date | None, due: dt.date | None, today: dt.date) -> tuple[str, str]:
    """Kind and text of the badge that says when something can be closed.

    >>> window_badge(None, dt.date(2027, 12, 31), dt.date(2027, 12, 30))
    ('warn', '1 day left')
    """
    if due is None:
        return "off", "Too late this year"
    left = (due - today).days
    if left < 0:
        return "off", f"Ended {day(due)}"
    if earliest is not None and earliest > today:
        return "info", f"Opens {day(earliest)}"
    text = "Last day today" if left == 0 else f"{left} day{'' if left == 1 else 's'} left"
    return ("warn" if left <= WARN_DAYS else "good"), text


def _ways(
    cases: Sequence[Case], *, practice: Practice, run: Run, today: dt.date
) -> Mapping[tuple[int, str, int], tuple[Way, ...]]:
    if not cases:
        return {}
    gaps = Gap.objects.filter(patient__in={case.patient_id for case in cases}, run=run, practice=practice)
    found: dict[tuple[int, str, int], list[Way]] = defaultdict(list)
    for gap in gaps.select_related("missing").order_by("pk"):
        when = "" if gap.earliest is None and gap.due is not None else window_badge(gap.earliest, gap.due, today)[1]
        way = Way(KIND_WORDS.get(gap.kind, gap.kind), gap.missing.text, when)
        if way not in found[gap.patient_id, gap.measure, gap.group]:
            found[gap.patient_id, gap.measure, gap.group].append(way)
    return {key: tuple(ways) for key, ways in found.items()}
