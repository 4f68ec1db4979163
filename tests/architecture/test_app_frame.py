"""A page gives its template nothing under a name that the frame around it uses: what the page gives would win, and break the frame."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "openasm" / "app"
OF_DJANGO = {
    "request",
    "user",
    "perms",
    "messages",
    "DEFAULT_MESSAGE_LEVELS",
}  # its context processors (settings.TEMPLATES)


def keys_of(tree: ast.AST) -> Iterator[tuple[str, ast.expr, int]]:
    """Every text key of a dictionary with its value and line; keys of `kwargs=` are of addresses."""
    of_addresses = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg == "kwargs"}
    for each in ast.walk(tree):
        if isinstance(each, ast.Dict) and id(each) not in of_addresses:
            for key, value in zip(each.keys, each.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value, each.lineno
        elif isinstance(each, ast.Assign):
            for target in each.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    yield str(target.slice.value), each.value, each.lineno


def frame_names() -> set[str]:
    """What the frame's own context processor gives to every page."""
    tree = ast.parse((APP / "look" / "navigation.py").read_text(encoding="utf-8"))
    context = next(each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name == "page_context")
    return {name for name, _, _ in keys_of(context)}


def taken(source: str, names: set[str]) -> list[tuple[str, int]]:
    """The frame's names that a module with pages gives another meaning; `"practice": practice` is the same thing again."""
    tree = ast.parse(source)
    if not any(isinstance(each, ast.Name) and each.id == "render" for each in ast.walk(tree)):
        return []
    return [
        (name, line)
        for name, value, line in keys_of(tree)
        if name in names and not (isinstance(value, ast.Name) and value.id == name)
    ]


def test_no_page_takes_a_name_of_the_frame() -> None:
    names = frame_names()
    assert names == {"practice", "areas", "may"}
    found = {
        str(path.relative_to(APP)): wrong
        for path in sorted(APP.rglob("*.py"))
        if (wrong := taken(path.read_text(encoding="utf-8"), names | OF_DJANGO))
    }
    assert found == {}


def test_a_taken_name_is_found() -> None:
    source = "from django.shortcuts import render\ncontext = {'areas': rows, 'practice': practice}\ncontext['may'] = 1\nrender\n"
    assert sorted(taken(source, frame_names())) == [("areas", 2), ("may", 3)]
    assert taken("x = {'areas': 1}", frame_names()) == []
