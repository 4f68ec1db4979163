"""Addresses of the readiness plan."""

from __future__ import annotations

from django.urls import path

from openasm.app.readiness import views

urlpatterns = [
    path("practices/<str:practice>/readiness/", views.readiness, name="readiness"),
    path("practices/<str:practice>/readiness/reminders/", views.reminders, name="readiness_reminders"),
    path("practices/<str:practice>/readiness/<int:year>/tasks/<str:key>/", views.task, name="readiness_task"),
    path("practices/<str:practice>/readiness/<int:year>/calendar.ics", views.calendar, name="readiness_calendar"),
]
