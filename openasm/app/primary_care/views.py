"""The workspace of IA_1: coverage of each clinician's ASM beneficiaries, the list with what is missing, entries by hand, the process document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from openasm.app.access.request import PatientScope
from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations import reading
from openasm.app.attestations.answers import Answer, rules_of
from openasm.app.attestations.models import Version
from openasm.app.audit.events import exported, patients_viewed
from openasm.app.kept.actions import keep_document
from openasm.app.kept.forms import DocumentForm
from openasm.app.kept.models import Document
from openasm.app.look.exports import csv_response, xlsx_response
from openasm.app.look.tables import chosen, paged
from openasm.app.people.models import Practice
from openasm.app.primary_care.entries import OUTCOMES, PART_WORDS, WITHDRAWN, choices, enter
from openasm.app.primary_care.models import CareEntry, Part, PrimaryCare, PrimaryCareVisit
from openasm.app.primary_care.standing import (
    Beneficiary,
    Coverage,
    beneficiaries_of,
    by_clinician,
    coverage_of,
    shown_run,
)
from openasm.app.published.models import ParticipantResult, Patient, Run
from openasm.base.errors import WrongUsage
from openasm.submission.clocks import PeriodClock, activity_clock

ACTIVITY = "IA_1"
MOST_AT_ONCE = 500
SHOWN: Mapping[str, str] = {
    "missing": "Something missing",
    Part.PRIMARY_CARE.value: "Primary care not known",
    Part.SUMMARY.value: "Summary not sent",
    Part.SCREENING.value: "Screening not seen to",
    "hint": "Screening to look up in the record",
    "complete": "All three seen to",
}
HEADER = (
    *("Beneficiary", "Cohorts", "NPIs", "Last seen here", "Primary care TIN", "Primary care NPI", "Visit days"),
    *("Last visit there", "Screened on", "Found in", "Code", "Screening certain"),
    *("Primary care, by hand", "Summary, by hand", "Summary day", "Screening, by hand", "All three"),
)


class EntryForm(forms.Form):
    """One entry, for one beneficiary or several."""

    what = forms.ChoiceField(label="What was done")
    day = forms.DateField(label="Day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    note = forms.CharField(
        label="With whom, and where it is recorded",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        chooser = self.fields["what"]
        assert isinstance(chooser, forms.ChoiceField)
        chooser.choices = [("", "Choose"), *choices()]

    def clean_what(self) -> tuple[Part, str]:
        """Part and outcome."""
        part, _, outcome = str(self.cleaned_data["what"]).partition(":")
        return Part(part), outcome


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of the list: the beneficiary with the words that are shown."""

    person: Beneficiary
    identifier: str
    clinicians: tuple[str, ...]

    @property
    def parts(self) -> list[tuple[str, bool, str]]:
        """For each part its title, whether it is seen to, and what was entered."""
        return [(PART_WORDS[part], has, self.person.words(part)) for part, has in self.person.has.items()]


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def primary_care(request: PageRequest, practice: Practice) -> HttpResponse:
    """Coverage, what would fail, and the beneficiaries with what is missing."""
    run = shown_run(practice)
    if run is None:
        return render(request, "primary_care/no_run.html")
    people, names = beneficiaries_of(request.patients, run), _names(practice, run, request.patients)
    show, npi = chosen(request, "show", tuple(SHOWN)), chosen(request, "npi", tuple(names))
    page = paged(request, [each for each in people if _is_shown(each, show, npi)])
    rows = rows_of(list(page), names)
    if rows:
        patients_viewed(request, page="primary_care", count=len(rows))
    rules = rules_of(run.performance_year)
    documents = list(
        Document.objects.filter(practice=practice, year=run.performance_year, about=ACTIVITY).defer("sealed")
    )
    clock = _clock(practice, run)
    whole, coverage = coverage_of(people), by_clinician(people, names)
    context = {
        "run": run,
        "whole": whole,
        "parts": [(PART_WORDS[part], count) for part, count in whole.counts],
        "coverage": coverage,
        "part_titles": list(PART_WORDS.values()),
        "page": page,
        "rows": rows,
        "show": show,
        "shown": SHOWN.items(),
        "npi": npi,
        "clinicians": [(each, name or each) for each, name in names.items()],
        "form": EntryForm(),
        "document_form": DocumentForm(),
        "documents": documents,
        "clock": clock,
        "findings": list(_findings(whole, coverage, documents=len(documents), clock=clock)),
        "period_days": rules["improvement.period_days"].integer,
    }
    return render(request, "primary_care/primary_care.html", context)


def _names(practice: Practice, run: Run, scope: PatientScope) -> dict[str, str]:
    """Participants of the run by NPI; for a clinician the own name alone."""
    rows = ParticipantResult.objects.filter(practice=practice, run=run).order_by("name", "npi")
    found = dict(rows.values_list("npi", "name"))
    return found if scope.npi is None else {npi: name for npi, name in found.items() if npi == scope.npi}


def _is_shown(person: Beneficiary, show: str, npi: str) -> bool:
    if npi and npi not in person.npis:
        return False
    if show in ("", "complete", "missing"):
        return not show or person.complete == (show == "complete")
    if show == "hint":
        return person.screening_certain is False and not person.has[Part.SCREENING]
    return not person.has[Part(show)]


def rows_of(people: Sequence[Beneficiary], names: Mapping[str, str]) -> list[PersonRow]:
    """Lines of the list, with identifiers; one query."""
    identifiers = dict(Patient.objects.filter(pk__in=[each.patient for each in people]).values_list("pk", "identifier"))
    return [
        PersonRow(each, str(identifiers[each.patient]), tuple(names.get(npi) or npi for npi in each.npis))
        for each in people
    ]


def _clock(practice: Practice, run: Run) -> PeriodClock:
    """The 90 days of IA_1 as its newest answer says."""
    version = Version.objects.newest(practice, run.performance_year)
    answer = (version.answered if version else {}).get(ACTIVITY, Answer(ACTIVITY))
    return activity_clock(answer.start, today=reading.today(), rules=rules_of(run.performance_year), end=answer.end)


def _findings(whole: Coverage, coverage: Sequence[Coverage], *, documents: int, clock: PeriodClock) -> list[str]:
    """What would fail, or be hard to prove, if CMS asked for the evidence of IA_1 now."""
    found = []
    if not documents:
        found.append(
            "No document proves the process that all clinicians follow. Attach it below: it is the evidence of IA_1."
        )
    if clock.lost:
        found.append("The period of the activity cannot be long enough any more this year.")
    elif clock.start is None:
        found.append(
            f"The draft of the attestation names no first day of the activity; the last it can be is {clock.latest_start:%B} "
            f"{clock.latest_start.day}, {clock.latest_start.year}."
        )
    for part, having in whole.counts:
        if having < whole.people:
            found.append(
                f"{PART_WORDS[part]}: {whole.people - having} of {whole.people} beneficiaries are not seen to."
            )
    behind = [each for each in coverage if each.people and each.complete < each.people]
    if behind:
        found.append(f"{len(behind)} of {len(coverage)} clinicians have beneficiaries with something missing.")
    none = [each for each in coverage if not each.people]
    if none and whole.people:
        found.append(
            f"{len(none)} of {len(coverage)} clinicians have no beneficiary in the data of this run; the attestation covers them too."
        )
    return found


@access(Permission.DRAFT_ATTESTATIONS, patients=True)
@require_POST
def enter_page(request: PageRequest, practice: Practice) -> HttpResponse:
    """Keep an entry for the marked beneficiaries."""
    run = shown_run(practice)
    form = EntryForm(request.POST)
    keys = list(dict.fromkeys(request.POST.getlist("patient")))[:MOST_AT_ONCE]
    patients = [] if run is None else _known(request.patients, run, keys)
    if run is None or not patients:
        messages.error(request, "Nothing was saved: mark at least one beneficiary.")
    elif not form.is_valid():
        messages.error(request, "Nothing was saved: choose what was done and its day.")
    else:
        part, outcome = form.cleaned_data["what"]
        try:
            count = enter(
                patients,
                practice=practice,
                year=run.performance_year,
                part=part,
                outcome=outcome,
                day=form.cleaned_data["day"],
                note=form.cleaned_data["note"],
                by=request.user,
                request=request,
            )
        except WrongUsage as wrong:
            messages.error(request, f"Nothing was saved. {wrong}")
        else:
            messages.success(request, f"Saved for {count} beneficiar{'y' if count == 1 else 'ies'}.")
    if len(patients) == 1 and "back" in request.POST:
        return redirect("primary_care_patient", practice=practice.key, patient=patients[0].key)
    query = request.GET.urlencode()
    return redirect(f"{reverse('primary_care', kwargs={'practice': practice.key})}{'?' + query if query else ''}")


def _known(scope: PatientScope, run: Run, keys: Sequence[str]) -> list[Patient]:
    """Those of some pseudonyms that are beneficiaries the person may see."""
    rows = PrimaryCare.objects.visible(scope, run).filter(patient__key__in=keys)
    return list(Patient.objects.filter(pk__in=rows.values("patient_id")).order_by("pk"))


@access(Permission.SEE_PATIENTS, patients=True)
@require_GET
def patient_page(request: PageRequest, practice: Practice, patient: str) -> HttpResponse:
    """One beneficiary: who saw them for primary care, what was found, and every entry by hand."""
    run = shown_run(practice)
    if run is None:
        raise Http404
    row = (
        PrimaryCare.objects.visible(request.patients, run)
        .filter(patient__key=patient)
        .select_related("patient")
        .first()
    )
    if row is None:
        raise Http404
    patients_viewed(request, page="primary_care_patient", subject=patient)
    entries = CareEntry.objects.filter(practice=practice, year=run.performance_year, patient=patient).order_by("-pk")
    context = {
        "run": run,
        "row": row,
        "visits": list(
            PrimaryCareVisit.objects.filter(practice=practice, run=run, patient=row.patient).order_by("place")
        ),
        "entries": [(each, PART_WORDS[Part(each.part)], _outcome_words(each)) for each in entries],
        "form": EntryForm(),
    }
    return render(request, "primary_care/patient.html", context)


def _outcome_words(entry: CareEntry) -> str:
    return "Taken back" if entry.outcome == WITHDRAWN else OUTCOMES[Part(entry.part)][entry.outcome]


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def process_document(request: PageRequest, practice: Practice) -> HttpResponse:
    """Attach the document of the process: evidence of IA_1, shown on the page of attestations too."""
    run, form = shown_run(practice), DocumentForm(request.POST, request.FILES)
    if run is not None and form.is_valid():
        keep_document(
            practice=practice,
            year=run.performance_year,
            about=ACTIVITY,
            attachment=form.attachment,
            by=request.user,
            request=request,
        )
        messages.success(request, "The document is kept.")
    else:
        problems = " ".join(str(text) for texts in form.errors.values() for text in texts)
        messages.error(request, f"The document was not kept. {problems}")
    return redirect("primary_care", practice=practice.key)


@access(Permission.EXPORT_PATIENTS, confirm=True, patients=True)
@require_GET
def file(request: PageRequest, practice: Practice, form: str) -> HttpResponse:
    """The list as a worksheet, filtered as on the page."""
    run = shown_run(practice)
    if run is None or form not in ("csv", "xlsx"):
        raise Http404
    names = _names(practice, run, request.patients)
    show, npi = chosen(request, "show", tuple(SHOWN)), chosen(request, "npi", tuple(names))
    people = [each for each in beneficiaries_of(request.patients, run) if _is_shown(each, show, npi)]
    cells = [_cells(each) for each in rows_of(people, names)]
    exported(request, what="primary_care", rows=len(cells), form=form)
    save = csv_response if form == "csv" else xlsx_response
    return save(f"primary care {practice.name}", HEADER, cells)


def _cells(row: PersonRow) -> list[str | int | float | bool | None]:
    each = row.person
    sent = each.entries.get(Part.SUMMARY)
    days = (each.last_seen, each.last_visit, each.screened_on, None if sent is None else sent.day)
    seen, visited, screened, summary = ("" if day is None else day.isoformat() for day in days)
    return [
        *(row.identifier, " ".join(each.cohorts), " ".join(each.npis), seen, each.primary_tin, each.primary_npi),
        *(each.visit_days, visited, screened, each.screening_source, each.screening_code, each.screening_certain),
        *(each.words(Part.PRIMARY_CARE), each.words(Part.SUMMARY), summary, each.words(Part.SCREENING), each.complete),
    ]
