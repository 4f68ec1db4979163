"""Addresses of the look-up."""

from __future__ import annotations

from django.urls import path

from openasm.app.lookup import views

urlpatterns = [
    path("look-up/", views.look_up_page, name="look_up"),
    path("look-up/setting/", views.setting, name="look_up_setting"),
]
