"""The day on which the browser's tests take place, and a program that serves the workbench on that day.

`python -m tests.app.browser.day serve ...` is `openasm serve ...` with the clock of Django put to DAY; the time of day goes on, and
one-time codes keep to the machine's clock. `... day later DATA` makes every password given lie ten minutes further back.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

DAY = dt.date(2027, 12, 6)  # a Monday in the last month of the year: periods have run, some gaps can still be closed


def live_on(day: dt.date) -> None:
    """Put Django's clock to a day at nine in the morning; it goes on from there. Before models are loaded."""
    from django.utils import timezone

    shift = dt.datetime.combine(day, dt.time(9), dt.UTC) - dt.datetime.now(dt.UTC)
    machine = timezone.now
    timezone.now = lambda: machine() + shift


def ten_minutes_later(data: Path) -> None:
    """Passwords given in any session were given ten minutes earlier, so that what asks for them anew asks."""
    from openasm.app.server import configure

    configure(data)
    from django.contrib.sessions.models import Session

    from openasm.app.people.sessions import SessionStore

    for each in Session.objects.all():
        session = SessionStore(each.session_key)
        for given in session.get("account_authentication_methods", []):
            given["at"] -= 600
        session.modified = True
        session.save()


if __name__ == "__main__":
    live_on(DAY)
    if sys.argv[1] == "later":
        ten_minutes_later(Path(sys.argv[2]))
    else:
        from openasm.cli.main import main

        main()
