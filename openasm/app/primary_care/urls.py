"""Addresses of the workspace of IA_1 and of the telehealth page."""

from __future__ import annotations

from django.urls import path

from openasm.app.primary_care import telehealth, views

_ALL = "practices/<str:practice>/primary-care/"
urlpatterns = [
    path(_ALL, views.primary_care, name="primary_care"),
    path(f"{_ALL}enter/", views.enter_page, name="primary_care_enter"),
    path(f"{_ALL}process/", views.process_document, name="primary_care_process"),
    path(f"{_ALL}save/<str:form>/", views.file, name="primary_care_file"),
    path(f"{_ALL}patients/<str:patient>/", views.patient_page, name="primary_care_patient"),
    path("practices/<str:practice>/telehealth/", telehealth.telehealth, name="telehealth"),
    path("practices/<str:practice>/telehealth/<str:form>/", telehealth.telehealth_file, name="telehealth_file"),
]
