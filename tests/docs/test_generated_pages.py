"""Pages made from the code are current, and no page names a command or option that does not exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
import typer.main

from openasm.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_generated_pages_are_current() -> None:
    assert generator().stale() == [], "run `make docs`"


def test_a_page_that_differs_is_noticed() -> None:
    assert generator().stale({"rule-values.md": lambda: "something else"}) == ["rule-values.md"]


def commands_named(page: Path) -> list[list[str]]:
    """Every `openasm ...` in a code span or block, as words."""
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`(openasm [^`\n]*)`", text)
    blocks = re.findall(r"^ {4,}(?:\$ )?(openasm [^\n#]*)", text, flags=re.MULTILINE)
    fenced = [
        line.removeprefix("$ ").strip()
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    found = [*spans, *blocks, *(line.split("#")[0] for line in fenced if line.startswith("openasm "))]
    return [
        shlex.split(each.replace("...", " ").replace("…", " ").replace("[", " ").replace("]", " ")) for each in found
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_named_exists(page: Path) -> None:
    for words in commands_named(page):
        if len(words) < 2 or words[1].startswith("-") or not words[1].islower():
            continue
        assert words[1] in COMMANDS, f"{page.name} names `openasm {words[1]}`"
        command = typer.main.get_command(importlib.import_module(COMMANDS[words[1]][0]).app)
        subcommands = getattr(command, "commands", None)
        if subcommands and len(words) > 2 and words[2] in subcommands:
            command = subcommands[words[2]]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        named = {word.split("=")[0] for word in words[2:] if word.startswith("--")}
        if subcommands and command not in subcommands.values():
            known |= {option for each in subcommands.values() for parameter in each.params for option in parameter.opts}
        assert named <= known, f"{page.name}: `openasm {words[1]}` has no {sorted(named - known)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_stands_in_the_sites_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r": ([\w/.-]+\.md)$", text, re.MULTILINE))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert pages <= listed, "add the page to `nav:` in mkdocs.yml"
