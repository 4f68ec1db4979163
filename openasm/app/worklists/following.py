"""What happens to worklists when a run is published: cases are made of its gaps, and work whose gap is gone is closed.

A gap that is not in the run any more is not met for that reason alone: the populations of the run say whether the patient meets the
measure, is excluded, or is not counted. What they do not know stays open and is marked as left out, for people to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from openasm.app.published.models import Gap, PracticeResult, Run
from openasm.app.published.reading import Source, patients_file, wanted_records
from openasm.app.worklists.measures import named
from openasm.app.worklists.models import Case, Outcome, PublishedWorklist, Status, WorkEvent, WorkItem

_AT_A_TIME = 2_000
_POPULATIONS = (
    *("patient", "measure", "group", "denominator", "denominator_exclusion", "denominator_exception", "numerator"),
)
Place = tuple[str, str, int]  # patient, measure, group

# One row for each practice, patient, measure and group, numbered in the order of the list.
_CASES = """
INSERT INTO {case} (id, run_id, practice_id, patient_id, measure, "group", kind, ways, earliest, due, npis, points, cents, item_id)
SELECT %s + row_number() OVER (
         ORDER BY each.practice_id, CASE WHEN each.due IS NULL THEN 1 ELSE 0 END, each.due, coalesce(each.cents, 0) DESC,
                  each.patient_id, each.measure, each."group"),
       %s, each.practice_id, each.patient_id, each.measure, each."group",
       CASE each.kind WHEN 0 THEN 'care' WHEN 1 THEN 'documentation' ELSE 'data' END,
       each.ways, each.earliest, each.due, each.npis, each.points, each.cents, item.id
FROM (SELECT practice_id, patient_id, measure, "group", count(*) AS ways,
             min(CASE kind WHEN 'care' THEN 0 WHEN 'documentation' THEN 1 ELSE 2 END) AS kind,
             CASE WHEN max(CASE WHEN due IS NOT NULL AND earliest IS NULL THEN 1 ELSE 0 END) = 1 THEN NULL
                  ELSE min(CASE WHEN due IS NOT NULL THEN earliest END) END AS earliest,
             max(due) AS due, max(npis) AS npis, max(points) AS points, max(cents) AS cents
      FROM {gap} WHERE run_id = %s GROUP BY practice_id, patient_id, measure, "group") AS each
LEFT JOIN {item} AS item ON item.practice_id = each.practice_id AND item.year = %s AND item.patient_id = each.patient_id
     AND item.measure = each.measure AND item."group" = each."group"
"""


def follow_run(run: Run, source: Source) -> None:
    """Make the run's cases and bring the work up to date; nothing when the run has no worklist."""
    if patients_file(source, "worklist.csv") is None:
        return
    _make_cases(run)
    seen = Case.objects.filter(run=run, item=OuterRef("pk"))
    practices = PracticeResult.objects.filter(run=run).values("practice")
    items = WorkItem.objects.filter(practice__in=practices, year=run.performance_year)
    _go_on(run, items.filter(Exists(seen)), seen)
    gone = items.filter(~Exists(seen)).exclude(status=Status.CLOSED.value)
    closed, left_out = _close(run, list(gone.select_related("patient").order_by("pk")), source)
    _count(run, closed, left_out)


def _make_cases(run: Run) -> None:
    tables = {"case": Case._meta.db_table, "gap": Gap._meta.db_table, "item": WorkItem._meta.db_table}
    last = Case.objects.aggregate(last=Max("id"))["last"] or 0
    with connection.cursor() as cursor:
        cursor.execute(
            _CASES.format(**{name: f'"{table}"' for name, table in tables.items()}),
            [last, run.pk, run.pk, run.performance_year],
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
    for record in _records(path, patients):
        patient, measure, group, counted, excluded, excepted, numerator = record
        place = (patient, measure, int(group))
        if counted and not excluded and not excepted:
            if bool(numerator) == named(measure, run.performance_year).lower_is_better:
                unmet.add(place)
            found[place] = Outcome.MET
        elif found.get(place) is not Outcome.MET:
            found[place] = Outcome.EXCEPTED if counted else Outcome.NOT_COUNTED
    return {place: outcome for place, outcome in found.items() if place not in unmet}


def _records(path: Path, patients: set[str]) -> Iterable[tuple[Any, ...]]:
    return wanted_records(path, _POPULATIONS, column="patient", wanted=patients)


def _count(run: Run, closed: list[WorkItem], left_out: list[WorkItem]) -> None:
    """Note for each practice what the run brought."""
    cases = {
        practice: (possible, lost)
        for practice, possible, lost in Case.objects.filter(run=run)
        .values("practice")
        .annotate(possible=Count("pk", filter=Q(due__isnull=False)), lost=Count("pk", filter=Q(due__isnull=True)))
        .values_list("practice", "possible", "lost")
    }
    practices = PracticeResult.objects.filter(run=run).order_by("pk").values_list("practice", flat=True)
    PublishedWorklist.objects.bulk_create(
        (
            PublishedWorklist(
                run=run,
                practice_id=practice,
                cases=cases.get(practice, (0, 0))[0],
                lost=cases.get(practice, (0, 0))[1],
                closed=sum(item.practice_id == practice for item in closed),
                left_out=sum(item.practice_id == practice for item in left_out),
            )
            for practice in practices
        ),
        batch_size=_AT_A_TIME,
    )


def _parts(values: list[int]) -> Iterable[list[int]]:
    return (values[start : start + _AT_A_TIME] for start in range(0, len(values), _AT_A_TIME))
