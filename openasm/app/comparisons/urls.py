"""Addresses of the page Compare."""

from __future__ import annotations

from django.urls import path

from openasm.app.comparisons import views

urlpatterns = [
    path("practices/<str:practice>/compare/", views.compare_page, name="compare"),
    path("practices/<str:practice>/compare/<str:npi>/", views.compare_clinician_page, name="compare_clinician"),
    path("practices/<str:practice>/compare.<str:form>", views.compare_file, name="compare_file"),
]
