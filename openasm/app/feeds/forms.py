"""Forms of the page Data. They clean; actions decide."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from openasm.app.feeds.kinds import KINDS
from openasm.base.years import PERFORMANCE_YEARS

_YEARS = [(year, str(year)) for year in PERFORMANCE_YEARS]


class UploadForm(forms.Form):
    """Which kind of file it is; the files themselves are read from the request, one or several."""

    kind = forms.ChoiceField(label="What it is", choices=[(kind.code, kind.title) for kind in KINDS])


class ConfigurationForm(forms.Form):
    """What a run computes."""

    year = forms.TypedChoiceField(label="Performance year", choices=_YEARS, coerce=int)
    claims_format = forms.ChoiceField(
        label="Form of the claims",
        choices=[
            ("cclf", "CCLF delivery of CMS"),
            ("eob", "FHIR ExplanationOfBenefit"),
            ("tables", "Tables of OpenASM"),
            ("tuva", "Tuva input layer"),
            ("loaded", "A folder that openasm claims load wrote"),
        ],
    )
    data_end = forms.DateField(
        label="Last day the claims cover",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Only where the claims do not tell it themselves.",
    )
    codes = forms.ChoiceField(
        label="Codes lists of the cost measures",
        choices=[
            ("library", "CMS's, from this workbench's library"),
            ("demonstration", "Made up, for made-up data only"),
        ],
    )
    cost_benchmark = forms.ChoiceField(
        label="Cost is compared with",
        choices=[
            ("pool", "The cohort's own pool"),
            ("mips-2025", "MIPS 2025, published"),
            ("mips-2024", "MIPS 2024, published"),
        ],
    )
    when_both = forms.ChoiceField(
        label="A row that is uploaded and computed as well",
        choices=[
            ("refuse", "Ask: refuse the run and name the rows"),
            ("computed", "The computed row counts"),
            ("given", "The uploaded row counts"),
        ],
    )
    assume_year = forms.TypedChoiceField(
        label="Rule values not published yet",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", "End the run and name them"),
            *((year, f"Take those of {year} (a what-if)") for year in PERFORMANCE_YEARS),
        ],
    )
    as_of_today = forms.BooleanField(
        label="Gaps are seen from the day of the run, not over the whole year", required=False
    )
    projection = forms.BooleanField(label="Work out the likely range of the payment (takes longer)", required=False)

    def clean_data_end(self) -> Any:
        """A day near the model's years."""
        day = self.cleaned_data["data_end"]
        if day is not None and not re.fullmatch(r"20[2-3]\d", str(day.year)):
            raise forms.ValidationError("A day from 2020 to 2039.")
        return day
