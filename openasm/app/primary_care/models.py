"""Rows of a run about beneficiaries' primary care, and what people entered by hand, which is only ever added to."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice
from openasm.app.published.fields import SealedTextField
from openasm.app.published.models import Patient, PatientRows, Row


class PrimaryCare(Row):
    """One ASM beneficiary of a practice in one run. npis: clinicians they are attributed to, as in Gap; primary_*: the primary care
    clinician seen on most days; screening_certain: whether the code found shows a screening, None where none was found."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+", db_index=False)
    cohorts = models.CharField(max_length=80)
    npis = models.CharField(max_length=250, blank=True)
    last_seen = models.DateField(null=True)
    primary_tin = models.CharField(max_length=9, blank=True)
    primary_npi = models.CharField(max_length=10, blank=True)
    visit_days = models.PositiveIntegerField(null=True)
    last_visit = models.DateField(null=True)
    screened_on = models.DateField(null=True)
    screening_source = models.CharField(max_length=10, blank=True)
    screening_code = models.CharField(max_length=20, blank=True)
    screening_certain = models.BooleanField(null=True)

    objects: Any = PatientRows["PrimaryCare"].as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("practice", "run"), name="primary_care_of_practice"),
            models.Index(fields=("patient", "run"), name="primary_care_of_patient"),
        )


class PrimaryCareVisit(Row):
    """Days on which one primary care clinician saw a practice's beneficiary. place: 1 for the one seen on most days."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.PositiveSmallIntegerField()
    tin = models.CharField(max_length=9)
    npi = models.CharField(max_length=10)
    days = models.PositiveIntegerField()
    last = models.DateField()

    objects: Any = PatientRows["PrimaryCareVisit"].as_manager()

    class Meta:
        indexes = (
            models.Index(fields=("practice", "run", "tin"), name="visits_with_partner"),
            models.Index(fields=("patient", "run"), name="visits_of_patient"),
        )


class Part(StrEnum):
    """The three things that IA_1 asks for each beneficiary (42 CFR 512.735)."""

    PRIMARY_CARE = "primary_care"
    SUMMARY = "summary"
    SCREENING = "screening"


class CareEntry(KeptRow):
    """Something entered by hand about a beneficiary; the newest of a part counts. patient: keyed pseudonym; outcome: see `entries`."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    patient = models.CharField(max_length=32)
    identifier = SealedTextField()
    part = models.CharField(max_length=20, choices=[(part.value, part.value) for part in Part])
    number = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20)
    day = models.DateField()
    note = SealedTextField()
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["CareEntry"].as_manager()

    class Meta:
        ordering = ("part", "number")
        constraints = (
            models.UniqueConstraint(fields=("practice", "year", "patient", "part", "number"), name="care_entry_once"),
        )

    def __str__(self) -> str:
        return f"{self.part} {self.number}"
