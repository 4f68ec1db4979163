"""The page Requests: trackers of data requests and error notices, and where the telehealth waivers apply."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations import reading
from openasm.app.attestations.answers import rules_of
from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User, new_key
from openasm.app.prepared import Given, Prepared
from openasm.app.requests.clocks import Due, next_due
from openasm.app.requests.models import RequestEntry, RequestKind, RequestStep
from openasm.base.errors import WrongUsage
from openasm.base.parameters import Rules
from openasm.regulation.incentives import data_requests_missing, telehealth_limits_waived

_KINDS = {"data_request": "Yearly data request and attestation (512.760)", "error_notice": "Notice of an error"}
_STEPS = {
    "received": "Received: the list, letter or report",
    "sent": "Sent to CMS",
    "answered": "Answered by CMS",
    "reconsideration": "Reconsideration asked for",
    "closed": "Closed",
}


def _day() -> forms.DateField:
    return forms.DateField(label="Day it happened", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))


class StepForm(forms.Form):
    """The next step of a request."""

    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    step = forms.ChoiceField(label="Step", choices=list(_STEPS.items()))
    day = _day()
    note = forms.CharField(label="Note", max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class NewForm(StepForm):
    """A new request."""

    kind = forms.ChoiceField(label="What it is", choices=list(_KINDS.items()))
    title = forms.CharField(label="Short title", max_length=200)

    field_order = ("base", "kind", "title", "step", "day", "note")


@dataclass(frozen=True, slots=True)
class Tracked:
    """A request with its steps and what is due."""

    entries: tuple[RequestEntry, ...]
    due: Due
    days_left: int | None

    @property
    def last(self) -> RequestEntry:
        """Its newest step."""
        return self.entries[-1]

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return _KINDS[self.last.kind]


def add_entry(entry: RequestEntry, *, by: User, practice: Practice, request: HttpRequest | None = None) -> RequestEntry:
    """Add a step with its event; WrongUsage when somebody was faster."""
    entry.practice, entry.by = practice, by.email
    try:
        with transaction.atomic():
            entry.save()
            details = {"kind": entry.kind, "step": entry.step, "day": entry.day.isoformat()}
            record(Kind.CHANGED, who=by, practice=practice, subject=entry.key, details=details, request=request)
    except IntegrityError:
        raise WrongUsage(
            "Somebody else added a step since you loaded the page. Nothing was saved; look and repeat."
        ) from None
    return entry


def tracked_of(practice: Practice, year: int, *, rules: Rules) -> list[Tracked]:
    """The requests of a year, those with the nearest day first."""
    found: dict[str, list[RequestEntry]] = {}
    for each in RequestEntry.objects.filter(practice=practice, year=year).order_by("number"):
        found.setdefault(each.key, []).append(each)
    day = reading.today()
    tracked = []
    for entries in found.values():
        last = entries[-1]
        due = next_due(RequestKind(last.kind), RequestStep(last.step), last.day, rules=rules)
        tracked.append(Tracked(tuple(entries), due, due.days_left(day)))
    far = 10**6
    return sorted(tracked, key=lambda each: (far if each.days_left is None else each.days_left, each.last.key))


_SENT = Prepared[tuple[str, dt.date]](
    lambda: RequestEntry.objects.filter(
        practice=Given("practice"), year=Given("year"), kind=RequestKind.DATA_REQUEST.value, step=RequestStep.SENT.value
    ).values_list("key", "day")
)


def data_requests_sent(practice: Practice, year: int) -> int:
    """How many formal data requests were sent in a year."""
    return len({key for key, day in _SENT.all(practice=practice.pk, year=year) if day.year == year})


@access(Permission.DRAFT_ATTESTATIONS)
@require_http_methods(["GET", "POST"])
def requests(request: PageRequest, practice: Practice) -> HttpResponse:
    """Requests of a year, with their clocks; entering one."""
    year = reading.asked_year(request)
    rules = rules_of(year)
    form = NewForm(request.POST if request.method == "POST" else None, initial={"base": 0})
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        values.pop("base")
        add_entry(
            RequestEntry(year=year, key=new_key(), number=1, **values),
            by=request.user,
            practice=practice,
            request=request,
        )
        messages.success(request, "Entered.")
        return redirect("requests", practice=practice.key)
    context = {
        "year": year,
        "form": form,
        "tracked": [
            (each, StepForm(initial={"base": each.last.number}, auto_id=f"{each.last.key}_%s"))
            for each in tracked_of(practice, year, rules=rules)
        ],
        "missing": data_requests_missing(data_requests_sent(practice, year), rules),
        "waived": [each.replace("_", " ") for each in telehealth_limits_waived(rules)],
        "unsure": not rules["participation.error_notice_days"].confirmed,
    }
    return render(request, "requests/requests.html", context)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def request_step(request: PageRequest, practice: Practice, key: str) -> HttpResponse:
    """Add a step."""
    last = RequestEntry.objects.filter(practice=practice, key=key).order_by("-number").first()
    if last is None:
        raise Http404
    form = StepForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was saved: a step and its day are needed.")
        return redirect("requests", practice=practice.key)
    values = dict(form.cleaned_data)
    entry = RequestEntry(
        year=last.year, key=key, kind=last.kind, title=last.title, number=values.pop("base") + 1, **values
    )
    try:
        add_entry(entry, by=request.user, practice=practice, request=request)
    except WrongUsage as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, "Saved.")
    return redirect("requests", practice=practice.key)
