"""Events of signing in, out, failing, and of changes to one's own credentials."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import password_changed, password_reset
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.audit.events import Kind, Outcome, record
from openasm.app.people.middleware import BEGAN, SEEN
from openasm.app.people.models import User


@receiver(user_logged_in)
def _signed_in(sender: object, request: HttpRequest, user: User, **rest: Any) -> None:
    del sender, rest
    moment = timezone.now().timestamp()
    request.session[BEGAN] = request.session[SEEN] = moment
    record(Kind.SIGNED_IN, who=user, request=request)


@receiver(user_logged_out)
def _signed_out(sender: object, request: HttpRequest, user: User | None, **rest: Any) -> None:
    del sender, rest
    if user is not None:
        record(Kind.SIGNED_OUT, who=user, request=request)


@receiver(user_login_failed)
def _failed(sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **rest: Any) -> None:
    """An address is kept only when it names an account: people type passwords into the wrong field."""
    del sender, rest
    email = str(credentials.get("email") or credentials.get("username") or "").strip().lower()
    user = User.objects.filter(email=email).first() if email else None
    record(Kind.SIGN_IN_FAILED, who=user, outcome=Outcome.REFUSED, request=request)


@receiver(password_changed)
@receiver(password_reset)
def _new_password(sender: object, request: HttpRequest, user: User, **rest: Any) -> None:
    del sender, rest
    record(Kind.PASSWORD_CHANGED, who=user, request=request)


@receiver(authenticator_added)
@receiver(authenticator_reset)
def _factor_added(sender: object, request: HttpRequest, user: User, **rest: Any) -> None:
    del sender, rest
    record(Kind.SECOND_FACTOR_ADDED, who=user, request=request)


@receiver(authenticator_removed)
def _factor_removed(sender: object, request: HttpRequest, user: User, **rest: Any) -> None:
    del sender, rest
    record(Kind.SECOND_FACTOR_REMOVED, who=user, request=request)
