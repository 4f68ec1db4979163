"""Primary care practices that saw a practice's ASM beneficiaries: whom an arrangement can be with, and whom both share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet, Sum

from openasm.app.access.request import PatientScope
from openasm.app.people.models import Practice
from openasm.app.primary_care.models import PrimaryCare, PrimaryCareVisit
from openasm.app.published.models import Run

MOST_SHOWN = 25


@dataclass(frozen=True, slots=True)
class SharedPractice:
    """A TIN with the shared beneficiaries, their visit days there, the last of them, and its clinicians, those with most first."""

    tin: str
    people: int
    days: int
    last: dt.date
    npis: tuple[str, ...]


def shared_practices(practice: Practice, run: Run, *, tin: str = "") -> list[SharedPractice]:
    """Other TINs whose primary care clinicians saw the practice's beneficiaries, most beneficiaries first. tin: only this one. Two queries."""
    rows = PrimaryCareVisit.objects.filter(practice=practice, run=run).exclude(tin=practice.tin)
    if tin:
        rows = rows.filter(tin=tin)
    counted = rows.values("tin").annotate(people=Count("patient", distinct=True), visits=Sum("days"), seen=Max("last"))
    found = list(counted.order_by("-people", "-visits", "tin")[:MOST_SHOWN])
    npis: dict[str, list[str]] = {}
    clinicians = rows.filter(tin__in=[each["tin"] for each in found]).values("tin", "npi")
    for each in clinicians.annotate(people=Count("patient", distinct=True)).order_by("-people", "npi"):
        npis.setdefault(each["tin"], []).append(each["npi"])
    return [
        SharedPractice(each["tin"], each["people"], each["visits"], each["seen"], tuple(npis[each["tin"]]))
        for each in found
    ]


def shared_beneficiaries(scope: PatientScope, run: Run, tin: str) -> QuerySet[PrimaryCare]:
    """The beneficiaries a person may see that a TIN saw too, by row of the patient."""
    seen = PrimaryCareVisit.objects.filter(practice=scope.practice, run=run, tin=tin).values("patient_id")
    rows: QuerySet[PrimaryCare] = PrimaryCare.objects.visible(scope, run).filter(patient__in=seen)
    return rows.select_related("patient").order_by("patient_id")
