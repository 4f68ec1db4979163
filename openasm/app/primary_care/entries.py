"""What can be entered by hand about a beneficiary, part by part, and the action that keeps it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.http import HttpRequest

from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User
from openasm.app.primary_care.models import CareEntry, Part
from openasm.app.published.models import Patient
from openasm.base.errors import WrongUsage

WITHDRAWN = "withdrawn"
# part -> outcome -> words; each but `withdrawn` counts as seen to
OUTCOMES: Mapping[Part, Mapping[str, str]] = MappingProxyType(
    {
        Part.PRIMARY_CARE: {"known": "Has primary care", "helped": "Has none; was helped to find some"},
        Part.SUMMARY: {"sent": "Visit summary sent to primary care"},
        Part.SCREENING: {
            "found": "Screened in primary care this year",
            "done": "Screened here this year",
            "asked": "Not screened; primary care was asked to, or to let us",
        },
    }
)
PART_WORDS: Mapping[Part, str] = MappingProxyType(
    {
        Part.PRIMARY_CARE: "Primary care",
        Part.SUMMARY: "Visit summary",
        Part.SCREENING: "Screening for social needs",
    }
)


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every outcome of every part as a form shows them, with that of taking an entry back."""
    return [
        (
            PART_WORDS[part],
            [(f"{part.value}:{outcome}", words) for outcome, words in outcomes.items()]
            + [(f"{part.value}:{WITHDRAWN}", "Take the entry back: it was wrong")],
        )
        for part, outcomes in OUTCOMES.items()
    ]


def enter(
    patients: Sequence[Patient],
    *,
    practice: Practice,
    year: int,
    part: Part,
    outcome: str,
    day: dt.date,
    note: str,
    by: User,
    request: HttpRequest | None = None,
) -> int:
    """Add an entry for each beneficiary, with one event each; returns how many.

    Raises WrongUsage for an outcome that the part does not have, a day outside the year, or when somebody enters the same at the same time;
    then nothing is kept.
    """
    if outcome != WITHDRAWN and outcome not in OUTCOMES[part]:
        raise WrongUsage("Choose what was done.")
    if day.year != year:
        raise WrongUsage(f"The day lies outside {year}.")
    keys = [each.key for each in patients]
    try:
        with transaction.atomic():
            rows = CareEntry.objects.filter(practice=practice, year=year, part=part.value, patient__in=keys)
            last = dict(rows.values("patient").annotate(last=Max("number")).values_list("patient", "last"))
            for patient in patients:
                entry = CareEntry(practice=practice, year=year, patient=patient.key, part=part.value, outcome=outcome)
                entry.identifier, entry.number = patient.identifier, last.get(patient.key, 0) + 1
                entry.day, entry.note, entry.by = day, note, by.email
                entry.save()
                details = {"what": "primary care", "year": year, "part": part.value, "outcome": outcome}
                record(Kind.CHANGED, who=by, practice=practice, subject=patient.key, details=details, request=request)
    except IntegrityError:
        raise WrongUsage("Somebody else entered the same just now. Nothing was saved; look and repeat.") from None
    return len(patients)
