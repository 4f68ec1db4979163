"""Pages of the register of arrangements."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.arrangements.actions import cancel_payment, enter_payment, save_arrangement
from openasm.app.arrangements.forms import ArrangementForm, PaymentForm
from openasm.app.arrangements.models import ArrangementVersion, Payment
from openasm.app.arrangements.register import limit_of, register_of, registered
from openasm.app.attestations import reading
from openasm.app.attestations.answers import rules_of
from openasm.app.audit.events import exported, patients_viewed
from openasm.app.kept.actions import keep_document
from openasm.app.kept.forms import DocumentForm
from openasm.app.kept.models import Document
from openasm.app.look.exports import csv_response, xlsx_response
from openasm.app.look.tables import paged
from openasm.app.people.models import Practice
from openasm.app.primary_care.shared import shared_beneficiaries, shared_practices
from openasm.app.primary_care.standing import shown_run
from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text


@access(Permission.DRAFT_ATTESTATIONS)
@require_GET
def arrangements(request: PageRequest, practice: Practice) -> HttpResponse:
    """Every arrangement with what it lacks, its clock, and the payments of the year."""
    year = reading.asked_year(request)
    found, limit = register_of(practice, year, today=reading.today(), rules=rules_of(year))
    run = shown_run(practice)
    context = {
        "year": year,
        "arrangements": found,
        "limit": limit,
        "run": run,
        "shared": [] if run is None else shared_practices(practice, run),
        "partners": {each.version.partner_tin: each.version for each in found if each.version.partner_tin},
    }
    return render(request, "arrangements/arrangements.html", context)


@access(Permission.DRAFT_ATTESTATIONS)
@require_http_methods(["GET", "POST"])
def new_arrangement(request: PageRequest, practice: Practice) -> HttpResponse:
    """Enter an arrangement."""
    return _form_page(request, practice, None)


@access(Permission.DRAFT_ATTESTATIONS)
@require_http_methods(["GET", "POST"])
def arrangement(request: PageRequest, practice: Practice, arrangement: str) -> HttpResponse:
    """One arrangement: its terms, documents, payments and earlier versions; a change makes a new version."""
    return _form_page(request, practice, _newest(practice, arrangement))


def _newest(practice: Practice, key: str) -> ArrangementVersion:
    found: ArrangementVersion | None = (
        ArrangementVersion.objects.filter(practice=practice, key=key).order_by("-number").first()
    )
    if found is None:
        raise Http404
    return found


def _form_page(
    request: PageRequest, practice: Practice, version: ArrangementVersion | None, payment: PaymentForm | None = None
) -> HttpResponse:
    year = version.year if version else reading.asked_year(request)
    rules = rules_of(year)
    run = shown_run(practice)
    tin = request.GET.get("partner_tin", "") if version is None else version.partner_tin or ""
    shared = next(iter(shared_practices(practice, run, tin=tin)), None) if run is not None and tin else None
    initial: dict[str, object] = {"base": 0}
    if shared is not None:
        initial |= {"partner_tin": tin, "shared": shared.people}
    if version is not None:
        names = (
            "partner",
            "partner_tin",
            "purpose",
            "shared",
            "terms",
            "signed_here",
            "signed_there",
            "effective",
            "ended",
            "renewal",
        )
        initial = {name: getattr(version, name) for name in names} | {"base": version.number}
    sent = request.POST if request.method == "POST" and payment is None else None
    form = ArrangementForm(sent, rules=rules, initial=initial)
    if sent is not None and form.is_valid():
        try:
            saved = save_arrangement(
                form.values | {"year": year},
                practice=practice,
                key=version.key if version else "",
                base=form.cleaned_data["base"],
                by=request.user,
                request=request,
            )
        except WrongUsage as wrong:
            form.add_error(None, str(wrong))
        else:
            messages.success(request, "Saved as a new version.")
            return redirect("arrangement", practice=practice.key, arrangement=saved.key)
    context: dict[str, object] = {"year": year, "form": form, "version": version, "shared_with": shared}
    if version is not None:
        limit, adjustments = limit_of(practice, year)
        context |= {
            "each": registered(
                version, paid_cents=limit.paid_cents, adjustments=adjustments, today=reading.today(), rules=rules
            ),
            "limit": limit,
            "documents": list(Document.objects.filter(practice=practice, about=_about(version.key)).defer("sealed")),
            "document_form": DocumentForm(),
            "payments": list(
                Payment.objects.filter(practice=practice, arrangement=version.key, cancels=None)
                .select_related("cancelled_by")
                .order_by("day", "pk")
            ),
            "payment_form": payment or PaymentForm(),
            "versions": list(ArrangementVersion.objects.filter(practice=practice, key=version.key).order_by("-number")),
        }
    return render(request, "arrangements/arrangement.html", context)


def _about(key: str) -> str:
    return f"arrangement:{key}"


@access(Permission.DRAFT_ATTESTATIONS, patients=True)
@require_GET
def arrangement_shared(request: PageRequest, practice: Practice, arrangement: str) -> HttpResponse:
    """The beneficiaries that an arrangement's partner shares with the practice, as the claims show them."""
    version, run = _newest(practice, arrangement), shown_run(practice)
    page = None
    if run is not None and version.partner_tin:
        page = paged(request, shared_beneficiaries(request.patients, run, version.partner_tin))
        if page.object_list:
            patients_viewed(request, page="arrangement_shared", count=len(page.object_list))
    context = {"version": version, "run": run, "page": page, "rows": list(page) if page else []}
    return render(request, "arrangements/shared.html", context)


@access(Permission.EXPORT_PATIENTS, confirm=True, patients=True)
@require_GET
def arrangement_shared_file(request: PageRequest, practice: Practice, arrangement: str, form: str) -> HttpResponse:
    """The same list as a worksheet to go through with the partner."""
    version, run = _newest(practice, arrangement), shown_run(practice)
    if run is None or not version.partner_tin or form not in ("csv", "xlsx"):
        raise Http404
    header = ("Beneficiary", "Cohorts", "NPIs here", "Last seen here")
    cells = [
        (
            *(each.patient.identifier, each.cohorts, each.npis.strip()),
            "" if each.last_seen is None else each.last_seen.isoformat(),
        )
        for each in shared_beneficiaries(request.patients, run, version.partner_tin)
    ]
    exported(request, what="shared beneficiaries", rows=len(cells), form=form)
    save = csv_response if form == "csv" else xlsx_response
    return save(f"shared beneficiaries {practice.name}", header, cells)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def arrangement_document(request: PageRequest, practice: Practice, arrangement: str) -> HttpResponse:
    """Attach the signed paper."""
    version = _newest(practice, arrangement)
    form = DocumentForm(request.POST, request.FILES)
    if form.is_valid():
        keep_document(
            practice=practice,
            year=version.year,
            about=_about(version.key),
            attachment=form.attachment,
            by=request.user,
            request=request,
        )
        messages.success(request, "The document is kept.")
    else:
        problems = " ".join(str(text) for texts in form.errors.values() for text in texts)
        messages.error(request, f"The document was not kept. {problems}")
    return redirect("arrangement", practice=practice.key, arrangement=version.key)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def arrangement_payment(request: PageRequest, practice: Practice, arrangement: str) -> HttpResponse:
    """Enter a payment; one that passes the limit is shown as such before anything is saved."""
    version = _newest(practice, arrangement)
    form = PaymentForm(request.POST)
    if form.is_valid():
        limit, _ = limit_of(practice, version.year)
        values = dict(form.cleaned_data)
        anyway = values.pop("anyway")
        over = limit.left_cents is not None and values["cents"] > limit.left_cents
        if not over or anyway:
            enter_payment(
                values | {"year": version.year},
                practice=practice,
                arrangement=version.key,
                by=request.user,
                request=request,
            )
            messages.success(request, "The payment is entered.")
            return redirect("arrangement", practice=practice.key, arrangement=version.key)
        left = dollars_text(max(0, limit.left_cents or 0) / 100)
        form.add_error(
            "cents",
            f"This passes the limit of 512.771(a)(7): {left} may still be paid, as the data stand now. Nothing was saved.",
        )
    return _form_page(request, practice, version, form)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def cancel(request: PageRequest, practice: Practice, arrangement: str, payment: int) -> HttpResponse:
    """Take a wrong payment back."""
    found = Payment.objects.filter(practice=practice, arrangement=arrangement, pk=payment, cancels=None).first()
    if found is None:
        raise Http404
    try:
        cancel_payment(found, by=request.user, note=request.POST.get("note", "")[:1_000], request=request)
    except WrongUsage as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, "The payment is taken back; the entry stays.")
    return redirect("arrangement", practice=practice.key, arrangement=arrangement)
