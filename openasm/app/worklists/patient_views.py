"""One patient's cases with their work and its history; items that runs have closed or lost sight of."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import patients_viewed
from openasm.app.look.tables import paged
from openasm.app.look.templatetags.look import day
from openasm.app.people.models import Practice
from openasm.app.published.models import Patient
from openasm.app.worklists import actions
from openasm.app.worklists.forms import CaseForm
from openasm.app.worklists.measures import Named, named
from openasm.app.worklists.models import (
    OUTCOME_WORDS,
    STATUS_WORDS,
    Case,
    Outcome,
    Status,
    WorkEvent,
    WorkItem,
    newest_worklist,
)
from openasm.app.worklists.rows import CaseRow, case_rows, clinician_names
from openasm.base.errors import WrongUsage

_NOT_SEEN = (
    "Somebody changed this case while you had it open. What you see now is the newest; your note is still in the field."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a history in words."""

    at: dt.datetime
    who: str
    texts: tuple[str, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class WorkRow:
    """An item with its measure's name, status in words, and history, the newest first."""

    item: WorkItem
    measure: Named
    status: str
    outcome: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case of the newest run, the form that changes it (None for who may not), and its history."""

    row: CaseRow
    form: CaseForm | None
    steps: tuple[Step, ...]


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def patient_page(request: PageRequest, practice: Practice, patient: str) -> HttpResponse:
    """Everything open for one patient, and what was done."""
    return _page(request, practice, _patient(request, practice, patient))


@sensitive_post_parameters()
@access(Permission.WORK_GAPS, patients=True)
@require_POST
def change_one(request: PageRequest, practice: Practice, patient: str, case: int) -> HttpResponse:
    """Change the work on one case of the patient."""
    person = _patient(request, practice, patient)
    found = _cases(request, practice).filter(pk=case, patient=person).first()
    if found is None:
        raise Http404
    form = CaseForm(practice, found.item, request.POST, prefix=f"case-{found.pk}")
    if not form.is_valid():
        return _page(request, practice, person, sent=(found.pk, form), status=400)
    try:
        actions.change_case(
            case=found, change=form.change, version=form.cleaned_data["version"], by=request.user, request=request
        )
    except actions.ChangedMeanwhile:
        again = CaseForm(
            practice,
            _item_of(found),
            prefix=f"case-{found.pk}",
        )
        again.initial["note"] = form.cleaned_data["note"]
        messages.error(request, _NOT_SEEN)
        return _page(request, practice, person, sent=(found.pk, again), status=409)
    except WrongUsage as error:
        messages.info(request, str(error))
    else:
        messages.success(request, "Saved.")
    return redirect("worklist_patient", practice=practice.key, patient=person.key)


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def history(request: PageRequest, practice: Practice) -> HttpResponse:
    """Work that runs have closed, and work whose gap the newest run does not know any more."""
    kind = "left_out" if request.GET.get("show") == "left_out" else "closed"
    items = _items(request, practice).select_related("patient", "owner", "closed_by")
    if kind == "closed":
        items = items.filter(status=Status.CLOSED.value)
    else:
        items = items.filter(left_out_of__isnull=False).exclude(status=Status.CLOSED.value)
    page = paged(request, items.order_by("-changed_at", "-pk"))
    rows = [WorkRow(item, named(item.measure, item.year), *_words(item), ()) for item in page]
    patients_viewed(request, page="worklist_history", count=len(rows))
    return render(request, "worklists/history.html", {"page": page, "rows": rows, "kind": kind})


def _page(
    request: PageRequest,
    practice: Practice,
    person: Patient,
    *,
    sent: tuple[int, CaseForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    today = timezone.localdate()
    cases = list(_cases(request, practice).filter(patient=person).order_by("pk"))
    published = newest_worklist(practice)
    rows: tuple[CaseRow, ...] = ()
    if published is not None:
        names = clinician_names(practice, published.run)
        rows = case_rows(cases, practice=practice, run=published.run, today=today, names=names)
    items = list(_items(request, practice).filter(patient=person).order_by("-year", "measure", "group"))
    steps = _steps(items)
    open_items = {case.item_id for case in cases}
    may_work = actions_allowed(request, practice)
    context: dict[str, Any] = {
        "patient": person,
        "published": published,
        "cases": [
            OpenCase(
                row,
                _form(practice, row, sent) if may_work else None,
                steps.get(row.case.item_id or 0, ()),
            )
            for row in rows
        ],
        "earlier": [
            WorkRow(item, named(item.measure, item.year), *_words(item), steps.get(item.pk, ()))
            for item in items
            if item.pk not in open_items
        ],
    }
    patients_viewed(request, page="worklist_patient", subject=person.key)
    return render(request, "worklists/patient.html", context, status=status)


def actions_allowed(request: PageRequest, practice: Practice) -> bool:
    """Whether the person may change work here."""
    from openasm.app.access.rules import has_permission

    return has_permission(request.user, Permission.WORK_GAPS, practice=practice)


def _form(practice: Practice, row: CaseRow, sent: tuple[int, CaseForm] | None) -> CaseForm:
    if sent is not None and sent[0] == row.case.pk:
        return sent[1]
    return CaseForm(practice, row.item, prefix=f"case-{row.case.pk}")


def _item_of(case: Case) -> WorkItem | None:
    """The work on a case as it is now."""
    return WorkItem.objects.filter(cases=case.pk).first()


def _patient(request: PageRequest, practice: Practice, key: str) -> Patient:
    """The patient of a pseudonym, where this person may see a case or an item of them; Http404 otherwise."""
    person = Patient.objects.filter(key=key).first()
    if person is None:
        raise Http404
    if _cases(request, practice).filter(patient=person).exists():
        return person
    if _items(request, practice).filter(patient=person).exists():
        return person
    raise Http404


def _cases(request: PageRequest, practice: Practice) -> QuerySet[Case]:
    """Visible cases of the newest worklist."""
    published = newest_worklist(practice)
    if published is None:
        return Case.objects.none()
    found: QuerySet[Case] = Case.objects.visible(request.patients, published.run)
    return found.select_related("run", "patient", "item__owner")


def _items(request: PageRequest, practice: Practice) -> QuerySet[WorkItem]:
    """Items this person may see: a clinician's are those of the own patients."""
    own = Q() if request.patients.npi is None else Q(npis__contains=f" {request.patients.npi} ")
    return WorkItem.objects.filter(own, practice=practice)


def _words(item: WorkItem) -> tuple[str, str]:
    return STATUS_WORDS[Status(item.status)], OUTCOME_WORDS[Outcome(item.outcome)] if item.outcome else ""


def _steps(items: list[WorkItem]) -> dict[int, tuple[Step, ...]]:
    found: dict[int, list[Step]] = {}
    for event in WorkEvent.objects.filter(item__in=items).order_by("-at", "-pk"):
        step = Step(event.at, event.who_text or "Published run", tuple(_said(event.changes)), event.note)
        found.setdefault(event.item_id, []).append(step)
    return {number: tuple(steps) for number, steps in found.items()}


def _said(changes: dict[str, Any]) -> list[str]:
    """A change in words."""
    texts = []
    if changes.get("reopened"):
        return ["The run shows the gap again; the work is open again."]
    if changes.get("left_out"):
        return ["The run does not know this case any more: check whether the patient's data arrived."]
    if "status" in changes:
        texts.append(f"Status: {STATUS_WORDS[Status(changes['status'])]}")
    if "outcome" in changes:
        outcome = changes["outcome"]
        texts.append(f"Outcome: {OUTCOME_WORDS[Outcome(outcome)] if outcome else 'none'}")
    if "owner" in changes:
        texts.append(f"Owner: {changes['owner'] or 'nobody'}")
    if "due" in changes:
        due = changes["due"]
        texts.append(f"Planned for {day(dt.date.fromisoformat(due))}" if due else "No day planned")
    return texts
