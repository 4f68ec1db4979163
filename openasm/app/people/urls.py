"""Addresses of people, practices and memberships."""

from __future__ import annotations

from django.urls import path

from openasm.app.people import account_views, views

urlpatterns = [
    path("", views.practices, name="practices"),
    path("installation/", views.installation, name="installation"),
    path("practices/<str:practice>/members/", views.members, name="members"),
    path("practices/<str:practice>/members/<int:membership>/remove/", views.remove, name="remove_member"),
    path("invitation/<str:secret>/", account_views.invitation, name="invitation"),
    path("account/", account_views.account, name="account"),
    path("account/sessions/end/", account_views.end_all_sessions, name="end_sessions"),
    path("account/tokens/", account_views.tokens, name="tokens"),
    path("account/tokens/<int:token>/revoke/", account_views.revoke, name="revoke_token"),
]
