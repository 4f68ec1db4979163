"""Uploaded files, the configuration of a practice's run, and its runs. They change only through actions.py and running.py."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from openasm.app.people.models import Practice, new_key
from openasm.app.published.fields import SealedTextField
from openasm.app.published.models import Run


class State(StrEnum):
    """Where a started run is."""

    RUNNING = "running"
    FINISHED = "finished"
    REFUSED = "refused"  # ended by itself: its problems say why
    STOPPED = "stopped"  # its process is gone: it can go on
    CANCELLED = "cancelled"  # somebody stopped it: it can go on


class PracticeFile(models.Model):
    """A file of a practice. It lies below the data folder under names of our own; the given name is sealed, it may name a patient."""

    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(max_length=20)
    name = SealedTextField()
    size = models.BigIntegerField()
    files = models.PositiveIntegerField(default=1)  # how many an archive was unpacked to
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField(default=timezone.now)
    uploaded_by = models.CharField(max_length=254)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-uploaded_at", "-id")
        indexes = (models.Index(fields=("practice", "kind", "removed_at"), name="file_of_practice"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def folder(self) -> Path:
        """The folder that holds it, alone."""
        return files_folder(self.practice) / self.kind / self.key


class RunConfiguration(models.Model):
    """What a practice's run computes: the form behind `openasm run`'s configuration."""

    practice = models.OneToOneField(Practice, on_delete=models.CASCADE, related_name="run_configuration")
    year = models.PositiveSmallIntegerField()
    claims_format = models.CharField(max_length=12, default="cclf")
    data_end = models.DateField(null=True, blank=True)
    as_of_today = models.BooleanField(default=True)
    codes = models.CharField(max_length=16, default="library")
    cost_benchmark = models.CharField(max_length=12, default="pool")
    when_both = models.CharField(max_length=12, default="refuse")
    assume_year = models.PositiveSmallIntegerField(null=True, blank=True)
    projection = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=254, blank=True)

    def __str__(self) -> str:
        return f"configuration of {self.practice}"


class FeedRun(models.Model):
    """A run of `openasm run` that was started here. problems: texts of what refused it; published: what became of it."""

    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="feed_runs")
    state = models.CharField(max_length=10, default=State.RUNNING.value)
    year = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.CharField(max_length=254)
    ended_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    message = models.TextField(blank=True)
    problems = models.JSONField(default=list)
    published = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-started_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("practice",), condition=Q(state=State.RUNNING.value), name="one_run_a_practice"
            ),
        )

    def __str__(self) -> str:
        return f"run {self.key}: {self.state}"

    @property
    def folder(self) -> Path:
        """Where it works; a lock on this folder says that its process lives."""
        return work_folder(self.practice) / self.key

    @property
    def can_resume(self) -> bool:
        """Whether it may go on from where it was."""
        return self.state in (State.STOPPED, State.CANCELLED)


def files_folder(practice: Practice) -> Path:
    """Where a practice's files lie (backups hold them)."""
    return Path(settings.DATA or ".") / "files" / practice.key


def work_folder(practice: Practice) -> Path:
    """Where a practice's runs work; everything in it can be made again."""
    return Path(settings.DATA or ".") / "work" / practice.key


def private_folder(folder: Path) -> Path:
    """Make a folder below the data folder, and those on the way to it, for their owner alone, whatever the process's mask."""
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)
    return folder
