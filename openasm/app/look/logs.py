"""Log lines: one line each, with the request's number, and without anything a request carried."""

from __future__ import annotations

import contextvars
import logging
import traceback

from django.http import HttpRequest

request_number: contextvars.ContextVar[str] = contextvars.ContextVar("request_number", default="-")


class AddRequestNumber(logging.Filter):
    """Puts the number of the current request on each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keep the record."""
        record.request_number = getattr(getattr(record, "request", None), "number", None) or request_number.get()
        return True


class WithoutAddresses(logging.Filter):
    """Of a request only its method and the name of its page get into a log: an address may hold a patient or a secret.

    Django names the path of what it refuses or fails at, and so does waitress.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keep the record, with other words."""
        request = getattr(record, "request", None)
        arguments = record.args if isinstance(record.args, tuple) else ()
        request = request or next((each for each in arguments if isinstance(each, HttpRequest)), None)
        if isinstance(request, HttpRequest):
            status = getattr(record, "status_code", "")
            _say(record, f"{record.name}: {request.method} {page_name(request)} {status}".rstrip())
        elif record.name.startswith(("django.request", "django.security", "django.server")):
            _say(record, record.name)
        elif record.name.startswith("waitress"):
            _say(record, f"{record.name}: {record.getMessage().partition(' while serving ')[0]}")
        return True


def page_name(request: HttpRequest) -> str:
    """The name of a request's URL pattern, or that there is none."""
    match = request.resolver_match
    return (match.view_name if match else "") or "no such address"


def _say(record: logging.LogRecord, text: str) -> None:
    record.msg, record.args = text, ()


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
