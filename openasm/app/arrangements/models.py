"""Arrangements as versions, and payments under them; both are only ever added."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice, new_key


class ArrangementVersion(KeptRow):
    """One version of an arrangement. key: the same for all its versions; terms: those of 512.771(a) it has, as JSON list.

    shared: established patients who are ASM beneficiaries that both have; renewal: the day to look at it again.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=12, default=new_key)
    number = models.PositiveIntegerField()
    year = models.PositiveSmallIntegerField()
    partner = models.CharField(max_length=200)
    partner_tin = models.CharField(max_length=9, null=True)
    purpose = models.TextField(blank=True)
    shared = models.PositiveIntegerField(default=0)
    terms = models.JSONField()
    signed_here = models.DateField(null=True)
    signed_there = models.DateField(null=True)
    effective = models.DateField(null=True)
    ended = models.DateField(null=True)
    renewal = models.DateField(null=True)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["ArrangementVersion"].as_manager()

    class Meta:
        ordering = ("partner", "key", "number")
        constraints = (models.UniqueConstraint(fields=("practice", "key", "number"), name="arrangement_version_once"),)

    def __str__(self) -> str:
        return f"{self.partner}, version {self.number}"


class Payment(KeptRow):
    """A payment between the parties, in cents. A wrong one is taken back by a further row that names it (`cancels`)."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    arrangement = models.CharField(max_length=12)
    year = models.PositiveSmallIntegerField()  # performance year it is for
    day = models.DateField()
    cents = models.BigIntegerField()
    received = models.BooleanField(default=False)  # from the partner rather than to it
    note = models.TextField(blank=True)
    cancels = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="cancelled_by")
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["Payment"].as_manager()

    class Meta:
        ordering = ("day", "id")
        constraints = (models.CheckConstraint(condition=models.Q(cents__gt=0), name="payment_positive"),)
        indexes = (models.Index(fields=("practice", "year"), name="payment_of_practice"),)

    def __str__(self) -> str:
        return f"payment of {self.day}"
