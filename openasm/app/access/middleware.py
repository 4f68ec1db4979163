"""Deny by default: a view runs only when it carries an access rule, or is a sign-in view of allauth that is listed here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

from openasm.app.access.rules import AccessRule, rule_of
from openasm.app.audit.events import record_refusal

log = logging.getLogger("openasm.access")

_ENTRANCE = AccessRule("everybody", reason="the way in: rate-limited, tells nothing about who has an account")
_OWN = AccessRule("signed_in")
# allauth's views, by URL name. What is not here and has no rule of its own is not served.
ALLAUTH: Mapping[str, AccessRule] = {
    "account_login": _ENTRANCE,
    "account_logout": _ENTRANCE,
    "account_inactive": _ENTRANCE,
    "account_reset_password": _ENTRANCE,
    "account_reset_password_done": _ENTRANCE,
    "account_reset_password_from_key": _ENTRANCE,
    "account_reset_password_from_key_done": _ENTRANCE,
    "mfa_authenticate": _ENTRANCE,
    "mfa_login_webauthn": _ENTRANCE,
    "account_change_password": _OWN,
    "account_set_password": _OWN,
    "account_reauthenticate": _OWN,
    "mfa_index": _OWN,
    "mfa_reauthenticate": _OWN,
    "mfa_activate_totp": _OWN,
    "mfa_deactivate_totp": _OWN,
    "mfa_view_recovery_codes": _OWN,
    "mfa_generate_recovery_codes": _OWN,
    "mfa_download_recovery_codes": _OWN,
    "mfa_list_webauthn": _OWN,
    "mfa_add_webauthn": _OWN,
    "mfa_reauthenticate_webauthn": _OWN,
    "mfa_remove_webauthn": _OWN,
    "mfa_edit_webauthn": _OWN,
}


class DenyByDefault:
    """Refuses views without a rule, and records every refusal to somebody signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Run the rest of the chain; a 403 or 404 to a known person becomes an event."""
        response = self.get_response(request)
        if response.status_code in (403, 404) and request.resolver_match and request.user.is_authenticated:
            record_refusal(request, response.status_code)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: object, kwargs: object
    ) -> HttpResponseBase | None:
        """Stop before a view that has no rule."""
        del args, kwargs
        match = request.resolver_match
        name = match.view_name if match else ""
        rule = rule_of(view) or ALLAUTH.get(name or "")
        if rule is None:
            log.error("the view %s has no access rule and was not run", name or "without a name")
            raise PermissionDenied
        if rule.kind == "signed_in" and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if rule.kind == "everybody" and rule is not _ENTRANCE and not rule.reason:
            raise Http404
        return None
