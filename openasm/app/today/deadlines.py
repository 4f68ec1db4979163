"""What a practice has to do next: the readiness plan of the years that are not over, as of a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from openasm.app.attestations.answers import years
from openasm.app.people.models import Practice
from openasm.app.readiness.plan import PlannedTask, plan_of
from openasm.base.years import PERFORMANCE_YEARS, submission_deadline
from openasm.submission.readiness import Task

AHEAD_DAYS = 90
LATE_DAYS = 30  # advice whose day has passed longer ago is not shown any more
_TONES = {"late": "bad", "soon": "warn", "open": "info", "missed": "bad"}


@dataclass(frozen=True, slots=True)
class Deadline:
    """A task of a year, with its badge; dollars: at stake, where known."""

    year: int
    task: Task
    tone: str
    text: str
    dollars: float | None


def deadlines(practice: Practice, *, today: dt.date) -> tuple[Deadline, ...]:
    """Open tasks of the coming 90 days, and those that are late but can still be done, by day."""
    found = [
        _deadline(year, each, today)
        for year in years_on(today)
        for each in _tasks(practice, year, today)
        if _matters(each.task, today)
    ]
    return tuple(sorted(found, key=lambda each: (each.task.due, each.year, each.task.key)))


def years_on(today: dt.date) -> tuple[int, ...]:
    """Performance years of which something can still be done on a day: until the last day of handing in; the next one early enough to
    prepare.

    >>> years_on(dt.date(2028, 2, 1)), years_on(dt.date(2026, 11, 22)), years_on(dt.date(2033, 1, 1))
    ((2027, 2028), (2027,), ())
    """
    begun = today + dt.timedelta(days=AHEAD_DAYS)
    return tuple(
        year for year in PERFORMANCE_YEARS if dt.date(year, 1, 1) <= begun and today <= submission_deadline(year)
    )


def _tasks(practice: Practice, year: int, today: dt.date) -> tuple[PlannedTask, ...]:
    """The plan of a year; nothing can be said of one whose rule values are not published yet."""
    return plan_of(practice, year, today=today).tasks if year in years() else ()


def _matters(task: Task, today: dt.date) -> bool:
    state = task.state(today)
    if state in ("done", "missed"):
        return False
    if state == "late":
        return task.last is not None or (today - task.due).days <= LATE_DAYS
    return (task.due - today).days <= AHEAD_DAYS


def _deadline(year: int, planned: PlannedTask, today: dt.date) -> Deadline:
    task = planned.task
    state, left = task.state(today), (task.due - today).days
    if state == "late" and task.last is not None:
        text = f"Late; {(task.last - today).days} days to the last day"
    elif state == "late":
        text = f"{-left} day{'' if left == -1 else 's'} late"
    else:
        text = "Today" if left == 0 else f"In {left} day{'' if left == 1 else 's'}"
    return Deadline(year, task, _TONES[state], text, planned.dollars)
