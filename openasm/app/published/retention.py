"""Patients' rows of earlier runs go, in small steps, so that nobody waits; scores stay."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, ManyToOneRel, OuterRef, Q

from openasm.app.audit.events import Kind, record
from openasm.app.published.models import PATIENT_TABLES, Episode, EpisodeService, Patient, PracticeResult, Run

_PRACTICES_AT_A_TIME = 100
_PATIENTS_AT_A_TIME = 5_000


def remove_old_patient_rows(newest: Run) -> int:
    """Remove the patients' rows of practices whose newer runs have their own; then patients nobody refers to any more.

    Returns how many rows went. Interrupted, it goes on with the next publish.
    """
    if not newest.has_patients:
        return 0
    keep = int(settings.RUNS_WITH_PATIENTS)
    runs = list(Run.objects.filter(has_patients=True).order_by("-id").values_list("id", flat=True))
    removed = 0
    for place, old in enumerate(runs):
        newer = runs[:place]
        if len(newer) >= keep:
            removed += _remove_of_run(old, newer, keep)
    if removed:
        removed += _remove_patients()
        with transaction.atomic():
            record(Kind.PATIENT_ROWS_REMOVED, who=None, details={"rows": removed, "newest_run": newest.key})
    return removed


def _remove_of_run(old: int, newer: list[int], keep: int) -> int:
    """A practice's rows of an old run, where at least `keep` newer runs have results of that practice."""
    practices = list(
        PracticeResult.objects.filter(run=old).values_list("practice_id", flat=True).order_by("practice_id")
    )
    counts: dict[int, int] = {}
    for practice in PracticeResult.objects.filter(run__in=newer[-8:]).values_list("practice_id", flat=True):
        counts[practice] = counts.get(practice, 0) + 1
    superseded = [practice for practice in practices if counts.get(practice, 0) >= keep]
    removed = 0
    for start in range(0, len(superseded), _PRACTICES_AT_A_TIME):
        some = superseded[start : start + _PRACTICES_AT_A_TIME]
        with transaction.atomic():
            for model in PATIENT_TABLES:
                rows = (
                    EpisodeService.objects.filter(
                        episode__in=Episode.objects.filter(practice__in=some, run=old).values("pk")
                    )
                    if model is EpisodeService
                    else model._default_manager.filter(**{"practice__in": some, "run": old})
                )
                removed += rows._raw_delete(rows.db)
    return removed


def _remove_patients() -> int:
    """Patients whom no row of any feature refers to.

    Rows of large tables come with a published run alone, while others wait: whom they name is read once, table by table.
    """
    nobody: Any = Q()
    named: set[int] = set()
    for relation in Patient._meta.get_fields(include_hidden=True):  # hidden: relations without a name on this side
        if not isinstance(relation, ManyToOneRel):
            continue
        field = relation.field
        if getattr(field, "db_constraint", True):
            nobody &= ~Exists(field.model._default_manager.filter(**{field.name: OuterRef("pk")}))
        else:
            named.update(field.model._default_manager.order_by().values_list(field.attname, flat=True).distinct())
    if not nobody:
        raise AssertionError("no table refers to patients, so none may be removed")
    gone = [pk for pk in Patient.objects.filter(nobody).values_list("pk", flat=True) if pk not in named]
    for start in range(0, len(gone), _PATIENTS_AT_A_TIME):
        with transaction.atomic():
            rows = Patient.objects.filter(nobody, pk__in=gone[start : start + _PATIENTS_AT_A_TIME])
            rows._raw_delete(rows.db)
    return len(gone)
