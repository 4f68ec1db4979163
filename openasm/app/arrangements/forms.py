"""Forms of arrangements and payments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from openasm.base.money import cents_from_dollars
from openasm.base.parameters import Rules
from openasm.submission.arrangements import TERM_WORDS

# read from fields of their own rather than ticked
_FROM_FIELDS = ("signed_by_both_parties", "effective_date", "shared_established_beneficiary", "payments_within_limit")


def _day(label: str, help_text: str = "") -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, required=False, widget=widget, help_text=help_text)


class MoneyField(forms.Field):
    """Dollars as people write them, as whole cents."""

    def to_python(self, value: Any) -> Any:
        """Whole cents above 0."""
        text = str(value or "").strip()
        if not text:
            return None
        try:
            cents = cents_from_dollars(text[:30].replace("$", "").replace(",", ""))
        except ValueError:
            raise forms.ValidationError("An amount such as 1234.50.") from None
        if not 0 < cents <= 10**13:
            raise forms.ValidationError("An amount above zero.")
        return cents


class ArrangementForm(forms.Form):
    """One arrangement, element by element."""

    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    partner = forms.CharField(label="Primary care practice", max_length=200)
    partner_tin = forms.RegexField(
        r"^[0-9]{9}$",
        label="Its TIN",
        required=False,
        empty_value=None,
        error_messages={"invalid": "Nine digits."},
        help_text="Nine digits: the beneficiaries it shares with the practice are then found in the claims.",
    )
    purpose = forms.CharField(
        label="What it sets out",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Roles, sharing of data, referrals, transitions between settings.",
    )
    shared = forms.IntegerField(
        label="Shared established patients who are ASM beneficiaries",
        min_value=0,
        max_value=10**6,
        initial=0,
        help_text="At least one is needed (512.771(a)(2)).",
    )
    terms = forms.MultipleChoiceField(
        label="Its terms", required=False, widget=forms.CheckboxSelectMultiple, help_text="Tick what the paper says."
    )
    signed_here = _day("Signed by the practice")
    signed_there = _day("Signed by the partner")
    effective = _day("Takes effect", "IA_2 counts from here or from the second signature, whichever is later.")
    ended = _day("Ended")
    renewal = _day("Look at it again", "A reminder stands here from sixty days before.")

    def __init__(self, data: QueryDict | None = None, *, rules: Rules, **more: Any) -> None:
        super().__init__(data, **more)
        ticked = [term for term in rules["incentives.arrangement_terms"].texts if term not in _FROM_FIELDS]
        chooser = self.fields["terms"]
        assert isinstance(chooser, forms.MultipleChoiceField)
        chooser.choices = [(term, f"{TERM_WORDS[term][0]} ({TERM_WORDS[term][1]})") for term in ticked]

    def clean(self) -> dict[str, Any]:
        """The end is not before the beginning."""
        cleaned = super().clean() or {}
        effective, ended = cleaned.get("effective"), cleaned.get("ended")
        if effective is not None and ended is not None and ended < effective:
            self.add_error("ended", "Before it takes effect.")
        return cleaned

    @property
    def values(self) -> dict[str, object]:
        """Clean values of the row. The payments' term is not ticked: the register checks it against the limit."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "base"}
        values["terms"] = sorted([*values["terms"], "payments_within_limit"])
        return values


class PaymentForm(forms.Form):
    """A payment between the parties."""

    day = forms.DateField(label="Day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    cents = MoneyField(label="Amount in dollars")
    received = forms.BooleanField(label="Received from the partner", required=False)
    note = forms.CharField(label="What for", max_length=1_000, required=False)
    anyway = forms.BooleanField(label="It has been paid: enter it although it passes the limit", required=False)
