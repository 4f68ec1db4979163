"""`{% load sureness %}`: why a payment change has two figures."""

from __future__ import annotations

from django import template

from openasm.app.practices import method
from openasm.app.published.models import Run

register = template.Library()


@register.filter
def why_two(run: Run) -> str:
    """`{{ run|why_two }}`: one sentence, see practices.method."""
    return method.why_two(run)
