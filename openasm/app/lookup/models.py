"""Whether the look-up answers without sign-in: one row, changed by an operator alone."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class LookupSetting(models.Model):
    """The installation's choice. Without a row the look-up needs a sign-in."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    without_sign_in = models.BooleanField(default=False)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="lookup_one_setting"),)

    def __str__(self) -> str:
        return "look-up without sign-in" if self.without_sign_in else "look-up for people who signed in"


def is_open() -> bool:
    """Whether the look-up answers without sign-in."""
    return LookupSetting.objects.filter(pk=1, without_sign_in=True).exists()
