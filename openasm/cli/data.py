"""`openasm data`: the library of official public files."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from openasm.base.errors import InputRefused
from openasm.base.problems import Problem
from openasm.participants.lookup import open_directory
from openasm.participants.official_files import OFFICIAL_FILES
from openasm.participants.participant_list import by_state, compare_lists
from openasm.participants.shelves import Record, add_file, changed_files, default_library, fetch_file, records

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Official public files, with vintage and hash.")

_LIBRARY = typer.Option(
    None, "--library", help="Folder of official files (default: OPENASM_DATA, or the user's data folder)."
)
_VINTAGE = typer.Option(..., "--vintage", help="A short word for this version, as in 2026-02 or final-2027.")
_SHA256 = typer.Option("", "--sha256", help="What the file's hash must be, where its publisher states it.")
_JSON = typer.Option(False, "--json", help="Print one JSON document.")


@app.command("list")
def list_files(
    library: Path | None = _LIBRARY,
    known: bool = typer.Option(False, "--known", help="Every official file, with where it is found and its licence."),
    as_json: bool = _JSON,
) -> None:
    """What the library holds, with vintage, date and hash; or, with --known, what belongs in it."""
    shelf = library or default_library()
    held = records(shelf)
    if as_json:
        kinds = [
            {key: getattr(each, key) for key in ("key", "title", "publisher", "page", "address", "licence", "note")}
            for each in OFFICIAL_FILES
        ]
        typer.echo(
            json.dumps({"library": [asdict(each) for each in held], "known": kinds}, indent=2, ensure_ascii=False)
        )
        return
    for kind in OFFICIAL_FILES:
        mine = [record for record in held if record.key == kind.key]
        if not mine or known:
            typer.echo(f"{kind.key}: {kind.title} ({kind.publisher})" + ("" if mine else ": not in the library"))
        if known:
            typer.echo(f"    page: {kind.page}")
            typer.echo(f"    {'fetched from: ' + kind.address if kind.address else 'to be downloaded by hand'}")
            typer.echo(f"    licence: {kind.licence}")
            typer.echo(f"    {kind.note}")
        for record in mine:
            counts = ", ".join(f"{count:,} {name}" for name, count in record.counts.items())
            typer.echo(
                f"{record.key}  {record.vintage}  {record.file}  added {record.added}  sha256 {record.sha256[:12]}…"
            )
            typer.echo(f"    {counts}")
            for warning in record.warnings:
                typer.echo(f"    {warning}")
    if not held:
        typer.echo("Next: openasm data list --known, then openasm data add KEY FILE --vintage WORD")


@app.command()
def add(
    key: str = typer.Argument(help="Which official file, as in `openasm data list`."),
    file: Path = typer.Argument(help="The downloaded file."),
    vintage: str = _VINTAGE,
    source: str = typer.Option("", "--source", help="Where it was downloaded, if not from its usual page."),
    sha256: str = _SHA256,
    library: Path | None = _LIBRARY,
    as_json: bool = _JSON,
) -> None:
    """Check a downloaded file and keep it."""
    record, warnings = add_file(
        library or default_library(),
        key,
        file,
        vintage=vintage,
        today=dt.datetime.now(dt.UTC).date(),
        source=source,
        sha256=sha256,
    )
    _print_added(record, warnings, as_json=as_json)


@app.command()
def fetch(
    key: str = typer.Argument(help="Which official file, as in `openasm data list`."),
    vintage: str = _VINTAGE,
    address: str | None = typer.Option(None, "--address", help="Fetch from here instead (https)."),
    sha256: str = _SHA256,
    library: Path | None = _LIBRARY,
    as_json: bool = _JSON,
) -> None:
    """Download an official file, check it and keep it. The only command that opens a connection."""

    def progress(have: int, whole: int | None) -> None:
        if sys.stderr.isatty():
            of = f" of {whole / 1e6:.1f}" if whole else ""
            sys.stderr.write(f"\r{have / 1e6:.1f}{of} MB")
            sys.stderr.flush()

    record, warnings = fetch_file(
        library or default_library(),
        key,
        vintage=vintage,
        today=dt.datetime.now(dt.UTC).date(),
        address=address,
        sha256=sha256,
        progress=progress,
    )
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    _print_added(record, warnings, as_json=as_json)


@app.command()
def verify(library: Path | None = _LIBRARY, as_json: bool = _JSON) -> None:
    """Whether every file of the library is still as it was added; exit code 3 where one is not."""
    shelf = library or default_library()
    held = records(shelf)
    changed = changed_files(shelf)
    if as_json:
        typer.echo(
            json.dumps(
                {"files": len(held), "changed": [each.as_record() for each in changed]}, indent=2, ensure_ascii=False
            )
        )
        if changed:
            raise typer.Exit(InputRefused.exit_code)
        return
    if changed:
        raise InputRefused(changed)
    typer.echo(f"{len(held):,} files, every one as it was added.")


@app.command()
def compare(
    before: str = typer.Argument(help="Vintage of the earlier participant list, or a file."),
    after: str = typer.Argument(help="Vintage of the later one, or a file."),
    library: Path | None = _LIBRARY,
    as_json: bool = _JSON,
) -> None:
    """Two versions of the participant list: added, removed, moved, small practice changed; counts by state."""
    shelf = library or default_library()
    lists = []
    for name in (before, after):
        file = Path(name) if Path(name).is_file() else None
        directory, _ = open_directory(shelf, file, vintage=None if file else name)
        lists.append(directory.listed)
    changes = compare_lists(*lists)
    if as_json:
        states = [
            {
                "state": each.state,
                "heart_failure": each.heart_failure,
                "low_back_pain": each.low_back_pain,
                "small_practice": each.small_practice,
            }
            for each in by_state(lists[1])
        ]
        typer.echo(
            json.dumps(
                {"changes": [asdict(each) for each in changes], "by_state": states}, indent=2, ensure_ascii=False
            )
        )
        return
    for kind in dict.fromkeys(change.kind for change in changes):
        mine = [change for change in changes if change.kind == kind]
        typer.echo(f"{kind}: {len(mine):,}")
        for change in mine[:50]:
            moved = " -> ".join(part for part in (change.before, change.after) if part)
            typer.echo(f"    {change.npi}  {change.name}  {change.cohort}  {moved}")
        if len(mine) > 50:
            typer.echo(f"    ... and {len(mine) - 50:,} more (--json lists all)")
    if not changes:
        typer.echo("No differences.")


def _print_added(record: Record, warnings: tuple[Problem, ...], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(record), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{record.title}, {record.vintage}: {record.file}, sha256 {record.sha256}")
    typer.echo("  " + ", ".join(f"{count:,} {name}" for name, count in record.counts.items()))
    for warning in warnings:
        typer.echo(f"  {warning.as_text()}")
    typer.echo("Next: openasm lookup NAME" if record.key == "participants" else "Next: openasm data list")
