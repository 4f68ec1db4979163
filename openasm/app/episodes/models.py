"""Episodes of a published run added up once, when they are published: no page reads all episodes of a large practice for its sums.

What is narrower than these sums (a filter by service category, by standing, by patient) is added up when it is asked for.
"""

from __future__ import annotations

from django.db import models

from openasm.app.people.models import Practice
from openasm.app.published.models import LargeRow, Patient, unchecked_key


class EpisodeTotal(LargeRow):
    """Episodes of a practice, or of one clinician in it (npi), in one cohort, or (cohort empty) in all.

    texts: the different texts of `npis` that name the clinician, by which the episodes are found. The other fields are those of
    `listing.Summary`.
    """

    practice = unchecked_key(Practice)
    npi = models.CharField(max_length=10, blank=True)
    cohort = models.CharField(max_length=40, blank=True)
    episodes = models.PositiveIntegerField()
    patients = models.PositiveIntegerField()
    counted = models.PositiveIntegerField()
    outliers = models.PositiveIntegerField()
    high = models.PositiveIntegerField()
    cents = models.FloatField(null=True)
    ratio = models.FloatField(null=True)
    texts = models.JSONField(default=list)

    class Meta:
        indexes = (models.Index(fields=("practice", "run", "npi", "cohort"), name="episode_total_of_practice"),)


class AttributedPatient(LargeRow):
    """A patient of a practice with the sums of all its episodes there. The fields are those of `listing.PatientRow`."""

    practice = unchecked_key(Practice)
    patient = unchecked_key(Patient)
    episodes = models.PositiveIntegerField()
    counted = models.PositiveIntegerField()
    outliers = models.PositiveIntegerField()
    cents = models.BigIntegerField()
    ratio = models.FloatField(null=True)
    last_day = models.DateField()

    class Meta:
        indexes = (models.Index(fields=("practice", "run", "-cents", "patient"), name="attributed_by_cost"),)
