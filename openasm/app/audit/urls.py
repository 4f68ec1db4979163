"""Addresses of the audit."""

from __future__ import annotations

from django.urls import path

from openasm.app.audit import views

urlpatterns = [
    path("practices/<str:practice>/audit/", views.practice_audit, name="practice_audit"),
    path("practices/<str:practice>/audit.csv", views.practice_audit_csv, name="practice_audit_csv"),
    path("audit/", views.audit, name="audit"),
]
