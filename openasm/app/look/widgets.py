"""Writes the simple widgets of forms in Python: Django's templates for them take most of the time of a page with a large form.

The HTML is Django's own to the letter; whatever is not written here is left to Django.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString

_Widget = Mapping[str, Any]


class Renderer(DjangoTemplates):
    """Django's renderer of forms, quicker for inputs, checkboxes, texts and selections."""

    def render(self, template_name: str, context: dict[str, Any], request: object = None) -> str:
        """A widget's HTML."""
        write = _WRITERS.get(template_name)
        if write is None:
            return super().render(template_name, context, request)  # type: ignore[arg-type]
        return SafeString(write(context["widget"]))


def escaped(value: object) -> str:
    """A value as HTML; what is safe already stays."""
    return str(value) if hasattr(value, "__html__") else escape(str(value))


def _attributes(widget: _Widget) -> str:
    return "".join(
        f" {escaped(name)}" if value is True else f' {escaped(name)}="{escaped(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _input(widget: _Widget) -> str:
    value = "" if widget["value"] is None else f' value="{escaped(widget["value"])}"'
    return f'<input type="{escaped(widget["type"])}" name="{escaped(widget["name"])}"{value}{_attributes(widget)}>'


def _textarea(widget: _Widget) -> str:
    value = widget["value"]
    return f'<textarea name="{escaped(widget["name"])}"{_attributes(widget)}>\n{escaped(value) if value else ""}</textarea>'


def _select(widget: _Widget) -> str:
    parts = [f'<select name="{escaped(widget["name"])}"{_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        parts.append(f'\n  <optgroup label="{escaped(group)}">' if group else "")
        parts += [
            f'\n  <option value="{escaped(each["value"])}"{_attributes(each)}>{escaped(each["label"])}</option>\n'
            for each in options
        ]
        parts.append("\n  </optgroup>" if group else "")
    return f"{''.join(parts)}\n</select>"


_FOLDER = "django/forms/widgets/"
_WRITERS: Mapping[str, Callable[[_Widget], str]] = {
    **{f"{_FOLDER}{name}.html": _input for name in ("input", "text", "number", "email", "password", "hidden", "url")},
    **{f"{_FOLDER}{name}.html": _input for name in ("date", "checkbox")},
    f"{_FOLDER}textarea.html": _textarea,
    f"{_FOLDER}select.html": _select,
}
