"""What happens to worklists when a run is published: cases are made of its gaps, and work whose gap is gone is closed.

A gap that is not in the run any more is not met for that reason alone: the populations of the run say whether the patient meets the
measure, is excluded, or is not counted. What they do not know stays open and is marked as left out, for people to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from openasm.app.published.bulk import Loader, first_free
from openasm.app.published.models import PracticeResult, Run
from openasm.app.published.reading import Source, patients_file, wanted_records
from openasm.app.worklists.measures import named, numbers_of
from openasm.app.worklists.models import Case, CaseCount, Outcome, PublishedWorklist, Status, WorkEvent, WorkItem

if TYPE_CHECKING:
    import pyarrow as pa

_AT_A_TIME = 2_000
_POPULATIONS = (
    *("patient", "measure", "group", "denominator", "denominator_exclusion", "denominator_exception", "numerator"),
)
Place = tuple[str, str, int]  # patient, measure, group

# Work goes on with the case of the same practice, patient, measure and group.
_WITH_ITEMS = """
UPDATE {case} SET item_id = item.id FROM {item} AS item
WHERE {case}.run_id = %s AND item.year = %s AND {case}.patient_id = item.patient_id AND {case}.practice_id = item.practice_id
  AND {case}.measure = item.measure AND {case}."group" = item."group"
"""


def make_cases(run: Run, gaps: pa.Table, cohorts: Mapping[int, Collection[str]], loader: Loader) -> None:
    """Load the cases that a run's gaps make, and how many there are. cohorts: of each practice's participants."""
    from openasm.app.published.patient_tables import numbered  # heavy: loaded only here
    from openasm.app.worklists.case_tables import case_table, count_table

    cases = case_table(gaps, {each: numbers_of(found, run.performance_year) for each, found in cohorts.items()})
    loader.add_table(Case, numbered(cases, run=run.pk, first=first_free(Case)))
    loader.add_table(CaseCount, numbered(count_table(cases), run=run.pk, first=first_free(CaseCount)))


def follow_run(run: Run, source: Source) -> None:
    """Bring the work up to date with the run's cases; nothing when the run has no worklist."""
    if patients_file(source, "worklist.csv") is None:
        return
    _join_items(run)
    seen = Case.objects.filter(run=run, item=OuterRef("pk"))
    practices = PracticeResult.objects.filter(run=run).values("practice")
    items = WorkItem.objects.filter(practice__in=practices, year=run.performance_year)
    _go_on(run, items.filter(Exists(seen)), seen)
    gone = items.filter(~Exists(seen)).exclude(status=Status.CLOSED.value)
    closed, left_out = _close(run, list(gone.select_related("patient").order_by("pk")), source)
    _count(run, closed, left_out)


def _join_items(run: Run) -> None:
    tables = {"case": Case._meta.db_table, "item": WorkItem._meta.db_table}
    with connection.cursor() as cursor:
        cursor.execute(
            _WITH_ITEMS.format(**{name: f'"{table}"' for name, table in tables.items()}),
            [run.pk, run.performance_year],
        )


def _go_on(run: Run, items: QuerySet[WorkItem], seen: QuerySet[Any]) -> None:
    """Work whose gap the run still has: whose patient it is now; what was closed is open again."""
    items.update(npis=Subquery(seen.values("npis")[:1]), left_out_of=None)
    again = list(items.filter(status=Status.CLOSED.value).values_list("pk", flat=True))
    for some in _parts(again):
        WorkEvent.objects.bulk_create(
            WorkEvent(item_id=pk, changes={"status": Status.OPEN.value, "run": run.key, "reopened": True})
            for pk in some
        )
        WorkItem.objects.filter(pk__in=some).update(
            status=Status.OPEN.value, outcome="", closed_by=None, version=F("version") + 1, changed_at=timezone.now()
        )


def _close(run: Run, gone: list[WorkItem], source: Source) -> tuple[list[WorkItem], list[WorkItem]]:
    """Close what the run's populations settle; mark the rest as left out. Returns both."""
    found = _outcomes({str(each.patient.identifier) for each in gone}, run, source) if gone else {}
    closed, left_out, events = [], [], []
    for item in gone:
        outcome = found.get((str(item.patient.identifier), item.measure, item.group))
        item.version += 1
        if outcome is None:
            if item.left_out_of_id is None:
                events.append(WorkEvent(item=item, changes={"left_out": True, "run": run.key}))
            item.left_out_of = run
            left_out.append(item)
            continue
        item.status, item.outcome, item.closed_by = Status.CLOSED.value, outcome.value, run
        item.left_out_of, item.changed_at = None, timezone.now()
        events.append(WorkEvent(item=item, changes={"status": item.status, "outcome": item.outcome, "run": run.key}))
        closed.append(item)
    fields = ("status", "outcome", "closed_by", "left_out_of", "version", "changed_at")
    WorkItem.objects.bulk_update(gone, fields, batch_size=200)
    WorkEvent.objects.bulk_create(events, batch_size=_AT_A_TIME)
    return closed, left_out


def _outcomes(patients: set[str], run: Run, source: Source) -> Mapping[Place, Outcome]:
    """What the run's populations say of some patients. Who is counted and not met has no outcome, however often it is listed."""
    path = patients_file(source, "populations.parquet")
    if path is None:
        return {}
    found: dict[Place, Outcome] = {}
    unmet: set[Place] = set()
    for record in wanted_records(path, _POPULATIONS, column="patient", wanted=patients):
        patient, measure, group, counted, excluded, excepted, numerator = record
        place = (patient, measure, int(group))
        if counted and not excluded and not excepted:
            if bool(numerator) == named(measure, run.performance_year).lower_is_better:
                unmet.add(place)
            found[place] = Outcome.MET
        elif found.get(place) is not Outcome.MET:
            found[place] = Outcome.EXCEPTED if counted else Outcome.NOT_COUNTED
    return {place: outcome for place, outcome in found.items() if place not in unmet}


def _count(run: Run, closed: list[WorkItem], left_out: list[WorkItem]) -> None:
    """Note for each practice what the run brought."""
    cases = {
        practice: (possible, lost)
        for practice, possible, lost in CaseCount.objects.filter(run=run)
        .values("practice")
        .annotate(
            possible=Sum("cases", filter=Q(due__isnull=False, scored=True), default=0),
            lost=Sum("cases", filter=Q(due__isnull=True, scored=True), default=0),
        )
        .values_list("practice", "possible", "lost")
    }
    practices = PracticeResult.objects.filter(run=run).order_by("pk").values_list("practice", flat=True)
    by_practice = [Counter(item.practice_id for item in items) for items in (closed, left_out)]
    whom: dict[int, list[str]] = {}
    for practice, npis in Case.objects.filter(run=run).values_list("practice", "npis").distinct().order_by():
        whom.setdefault(practice, []).append(npis)
    PublishedWorklist.objects.bulk_create(
        (
            PublishedWorklist(
                run=run,
                practice_id=practice,
                cases=cases.get(practice, (0, 0))[0],
                lost=cases.get(practice, (0, 0))[1],
                closed=by_practice[0][practice],
                left_out=by_practice[1][practice],
                whom=sorted(whom.get(practice, [])),
            )
            for practice in practices
        ),
        batch_size=_AT_A_TIME,
    )


def _parts(values: list[int]) -> Iterable[list[int]]:
    return (values[start : start + _AT_A_TIME] for start in range(0, len(values), _AT_A_TIME))
