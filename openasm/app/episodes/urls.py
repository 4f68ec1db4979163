"""Addresses of the page Episodes."""

from __future__ import annotations

from django.urls import path

from openasm.app.episodes import views

urlpatterns = [
    path("practices/<str:practice>/episodes/", views.episodes_page, name="episodes"),
    path("practices/<str:practice>/episodes/patients/", views.patients_page, name="attributed_patients"),
    path("practices/<str:practice>/episodes/<int:number>/", views.episode_page, name="episode"),
    path("practices/<str:practice>/episodes/list.<str:form>", views.episodes_file, name="episodes_file"),
    path("practices/<str:practice>/episodes/patients.<str:form>", views.patients_file, name="patients_file"),
]
