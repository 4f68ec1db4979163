"""Addresses of calendar feeds and of the credentials of EHRs."""

from __future__ import annotations

from django.urls import path

from openasm.app.connections import views

urlpatterns = [
    path("practices/<str:practice>/calendar/", views.calendar, name="calendar"),
    path("calendar/<str:secret>.ics", views.calendar_feed, name="calendar_feed"),
    path("installation/hooks/", views.hook_clients, name="hook_clients"),
    path("installation/hooks/<int:client>/end/", views.end_hook_client, name="end_hook_client"),
]
