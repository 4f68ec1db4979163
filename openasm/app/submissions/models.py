"""Packages and their receipts, only ever added. A package is kept as one zip, sealed; its manifest's hash binds the receipts to it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice, new_key
from openasm.app.sealing import unseal_bytes

PURPOSE = "submission package"


class SubmissionPackage(KeptRow):
    """A prepared package. manifest: as written into it; run_key, run_hash: the published run it was made from."""

    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    run_key = models.CharField(max_length=12)
    run_hash = models.CharField(max_length=64)
    level = models.CharField(max_length=12)
    manifest = models.JSONField()
    sha256 = models.CharField(max_length=64)  # of the zip
    sealed = models.BinaryField()
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["SubmissionPackage"].as_manager()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (models.Index(fields=("practice", "year"), name="package_of_practice"),)

    def __str__(self) -> str:
        return f"package {self.key}"

    @property
    def content(self) -> bytes:
        """The zip."""
        return unseal_bytes(self.sealed, purpose=PURPOSE)


class Receipts(KeptRows["SubmissionReceipt"]):
    """Finds receipts."""


class SubmissionReceipt(KeptRow):
    """A receipt recorded by hand. number: CMS's confirmation number; received: the day CMS took it."""

    package = models.ForeignKey(SubmissionPackage, on_delete=models.PROTECT, related_name="receipts")
    number = models.CharField(max_length=200)
    received = models.DateField()
    note = models.TextField(blank=True)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects = Receipts.as_manager()

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return self.number
