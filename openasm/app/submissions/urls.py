"""Addresses of submissions."""

from __future__ import annotations

from django.urls import path

from openasm.app.submissions import advice, views

_ALL = "practices/<str:practice>/submissions/"
urlpatterns = [
    path("practices/<str:practice>/levels/", advice.levels, name="levels"),
    path("practices/<str:practice>/mips/", advice.mips, name="mips"),
    path(_ALL, views.submissions, name="submissions"),
    path(f"{_ALL}<str:package>/", views.submission, name="submission"),
    path(f"{_ALL}<str:package>/receipt/", views.receipt, name="submission_receipt"),
    path(f"{_ALL}<str:package>/package.zip", views.submission_file, name="submission_file"),
]
