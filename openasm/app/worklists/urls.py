"""Addresses of the page Worklist. No patient's identifier stands in them: a patient is known by a keyed pseudonym."""

from __future__ import annotations

from django.urls import path

from openasm.app.worklists import patient_views, views, worth

_HERE = "practices/<str:practice>/worklist/"

urlpatterns = [
    path(_HERE, views.worklist, name="worklist"),
    path(f"{_HERE}worklist.<str:form>", views.worklist_file, name="worklist_file"),
    path(f"{_HERE}change/", views.change_many, name="worklist_change_many"),
    path(f"{_HERE}find/", views.find_patient, name="worklist_find"),
    path(f"{_HERE}filters/", views.keep_filter, name="worklist_filter"),
    path(f"{_HERE}filters/<int:saved>/remove/", views.remove_filter, name="worklist_filter_remove"),
    path(f"{_HERE}worth/", worth.worth_page, name="worklist_worth"),
    path(f"{_HERE}history/", patient_views.history, name="worklist_history"),
    path(f"{_HERE}patients/<str:patient>/", patient_views.patient_page, name="worklist_patient"),
    path(f"{_HERE}patients/<str:patient>/cases/<int:case>/", patient_views.change_one, name="worklist_change"),
]
