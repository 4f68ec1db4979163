"""Addresses of the page Practice."""

from __future__ import annotations

from django.urls import path

from openasm.app.practices import how_sure, views

urlpatterns = [
    path("practices/<str:practice>/", views.practice_page, name="practice"),
    path("practices/<str:practice>/clinicians.<str:form>", views.clinicians_file, name="clinicians_file"),
    path("practices/<str:practice>/how-sure/", how_sure.how_sure_page, name="how_sure"),
]
