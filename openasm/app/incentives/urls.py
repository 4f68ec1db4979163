"""Addresses of the ledger of incentives."""

from __future__ import annotations

from django.urls import path

from openasm.app.incentives import views

_ALL = "practices/<str:practice>/incentives/"
urlpatterns = [
    path(_ALL, views.incentives, name="incentives"),
    path(f"{_ALL}<str:item>/back/", views.take_item_back, name="take_incentive_back"),
    path(f"{_ALL}<str:item>/return/", views.attempt, name="return_attempt"),
]
