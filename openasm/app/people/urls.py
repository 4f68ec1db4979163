"""Addresses of people, practices and memberships."""

from __future__ import annotations

from django.urls import path

from openasm.app.people import account_views, operator_views, roll_up, views

urlpatterns = [
    path("", views.practices, name="practices"),
    path("installation/", views.installation, name="installation"),
    path("installation/accounts/", operator_views.accounts, name="accounts"),
    path("installation/accounts/<int:user>/switch/", operator_views.switch_account, name="switch_account"),
    path(
        "installation/accounts/<int:user>/sessions/", operator_views.end_account_sessions, name="end_account_sessions"
    ),
    path("installation/systems/", operator_views.systems, name="systems"),
    path("installation/systems/<str:system>/", operator_views.system, name="system"),
    path("installation/systems/<str:system>/practices/", operator_views.system_practice, name="system_practice"),
    path(
        "installation/systems/<str:system>/members/<int:membership>/remove/",
        operator_views.remove_system_member,
        name="remove_system_member",
    ),
    path("systems/<str:system>/", roll_up.system_page, name="roll_up"),
    path("practices/<str:practice>/members/", views.members, name="members"),
    path("practices/<str:practice>/members/<int:membership>/remove/", views.remove, name="remove_member"),
    path("practices/<str:practice>/members/<int:membership>/role/", views.change_role, name="change_role"),
    path(
        "practices/<str:practice>/members/<int:membership>/sessions/",
        views.end_member_sessions,
        name="end_member_sessions",
    ),
    path("invitation/<str:secret>/", account_views.invitation, name="invitation"),
    path("account/", account_views.account, name="account"),
    path("account/sessions/end/", account_views.end_all_sessions, name="end_sessions"),
    path("account/tokens/", account_views.tokens, name="tokens"),
    path("account/tokens/<int:token>/revoke/", account_views.revoke, name="revoke_token"),
]
