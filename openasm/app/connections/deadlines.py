"""The deadlines of a practice in the year of its newest run: the plan of the page Readiness, for programs and calendars."""

from __future__ import annotations

import datetime as dt

from openasm.app.people.models import Practice
from openasm.app.published.models import Run
from openasm.app.readiness.plan import Plan, plan_of


def deadlines_of(practice: Practice, *, today: dt.date) -> Plan | None:
    """What the practice has to do and when, with what is done; None before its first published run.

    A run of an earlier year is planned for its own year: results are sent in and corrected for months after it.
    """
    run = Run.objects.newest_of(practice)
    return None if run is None else plan_of(practice, run.performance_year, today=today)
