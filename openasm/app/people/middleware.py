"""Limits of a session, and the second factor without which nobody who may see patients gets any further."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from openasm.app.access.permissions import needs_second_factor
from openasm.app.people.models import User
from openasm.app.people.sign_in import has_second_factor

BEGAN = "began"  # moment of signing in, seconds since 1970
SEEN = "seen"  # moment of the last request, to the minute
_MINUTE = 60.0
# Where somebody without a second factor may go: setting one up, proving who one is, leaving.
ENROLMENT = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_reauthenticate_webauthn",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
    }
)

Answer = Callable[[HttpRequest], HttpResponseBase]


class SessionLimits:
    """Ends sessions that were idle too long or have lasted too long; a clock set back ends them as well."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """End the session first, if it is over."""
        if request.user.is_authenticated:
            now = timezone.now().timestamp()
            began = float(request.session.get(BEGAN, 0))
            seen = float(request.session.get(SEEN, 0))
            if (
                now - seen > settings.SESSION_IDLE_SECONDS
                or now - began > settings.SESSION_ABSOLUTE_SECONDS
                or seen - now > 5 * _MINUTE
            ):
                logout(request)
                messages.info(request, "You were signed out because the session had ended. Please sign in again.")
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
            if abs(now - seen) >= _MINUTE:
                request.session[SEEN] = now
        return self.get_response(request)


class SecondFactor:
    """Sends whoever may see more than scores to set up a second factor before anything else."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing to do before the view is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        """Redirect to the enrolment unless the page belongs to it."""
        del view, args, kwargs
        match = request.resolver_match
        if not request.user.is_authenticated or (match and match.view_name in ENROLMENT):
            return None
        user = request.user
        assert isinstance(user, User)
        if needs_second_factor(user) and not has_second_factor(user):
            messages.info(request, "Your role needs a second factor. Add an authenticator app or a passkey to go on.")
            return redirect("mfa_index")
        return None
