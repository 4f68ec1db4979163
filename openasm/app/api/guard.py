"""Before an operation runs: whose token it is, whether that person may do this in that practice, and which patients are visible.

The same rules as for pages decide (access/); a session's cookie counts for nothing here, so a page elsewhere can call nothing with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from ninja.security import HttpBearer

from openasm.app.access.permissions import Permission, needs_second_factor
from openasm.app.access.request import PageRequest
from openasm.app.access.rules import AccessRule, patient_scope, practice_for
from openasm.app.api.errors import (
    NO_SECOND_FACTOR,
    NO_TOKEN,
    NOT_FOUND,
    NOT_PERMITTED,
    WRONG_METHOD,
    Refusal,
    broken,
    error_response,
)
from openasm.app.people.actions import user_of_token
from openasm.app.people.models import User
from openasm.app.people.sign_in import has_second_factor

View = Callable[..., HttpResponseBase]
_SCHEME = "bearer "


class ApiToken(HttpBearer):
    """Names the token in the OpenAPI document; `guarded` has looked at it before."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The token's owner."""
        del token
        return getattr(request, "token_owner", None)


def guarded(view: View, rule: AccessRule) -> View:
    """An operation's view behind its rule; `rule.permission` None asks for a token alone."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            response: HttpResponse = error_response(request, WRONG_METHOD)
            response["Allow"] = "GET"
            return response
        try:
            _admit(cast(PageRequest, request), rule, kwargs.get("practice"))
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            return error_response(request, refusal.kind)
        except PermissionDenied:
            return error_response(request, NOT_PERMITTED)
        except Http404:
            return error_response(request, NOT_FOUND)
        except Exception as failure:
            return broken(request, failure)

    checked.access_rule = rule  # type: ignore[attr-defined]
    checked.csrf_exempt = True  # type: ignore[attr-defined]  # cookies are not looked at
    return checked


def _admit(request: PageRequest, rule: AccessRule, key: str | None) -> None:
    header = request.headers.get("Authorization", "")
    secret = header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""
    user = user_of_token(secret) if secret else None
    if user is None:
        raise Refusal(NO_TOKEN)
    request.user = user
    request.token_owner = user  # type: ignore[attr-defined]
    if needs_second_factor(user) and not has_second_factor(user):
        raise Refusal(NO_SECOND_FACTOR)
    if key is not None:
        request.practice = practice_for(request, key, rule.permission or Permission.SEE_SCORES)
        if rule.patients:
            request.patients = patient_scope(request, request.practice)
