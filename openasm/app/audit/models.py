"""Events and the head of their chain. No foreign keys: events outlive what they describe. Triggers refuse change and deletion."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class AppendOnly(RuntimeError):
    """Somebody tried to change or delete an event through a model."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Events can be read and added, nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:  # noqa: ARG002 (the signature is Django's)
        """Always refused."""
        raise AppendOnly("Audit events are never changed.")

    def delete(self) -> NoReturn:
        """Always refused."""
        raise AppendOnly("Audit events are never deleted.")


class AuditEvent(models.Model):
    """One event. position: 1, 2, 3 ... without gaps; hash: keyed hash of this event and of the one before."""

    position = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()  # UTC, to the microsecond
    kind = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10)
    who = models.CharField(max_length=254, blank=True)  # e-mail address of the account; empty: nobody known
    practice = models.CharField(max_length=12, blank=True)  # its key
    subject = models.CharField(max_length=64, blank=True)  # pseudonym of a patient, or what the event is about
    details = models.TextField(blank=True)  # canonical JSON; never a patient's identifier
    request = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=45, blank=True)
    hash = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ("-position",)
        indexes = (
            models.Index(fields=("practice", "-position"), name="audit_practice"),
            models.Index(fields=("who", "-position"), name="audit_who"),
            models.Index(fields=("kind", "-position"), name="audit_kind"),
        )

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add a new event; changing one is refused."""
        if not self._state.adding:
            raise AppendOnly("Audit events are never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002 (the signature is Django's)
        """Always refused."""
        raise AppendOnly("Audit events are never deleted.")


class AuditHead(models.Model):
    """The last event's position and hash, one row: writers queue on it, and a cut-off tail shows."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    position = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="audit_one_head"),)

    def __str__(self) -> str:
        return f"head at {self.position}"
