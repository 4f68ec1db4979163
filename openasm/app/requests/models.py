"""Steps of requests, only ever added."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice, new_key


class RequestKind(StrEnum):
    """What is asked of CMS."""

    DATA_REQUEST = "data_request"
    ERROR_NOTICE = "error_notice"


class RequestStep(StrEnum):
    """Where a request is."""

    RECEIVED = "received"  # the list, letter or report in error came: the clock of the notice runs
    SENT = "sent"
    ANSWERED = "answered"
    RECONSIDERATION = "reconsideration"  # asked for, after the answer to a notice
    CLOSED = "closed"


class RequestEntry(KeptRow):
    """One step of one request. key: the same for all its steps; number: 1, 2 ...; day: on which the step happened."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=12, default=new_key)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    step = models.CharField(max_length=20)
    day = models.DateField()
    note = models.TextField(blank=True)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["RequestEntry"].as_manager()

    class Meta:
        ordering = ("key", "number")
        constraints = (models.UniqueConstraint(fields=("practice", "key", "number"), name="request_entry_once"),)

    def __str__(self) -> str:
        return f"{self.title}: {self.step}"
