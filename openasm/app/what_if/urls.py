"""Addresses of the page What-if."""

from __future__ import annotations

from django.urls import path

from openasm.app.what_if import views

urlpatterns = [path("practices/<str:practice>/what-if/", views.what_if_page, name="what_if")]
