"""Documents: evidence and signed papers, sealed at rest, known by their hash, never changed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice, new_key
from openasm.app.sealing import unseal_bytes

PURPOSE = "document"


class Document(KeptRow):
    """A file somebody attached. about: what it proves (`IA_1`, `arrangement:KEY` ...); content is sealed, sha256 is of what was given."""

    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    about = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    sealed = models.BinaryField()
    added_by = models.CharField(max_length=254)
    added_at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["Document"].as_manager()

    class Meta:
        ordering = ("added_at", "id")
        indexes = (models.Index(fields=("practice", "year", "about"), name="document_of_practice"),)

    def __str__(self) -> str:
        return self.name

    @property
    def content(self) -> bytes:
        """The file as it was given; SealBroken when it was changed."""
        return unseal_bytes(self.sealed, purpose=PURPOSE)
