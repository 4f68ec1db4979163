"""What people send: changes of one case, of many, a filter's name, a patient to find."""

from __future__ import annotations

from typing import Any

from django import forms

from openasm.app.people.models import Practice, User
from openasm.app.worklists.actions import KEEP, Change, workers, workers_named
from openasm.app.worklists.models import BY_RUN, OUTCOME_WORDS, STATUS_WORDS, Status, WorkItem

LONGEST_NOTE = 2_000
_STATUSES = [(each.value, words) for each, words in STATUS_WORDS.items() if each is not Status.CLOSED]
_OUTCOMES = [(each.value, words) for each, words in OUTCOME_WORDS.items() if each not in BY_RUN]
_NOBODY = "none"


class CaseForm(forms.Form):
    """The work on one case. version: of the item as it was shown."""

    status = forms.ChoiceField(label="Status", choices=_STATUSES)
    owner = forms.ModelChoiceField(label="Owner", queryset=User.objects.none(), required=False, empty_label="Nobody")
    outcome = forms.ChoiceField(label="Outcome", choices=[("", "None yet"), *_OUTCOMES], required=False)
    due = forms.DateField(
        label="Planned for", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=LONGEST_NOTE,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept sealed, with your name and the time. It cannot be changed afterwards.",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, practice: Practice, item: WorkItem | None, data: Any = None, *, prefix: str) -> None:
        initial = {
            "status": item.status if item and item.status != Status.CLOSED else Status.OPEN.value,
            "owner": item.owner_id if item else None,
            "outcome": item.outcome if item else "",
            "due": item.due if item else None,
            "version": item.version if item else 0,
        }
        super().__init__(data, prefix=prefix, initial=initial)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset = workers(practice)

    @property
    def change(self) -> Change:
        """What a valid form asks for."""
        data = self.cleaned_data
        return Change(
            owner=data["owner"],
            status=Status(data["status"]),
            outcome=data["outcome"],
            due=data["due"],
            note=data["note"],
        )


class ManyForm(forms.Form):
    """A change of many cases: an empty field keeps what is there."""

    case = forms.TypedMultipleChoiceField(coerce=int, required=False)
    everything = forms.BooleanField(label="All that match the filter, not only those marked", required=False)
    owner = forms.ChoiceField(label="Owner", required=False)
    status = forms.ChoiceField(label="Status", choices=[("", "Keep"), *_STATUSES], required=False)
    due = forms.DateField(
        label="Planned for", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, practice: Practice, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._workers = workers_named(practice)
        self.people = [(number, str(user)) for number, user in self._workers.items()]
        owner, case = self.fields["owner"], self.fields["case"]
        assert isinstance(owner, forms.ChoiceField)
        assert isinstance(case, forms.TypedMultipleChoiceField)
        owner.choices = [("", "Keep"), (_NOBODY, "Nobody"), *self.people]
        case.valid_value = lambda value: str(value).isascii() and str(value).isdigit() and len(str(value)) < 18  # type: ignore[method-assign]  # whether it is there is asked with access

    @property
    def change(self) -> Change:
        """What a valid form asks for."""
        data = self.cleaned_data
        owner = KEEP if not data["owner"] else None if data["owner"] == _NOBODY else self._workers[data["owner"]]
        return Change(
            owner=owner,
            status=Status(data["status"]) if data["status"] else KEEP,
            due=data["due"] or KEEP,
        )


class FindForm(forms.Form):
    """Finding one patient: sent in the body, so that no identifier stands in an address."""

    identifier = forms.CharField(label="Patient's identifier", max_length=200, strip=True)
