"""`openasm restore`: a backup into a new data folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.app.server import configure, migrate, require_packages

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(help="Folder that `openasm backup` wrote.")],
    data: Annotated[Path, typer.Option("--data", help="New data folder.")],
) -> None:
    """Put a backup back, after checking every file of it, into a new folder; then check the audit."""
    require_packages()  # before anything is written
    from openasm.app.backup import restore as put_back
    from openasm.app.configuration import configuration_from

    count = put_back(backup, data, postgres=configuration_from(os.environ).postgres())
    configure(data)
    migrate()
    from openasm.app.audit.chain import verify
    from openasm.app.audit.events import Kind, record

    found = verify()
    record(Kind.RESTORED, who=None, details={"files": count, "audit_whole": found.whole})
    typer.echo(
        f"{count:,} files restored; the audit holds {found.events:,} events and is {'whole' if found.whole else 'NOT whole'}."
    )
    for finding in found.findings:
        typer.echo(f"  {finding}", err=True)
    typer.echo(f"Next:    openasm serve --data {shlex.quote(str(data))}")
