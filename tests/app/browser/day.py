"""The day on which the browser's tests take place, and a program that serves the workbench on that day.

`python -m tests.app.browser.day serve ...` is `openasm serve ...` with the clock of Django put to DAY; the time of day goes on, and
one-time codes keep to the machine's clock.
"""

from __future__ import annotations

import datetime as dt

DAY = dt.date(2027, 12, 6)  # a Monday in the last month of the year: periods have run, some gaps can still be closed


def live_on(day: dt.date) -> None:
    """Put Django's clock to a day at nine in the morning; it goes on from there. Before models are loaded."""
    from django.utils import timezone

    shift = dt.datetime.combine(day, dt.time(9), dt.UTC) - dt.datetime.now(dt.UTC)
    machine = timezone.now
    timezone.now = lambda: machine() + shift


if __name__ == "__main__":
    from openasm.cli.main import main

    live_on(DAY)
    main()
