"""Versions of a practice's attestation of a year: each step adds one, none is ever changed or deleted."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.attestations.answers import Answer, from_text
from openasm.app.attestations.steps import Step
from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared


class Versions(KeptRows["Version"]):
    """Finds versions."""

    def of(self, practice: Practice, year: int) -> Versions:
        """All of a practice and year, newest first."""
        return self.filter(practice=practice, year=year).order_by("-number")

    def newest(self, practice: Practice, year: int) -> Version | None:
        """The newest version, whatever its step."""
        return _NEWEST.first(practice=practice.pk, year=year)

    def signed(self, practice: Practice, year: int) -> Version | None:
        """The newest signed version: what is attested now."""
        return _SIGNED.first(practice=practice.pk, year=year)


class Version(KeptRow):
    """One version. number: 1, 2, 3 ... within practice and year; answers: canonical JSON; digest: of all that was decided.

    The rest is filled for signed ones: statement as signed, capacity of the signer, who is covered, rule values, score.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    step = models.CharField(max_length=10, choices=[(step.value, step.value) for step in Step])
    answers = models.TextField()
    reason = models.TextField(blank=True)
    by = models.CharField(max_length=254)
    by_name = models.CharField(max_length=120)
    at = models.DateTimeField(default=timezone.now)
    capacity = models.CharField(max_length=120, blank=True)
    statement = models.TextField(blank=True)
    facts = models.TextField(blank=True)  # JSON: covered, rules, score
    digest = models.CharField(max_length=64)

    objects: Any = Versions.as_manager()

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=("practice", "year", "number"), name="attestation_version_once"),
            models.CheckConstraint(condition=models.Q(step__in=[step.value for step in Step]), name="attestation_step"),
        )

    def __str__(self) -> str:
        return f"{self.year} version {self.number} ({self.step})"

    @property
    def answered(self) -> dict[str, Answer]:
        """The answers by item."""
        return from_text(self.answers)

    @property
    def known(self) -> dict[str, Any]:
        """The facts kept with a signature."""
        return json.loads(self.facts) if self.facts else {}


def _of(**more: Any) -> Any:
    return Version.objects.filter(practice=Given("practice"), year=Given("year"), **more).order_by("-number")[:1]


_NEWEST = Prepared[Version](_of)
_SIGNED = Prepared[Version](lambda: _of(step=Step.SIGNED.value))
