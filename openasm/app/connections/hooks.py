"""The CDS Hooks service beside the workbench: its own credentials, an event for each call, and no session.

The service itself belongs to the quality room, which this room does not know: the command puts it in (see `guarded`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections

from openasm.app.audit.events import Kind, Outcome, record
from openasm.app.connections.actions import hook_client_of

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
    """The service behind a bearer secret that an operator made for an EHR; every call is an event, with or without cards."""

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
            body = list(hooks(environ, noted))
            done = Outcome.DONE if statuses[0].startswith("2") else Outcome.REFUSED
            details = {"page": "CDS Hooks", "client": client.name, "status": int(statuses[0][:3])}
            number = secrets.token_hex(8)
            record(Kind.PATIENTS_VIEWED, who=None, subject=number, outcome=done, details=details)
            return body
        except (OperationalError, InterfaceError):
            return _refused(start_response, HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable")
        finally:
            close_old_connections()

    return checked


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
