"""The access rule of a view, written above it. A view without a rule is never run (see middleware.py)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import CharField
from django.http import Http404, HttpRequest, HttpResponseBase

from openasm.app.access.permissions import Permission, Role, grants_in, has_permission, is_member
from openasm.app.access.request import PageRequest, PatientScope
from openasm.app.people.models import Practice
from openasm.app.people.sign_in import ask_again
from openasm.app.prepared import Given, Prepared

__all__ = [
    "AccessRule",
    "PageRequest",
    "Permission",
    "Role",
    "access",
    "everybody",
    "has_permission",
    "operators",
    "patient_scope",
    "practice_for",
    "rule_of",
    "signed_in",
]

Rest = ParamSpec("Rest")
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What a view asks for. kind: `everybody`, `signed_in`, `operators` or `practice`; reason: why everybody may come."""

    kind: str
    permission: Permission | None = None
    confirm: bool = False
    patients: bool = False
    reason: str = ""


def rule_of(view: object) -> AccessRule | None:
    """The rule a view was declared with, or None."""
    return getattr(view, "access_rule", None)


def everybody(reason: str) -> Callable[[View], View]:
    """A view that needs no sign-in. reason: one sentence for the reader of the access table."""

    def declare(view: View) -> View:
        return _marked(view, view, AccessRule("everybody", reason=reason))

    return declare


def signed_in(view: Callable[Concatenate[PageRequest, Rest], HttpResponseBase]) -> View:
    """A view about the person, not about a practice."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(cast(PageRequest, request), *args, **kwargs)

    return _marked(checked, view, AccessRule("signed_in"))


def operators(view: Callable[Concatenate[PageRequest, Rest], HttpResponseBase]) -> View:
    """A view for operators of the installation; for everybody else it does not exist."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        page = cast(PageRequest, request)
        if not has_permission(page.user, Permission.OPERATE):
            raise Http404
        return view(page, *args, **kwargs)

    return _marked(checked, view, AccessRule("operators", Permission.OPERATE))


def access(
    permission: Permission, *, confirm: bool = False, patients: bool = False
) -> Callable[[Callable[Concatenate[PageRequest, Practice, Rest], HttpResponseBase]], View]:
    """A view of one practice: the URL's `practice` key becomes the Practice, fetched and checked in one step.

    Strangers get 404, members without the permission 403, nobody signed in the sign-in page. confirm: ask for the password or
    passkey again when the last time is more than five minutes ago; every view that gives a file asks, but that of the year's
    days, which names no patient and no result (tests/app/test_files_given.py). patients: set `request.patients`; with SEE_PATIENTS a
    clinician comes in too and is narrowed to the own NPI.
    """

    def declare(view: Callable[Concatenate[PageRequest, Practice, Rest], HttpResponseBase]) -> View:
        @functools.wraps(view)
        def checked(request: HttpRequest, practice: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            page = cast(PageRequest, request)
            page.practice = practice_for(page, practice, permission)
            if patients:
                page.patients = patient_scope(page, page.practice)
            if confirm:
                ask_again(page)
            return view(page, page.practice, *args, **kwargs)

        return _marked(checked, view, AccessRule("practice", permission, confirm, patients))

    return declare


_PRACTICE = Prepared[Practice](
    lambda: Practice.objects.select_related("system").filter(key=Given("key", CharField())).order_by("pk")[:1]
)


def practice_for(request: PageRequest, key: str, permission: Permission) -> Practice:
    """The practice of a key, if this person may do that there; Http404 for strangers, PermissionDenied for members."""
    practice = _PRACTICE.first(key=key)
    if practice is None or not is_member(request.user, practice):
        raise Http404
    if _allowed(request, permission, practice):
        return practice
    raise PermissionDenied(permission.value)


def _allowed(request: PageRequest, permission: Permission, practice: Practice) -> bool:
    if has_permission(request.user, permission, practice=practice):
        return True
    return permission is Permission.SEE_PATIENTS and has_permission(
        request.user, Permission.SEE_OWN_PATIENTS, practice=practice
    )


def patient_scope(request: PageRequest, practice: Practice) -> PatientScope:
    """Which of the practice's patients this person may see; PermissionDenied when none."""
    if has_permission(request.user, Permission.SEE_PATIENTS, practice=practice):
        return PatientScope(practice, None)
    own = {grant.npi for grant in grants_in(request.user, practice) if grant.role is Role.CLINICIAN and grant.npi}
    if own and has_permission(request.user, Permission.SEE_OWN_PATIENTS, practice=practice):
        return PatientScope(practice, min(own))  # one NPI a person and practice: the database sees to it
    raise PermissionDenied(Permission.SEE_PATIENTS.value)


def _marked(checked: View, view: Callable[..., object], rule: AccessRule) -> View:
    if getattr(view, "access_rule", None) is not None:
        raise TypeError(f"{getattr(view, '__name__', view)} has two access rules")
    checked.access_rule = rule  # type: ignore[attr-defined]
    return checked
