"""Cases of a published run, and the work on them, which outlives runs.

A case is one patient's open gap of one measure and group in one practice: all its gaps are ways to close it. A work item is what
people did about a case; it is found again in the next run by practice, year, patient, measure and group.
"""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.fields import SealedTextField
from openasm.app.published.models import LargeRow, Patient, PatientRow, Run, unchecked_key


class Status(StrEnum):
    """How far the work is. CLOSED is given by a published run alone."""

    OPEN = "open"
    WORKING = "working"
    WAITING = "waiting"
    NOT_POSSIBLE = "not_possible"
    CLOSED = "closed"


STATUS_WORDS = {
    Status.OPEN: "To do",
    Status.WORKING: "In progress",
    Status.WAITING: "Done, waiting for the data",
    Status.NOT_POSSIBLE: "Cannot be closed",
    Status.CLOSED: "Closed by a run",
}


class Outcome(StrEnum):
    """What came of the work; the last three are what a run shows."""

    PLANNED = "planned"
    CARE_GIVEN = "care_given"
    DOCUMENTED = "documented"
    DECLINED = "declined"
    NOT_REACHED = "not_reached"
    NOT_INDICATED = "not_indicated"
    MET = "met"
    EXCEPTED = "excepted"
    NOT_COUNTED = "not_counted"


OUTCOME_WORDS = {
    Outcome.PLANNED: "Visit or call planned",
    Outcome.CARE_GIVEN: "Care given",
    Outcome.DOCUMENTED: "Written down in the record",
    Outcome.DECLINED: "Patient declined",
    Outcome.NOT_REACHED: "Patient not reached",
    Outcome.NOT_INDICATED: "Not right for this patient",
    Outcome.MET: "Met in a published run",
    Outcome.EXCEPTED: "Excluded or excepted in a published run",
    Outcome.NOT_COUNTED: "No longer counted by the measure",
}
BY_RUN = frozenset({Outcome.MET, Outcome.EXCEPTED, Outcome.NOT_COUNTED})


class WorkItem(models.Model):
    """The work on one case, over all runs of its year. npis: whose patient it was last (as in Gap); due: the day people agreed on.

    version: rises with each change, so that nobody overwrites what they have not seen. left_out_of: the newest run, when neither its gaps
    nor its populations know the case any more.
    """

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    measure = models.CharField(max_length=20)
    group = models.PositiveSmallIntegerField()
    npis = models.CharField(max_length=250, blank=True)
    status = models.CharField(max_length=16, default=Status.OPEN.value)
    outcome = models.CharField(max_length=16, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    due = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    closed_by = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    left_out_of = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("practice", "year", "patient", "measure", "group"), name="work_item_once_a_year"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[each.value for each in Status]), name="work_item_status_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", *(each.value for each in Outcome)]), name="work_item_outcome_known"
            ),
        )
        indexes = (models.Index(fields=("practice", "status", "-changed_at"), name="work_item_of_practice"),)

    def __str__(self) -> str:
        return f"{self.measure} of {self.patient}"


class WorkEvent(models.Model):
    """One step in an item's history, never changed. note: patient data, sealed; changes: field -> new value in words."""

    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    who_text = models.CharField(max_length=254, blank=True)  # stays when the account goes; empty: a published run
    changes = models.JSONField(default=dict)
    note = SealedTextField(null=True)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"event of {self.item_id}"


WORTH = Func(F("cents"), template="COALESCE(%(expressions)s, 0)", output_field=models.BigIntegerField())
"""Worth of a case in cents, 0 where it is not known: written out, so that a query by worth is read from the index on it."""


class Case(PatientRow):
    """A case of a run. id: in the order of the list: by practice, those worth something, those worth nothing, those of measures on which
    nobody there is scored; each of them by last day, then worth.

    due: the last day on which any way closes it (None: none does any more); earliest: the first such day (None: at once); points, cents: worth
    of closing it; ways: how many gaps it has; item: the work on it, once there is some; scored: whether a participant of the practice is
    scored on the measure.
    """

    measure = models.CharField(max_length=20)
    group = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)  # care when any way is care, then documentation, then data
    ways = models.PositiveSmallIntegerField()
    earliest = models.DateField(null=True)
    due = models.DateField(null=True)
    points = models.FloatField(null=True)
    cents = models.BigIntegerField(null=True)
    scored = models.BooleanField(default=True)
    item = models.ForeignKey(WorkItem, null=True, on_delete=models.SET_NULL, related_name="cases", db_index=False)

    class Meta:
        indexes = (
            models.Index(fields=("practice", "run", "id"), name="case_in_order"),
            models.Index("practice", "run", WORTH.desc(), "id", name="case_by_worth"),
            models.Index(fields=("practice", "run", "npis"), name="case_of_clinicians"),
            models.Index(fields=("practice", "run", "patient"), name="case_of_patient"),
            models.Index(fields=("item",), condition=Q(item__isnull=False), name="case_of_item"),
        )


class CaseCount(LargeRow):
    """How many cases of one measure have the same days, and what they are worth together: pages add up those that are open on a day."""

    practice = unchecked_key(Practice)
    measure = models.CharField(max_length=20)
    earliest = models.DateField(null=True)
    due = models.DateField(null=True)
    cases = models.PositiveIntegerField()
    cents = models.BigIntegerField()
    scored = models.BooleanField(default=True)

    class Meta:
        indexes = (models.Index(fields=("practice", "run"), name="case_count_of_practice"),)


class PublishedWorklist(models.Model):
    """What a run brought a practice: cases of scored measures that can be closed, those lost for the year, and what it closed of the work.

    whom: the different texts of `npis` among its cases: those of one clinician are found by them.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    cases = models.PositiveIntegerField()
    lost = models.PositiveIntegerField()
    closed = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    whom = models.JSONField(default=list)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("practice", "run"), name="worklist_once_a_run"),)


class SavedFilter(models.Model):
    """A filter of the worklist that a person keeps. query: names and values as in the page's address; no patient in it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.JSONField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("user", "practice", "name"), name="filter_name_once"),)

    def __str__(self) -> str:
        return self.name


def newest_worklist(practice: Practice) -> PublishedWorklist | None:
    """The newest run's worklist of a practice, its run with it; None before the first."""
    return _NEWEST.first(practice=practice.pk)


_NEWEST = Prepared[PublishedWorklist](
    lambda: PublishedWorklist.objects.filter(practice=Given("practice")).select_related("run").order_by("-run_id")[:1]
)
