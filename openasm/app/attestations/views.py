"""The pages of attesting: the workspace of a year, its steps, its versions, and the file for the next run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations import reading
from openasm.app.attestations.actions import Signature, SomebodyWasFaster, hand_to_runs, take_step
from openasm.app.attestations.answers import attestations_csv, by_item, differences, item_kinds, rules_of, years
from openasm.app.attestations.forms import ItemForm, ReasonForm, SignForm, StepForm, grouped, item_forms
from openasm.app.attestations.models import Version
from openasm.app.attestations.statement import statement_of
from openasm.app.attestations.steps import Step
from openasm.app.audit.events import exported
from openasm.app.kept.actions import keep_document
from openasm.app.kept.forms import DocumentForm
from openasm.app.people.models import Practice
from openasm.base.errors import InputRefused, WrongUsage
from openasm.report.titles import item_title


def _back(practice: Practice, year: int) -> HttpResponse:
    return redirect(f"{reverse('attestations', kwargs={'practice': practice.key})}?year={year}")


@access(Permission.DRAFT_ATTESTATIONS)
@require_GET
def workspace(request: PageRequest, practice: Practice) -> HttpResponse:
    """The answers of a year, where they stand, what they cost, and the next step."""
    return _workspace(request, practice, reading.asked_year(request))


def _workspace(
    request: PageRequest, practice: Practice, year: int, sent: list[ItemForm] | None = None, status: int = 200
) -> HttpResponse:
    rules, day = rules_of(year), reading.today()
    versions = list(Version.objects.of(practice, year).defer("facts", "statement"))
    last = versions[0] if versions else None
    signed = next((each for each in versions if each.step == Step.SIGNED), None)
    answers = last.answered if last else {}
    people = reading.people_of(practice, year)
    documents = reading.documents_of(practice, year)
    kinds = item_kinds(rules)
    standing = reading.standing_now(practice, answers, documents=documents, people=people, rules=rules, day=day)
    locked = last is not None and last.step == Step.SIGNED
    context = {
        "year": year,
        "years": years(),
        "last": last,
        "locked": locked,
        "signed": signed,
        "changed_since": differences(signed.answered, answers) if signed and not locked else [],
        "groups": grouped(sent or item_forms(kinds, year, answers)),
        "standing": standing,
        "people": people,
        "cost_dollars": standing.cost * people.point_dollars if people.point_dollars is not None else None,
        "documents": [(each, item_title(each.about)) for each in documents],
        "document_items": [(kind.item, item_title(kind.item)) for kind in kinds],
        "document_form": DocumentForm(),
        "step_form": StepForm(initial={"base": last.number if last else 0}),
        "reason_form": ReasonForm(initial={"base": last.number if last else 0}),
        "versions": versions,
        "sent": sent is not None,
    }
    return render(request, "attestations/workspace.html", context, status=status)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def save(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """Save a draft; with problems nothing is saved and the page shows them beside what was sent."""
    rules = rules_of(reading.known_year(year))
    base = StepForm(request.POST)
    last = Version.objects.newest(practice, year)
    forms = item_forms(item_kinds(rules), year, last.answered if last else {}, request.POST)
    clean = [form.is_valid() for form in forms]
    if not base.is_valid() or not all(clean):
        messages.error(request, "Nothing was saved: mend what is marked, then save again.")
        return _workspace(request, practice, year, forms)
    return _step(request, practice, year, Step.DRAFT, base.cleaned_data["base"], forms=forms)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def review(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """Give the draft to review."""
    return _simple(request, practice, year, Step.REVIEW)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def give_back(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """Send it back from review, with the reason."""
    return _simple(request, practice, year, Step.RETURNED)


@access(Permission.ATTEST, confirm=True)
@require_POST
def amend(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """Open a signed attestation again, with the reason."""
    return _simple(request, practice, year, Step.AMENDED)


def _simple(request: PageRequest, practice: Practice, year: int, step: Step) -> HttpResponse:
    reading.known_year(year)
    form = StepForm(request.POST) if step is Step.REVIEW else ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: say why; the reason is kept with this step.")
        return _back(practice, year)
    return _step(request, practice, year, step, form.cleaned_data["base"], reason=form.cleaned_data.get("reason", ""))


_DONE: Mapping[Step, str] = {
    Step.DRAFT: "Saved as a new version.",
    Step.REVIEW: "Given to review. An attester or administrator can sign it.",
    Step.RETURNED: "Sent back.",
    Step.SIGNED: "Signed and locked.",
    Step.AMENDED: "Opened for amendment. What was signed stays in force until the amended version is signed.",
}


def _step(
    request: PageRequest,
    practice: Practice,
    year: int,
    step: Step,
    base: int,
    *,
    forms: list[ItemForm] | None = None,
    reason: str = "",
    signature: Signature | None = None,
) -> HttpResponse:
    try:
        take_step(
            step,
            practice=practice,
            year=year,
            base=base,
            by=request.user,
            answers=None if forms is None else by_item(form.given for form in forms),
            reason=reason,
            signature=signature,
            request=request,
        )
    except SomebodyWasFaster as faster:
        messages.error(request, str(faster))
        return _workspace(request, practice, year, forms, status=409) if forms else _back(practice, year)
    except WrongUsage as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, _DONE[step])
    return _back(practice, year)


@access(Permission.ATTEST, confirm=True)
@require_http_methods(["GET", "POST"])
def sign(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """The text that is attested, for whom, what would fail; and the signature."""
    rules, day = rules_of(reading.known_year(year)), reading.today()
    last = Version.objects.newest(practice, year)
    if last is None or last.step != Step.REVIEW:
        messages.error(request, "Only a version in review can be signed.")
        return _back(practice, year)
    people = reading.people_of(practice, year)
    documents = reading.documents_of(practice, year)
    standing = reading.standing_now(practice, last.answered, documents=documents, people=people, rules=rules, day=day)
    statement = statement_of(
        last.answered,
        practice=practice.name,
        masked_tin=practice.masked_tin,
        covered=people.covered,
        rules=rules,
        standing=standing,
    )
    shown = hashlib.sha256(statement.encode()).hexdigest()
    form = SignForm(
        request.POST if request.method == "POST" else None,
        account_name=request.user.name,
        initial={"base": last.number, "shown": shown},
    )
    if request.method == "POST" and not standing.blocking and form.is_valid():
        if form.cleaned_data["shown"] != shown:
            messages.error(request, "The text has changed since you read it. Nothing was signed; read it again.")
            return redirect("attestation_sign", practice=practice.key, year=year)
        facts = {
            "covered": [{"npi": each.npi, "name": each.name, "cohort": each.cohort} for each in people.covered],
            "partners_not_covered": people.partners,
            "run": None if people.run is None else {"key": people.run.key, "hash": people.run.content_hash},
            "improvement_adjustment": standing.improvement_adjustment,
            "interoperability_score": standing.interoperability_score,
            "interoperability_adjustment": standing.interoperability_adjustment,
            "warnings": [each.text for each in standing.warnings],
            "documents": [{"key": each.key, "about": each.about, "sha256": each.sha256} for each in documents],
            "rules": [
                each.as_record() for each in rules if each.name.startswith(("improvement.", "interoperability."))
            ],
        }
        signature = Signature(statement, form.cleaned_data["capacity"], facts)
        return _step(request, practice, year, Step.SIGNED, form.cleaned_data["base"], signature=signature)
    context = {
        "year": year,
        "last": last,
        "form": form,
        "statement": statement,
        "standing": standing,
        "people": people,
    }
    return render(request, "attestations/sign.html", context)


@access(Permission.DRAFT_ATTESTATIONS)
@require_GET
def version(request: PageRequest, practice: Practice, year: int, number: int) -> HttpResponse:
    """One version as it was: answers, statement, signature."""
    found = Version.objects.of(practice, reading.known_year(year)).filter(number=number).first()
    if found is None:
        raise Http404
    before = Version.objects.of(practice, year).filter(number=number - 1).first()
    answers = found.answered
    context = {
        "year": year,
        "version": found,
        "answers": [
            (item_title(kind.item), answers[kind.item]) for kind in item_kinds(rules_of(year)) if kind.item in answers
        ],
        "changed": [item_title(item) for item in differences(before.answered, answers)] if before else [],
    }
    return render(request, "attestations/version.html", context)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def add_document(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """Attach evidence to an item; also after signing, since evidence may come later."""
    items = {kind.item for kind in item_kinds(rules_of(reading.known_year(year)))}
    about = request.POST.get("about", "")
    form = DocumentForm(request.POST, request.FILES)
    if about in items and form.is_valid():
        keep_document(
            practice=practice, year=year, about=about, attachment=form.attachment, by=request.user, request=request
        )
        messages.success(request, "The document is kept.")
    else:
        problems = [str(text) for texts in form.errors.values() for text in texts] or ["Choose the item it proves."]
        messages.error(request, f"The document was not kept. {' '.join(problems)}")
    return _back(practice, year)


@access(Permission.UPLOAD)
@require_POST
def use(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """Let the practice's next run score what is signed."""
    content = reading.signed_file(practice, reading.known_year(year))
    if content is None:
        messages.error(request, "Nothing is signed yet.")
        return _back(practice, year)
    try:
        hand_to_runs(practice=practice, content=content, by=request.user, request=request)
    except (InputRefused, WrongUsage) as refused:
        messages.error(request, f"The next run was not given the attestation: {refused}")
    else:
        messages.success(request, "The practice's next run scores what is signed.")
    return _back(practice, year)


@access(Permission.DRAFT_ATTESTATIONS, confirm=True)
@require_GET
def file(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """`attestations.csv` for the next run: what is signed, or with `?of=draft` the newest version to try out."""
    rules = rules_of(reading.known_year(year))
    draft = request.GET.get("of") == "draft"
    found = Version.objects.newest(practice, year) if draft else Version.objects.signed(practice, year)
    if found is None:
        raise Http404
    content = attestations_csv(practice.tin, found.answered, rules=rules)
    exported(request, what=f"attestations {year} version {found.number}", rows=content.count(b"\n") - 1, form="csv")
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="attestations.csv"'
    return response
