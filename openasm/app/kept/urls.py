"""Addresses of documents."""

from __future__ import annotations

from django.urls import path

from openasm.app.kept import views

urlpatterns = [
    path("practices/<str:practice>/documents/<str:document>/", views.document, name="document"),
]
