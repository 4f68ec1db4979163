"""Addresses of the evidence binder."""

from __future__ import annotations

from django.urls import path

from openasm.app.binder import views

urlpatterns = [
    path("practices/<str:practice>/attestations/<int:year>/binder/", views.binder, name="binder"),
    path("practices/<str:practice>/attestations/<int:year>/binder.zip", views.binder_file, name="binder_file"),
]
