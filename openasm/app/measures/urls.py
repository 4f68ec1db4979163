"""Addresses of the page Measures."""

from __future__ import annotations

from django.urls import path

from openasm.app.measures import views

_HERE = "practices/<str:practice>/measures/"

urlpatterns = [
    path(_HERE, views.measures_page, name="measures"),
    path(f"{_HERE}measures.<str:form>", views.measures_file, name="measures_file"),
    path(f"{_HERE}<str:measure>/", views.measure_page, name="measure"),
]
