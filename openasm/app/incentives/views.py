"""The ledger's pages. They show beneficiaries, so each view is an event; addresses hold keys alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.arrangements.forms import MoneyField
from openasm.app.attestations import reading
from openasm.app.attestations.answers import rules_of
from openasm.app.audit.events import patients_viewed
from openasm.app.incentives.actions import enter_item, note_attempt, take_back
from openasm.app.incentives.ledger import accounts_of, check_of, items_in_force, words_of
from openasm.app.incentives.models import GivenItem
from openasm.app.look.tables import paged
from openasm.app.people.models import Practice
from openasm.app.published.models import Episode, Gap, Run
from openasm.app.sealing import patient_key
from openasm.base.errors import WrongUsage
from openasm.submission.incentive_ledger import Incentive


def _day() -> forms.DateField:
    return forms.DateField(label="Day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))


class ItemForm(forms.Form):
    """An item to give. It is checked first; `checked` says that the person has seen what speaks against it."""

    identifier = forms.CharField(
        label="Beneficiary", max_length=60, help_text="The identifier the data use. It is sealed in the database."
    )
    day = _day()
    cents = MoneyField(label="Retail value in dollars")
    what = forms.CharField(label="Item or service", max_length=200)
    technology = forms.BooleanField(label="It is technology (a device or the like)", required=False)
    in_kind = forms.BooleanField(label="It is an item or service, not money", required=False, initial=True)
    asm_beneficiary = forms.BooleanField(label="The patient is an ASM beneficiary", required=False, initial=True)
    connected_to_care = forms.BooleanField(
        label="It belongs to care of the targeted condition", required=False, initial=True
    )
    tied_to_provider = forms.BooleanField(label="It hangs on receiving items or services from somebody", required=False)
    documentation = forms.CharField(
        label="Documentation",
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Why it helps, and where the papers lie.",
    )
    checked = forms.BooleanField(label="It has been given: enter it with these warnings", required=False)

    def clean_identifier(self) -> str:
        """Printable, without spaces around."""
        identifier = str(self.cleaned_data["identifier"]).strip()
        if not identifier.isprintable():
            raise forms.ValidationError("Letters, digits and signs only.")
        return identifier


class AttemptForm(forms.Form):
    """An attempt to get technology back."""

    day = _day()
    returned = forms.BooleanField(label="It came back", required=False)
    note = forms.CharField(label="What was done", max_length=1_000, required=False)


@access(Permission.DRAFT_ATTESTATIONS, patients=True)
@require_http_methods(["GET", "POST"])
def incentives(request: PageRequest, practice: Practice) -> HttpResponse:
    """The ledger; entering an item warns before anything is saved."""
    year = reading.asked_year(request)
    rules = rules_of(year)
    form = ItemForm(request.POST if request.method == "POST" else None)
    told: list[str] = []
    if request.method == "POST" and form.is_valid():
        values: dict[str, Any] = dict(form.cleaned_data)
        identifier, checked = values.pop("identifier"), values.pop("checked")
        item = Incentive(**{name: values[name] for name in Incentive.__dataclass_fields__})
        check = check_of(items_in_force(practice, patient_key(identifier)), item, rules=rules)
        told = words_of(check, rules) + _unknown(practice, identifier)
        if not told or checked:
            enter_item(
                values,
                practice=practice,
                identifier=identifier,
                warnings=" ".join(told),
                by=request.user,
                request=request,
            )
            messages.success(request, "Entered.")
            return redirect("incentives", practice=practice.key)
    page = paged(request, accounts_of(items_in_force(practice), year=year, rules=rules), 25)
    patients_viewed(request, page="incentives", count=len(page.object_list))
    taken_back = list(
        GivenItem.objects.filter(practice=practice, cancelled_by__isnull=False).select_related("cancelled_by")[:50]
    )
    context = {
        "year": year,
        "form": form,
        "told": told,
        "page": page,
        "accounts": list(page),
        "attempt_form": AttemptForm(),
        "taken_back": taken_back,
        "cap_cents": int(rules["incentives.cap_dollars"].exact * 100),
        "cap_period": rules["incentives.cap_period"].text,
    }
    return render(request, "incentives/incentives.html", context)


def _unknown(practice: Practice, identifier: str) -> list[str]:
    """Whether the newest run knows the beneficiary; it can only remind, since runs may lag behind."""
    run = Run.objects.newest_of(practice, with_patients=True)
    rows = {"practice": practice, "run": run, "patient__key": patient_key(identifier)}
    if run is None or Episode.objects.filter(**rows).exists() or Gap.objects.filter(**rows).exists():
        return []
    return [
        "The newest run does not know this beneficiary: make sure that the identifier is right and the patient is in ASM."
    ]


def _item(practice: Practice, key: str) -> GivenItem:
    found: GivenItem | None = GivenItem.objects.filter(practice=practice, key=key, cancels=None).first()
    if found is None:
        raise Http404
    found.practice = practice
    return found


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def take_item_back(request: PageRequest, practice: Practice, item: str) -> HttpResponse:
    """Take a wrong entry back."""
    try:
        take_back(
            _item(practice, item), by=request.user, reason=request.POST.get("reason", "")[:1_000], request=request
        )
    except WrongUsage as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, "Taken back; the entry stays.")
    return redirect("incentives", practice=practice.key)


@access(Permission.DRAFT_ATTESTATIONS)
@require_POST
def attempt(request: PageRequest, practice: Practice, item: str) -> HttpResponse:
    """Note an attempt to get technology back."""
    found = _item(practice, item)
    form = AttemptForm(request.POST)
    if form.is_valid():
        note_attempt(found, by=request.user, request=request, **form.cleaned_data)
        messages.success(request, "Noted.")
    else:
        messages.error(request, "Nothing was noted: the day is missing.")
    return redirect("incentives", practice=practice.key)
