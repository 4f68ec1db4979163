"""Filters and tags for templates: `{% load look %}`."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from openasm.app.look.widgets import escaped
from openasm.base.money import dollars_text

register = template.Library()
NONE = "–"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_TITLES = {
    "heart_failure": "Heart failure",
    "low_back_pain": "Low back pain",
    "ecqm": "eCQM",
    "cqm": "CQM",
    "claims": "Claims",
}


def _absent(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


@register.filter
def dollars(value: float | None) -> str:
    """Whole dollars: `$14,430`; a dash when there are none.

    >>> dollars(14430.4)
    '$14,430'
    """
    return NONE if value is None or _absent(value) else dollars_text(value, cents=False)


@register.filter
def signed_dollars(value: float | None) -> str:
    """Whole dollars with their sign: `+$1,250`."""
    return NONE if value is None or _absent(value) else dollars_text(value, cents=False, sign=True)


@register.filter
def cents(value: int | None) -> str:
    """Whole cents as whole dollars: `$14,430`."""
    return NONE if value is None else dollars_text(value / 100, cents=False)


@register.filter
def exact_cents(value: int | None) -> str:
    """Whole cents to the cent: `$14,430.05`."""
    return NONE if value is None else dollars_text(Decimal(value) / 100)


@register.filter
def signed_cents(value: int | None) -> str:
    """Whole cents as whole dollars with their sign."""
    return NONE if value is None else dollars_text(value / 100, cents=False, sign=True)


@register.filter
def points(value: float | None) -> str:
    """Points with one decimal: `69.1`."""
    return NONE if value is None or _absent(value) else f"{value:.1f}".replace("-", "−")


@register.filter
def signed_points(value: float | None) -> str:
    """Points with one decimal and their sign: `−2.5`; a true 0.0 has none."""
    if value is None or _absent(value):
        return NONE
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


@register.filter
def percent(value: float | None, digits: int = 0) -> str:
    """A fraction as a percentage: `75%`."""
    return NONE if value is None or _absent(value) else f"{value * 100:.{digits}f}%".replace("-", "−")


@register.filter
def signed_percent(value: float | None, digits: int = 2) -> str:
    """A fraction as a percentage with its sign: `−2.31%`."""
    return NONE if value is None or _absent(value) else f"{value * 100:+.{digits}f}%".replace("-", "−")


@register.filter
def chance(value: float | None) -> str:
    """A probability; one that is not certain is never shown as 0% or 100%."""
    if value is None or _absent(value):
        return NONE
    if 0 < value < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= value < 1 else f"{value * 100:.0f}%"


@register.filter
def day(value: dt.date | None) -> str:
    """A day in words: `Mar 31, 2028`; of a moment the day it was where the practice is."""
    if isinstance(value, dt.datetime):
        value = timezone.localdate(value)
    return NONE if value is None else f"{_MONTHS[value.month - 1]} {value.day}, {value.year}"


@register.filter
def words(value: object) -> str:
    """A code as people read it: `low_back_pain` as `Low back pain`."""
    text = str(value)
    return _TITLES.get(text) or text.replace("_", " ").capitalize()


@register.filter
def count(value: int | None) -> str:
    """A number with separators: `12,345`."""
    return NONE if value is None else f"{value:,}"


@register.filter
def tone(value: float | None) -> str:
    """Class of a number that is good (more money) or bad; the sign says it too, never the colour alone."""
    if value is None or _absent(value) or value == 0:
        return ""
    return "good" if value > 0 else "bad"


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """A value of a mapping by a key held in a variable."""
    return mapping.get(key)


_MARKS = {"good": "✓", "warn": "!", "bad": "✕", "info": "i", "off": "○"}


@register.simple_tag
def badge(kind: str, text: str) -> SafeString:
    """A status: `{% badge "warn" "Due in 3 days" %}`. kind: good, warn, bad, info or off; a mark goes with the colour."""
    return format_html(
        '<span class="badge badge-{}"><span class="badge-mark" aria-hidden="true">{}</span>{}</span>',
        kind if kind in _MARKS else "info",
        _MARKS.get(kind, "i"),
        text,
    )


@register.simple_tag
def options(choices: Iterable[tuple[object, object]], chosen: object = "") -> SafeString:
    """The options of a long selection, values with their titles; hundreds of them would keep a template busy for long.

    >>> options([("a", "A & B"), ("c", "C")], "c")
    '<option value="a">A &amp; B</option><option value="c" selected>C</option>'
    """
    return SafeString(
        "".join(
            f'<option value="{escaped(value)}"{" selected" if value == chosen else ""}>{escaped(title)}</option>'
            for value, title in choices
        )
    )


@register.simple_tag(takes_context=True)
def drawn(context: Context, name: str) -> SafeString:
    """A long part of a page, drawn with Jinja (see look/drawing.py): `{% drawn "worklists/rows.html" %}`."""
    from openasm.app.look.drawing import drawing  # which needs the filters of this module

    values: dict[Any, Any] = context.flatten()
    return drawing(name, values)


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: object) -> str:
    """The address of this page with parts of its query changed; an empty value removes one. Filters keep each other."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def kept_query(context: dict[str, Any], *without: str) -> Iterator[tuple[str, str]] | list[tuple[str, str]]:
    """The query's names and values but some: for hidden fields of a form that shall keep the others."""
    return [(name, value) for name, value in context["request"].GET.items() if name not in without and value]
