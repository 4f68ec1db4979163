"""Parts of pages drawn with Jinja: escaped as Django's are, with the same filters, and never with a hole where a value is missing."""

from __future__ import annotations

import jinja2
import pytest

from openasm.app.look.drawing import drawing, environment, load_all
from openasm.app.worklists.rows import DrawnRow

BAD = '<script>alert("1")</script>'


def row(**values: object) -> DrawnRow:
    usual = {
        **{"number": 7, "mark": BAD, "address": f"/x/{BAD}/", "identifier": BAD, "clinicians": BAD, "measure": BAD},
        **{"ways": (BAD, BAD), "tone": "warn", "window": BAD, "until": BAD, "worth": BAD, "points": "1.00"},
        **{"status": BAD, "work": BAD, "unscored": BAD, "why": BAD},
    }
    return DrawnRow(**{**usual, **values})  # type: ignore[arg-type]


def test_everything_is_escaped() -> None:
    found = drawing("worklists/rows.html", {"rows": [row()], "may": {"work_gaps": True}})
    assert "<script" not in found
    assert found.count("&lt;script&gt;") == 14
    assert '<span class="badge badge-warn">' in found, "what is safe already stays"


def test_without_permission_there_is_nothing_to_mark() -> None:
    assert "checkbox" not in drawing("worklists/rows.html", {"rows": [row()], "may": {"work_gaps": False}})


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        drawing("worklists/rows.html", {"may": {"work_gaps": True}})


def test_every_template_compiles_and_has_the_filters_of_pages() -> None:
    load_all()
    assert len(environment().list_templates()) >= 6
    assert {"cents", "day", "signed_percent", "words"} <= set(environment().filters)
