"""Address of the page Today."""

from __future__ import annotations

from django.urls import path

from openasm.app.today import views

urlpatterns = [path("practices/<str:practice>/today/", views.today_page, name="today")]
