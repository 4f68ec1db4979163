"""The CDS Hooks service beside the workbench: its own credentials, an event for each call, and no session.

The service itself belongs to the quality room, which this room does not know: the command puts it in (see `guarded`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError, close_old_connections

from openasm.app.audit.events import Kind, Outcome, record
from openasm.app.connections.actions import hook_client_of
from openasm.app.sealing import patient_key

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Wsgi = Callable[[Any, Any], Iterable[bytes]]
PREFIX = "/cds-services"
_SCHEME = "bearer "


def beside(application: Wsgi, hooks: Wsgi) -> Wsgi:
    """One application of two: addresses of CDS Hooks go to the guarded service, all others to the workbench."""
    service = guarded(hooks)

    def both(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        mine = path == PREFIX or path.startswith(f"{PREFIX}/")
        return (service if mine else application)(environ, start_response)

    return both


def guarded(hooks: Wsgi) -> Wsgi:
    """The service behind a bearer secret that an operator made for an EHR; every call is an event, with or without cards.

    Its subject is the pseudonym that pages have for the same patient, so that all who saw one are found together.
    """

    def checked(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        statuses: list[str] = []

        def noted(status: str, headers: list[tuple[str, str]]) -> object:
            statuses.append(status)
            return start_response(status, headers)

        close_old_connections()
        try:
            client = hook_client_of(_secret(environ))
            if client is None:
                return _refused(start_response, HTTPStatus.UNAUTHORIZED, "credentials_required")
            if environ.get("REQUEST_METHOD") != "POST":
                return hooks(environ, start_response)
            asked = _Kept(environ["wsgi.input"])
            body = list(hooks({**environ, "wsgi.input": asked}, noted))
            done = Outcome.DONE if statuses[0].startswith("2") else Outcome.REFUSED
            details = {"page": "CDS Hooks", "client": client.name, "status": int(statuses[0][:3])}
            subject = _subject(asked.content)
            kind = Kind.PATIENT_VIEWED if subject else Kind.PATIENTS_VIEWED
            record(kind, who=None, subject=subject, outcome=done, details=details)
            return body
        except (OperationalError, InterfaceError):
            return _refused(start_response, HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable")
        finally:
            close_old_connections()

    return checked


class _Kept:
    """A request's body, which stays known after it is read; the service decides how much of it that is."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.content = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        part: bytes = self._stream.read(size)
        self.content += part
        return part


def _subject(body: bytes) -> str:
    """The pseudonym of the patient a call is about; empty where it names none."""
    try:
        identifier = orjson.loads(body)["context"]["patientId"]
    except (ValueError, KeyError, TypeError):
        return ""
    return patient_key(identifier) if isinstance(identifier, str) and identifier else ""


def _secret(environ: Mapping[str, Any]) -> str:
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""


def _refused(start_response: StartResponse, status: HTTPStatus, code: str) -> Iterable[bytes]:
    body = json.dumps({"error": {"code": code, "message": status.phrase}}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("WWW-Authenticate", "Bearer"),
    ]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
