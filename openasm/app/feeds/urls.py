"""Addresses of the page Data."""

from __future__ import annotations

from django.urls import path

from openasm.app.feeds import views

urlpatterns = [
    path("practices/<str:practice>/data/", views.data_page, name="data"),
    path("practices/<str:practice>/data/files/", views.upload, name="data_upload"),
    path("practices/<str:practice>/data/files/<str:key>/remove/", views.remove, name="data_remove"),
    path("practices/<str:practice>/data/configuration/", views.configuration, name="data_configuration"),
    path("practices/<str:practice>/data/runs/", views.start, name="data_start"),
    path("practices/<str:practice>/data/runs/<str:key>/", views.run_page, name="data_run"),
    path("practices/<str:practice>/data/runs/<str:key>/resume/", views.resume, name="data_resume"),
    path("practices/<str:practice>/data/runs/<str:key>/stop/", views.stop, name="data_stop"),
    path("practices/<str:practice>/data/problems/", views.problems_page, name="data_problems"),
]
