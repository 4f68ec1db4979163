"""Log lines: one line each, with the request's number, and without anything a request carried."""

from __future__ import annotations

import contextvars
import logging
import traceback

request_number: contextvars.ContextVar[str] = contextvars.ContextVar("request_number", default="-")


class AddRequestNumber(logging.Filter):
    """Puts the number of the current request on each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keep the record."""
        record.request_number = request_number.get()
        return True


class OneLine(logging.Formatter):
    """No line break gets into a log line (log injection); of a failure only its type and places, never its message.

    Messages of exceptions can hold what a database or parser was given, which may be a patient's.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        record.exc_text = None
        line = super().format(record)
        return "".join(character if character.isprintable() else " " for character in line)

    def formatException(self, ei: object) -> str:
        """Type and places of a failure."""
        if not isinstance(ei, tuple) or ei[0] is None:
            return ""
        places = [
            f"{frame.name} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})"
            for frame in traceback.extract_tb(ei[2])
        ]
        return f"| {ei[0].__name__} in {' > '.join(places[-6:])}"
