"""Every address of the workbench. A feature's own addresses stand in its urls.py."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path, re_path

handler400 = "openasm.app.look.errors.bad_request"
handler403 = "openasm.app.look.errors.forbidden"
handler404 = "openasm.app.look.errors.not_found"
handler429 = "openasm.app.look.errors.too_often"  # allauth's limits of signing in and confirming
handler500 = "openasm.app.look.errors.failed"

# Of allauth's views only these: no sign-up, no change of address.
_ALLAUTH = [
    path("sign-in/", account.login, name="account_login"),
    path("sign-out/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("second-factor/", include("allauth.mfa.urls")),
]

urlpatterns = [
    path("account/", include(_ALLAUTH)),
    path("", include("openasm.app.people.urls")),
    path("", include("openasm.app.audit.urls")),
    path("", include("openasm.app.practices.urls")),
    path("", include("openasm.app.connections.urls")),
    path("", include("openasm.app.api.urls")),
    path("", include("openasm.app.kept.urls")),
    path("", include("openasm.app.attestations.urls")),
    path("", include("openasm.app.readiness.urls")),
    path("", include("openasm.app.primary_care.urls")),
    path("", include("openasm.app.arrangements.urls")),
    path("", include("openasm.app.incentives.urls")),
    path("", include("openasm.app.requests.urls")),
    path("", include("openasm.app.submissions.urls")),
    path("", include("openasm.app.binder.urls")),
    path("", include("openasm.app.worklists.urls")),
    path("", include("openasm.app.measures.urls")),
    path("", include("openasm.app.today.urls")),
    path("", include("openasm.app.feeds.urls")),
    path("", include("openasm.app.lookup.urls")),
    path("", include("openasm.app.what_if.urls")),
    path("", include("openasm.app.clinicians.urls")),
    path("", include("openasm.app.episodes.urls")),
    path("", include("openasm.app.comparisons.urls")),
]
