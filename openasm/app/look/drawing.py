"""Long tables are drawn with Jinja: its templates are compiled, Django's take ten times as long for each cell of each row.

    {% drawn "worklists/rows.html" %}     {# openasm/app/worklists/drawn/worklists/rows.html, with everything the page has #}

The filters and tags of `{% load look %}` are there as filters and functions; everything is escaped, and a name that is not there is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from django.template.defaultfilters import floatformat
from django.utils.safestring import SafeString

_ROOMS = Path(__file__).parents[1]


@cache
def environment() -> jinja2.Environment:
    """The templates of all features."""
    from openasm.app.look.templatetags import look

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(sorted(_ROOMS.glob("*/drawn"))),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {**look.register.filters, "floatformat": floatformat}
    made.globals |= {"badge": look.badge, "options": look.options}
    return made


def drawing(name: str, values: Mapping[str, Any]) -> SafeString:
    """A template with values."""
    return SafeString(environment().get_template(name).render(values))  # escaped there


def load_all() -> None:
    """Compile every template, so that no request has to."""
    for name in environment().list_templates():
        environment().get_template(name)
