"""Renews the pages of docs/reference that are made from the code: rule values, problems, commands.

python docs/generate.py            writes them
python docs/generate.py --check    says which are not current (exit 1), writes nothing
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import django

import openasm
from openasm.base.parameters import Parameter, plain_value
from openasm.base.problems import catalogue
from openasm.cli.main import COMMANDS
from openasm.cli.rule_parts import MODEL, PARTS, Part
from openasm.quality.description import measure_page
from openasm.quality.specification import measure_ids, other_measure_ids
from openasm.regulation.rulebook import rule_book

REFERENCE = Path(__file__).parent / "reference"
NOTE = "This page is made from the code by `make docs`; do not edit it."
LETTERS = {
    "A": "the workbench",
    "B": "submission files",
    "C": "claims",
    "D": "reports",
    "E": "episodes and codes lists",
    "F": "any table",
    "G": "made-up data",
    "J": "projection",
    "K": "attestations, readiness, incentives",
    "N": "configured runs",
    "P": "participants, places, official files",
    "Q": "records and quality measures",
    "R": "rule values",
    "S": "score inputs and runs",
    "T": "tables and engines",
    "V": "value sets",
    "X": "comparison and export",
}


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _value(entry: Parameter) -> str:
    value = str(plain_value(entry.value))
    return value if len(value) <= 160 else f"{value[:150]} …"


def _source(entry: Parameter) -> str:
    return entry.citation + (f". {entry.note}" if entry.note else "")


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _replaced(part: Part) -> str:
    return f"Replaced by: `{part.given_with}`." if part.given_with else "No file can replace these yet."


def rule_values() -> str:
    """Every cited value of every part with unit, years, status and citation."""
    entries = rule_book().entries
    unconfirmed = sum(not entry.confirmed for entry in entries if 2027 in entry.years)
    lines = [
        "# Rule values",
        "",
        NOTE,
        "",
        f"For performance year 2027 {unconfirmed} of {sum(2027 in entry.years for entry in entries)} values of the model are unconfirmed "
        "(secondary, analog or assumed). Replace any of them with a file of your own (`rules.md`). Below them stand the values that are",
        "not the model's own rules but that results rest on as well: how cost measures are built, what a projection assumes, file formats.",
    ]
    for name, part in PARTS.items():
        if name != MODEL:
            lines += ["", f"## {part.title}", "", f"`openasm rules --of {name}`. {_replaced(part)}"]
        section, level = "", "##" if name == MODEL else "###"
        for entry in part.book().entries:
            if entry.name.split(".")[0] != section:
                section = entry.name.split(".")[0]
                lines += ["", f"{level} {section}", "", "| name | what | value | unit | years | how sure | citation |"]
                lines += ["|---|---|---|---|---|---|---|"]
            years = f"{entry.years[0]}-{entry.years[-1]}" if len(entry.years) > 1 else str(entry.years[0])
            sure = entry.status.value + ("" if entry.confirmed else " (unconfirmed)")
            lines.append(
                _line((f"`{entry.name}`", entry.title, _value(entry), entry.unit, years, sure, _source(entry)))
            )
    return "\n".join(lines) + "\n"


def _unconfirmed(part: Part) -> list[Parameter]:
    return [entry for entry in part.book().entries if 2027 in entry.years and not entry.confirmed]


def unconfirmed_values() -> str:
    """Every value of 2027 that was not read in CMS's own text: what it would take to confirm it, and a file to replace it with."""
    entries = _unconfirmed(PARTS[MODEL])
    lines = [
        "# Unconfirmed values, and how to replace them",
        "",
        NOTE,
        "",
        f"{len(entries)} values for performance year 2027 were not read in CMS's own text. Every result names those it rests on",
        "(`openasm rules --unconfirmed`, the manifest of a run, the last page of a report). If you hold the official text, write what it",
        "says into a file like this one and give it with `--rules FILE`; your values then show as your own, with your citation:",
        "",
        "```yaml",
        "section: payment",
        "parameters:",
        "  redistributed_share:",
        "    values:",
        "      - years: [2027]",
        "        value: 0.85",
        "        citation: 42 CFR 512.750(c)(1)(iii), read on 3 May 2027",
        "```",
        "",
        "A value whose words are choices takes one of the words that [rule values](rules.md) lists. What a value changes can be tried",
        "at once: score the same inputs with and without the file, or compare the runs.",
        "",
        "| status | how many | what it says |",
        "|---|---:|---|",
    ]
    meaning = {
        "secondary": "articles or vendors restating CMS",
        "analog": "taken from a sibling CMS programme",
        "assumed": "a decision of this project",
    }
    for status, words in meaning.items():
        lines.append(f"| {status} | {sum(entry.status.value == status for entry in entries)} | {words} |")
    for name, part in PARTS.items():
        if name != MODEL:
            lines += ["", f"## {part.title}", "", f"`openasm rules --of {name} --unconfirmed`. {_replaced(part)}"]
        lines += ["", "| name | what | value | unit | how sure | where it comes from |", "|---|---|---|---|---|---|"]
        lines += [
            _line((f"`{entry.name}`", entry.title, _value(entry), entry.unit, entry.status.value, _source(entry)))
            for entry in _unconfirmed(part)
        ]
    return "\n".join(lines) + "\n"


def problems() -> str:
    """Every numbered problem: what it means, what is expected, what to do."""
    os.environ.setdefault(
        "DJANGO_SETTINGS_MODULE", "openasm.app.settings"
    )  # the workbench's modules need Django set up
    django.setup()
    for module in pkgutil.walk_packages(openasm.__path__, "openasm."):
        importlib.import_module(module.name)
    lines = [
        "# Problems by number",
        "",
        NOTE,
        "",
        "An error refuses the input and nothing is written (exit code 3); a warning does not. Codes are never renumbered.",
        "",
        "Where a message names a row: of CSV and Parquet the rows of data are counted, from 1, without the header (row 3 of a CSV file is",
        "line 4 in an editor, as long as no field holds a line break); of fixed-width files (CCLF) the records; of NDJSON the lines; of a",
        "workbook the row numbers that it shows itself; of YAML, XML and JSON the message says `line`. A column that is missing has",
        "no row. Problems are listed file by file, in each row by row.",
    ]
    letter = ""
    for code, kind in catalogue().items():
        if code.startswith("Z"):
            continue  # declared by tests
        if code[0] != letter:
            letter = code[0]
            lines += ["", f"## {letter}: {LETTERS[letter]}", "", "| code | | what is wrong | expected | what to do |"]
            lines += ["|---|---|---|---|---|"]
        cited = f" ({kind.citation})" if kind.citation else ""
        cells = (code, kind.severity.value, kind.title, kind.expected + cited, kind.next_step)
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Every command with its arguments and options."""
    import typer.main

    lines = [
        "# Commands",
        "",
        NOTE,
        "",
        "Exit codes: 0 done, 2 wrong usage, 3 input refused, 4 rule value unpublished for",
        "the year, 5 not found, 1 a defect or a failed download.",
    ]
    for name, (module, summary) in COMMANDS.items():
        command = typer.main.get_command(importlib.import_module(module).app)
        lines += ["", f"## openasm {name}", "", summary]
        subcommands = getattr(command, "commands", None) or {"": command}
        for sub, each in subcommands.items():
            if sub:
                lines += ["", f"### openasm {name} {sub}"]
            text = (each.help or "").strip().split("\n\n")[0].replace("\n", " ")
            lines += ["", text, "", "| argument or option | | meaning |", "|---|---|---|"]
            for parameter in each.params:
                if parameter.name in ("help", "install_completion", "show_completion"):
                    continue
                shown = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
                wanted = "required" if parameter.required else ""
                lines.append(f"| `{shown}` | {wanted} | {_cell(getattr(parameter, 'help', '') or '')} |")
    return "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "rule-values.md": rule_values,
    "unconfirmed.md": unconfirmed_values,
    "problems.md": problems,
    "commands.md": commands,
    **{f"measures/{name}.md": partial(measure_page, name, NOTE) for name in (*measure_ids(), *other_measure_ids())},
}


def stale(pages: Mapping[str, Callable[[], str]] = PAGES) -> list[str]:
    """Names of the pages that do not say what the code says."""
    return [
        name
        for name, make in pages.items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text(encoding="utf-8") != make()
    ]


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        old = stale()
        print("current" if not old else f"not current: {', '.join(old)}; run `make docs`")
        return 1 if old else 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (REFERENCE / name).parent.mkdir(exist_ok=True)
        (REFERENCE / name).write_text(make(), encoding="utf-8")
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
