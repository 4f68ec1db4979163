"""Forms of attesting: one for each item, and those of the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from openasm.app.attestations.actions import LONGEST_REASON
from openasm.app.attestations.answers import Answer, Answers, ItemKind
from openasm.base.years import first_day, last_day
from openasm.report.titles import item_title

MOST_CASES = 1_000_000_000
GROUPS: Mapping[str, tuple[str, str]] = {
    "activities": (
        "Improvement activities",
        "Attested for the whole practice. Each needs 90 days in a row within the year; a missing one costs ten points.",
    ),
    "technology": (
        "Certified technology",
        "Needed for any Promoting Interoperability score: in use for 180 days in a row within the year.",
    ),
    "measures": ("Required measures", "Each reported, or excluded where an exclusion exists; a gap makes the score 0."),
    "exchange": (
        "Health information exchange",
        "One way is enough: sending and receiving together, two-way exchange, or TEFCA. The best one counts.",
    ),
    "attestations": ("Attestations", "Each must be answered yes; a gap makes the score 0."),
    "bonus": ("Public health bonus", "Any one earns the bonus, once."),
}
_ANSWER_WORDS = {"yes": "Yes", "no": "No", "excluded": "Exclusion claimed"}


def _day_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ItemForm(forms.Form):
    """One item's answer; its fields are those the item can have."""

    answer = forms.ChoiceField(label="Answer", required=False)
    numerator = forms.IntegerField(label="Numerator", required=False, min_value=0, max_value=MOST_CASES)
    denominator = forms.IntegerField(label="Denominator", required=False, min_value=0, max_value=MOST_CASES)
    start = forms.DateField(label="First day", required=False, widget=_day_input())
    end = forms.DateField(label="Last day", required=False, widget=_day_input())
    evidence = forms.CharField(
        label="Evidence", required=False, max_length=1_000, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, kind: ItemKind, year: int, *, data: QueryDict | None, answer: Answer) -> None:
        initial = {name: getattr(answer, name) for name in ("numerator", "denominator", "start", "end", "evidence")}
        super().__init__(data, prefix=kind.item, initial={"answer": answer.answer or "", **initial})
        self.kind, self.year = kind, year
        allowed = ["yes", "no"] + (["excluded"] if kind.may_be_excluded else [])
        chooser = self.fields["answer"]
        assert isinstance(chooser, forms.ChoiceField)
        chooser.choices = [("", "Not answered"), *((each, _ANSWER_WORDS[each]) for each in allowed)]
        for name, kept in (
            ("numerator", kind.proportion),
            ("denominator", kind.proportion),
            ("start", kind.dated),
            ("end", kind.dated),
        ):
            if not kept:
                del self.fields[name]

    @property
    def title(self) -> str:
        """The item's short title."""
        return item_title(self.kind.item)

    def clean(self) -> dict[str, Any]:
        """Counts that fit each other, days of the year in their order."""
        cleaned = super().clean() or {}
        numerator, denominator = cleaned.get("numerator"), cleaned.get("denominator")
        if numerator is not None and denominator is not None and numerator > denominator:
            self.add_error("numerator", "Larger than the denominator.")
        if cleaned.get("answer") in ("no", "excluded") and (numerator is not None or denominator is not None):
            self.add_error("answer", "Counts go with yes only.")
        start, end = cleaned.get("start"), cleaned.get("end")
        for name, day in (("start", start), ("end", end)):
            if day is not None and not first_day(self.year) <= day <= last_day(self.year):
                self.add_error(name, f"Not a day of {self.year}.")
        if start is not None and end is not None and end < start:
            self.add_error("end", "Before the first day.")
        return cleaned

    @property
    def given(self) -> Answer:
        """The clean answer."""
        values = dict(self.cleaned_data)
        return Answer(self.kind.item, values.pop("answer") or None, **values)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that stand together on the page."""

    key: str
    title: str
    note: str
    forms: tuple[ItemForm, ...]


def item_forms(kinds: Iterable[ItemKind], year: int, answers: Answers, data: QueryDict | None = None) -> list[ItemForm]:
    """A form for each item, filled with what stands or with what was sent."""
    return [ItemForm(kind, year, data=data, answer=answers.get(kind.item, Answer(kind.item))) for kind in kinds]


def grouped(made: Iterable[ItemForm]) -> list[Group]:
    """The forms by group, in the order of the page."""
    each = list(made)
    return [
        Group(key, title, note, tuple(form for form in each if form.kind.group == key))
        for key, (title, note) in GROUPS.items()
    ]


class StepForm(forms.Form):
    """A step without anything to fill in: what the person saw."""

    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class ReasonForm(StepForm):
    """A step that needs its reason."""

    reason = forms.CharField(
        label="Reason", max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 3}), help_text="Kept for good."
    )


class SignForm(StepForm):
    """Signing: by name, in a capacity, having read the text. The text's hash ties the signature to what was shown."""

    shown = forms.CharField(widget=forms.HiddenInput, max_length=64)
    name = forms.CharField(
        label="Your full name",
        max_length=120,
        help_text="As it stands in your account.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    capacity = forms.CharField(
        label="In which capacity you sign", max_length=120, help_text="For example: Managing partner."
    )
    read = forms.BooleanField(label="I have read the text above, and I attest it for the practice.")

    def __init__(self, data: QueryDict | None = None, *, account_name: str, **more: Any) -> None:
        super().__init__(data, **more)
        self.account_name = account_name

    def clean_name(self) -> str:
        """The account's own name, so that nobody signs for somebody else by mistake."""
        name = " ".join(str(self.cleaned_data["name"]).split())
        if name.casefold() != " ".join(self.account_name.split()).casefold():
            raise forms.ValidationError("This is not the name of the account you are signed in with.")
        return name
