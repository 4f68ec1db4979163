"""Addresses of attesting."""

from __future__ import annotations

from django.urls import path

from openasm.app.attestations import views

_YEAR = "practices/<str:practice>/attestations/<int:year>/"
urlpatterns = [
    path("practices/<str:practice>/attestations/", views.workspace, name="attestations"),
    path(f"{_YEAR}save/", views.save, name="attestation_save"),
    path(f"{_YEAR}review/", views.review, name="attestation_review"),
    path(f"{_YEAR}return/", views.give_back, name="attestation_return"),
    path(f"{_YEAR}sign/", views.sign, name="attestation_sign"),
    path(f"{_YEAR}amend/", views.amend, name="attestation_amend"),
    path(f"{_YEAR}documents/", views.add_document, name="attestation_document"),
    path(f"{_YEAR}versions/<int:number>/", views.version, name="attestation_version"),
    path(f"{_YEAR}use/", views.use, name="attestation_use"),
    path(f"{_YEAR}attestations.csv", views.file, name="attestations_file"),
]
