"""The page *Worklist*: open cases with filters and pages; changing many at once; saved filters; finding a patient."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported, patients_viewed
from openasm.app.look.exports import csv_response, xlsx_response
from openasm.app.people.models import Practice
from openasm.app.prepared import Given, Prepared
from openasm.app.published.models import Run
from openasm.app.sealing import patient_key
from openasm.app.worklists import actions
from openasm.app.worklists.asking import asked_for
from openasm.app.worklists.file_rows import HEADER, file_rows
from openasm.app.worklists.forms import FindForm, ManyForm
from openasm.app.worklists.measures import named
from openasm.app.worklists.models import Case, PublishedWorklist, SavedFilter, WorkItem, newest_worklist
from openasm.app.worklists.rows import case_rows, clinician_names, drawn_rows
from openasm.app.worklists.selection import (
    SCORED,
    SORTS,
    WINDOWS,
    WORK,
    Selection,
    part_of,
    selected,
    selection_from,
)
from openasm.app.worklists.totals import open_by_measure, total_of, visible_cases
from openasm.base.errors import WrongUsage

MOST_MARKED = 200


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def worklist(request: PageRequest, practice: Practice) -> HttpResponse:
    """Patients with open gaps: whose job, until when, what it is worth."""
    published = newest_worklist(practice)
    if published is None:
        return render(request, "worklists/no_worklist.html")
    run, today = published.run, timezone.localdate()
    selection = selection_from(request.GET)
    part = part_of(
        asked_for(request.patients, published, selection, today=today, me=request.user.pk),
        sort=selection.sort,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    names = clinician_names(practice, run)
    rows = case_rows(part.cases, practice=practice, run=run, today=today, names=names)
    patients_viewed(request, page="worklist", count=len(rows))
    context = {
        "run": run,
        "published": published,
        "rows": drawn_rows(rows, practice=practice, clinicians=request.patients.npi is None),
        "part": part,
        "total": total_of(request.patients, published, selection, today=today, me=request.user.pk),
        "selection": selection,
        "many": ManyForm(practice),
        "by_measure": _by_measure(request, published, today),
        **_choices(request, practice, names),
    }
    return render(request, "worklists/worklist.html", context)


@access(Permission.EXPORT_PATIENTS, confirm=True, patients=True)
@require_GET
def worklist_file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """The filtered worklist as CSV or XLSX, with patients' identifiers and without notes."""
    published = newest_worklist(practice)
    if published is None or form not in ("csv", "xlsx"):
        raise Http404
    run, today = published.run, timezone.localdate()
    cases = _chosen(request, published, selection_from(request.GET), today)
    rows = list(file_rows(cases, practice=practice, run=run, today=today))
    exported(request, what="worklist", rows=len(rows), form=form)
    make = csv_response if form == "csv" else xlsx_response
    return make(f"worklist {practice.name} {run.performance_year}", HEADER, rows)


@access(Permission.WORK_GAPS, patients=True)
@require_POST
def change_many(request: PageRequest, practice: Practice) -> HttpResponse:
    """Give many cases an owner, a status or a day."""
    selection = selection_from(request.GET)
    back = redirect(reverse("worklist", kwargs={"practice": practice.key}) + selection.address)
    published = newest_worklist(practice)
    form = ManyForm(practice, request.POST)
    if published is None or not form.is_valid():
        messages.error(request, "That could not be read: choose cases and what shall change, and try again.")
        return back
    run, today = published.run, timezone.localdate()
    marked = form.cleaned_data["case"][:MOST_MARKED]
    cases = (
        _chosen(request, published, selection, today)
        if form.cleaned_data["everything"]
        else _marked(request, run, marked)
    )
    try:
        count = actions.change_cases(
            practice=practice,
            cases=list(cases.select_related("run").order_by("pk")[: actions.MOST_AT_ONCE + 1]),
            change=form.change,
            by=request.user,
            request=request,
        )
    except WrongUsage as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{count:,} case{'' if count == 1 else 's'} changed.")
    return back


@access(Permission.SEE_PATIENTS, patients=True)
@require_POST
def keep_filter(request: PageRequest, practice: Practice) -> HttpResponse:
    """Keep the filter of the address under a name."""
    selection = selection_from(request.GET)
    try:
        saved = actions.save_filter(
            practice=practice,
            by=request.user,
            name=request.POST.get("name", ""),
            query=selection.query,
            request=request,
        )
    except WrongUsage as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The filter “{saved.name}” is kept.")
    return redirect(reverse("worklist", kwargs={"practice": practice.key}) + selection.address)


@access(Permission.SEE_PATIENTS, patients=True)
@require_POST
def remove_filter(request: PageRequest, practice: Practice, saved: int) -> HttpResponse:
    """Take one of the own saved filters away."""
    found = (
        SavedFilter.objects.filter(pk=saved, practice=practice, user=request.user).select_related("practice").first()
    )
    if found is None:
        raise Http404
    actions.delete_filter(saved=found, by=request.user, request=request)
    return redirect("worklist", practice=practice.key)


@sensitive_post_parameters()
@access(Permission.SEE_PATIENTS, patients=True)
@require_POST
def find_patient(request: PageRequest, practice: Practice) -> HttpResponse:
    """To the page of the patient with an identifier, where there is one this person may see."""
    form = FindForm(request.POST)
    published = newest_worklist(practice)
    if form.is_valid() and published is not None:
        key = patient_key(form.cleaned_data["identifier"])
        here = Case.objects.visible(request.patients, published.run).filter(patient__key=key)
        worked = WorkItem.objects.filter(practice=practice, patient__key=key)
        if request.patients.npi is not None:
            worked = worked.filter(npis__contains=f" {request.patients.npi} ")
        if here.exists() or worked.exists():
            return redirect("worklist_patient", practice=practice.key, patient=key)
    messages.info(request, "Nobody with exactly that identifier has an open or worked-on gap that you may see.")
    return redirect("worklist", practice=practice.key)


def _chosen(request: PageRequest, published: PublishedWorklist, selection: Selection, today: dt.date) -> QuerySet[Case]:
    visible = visible_cases(request.patients, published, selection.npi)
    return selected(visible, selection, today=today, me=request.user.pk)


def _marked(request: PageRequest, run: Run, marked: list[int]) -> QuerySet[Case]:
    found: QuerySet[Case] = Case.objects.visible(request.patients, run).filter(pk__in=marked)
    return found


def _by_measure(request: PageRequest, published: PublishedWorklist, today: dt.date) -> list[dict[str, Any]]:
    """Open cases of each measure, most dollars first."""
    year = published.run.performance_year
    rows = open_by_measure(request.patients, published, today=today, me=request.user.pk)
    found = [
        {
            "measure": row.measure,
            "cases": row.cases,
            "cents": row.cents,
            "named": named(row.measure, year),
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: (-row["cents"], row["measure"]))


_SAVED = Prepared[SavedFilter](lambda: SavedFilter.objects.filter(user=Given("user"), practice=Given("practice")))


def _choices(request: PageRequest, practice: Practice, names: Mapping[str, str]) -> dict[str, Any]:
    """What the filters offer."""
    own = request.patients.npi
    return {
        "windows": WINDOWS,
        "scored_choices": SCORED,
        "sorts": SORTS,
        "statuses": WORK,
        "clinicians": {} if own is not None else names,
        "own_npi": own,
        "saved": [
            (each, selection_from(each.query).address)
            for each in _SAVED.all(user=request.user.pk, practice=practice.pk)
        ],
        "find": FindForm(),
    }
