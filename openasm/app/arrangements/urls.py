"""Addresses of the register of arrangements."""

from __future__ import annotations

from django.urls import path

from openasm.app.arrangements import views

_ALL = "practices/<str:practice>/arrangements/"
urlpatterns = [
    path(_ALL, views.arrangements, name="arrangements"),
    path(f"{_ALL}new/", views.new_arrangement, name="new_arrangement"),
    path(f"{_ALL}<str:arrangement>/", views.arrangement, name="arrangement"),
    path(f"{_ALL}<str:arrangement>/shared/", views.arrangement_shared, name="arrangement_shared"),
    path(f"{_ALL}<str:arrangement>/shared/<str:form>/", views.arrangement_shared_file, name="arrangement_shared_file"),
    path(f"{_ALL}<str:arrangement>/documents/", views.arrangement_document, name="arrangement_document"),
    path(f"{_ALL}<str:arrangement>/payments/", views.arrangement_payment, name="arrangement_payment"),
    path(f"{_ALL}<str:arrangement>/payments/<int:payment>/", views.cancel, name="cancel_payment"),
]
