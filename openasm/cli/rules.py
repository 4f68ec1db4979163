"""`openasm rules`: every rule value with unit, citation and evidence status."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import typer

from openasm.base.parameters import Parameter, RuleBook, plain_value, unpublished_names
from openasm.cli.rule_parts import MODEL, PARTS, book_of, in_order, part_named
from openasm.regulation.rulebook import rules_of

app = typer.Typer(add_completion=False)

_COLUMNS = ("parameter", "value", "unit", "years", "status", "citation")


@app.command()
def rules(
    year: int | None = typer.Option(None, "--year", help="Performance year; all years where not given."),
    unconfirmed: bool = typer.Option(False, "--unconfirmed", help="Only values not yet read in CMS's own text."),
    overlays: list[Path] = typer.Option(
        [], "--rules", metavar="FILE", help="File of your own rule values with their citations; repeatable."
    ),
    assume_year: int | None = typer.Option(
        None, "--assume-year", help="What-if: take unpublished rule values from this year."
    ),
    missing: int | None = typer.Option(None, "--missing", help="Name what has no value for this performance year."),
    of: str = typer.Option(MODEL, "--of", help=f"Which values: {', '.join(PARTS)}."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Print every rule value: unit, citation, evidence status. Exit code 4 when the year has no published values."""
    part = part_named(of)
    book = book_of(of, overlays)
    if missing is not None:
        _print_missing(book, missing, as_json)
        return
    entries: Iterable[Parameter] = book.entries if year is None else rules_of(book, year, assume_year=assume_year)
    shown = in_order((entry for entry in entries if not (unconfirmed and entry.confirmed)), part.book())
    open_count = sum(not entry.confirmed for entry in shown)
    if as_json:
        document = {
            "of": of,
            "year": year,
            "count": len(shown),
            "unconfirmed": open_count,
            "parameters": [entry.as_record() for entry in shown],
        }
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    if sys.stdout.isatty():
        print_tables(shown)
    else:
        _print_lines(shown)
    typer.echo(f"{len(shown)} values, {open_count} of them unconfirmed (not yet read in CMS's own text).")
    if of != MODEL:
        typer.echo(f"Your own values: {part.given_with or 'no file can replace these yet'}.")
        return
    typer.echo(
        "Next: openasm rules --of cost-measure, or your own values with openasm score INPUT --year 2027 --out RUN --rules FILE"
    )


def value_text(value: object) -> str:
    """A value as one line: lists in brackets, tables as `name: value`.

    >>> value_text({"heart_failure": ["06"]})
    'heart_failure: [06]'
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(
            f"{key}: {{{value_text(item)}}}" if isinstance(item, dict) else f"{key}: {value_text(item)}"
            for key, item in value.items()
        )
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    return str(value)


def _row(entry: Parameter) -> tuple[str, ...]:
    status = entry.status.value if entry.confirmed else f"{entry.status.value} (unconfirmed)"
    if entry.assumed_from_year is not None:
        status = f"{entry.status.value}, borrowed from {entry.assumed_from_year} (unconfirmed)"
    years = list(entry.years)
    span = f"{years[0]}-{years[-1]}" if len(years) > 1 and years == list(range(years[0], years[-1] + 1)) else ""
    return (
        entry.name,
        value_text(plain_value(entry.value)),
        entry.unit,
        span or ", ".join(map(str, years)),
        status,
        entry.citation,
    )


def _by_section(entries: Sequence[Parameter]) -> Iterator[tuple[str, list[Parameter]]]:
    for section, members in groupby(entries, key=lambda entry: entry.name.partition(".")[0]):
        yield section.replace("_", " ").capitalize(), list(members)


def _print_lines(entries: Sequence[Parameter]) -> None:
    """One line a value, nothing cut: for files, pipes and screen readers."""
    for title, members in _by_section(entries):
        typer.echo(title)
        for member in members:
            name, value, unit, years, status, citation = _row(member)
            note = f" | {member.note}" if member.note else ""
            typer.echo(f"  {name} = {value} ({unit}) | {years} | {status} | {citation} | {member.edition}{note}")
        typer.echo("")


def print_tables(entries: Sequence[Parameter]) -> None:
    """A table a section, every cell folded rather than cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for title, members in _by_section(entries):
        table = Table(title=title, title_justify="left", title_style="bold", show_lines=False, expand=True)
        for column, ratio in zip(_COLUMNS, (4, 4, 3, 2, 3, 5), strict=True):
            table.add_column(column, overflow="fold", ratio=ratio)
        for member in members:
            name, *rest = _row(member)
            cells = [Text(name.partition(".")[2]), *map(Text, rest)]
            table.add_row(*cells, style="" if member.confirmed else "yellow")
        console.print(table)
        console.print()


def _print_missing(book: RuleBook, year: int, as_json: bool) -> None:
    names = unpublished_names(book, year)
    if as_json:
        typer.echo(json.dumps({"year": year, "missing": list(names)}, indent=2))
        return
    for name in names:
        typer.echo(name)
    typer.echo(f"{len(names)} parameters have no value for performance year {year}.")
