"""Service categories as people read them: `{% load categories %}`."""

from __future__ import annotations

from django import template

from openasm.app.clinicians.measures import category_title

register = template.Library()
register.filter("category", category_title)
