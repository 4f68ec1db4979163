"""Refusals of the interface: one document for all of them, with a code that programs can rely on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

log = logging.getLogger("openasm.api")


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One way to be refused. code: stable for ever; message: what a person reads."""

    status: int
    code: str
    message: str


NO_TOKEN = ErrorKind(401, "token_required", "Send an API token that works: Authorization: Bearer asm_...")
NO_SECOND_FACTOR = ErrorKind(403, "second_factor_missing", "The token's owner must set up a second factor first.")
NOT_PERMITTED = ErrorKind(
    403, "not_permitted", "The token, or its owner's role in this practice, does not include this."
)
NOT_FOUND = ErrorKind(404, "not_found", "There is nothing at this address for the token's owner.")
NO_RUN = ErrorKind(404, "nothing_published", "No run with such results was published for this practice yet.")
WRONG_METHOD = ErrorKind(405, "method_not_allowed", "This address is read with GET.")
RUN_CHANGED = ErrorKind(
    409, "run_changed", "Another run was published since the first page: start again without after."
)
BAD_PARAMETER = ErrorKind(422, "bad_parameter", "A parameter of the request is missing, unknown or out of range.")
FAILED = ErrorKind(
    500, "failed", "Something broke on our side. Tell whoever runs the workbench the number of the request."
)
UNAVAILABLE = ErrorKind(503, "database_unavailable", "The database is not available. Try again in a minute.")
KINDS = (
    *(NO_TOKEN, NO_SECOND_FACTOR, NOT_PERMITTED, NOT_FOUND, NO_RUN, WRONG_METHOD, RUN_CHANGED, BAD_PARAMETER),
    *(FAILED, UNAVAILABLE),
)


class Refusal(Exception):
    """Ends a request with an error document."""

    def __init__(self, kind: ErrorKind) -> None:
        super().__init__(kind.code)
        self.kind = kind


def error_response(request: HttpRequest, kind: ErrorKind, fields: tuple[str, ...] = ()) -> HttpResponse:
    """The document of a refusal. fields: names of the parameters that are wrong, never their values."""
    document = {
        "code": kind.code,
        "message": kind.message,
        "fields": list(fields),
        "request": getattr(request, "number", ""),
    }
    response = JsonResponse({"error": document}, status=kind.status)
    if kind.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if kind.status == 503:
        response["Retry-After"] = "60"
    return response


def broken(request: HttpRequest, failure: BaseException) -> HttpResponse:
    """What a failure of ours looks like from outside; its type and place go to the log."""
    if isinstance(failure, OperationalError | InterfaceError):
        return error_response(request, UNAVAILABLE)
    log.error("an operation of the interface failed", exc_info=failure)
    return error_response(request, FAILED)
