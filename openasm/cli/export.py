"""`openasm export`: a run for sharing, without names, identifiers or small counts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.runs.sharing.pseudonyms import new_key, read_key

app = typer.Typer(add_completion=False)


@app.command(name="export")
def export_command(
    run: Annotated[Path | None, typer.Argument(help="A run folder.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write; it must not exist yet.")] = None,
    key_file: Annotated[Path | None, typer.Option("--key-file", help="Key that --new-key made.")] = None,
    what: Annotated[
        str, typer.Option("--what", help="What to export: scores, patients, or both separated by a comma.")
    ] = "scores",
    practices: Annotated[
        str, typer.Option("--practices", help="TINs and NPIs: pseudonym, or keep as they are.")
    ] = "pseudonym",
    make_key: Annotated[
        Path | None, typer.Option("--new-key", help="Make a key, write it to this new file, and stop.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Export a run for sharing: keyed pseudonyms, moved dates, no free text, small counts hidden."""
    if make_key is not None:
        if run is not None or out is not None or key_file is not None:
            raise WrongUsage("--new-key makes a key and nothing else; export with --key-file afterwards.")
        key = new_key(make_key)
        if as_json:
            typer.echo(json.dumps({"key_file": make_key.name, "key_id": key.key_id}))
            return
        typer.echo(
            f"Key {key.key_id}: {make_key}  (keep it apart from every export; without it pseudonyms cannot be matched)"
        )
        typer.echo(f"Next: openasm export RUN --out DIR --key-file {shlex.quote(str(make_key))}")
        return
    if run is None or out is None or key_file is None:
        raise WrongUsage("Give a run folder, --out and --key-file; openasm export --new-key FILE makes a key.")
    from openasm.runs.sharing.export import export_run  # heavy: tables of patients are handled as Arrow

    done = export_run(
        run,
        out,
        key=read_key(key_file),
        what=[each.strip() for each in what.split(",") if each.strip()],
        practices=practices,
    )
    if as_json:
        record = {
            "out": str(out),
            "key_id": done.key_id,
            "files": dict(done.files),
            "hidden_cells": dict(done.hidden),
            "left_out": list(done.left_out),
        }
        typer.echo(json.dumps(record, ensure_ascii=False))
        return
    for name, rows in done.files.items():
        hidden = done.hidden.get(name.removeprefix("scores/").removesuffix(".csv"), 0)
        typer.echo(f"{rows:>9,} rows  {name}" + (f"  ({hidden:,} cells hidden)" if hidden else ""))
    if done.left_out:
        typer.echo(f"Left out: {len(done.left_out)} tables and columns, named in manifest.json.")
    typer.echo(f"Export: {out}  (key {done.key_id})")
    typer.echo("Next: read docs/how-to/share-data.md for what the reader may still learn, before it leaves.")
