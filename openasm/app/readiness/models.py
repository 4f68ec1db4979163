"""What people noted about tasks of the plan: the newest entry of a task counts, earlier ones stay."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import models
from django.utils import timezone

from openasm.app.kept.rows import KeptRow, KeptRows
from openasm.app.people.models import Practice, User


class TaskState(StrEnum):
    """What people say about a task."""

    OPEN = "open"
    DONE = "done"


class TaskEntry(KeptRow):
    """One entry about a task. key: of the plan's task; due: another day than the plan's; number: 1, 2 ... of this task."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=[(state.value, state.value) for state in TaskState])
    owner = models.CharField(max_length=120, blank=True)
    due = models.DateField(null=True)
    evidence = models.TextField(blank=True)
    by = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects: Any = KeptRows["TaskEntry"].as_manager()

    class Meta:
        ordering = ("key", "number")
        constraints = (models.UniqueConstraint(fields=("practice", "year", "key", "number"), name="task_entry_once"),)

    def __str__(self) -> str:
        return f"{self.key} {self.number}"


class ReminderSent(models.Model):
    """That somebody was reminded of a task: `soon` before its day, `late` after it. Each once for a task and day.

    A row is written once the mail server has taken the mail (see reminders.py).
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    due = models.DateField()
    about = models.CharField(max_length=4)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("practice", "user", "year", "key", "due", "about"), name="reminded_once"),
        )

    def __str__(self) -> str:
        return f"{self.key} {self.about}"


class RemindersOff(models.Model):
    """That somebody wants no reminders of a practice."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    practice = models.ForeignKey(Practice, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "practice"), name="reminders_off_once"),)

    def __str__(self) -> str:
        return "no reminders"
