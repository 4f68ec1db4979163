"""`openasm remind`: mails about tasks of the readiness plans, once a night."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from openasm.app.server import configure, migrate
from openasm.base.errors import WrongUsage

app = typer.Typer(add_completion=False)


@app.command()
def remind(
    data: Annotated[Path, typer.Option("--data", help="Data folder of the workbench.")],
    address: Annotated[
        str,
        typer.Option(
            "--address", help="Address of the workbench to put into the mails, as in https://asm.example.org."
        ),
    ] = "",
    today: Annotated[
        str, typer.Option("--today", help="The day to reckon from, as in 2027-03-01. Default: today.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many mails would go out; send none.")] = False,
) -> None:
    """Send each person what is due soon or late in their practices' plans, each task once. OPENASM_MAIL says through which server."""
    try:
        day = dt.date.fromisoformat(today) if today else None
    except ValueError:
        raise WrongUsage("--today takes a day, as in 2027-03-01.") from None
    if address and not address.startswith(("https://", "http://")):
        raise WrongUsage("--address begins with https:// or http://.")
    configure(data)
    migrate()
    from django.utils import timezone

    from openasm.app.readiness.reminders import send_reminders

    done = send_reminders(today=day or timezone.localdate(), address=address, send=not dry_run)
    verb = "would go out" if dry_run else "sent"
    typer.echo(
        f"{done.mails} mail{'' if done.mails == 1 else 's'} {verb}, about {done.tasks} task{'' if done.tasks == 1 else 's'}."
    )
    if done.failed:
        typer.echo(f"{done.failed} could not be handed to the mail server and will be tried the next time.", err=True)
        raise typer.Exit(1)
    typer.echo("Next: run it every night, after openasm publish.")
