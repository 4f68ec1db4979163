"""Error pages: they say what a person can do next, and nothing about the inside. None of them asks the database."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from openasm.app.access.rules import everybody


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    number = getattr(request, "number", "")
    body = render_to_string(
        "look/error.html", {"status": status, "title": title, "text": text, "number": number, "htmx": False}
    )
    return HttpResponse(body, status=status)


@everybody("error pages")
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    del exception
    return _page(request, 400, "That did not make sense", "The request could not be read. Go back and try again.")


@everybody("error pages")
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    del exception
    return _page(
        request,
        403,
        "Your role does not include this",
        "You are a member here, but not with a role that may do this. An administrator of the practice can change that.",
    )


@everybody("error pages")
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404, also for what exists but is not this person's."""
    del exception
    return _page(
        request, 404, "Nothing here", "The page does not exist, or it belongs to a practice you are not a member of."
    )


@everybody("error pages")
def too_often(request: HttpRequest) -> HttpResponse:
    """429, when something was tried too often in a short time."""
    return _page(
        request,
        429,
        "Too many tries",
        "Something was tried here too often in a short time. Wait five minutes and try again.",
    )


@everybody("error pages")
def failed(request: HttpRequest) -> HttpResponseBase:
    """500; 503 when the database is why. Every failure, in whatever layer, ends here while it is being handled."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return unavailable(request)
    return _page(
        request,
        500,
        "Something broke on our side",
        "Nothing was changed by this step. Try again; if it happens again, tell whoever runs the workbench the number below.",
    )


@everybody("error pages")
def unavailable(request: HttpRequest) -> HttpResponse:
    """503, when the database does not answer."""
    page = _page(
        request,
        503,
        "The database is not available",
        "Nothing was changed. It may be restarting or being backed up: wait a minute and load the page again.",
    )
    page["Retry-After"] = "60"
    return page


@everybody("error pages")
def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token (CSRF)."""
    del reason
    return _page(
        request,
        403,
        "This form is no longer valid",
        "It was open for too long, or you signed in or out in another window. Go back, load the page again and repeat.",
    )
