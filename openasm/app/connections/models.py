"""Calendar feeds and clients of the CDS Hooks service; of their secrets only hashes are kept."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from openasm.app.people.models import Practice, User


class CalendarFeed(models.Model):
    """An address with the deadlines of a practice, for a person's calendar. It works as long as that person may see the practice."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="calendar_feeds")
    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="calendar_feeds")
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"calendar of {self.practice} for {self.user}"


class HookClient(models.Model):
    """An EHR that may call the CDS Hooks service."""

    name = models.CharField(max_length=80)
    start = models.CharField(max_length=8)  # to tell secrets apart in a list
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.name
