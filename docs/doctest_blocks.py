"""Examples of docstrings as code blocks of the site (an extension of griffe, named in mkdocs.yml)."""

from __future__ import annotations

import textwrap
from typing import Any

import griffe


def fenced(text: str) -> str:
    """Put runs of example lines (`>>>` to the next empty line) and indented blocks between fences.

    >>> fenced("Says so.\\n\\n>>> 1 + 1\\n2")
    'Says so.\\n\\n```python\\n>>> 1 + 1\\n2\\n```'
    """
    paragraphs = []
    for paragraph in text.split("\n\n"):
        if paragraph.lstrip().startswith(">>>"):
            paragraph = f"```python\n{textwrap.dedent(paragraph)}\n```"
        paragraphs.append(paragraph)
    return "\n\n".join(paragraphs)


class DoctestBlocks(griffe.Extension):
    """Rewrites each docstring once it has been read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
