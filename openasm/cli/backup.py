"""`openasm backup`: a copy of the workbench's data, taken while it runs."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.app.server import configure, migrate

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    data: Annotated[Path, typer.Option("--data", help="Data folder of the workbench.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Also copy the key; then the backup alone shows patients' identifiers.")
    ] = False,
) -> None:
    """Copy database, runs and files, consistently, also while the workbench runs."""
    configure(data)
    migrate()
    from django.conf import settings

    from openasm.app.audit.events import Kind, record
    from openasm.app.backup import back_up

    postgres = settings.CONFIGURATION.postgres()
    record(Kind.BACKED_UP, who=None, details={"with_key": with_key})
    done = back_up(data, out, with_key=with_key, now=dt.datetime.now(dt.UTC), postgres=postgres)
    typer.echo(f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB in {out.name}")
    if not with_key:
        typer.echo("The key is not in it: keep keys/master.key (or OPENASM_KEY) in another safe place.")
    typer.echo(f"Next:    openasm restore {shlex.quote(str(out))} --data NEW-FOLDER    to try it")
