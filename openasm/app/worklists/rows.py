"""A worklist's rows as pages and files show them: the case with its patient, ways to close it, clinicians and work, in few queries."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from openasm.app.look.templatetags.look import cents, day
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared, Several, values_of
from openasm.app.published.models import Gap, ParticipantResult, Run
from openasm.app.worklists.measures import Named, named
from openasm.app.worklists.models import OUTCOME_WORDS, STATUS_WORDS, Case, Outcome, Status, WorkItem

WARN_DAYS = 30
_WAYS_SHOWN = _NAMES_SHOWN = 2
UNSCORED = "Nobody of this practice is scored on this measure: closing it changes no payment"
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


def case_rows(
    cases: Sequence[Case], *, practice: Practice, run: Run, today: dt.date, names: Mapping[str, str]
) -> tuple[CaseRow, ...]:
    """Rows of cases whose patient, item and owner have been fetched with them; one query more, however many cases.

    names: those of `clinician_names`.
    """
    ways = _ways(cases, practice=practice, run=run, today=today)
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


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """A row's texts as the table draws them: made here, as a template takes ten times as long to put each of them together.

    mark: what a screen reader says of its checkbox; address: of the patient's page; why: of the page that explains its worth.
    """

    number: int
    mark: str
    address: str
    identifier: str
    clinicians: str
    measure: str
    unscored: str
    ways: tuple[str, ...]
    tone: str
    window: str
    until: str
    worth: str
    why: str
    points: str
    status: str
    work: str


def drawn_rows(rows: Iterable[CaseRow], *, practice: Practice, clinicians: bool) -> tuple[DrawnRow, ...]:
    """Rows of the table. clinicians: whether to name whom each counts for."""
    found = []
    worth_page = reverse("worklist_worth", kwargs={"practice": practice.key})
    patient_page = reverse("worklist_patient", kwargs={"practice": practice.key, "patient": "0"})
    for row in rows:
        case, item, identifier = row.case, row.item, str(row.case.patient.identifier)
        rate = f", rate {case.group}" if case.group > 1 else ""
        planned = f" · planned {day(item.due)}" if item is not None and item.due else ""
        owner = str(item.owner) if item is not None and item.owner is not None else "nobody yet"
        more = len(row.ways) - _WAYS_SHOWN
        found.append(
            DrawnRow(
                number=case.pk,
                mark=f"Mark {identifier}, {row.measure.label}{rate}",
                address=patient_page.replace("/0/", f"/{case.patient.key}/"),
                identifier=identifier,
                clinicians=_some(row.clinicians) if clinicians else "",
                measure=row.measure.label,
                unscored="" if case.scored else UNSCORED,
                ways=(
                    *(f"{way.kind}: {way.missing}" for way in row.ways[:_WAYS_SHOWN]),
                    *([f"and {more} more way{'' if more == 1 else 's'}"] if more > 0 else []),
                ),
                tone=row.tone,
                window=row.window,
                until=day(case.due) if case.due else "",
                worth=cents(case.cents),
                why=f"{worth_page}?measure={case.measure}" if case.cents is not None or case.points is not None else "",
                points="" if case.points is None else f"{case.points:.2f}",
                status=row.status,
                work=f"{owner}{planned}{f' · {row.outcome}' if row.outcome else ''}",
            )
        )
    return tuple(found)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def clinician_names(practice: Practice, run: Run) -> dict[str, str]:
    """Names of a practice's participants by NPI."""
    return {npi: name or npi for npi, name in _NAMES.all(practice=practice.pk, run=run.pk)}


_NAMES = Prepared[tuple[str, str]](
    lambda: (
        ParticipantResult.objects.filter(practice=Given("practice"), run=Given("run"))
        .order_by("name", "npi")
        .values_list("npi", "name")
    )
)


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


@functools.lru_cache(maxsize=64)
def _gaps(patients: int) -> Prepared[tuple[int, int, str, int, str, str, dt.date | None, dt.date | None]]:
    return Prepared(
        lambda: Gap.objects.filter(
            patient__in=Several("patient", patients), run=Given("run"), practice=Given("practice")
        ).values_list("pk", "patient", "measure", "group", "kind", "missing__text", "earliest", "due")
    )


def _ways(
    cases: Sequence[Case], *, practice: Practice, run: Run, today: dt.date
) -> Mapping[tuple[int, str, int], tuple[Way, ...]]:
    if not cases:
        return {}
    patients = sorted({case.patient_id for case in cases})
    rows = _gaps(len(patients)).all(practice=practice.pk, run=run.pk, **values_of("patient", patients))
    found: dict[tuple[int, str, int], list[Way]] = defaultdict(list)
    for _, patient, measure, group, kind, missing, earliest, due in sorted(rows):  # few: here they come by patient
        when = "" if earliest is None and due is not None else window_badge(earliest, due, today)[1]
        way = Way(KIND_WORDS.get(kind, kind), missing, when)
        if way not in found[patient, measure, group]:
            found[patient, measure, group].append(way)
    return {key: tuple(ways) for key, ways in found.items()}
