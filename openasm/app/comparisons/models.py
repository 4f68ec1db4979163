"""Comparisons that `openasm compare` made, kept with the runs they are about. They hold no patient."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from openasm.app.people.models import Practice
from openasm.app.published.models import Run


class RunComparison(models.Model):
    """One comparison of two published runs. document: what concerns the runs as a whole (rule values, inputs, notes)."""

    earlier = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    later = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    document = models.JSONField()
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("later", "earlier"), name="comparison_once"),)

    def __str__(self) -> str:
        return f"{self.earlier_id} against {self.later_id}"


class ParticipantCauses(models.Model):
    """Why one participant's score and payment changed: its record in the comparison, as `archive.comparison` has it."""

    comparison = models.ForeignKey(RunComparison, on_delete=models.CASCADE, related_name="participants", db_index=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    npi = models.CharField(max_length=10)
    cohort = models.CharField(max_length=40)
    document = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("comparison", "practice", "npi", "cohort"), name="causes_once"),)
