"""Addresses of the page Clinician."""

from __future__ import annotations

from django.urls import path

from openasm.app.clinicians import views

urlpatterns = [
    path("practices/<str:practice>/clinicians/<str:npi>/", views.clinician_page, name="clinician"),
    path("practices/<str:practice>/clinicians/<str:npi>/explanation/", views.explanation_page, name="explanation"),
    path("practices/<str:practice>/clinicians/<str:npi>/scorecard.pdf", views.scorecard_file, name="scorecard"),
]
