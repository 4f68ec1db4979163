"""Widgets written in Python are Django's own to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from openasm.app.look.templatetags.look import options
from openasm.app.look.widgets import Renderer

ODD = "a<b>&\"'x ≥"


class Everything(forms.Form):
    """A field of every kind that pages use, with values that must be escaped."""

    text = forms.CharField(initial=ODD, widget=forms.TextInput(attrs={"x": True, "y": False, "z": ODD, ODD: "n"}))
    bare = forms.CharField(required=False)
    safe = forms.CharField(initial=mark_safe("a &amp; b"), help_text="help")
    number = forms.IntegerField(initial=0, min_value=-3, max_value=7)
    mail = forms.EmailField(required=False)
    password = forms.CharField(widget=forms.PasswordInput, initial="not shown")
    hidden = forms.CharField(widget=forms.HiddenInput, initial=ODD)
    address = forms.URLField(assume_scheme="https")
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), initial="2027-01-31")
    ticked = forms.BooleanField(initial=True)
    plain = forms.BooleanField(required=False)
    long = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), initial=f"\n{ODD}\n")
    empty = forms.CharField(widget=forms.Textarea)
    one = forms.ChoiceField(choices=[("", ODD), (ODD, "x"), ("group", [("1", "one"), (ODD + "2", ODD)])], initial="1")
    some = forms.TypedMultipleChoiceField(coerce=int, choices=[(1, "a"), (2, ODD)], initial=[1, 2])
    unknown = forms.NullBooleanField()
    radio = forms.ChoiceField(choices=[("a", ODD)], widget=forms.RadioSelect)
    file = forms.FileField()


@pytest.mark.parametrize("sent", [None, {"text": ODD, "number": "x", "long": "", "one": "1", "some": ["2", "9"]}])
@pytest.mark.parametrize("name", Everything.base_fields)
def test_a_field_is_written_as_django_does(name: str, sent: dict[str, Any] | None) -> None:
    ours, theirs = (str(Everything(sent, renderer=renderer)[name]) for renderer in (Renderer(), DjangoTemplates()))
    assert ours == theirs


def test_options_are_escaped_and_one_is_chosen() -> None:
    assert options([(ODD, ODD), (1, mark_safe("a &amp; b"))], 1) == (
        '<option value="a&lt;b&gt;&amp;&quot;&#x27;x ≥">a&lt;b&gt;&amp;&quot;&#x27;x ≥</option>'
        '<option value="1" selected>a &amp; b</option>'
    )
