"""The audit's pages: a practice's events for its administrators, everything for operators; filters and CSV."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access, operators
from openasm.app.audit.events import Kind, Outcome, exported
from openasm.app.audit.models import AuditEvent
from openasm.app.look.exports import csv_response
from openasm.app.look.tables import paged
from openasm.app.people.models import Practice

HEADER = ("position", "at (UTC)", "event", "outcome", "who", "practice", "subject", "details", "request", "hash")


class FilterForm(forms.Form):
    """Which events to show."""

    who = forms.CharField(label="Who", required=False, max_length=254)
    kind = forms.ChoiceField(
        label="Event",
        required=False,
        choices=[("", "All"), *((kind.value, kind.value.replace("_", " ")) for kind in Kind)],
    )
    outcome = forms.ChoiceField(
        label="Outcome", required=False, choices=[("", "All"), *((each.value, each.value) for each in Outcome)]
    )
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))


@access(Permission.SEE_AUDIT)
@require_GET
def practice_audit(request: PageRequest, practice: Practice) -> HttpResponse:
    """A practice's events."""
    form, events = _filtered(request, AuditEvent.objects.filter(practice=practice.key))
    page = paged(request, events)
    return render(
        request, "audit/practice.html", {"form": form, "page": page, "events": [shown(each) for each in page]}
    )


@access(Permission.SEE_AUDIT, confirm=True)
@require_GET
def practice_audit_csv(request: PageRequest, practice: Practice) -> HttpResponse:
    """The same events as a CSV."""
    _, events = _filtered(request, AuditEvent.objects.filter(practice=practice.key))
    rows = [csv_row(each) for each in events.order_by("position").iterator(chunk_size=2_000)]
    exported(request, what="audit", rows=len(rows), form="csv")
    return csv_response(f"audit {practice.name}", HEADER, rows)


@operators
@require_GET
def audit(request: PageRequest) -> HttpResponse:
    """Every event of the installation."""
    form, events = _filtered(request, AuditEvent.objects.all())
    page = paged(request, events)
    names = dict(Practice.objects.filter(key__in={each.practice for each in page}).values_list("key", "name"))
    context = {"form": form, "page": page, "events": [shown(each, names) for each in page], "everything": True}
    return render(request, "audit/everything.html", context)


def _filtered(request: PageRequest, events: QuerySet[AuditEvent]) -> tuple[FilterForm, QuerySet[AuditEvent]]:
    form = FilterForm(request.GET or None)
    if not form.is_valid():
        return form, events
    wanted = form.cleaned_data
    if wanted["who"]:
        events = events.filter(who__icontains=wanted["who"].strip())
    if wanted["kind"]:
        events = events.filter(kind=wanted["kind"])
    if wanted["outcome"]:
        events = events.filter(outcome=wanted["outcome"])
    if wanted["since"]:
        events = events.filter(at__gte=_midnight(wanted["since"]))
    if wanted["until"]:
        events = events.filter(at__lt=_midnight(wanted["until"] + dt.timedelta(days=1)))
    return form, events


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


def shown(event: AuditEvent, names: dict[str, str] | None = None) -> dict[str, Any]:
    """An event as a page shows it."""
    details = json.loads(event.details) if event.details else {}
    return {
        "event": event,
        "details": [(name.replace("_", " "), value) for name, value in details.items() if value != ""],
        "practice_name": (names or {}).get(event.practice, ""),
        "tone": {"refused": "warn", "failed": "bad"}.get(event.outcome, "good"),
    }


def csv_row(event: AuditEvent) -> tuple[str | int, ...]:
    """An event as a line of the CSV."""
    moment = event.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return (
        *(event.position, moment, event.kind, event.outcome, event.who),
        *(event.practice, event.subject, event.details, event.request, event.hash),
    )
