"""Addresses of requests."""

from __future__ import annotations

from django.urls import path

from openasm.app.requests import views

urlpatterns = [
    path("practices/<str:practice>/requests/", views.requests, name="requests"),
    path("practices/<str:practice>/requests/<str:key>/", views.request_step, name="request_step"),
]
