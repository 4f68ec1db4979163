"""Forms of people, invitations and tokens. They clean; actions decide."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password

from openasm.app.access.permissions import ROLE_WORDS, Permission, Role
from openasm.app.people.models import User
from openasm.base.identity import is_npi, is_tin


class InvitationForm(forms.Form):
    """Whom to invite, as what."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    role = forms.ChoiceField(
        label="Role",
        choices=[(role.value, f"{role.value.capitalize()}: {ROLE_WORDS[role]}") for role in Role],
        widget=forms.RadioSelect,
        initial=Role.VIEWER.value,
    )
    npi = forms.CharField(
        label="NPI", required=False, max_length=10, help_text="Only for a clinician: whose patients the person sees."
    )

    def clean(self) -> dict[str, Any]:
        """A clinician needs an NPI; others have none."""
        cleaned = super().clean() or {}
        npi = str(cleaned.get("npi", ""))
        if cleaned.get("role") == Role.CLINICIAN.value:
            if not is_npi(npi):
                self.add_error("npi", "Ten digits with a right check digit.")
        else:
            cleaned["npi"] = ""
        return cleaned


class RoleForm(InvitationForm):
    """Another role for a member."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["email"]


class SystemInvitationForm(forms.Form):
    """Whom to invite to a whole system, as what: everything but a clinician, whose patients are those of a practice."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    role = forms.ChoiceField(
        label="Role in every practice of the system",
        choices=[
            (role.value, f"{role.value.capitalize()}: {ROLE_WORDS[role]}")
            for role in Role
            if role is not Role.CLINICIAN
        ],
        widget=forms.RadioSelect,
        initial=Role.VIEWER.value,
    )


class SystemForm(forms.Form):
    """A system to enter."""

    name = forms.CharField(label="Name of the system", max_length=200)


class PlaceForm(forms.Form):
    """A practice to put into a system."""

    tin = forms.CharField(label="TIN", max_length=10, help_text="Nine digits; the hyphen may stand.")

    def clean_tin(self) -> str:
        """Nine digits without the hyphen."""
        return cleaned_tin(str(self.cleaned_data["tin"]))


def cleaned_tin(text: str) -> str:
    """A TIN without its hyphen; ValidationError when it has not nine digits."""
    tin = text.replace("-", "").strip()
    if not is_tin(tin):
        raise forms.ValidationError("A TIN has nine digits.")
    return tin


class PracticeForm(forms.Form):
    """A practice to enter."""

    name = forms.CharField(label="Name of the practice", max_length=200)
    tin = forms.CharField(label="TIN", max_length=10, help_text="Nine digits; the hyphen may stand.")
    email = forms.EmailField(label="E-mail address of its first administrator", max_length=254)

    def clean_tin(self) -> str:
        """Nine digits without the hyphen."""
        return cleaned_tin(str(self.cleaned_data["tin"]))


class WelcomeForm(forms.Form):
    """The name and password of somebody invited. with_address: the first operator also says the e-mail address."""

    email = forms.EmailField(label="E-mail address", max_length=254)
    name = forms.CharField(label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
    )
    again = forms.CharField(
        label="Password again", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, with_address: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_address:
            del self.fields["email"]

    def clean(self) -> dict[str, Any]:
        """Both passwords equal, and good enough."""
        cleaned = super().clean() or {}
        password = cleaned.get("password", "")
        if password and password != cleaned.get("again"):
            self.add_error("again", "The two passwords differ.")
        if password:
            try:
                validate_password(password, User(email=cleaned.get("email", ""), name=cleaned.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(label="What it is for", max_length=80)
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[
            (permission.value, permission.value.replace("_", " "))
            for permission in (Permission.SEE_SCORES, Permission.SEE_PATIENTS, Permission.EXPORT_PATIENTS)
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(label="Days it lasts", min_value=1, max_value=365, initial=90)
