"""Tasks of a readiness plan as an iCalendar file (RFC 5545): one all-day event each, with a reminder a week before."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator

from openasm.submission.readiness import Task

_SPACE = uuid.UUID("0d1a2f5e-91b2-5c7f-8a57-6a0f3a7b2027")
_LONGEST = 75  # bytes of a line


def calendar_text(tasks: Iterable[Task], *, tin: str, year: int, moment: dt.datetime) -> str:
    """The open tasks as calendar text with CRLF line ends. Equal tasks keep their ids, so a later file updates an earlier one.

    The TIN is in no line: calendars are shared more widely than submissions.
    """
    stamp = moment.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//OpenASM//Readiness plan//EN", "CALSCALE:GREGORIAN"]
    for task in tasks:
        if task.done:
            continue
        last = f" Too late after {task.last.isoformat()}." if task.last else ""
        lines += [
            "BEGIN:VEVENT",
            f"UID:{uuid.uuid5(_SPACE, f'{tin} {year} {task.key}')}@openasm",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{task.due:%Y%m%d}",
            f"DTEND;VALUE=DATE:{task.due + dt.timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(f'ASM {year}: {task.what}')}",
            f"DESCRIPTION:{_escaped(f'{task.why} ({task.citation}).{last} Evidence: {task.evidence}.')}",
            "TRANSP:TRANSPARENT",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{_escaped(task.what)}",
            "TRIGGER:-P7D",
            "END:VALARM",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line))


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Lines of at most 75 bytes; a continued line begins with a space."""
    piece, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > _LONGEST:
            yield piece
            piece, size = " ", 1
        piece += character
        size += width
    yield piece
