"""Entries of the ledger and attempts to get technology back; both are only ever added. The beneficiary's identifier is sealed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice, new_key
from openasm.app.published.fields import SealedTextField


class GivenItem(KeptRow):
    """An item given to a beneficiary, in cents. patient: keyed pseudonym; a wrong entry is taken back by a row that names it."""

    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.CharField(max_length=32)
    identifier = SealedTextField()
    day = models.DateField()
    cents = models.BigIntegerField()
    what = models.CharField(max_length=200)
    technology = models.BooleanField(default=False)
    in_kind = models.BooleanField(default=True)
    asm_beneficiary = models.BooleanField(default=True)
    connected_to_care = models.BooleanField(default=True)
    tied_to_provider = models.BooleanField(default=False)
    documentation = models.TextField(blank=True)
    warnings = models.TextField(blank=True)  # what was shown before it was entered all the same
    cancels = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="cancelled_by")
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["GivenItem"].as_manager()

    class Meta:
        ordering = ("-day", "-id")
        constraints = (models.CheckConstraint(condition=models.Q(cents__gt=0), name="given_item_positive"),)
        indexes = (models.Index(fields=("practice", "patient"), name="given_item_of_patient"),)

    def __str__(self) -> str:
        return f"item {self.key}"


class Attempts(KeptRows["ReturnAttempt"]):
    """Finds attempts."""


class ReturnAttempt(KeptRow):
    """An attempt to get technology back that stays the practice's property."""

    item = models.ForeignKey(GivenItem, on_delete=models.PROTECT, related_name="attempts")
    day = models.DateField()
    returned = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects = Attempts.as_manager()

    class Meta:
        ordering = ("day", "id")

    def __str__(self) -> str:
        return f"attempt of {self.day}"
