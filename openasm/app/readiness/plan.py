"""The plan as the pages show it: the rule's tasks with what people noted, and what the workbench itself knows to be done."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from openasm.app.arrangements.register import newest_versions
from openasm.app.attestations.answers import rules_of
from openasm.app.attestations.models import Version
from openasm.app.attestations.reading import People, people_of
from openasm.app.kept.models import Document
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import Episode, Gap
from openasm.app.readiness.models import TaskEntry, TaskState
from openasm.app.requests.views import data_requests_sent
from openasm.app.submissions.models import SubmissionPackage
from openasm.submission.readiness import PracticeFacts, Task, readiness_plan


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task with its entry. state: as of the day; known: done as the workbench itself can see; dollars: at stake, where known."""

    task: Task
    entry: TaskEntry | None
    state: str
    known: bool
    dollars: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a year. people: from the newest run of the year."""

    year: int
    tasks: tuple[PlannedTask, ...]
    people: People

    def count(self, *states: str) -> int:
        """How many tasks are in one of these states."""
        return sum(each.state in states for each in self.tasks)


_ENTRIES = Prepared[TaskEntry](
    lambda: TaskEntry.objects.filter(practice=Given("practice"), year=Given("year")).order_by("number")
)


def _any_of(rows: Any) -> Prepared[int]:
    return Prepared(lambda: rows.filter(practice=Given("practice"), run=Given("run")).values_list("pk", flat=True)[:1])


_DATA = {"claims": _any_of(Episode.objects), "records": _any_of(Gap.objects)}  # whether a run brought any
_PACKAGES = Prepared[int | None](
    lambda: (
        SubmissionPackage.objects.filter(practice=Given("practice"), year=Given("year"))
        .order_by()
        .values_list("receipts", flat=True)
    )
)


def plan_of(practice: Practice, year: int, *, today: dt.date) -> Plan:
    """The plan, tailored to the practice's participants, size and data."""
    people = people_of(practice, year)
    entries = {each.key: each for each in _ENTRIES.all(practice=practice.pk, year=year)}
    known = known_done(practice, year)
    done = known | {key for key, each in entries.items() if each.state == TaskState.DONE}
    facts = PracticeFacts(
        practice.tin,
        tuple(dict.fromkeys(each.cohort for each in people.covered)),
        len({each.npi for each in people.covered}),
        len({each.npi for each in people.covered}) + (people.partners or 0),
        frozenset(done),
        _data(practice, people),
    )
    tasks = [_with_entry(task, entries.get(task.key)) for task in readiness_plan(facts, rules=rules_of(year))]
    tasks.sort(key=lambda task: (task.due, task.key))
    return Plan(
        year,
        tuple(
            PlannedTask(
                task,
                entries.get(task.key),
                task.state(today),
                task.key in known,
                None if people.point_dollars is None or not task.points else task.points * people.point_dollars,
            )
            for task in tasks
        ),
        people,
    )


def _with_entry(task: Task, entry: TaskEntry | None) -> Task:
    return task if entry is None or entry.due is None else replace(task, due=entry.due)


def _data(practice: Practice, people: People) -> frozenset[str]:
    if people.run is None:
        return frozenset()
    run = people.run.pk
    return frozenset(name for name, rows in _DATA.items() if rows.first(practice=practice.pk, run=run) is not None)


def known_done(practice: Practice, year: int) -> frozenset[str]:
    """Tasks that the workbench's own records prove."""
    done = set()
    if Version.objects.signed(practice, year) is not None:
        done.add("attestation")
    last: Version | None = Version.objects.newest(practice, year)
    begun = last is not None and getattr(last.answered.get("IA_1"), "start", None) is not None
    if begun and Document.objects.filter(practice=practice, year=year, about="IA_1").exists():
        done.add("activity_1_started")
    if any(each.signed_here and each.signed_there and each.effective for each in newest_versions(practice)):
        done |= {"arrangement_drafted", "arrangement_signed"}
    packages = _PACKAGES.all(practice=practice.pk, year=year)
    if packages:
        done.add("package")
    if any(receipt is not None for receipt in packages):
        done.add("submission")
    if data_requests_sent(practice, year):
        done.add("data_request")
    return frozenset(done)
