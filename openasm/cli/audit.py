"""`openasm audit`: check the workbench's chain of events, or write it as CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Annotated

import typer

from openasm.app.server import configure, migrate
from openasm.base.errors import OpenAsmError
from openasm.base.files import written_whole

app = typer.Typer(add_completion=False, no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="Data folder of the workbench.")]


class ChainBroken(OpenAsmError):
    """The audit's chain is not whole."""


@app.command()
def verify(
    data: Data, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """Find every change, deletion, insertion and cut in the audit. Ends with 1 when there is one."""
    configure(data)
    migrate()
    from openasm.app.audit.chain import verify as verify_chain

    found = verify_chain()
    if as_json:
        typer.echo(json.dumps({"events": found.events, "whole": found.whole, "findings": list(found.findings)}))
        if not found.whole:
            raise typer.Exit(1)
        return
    if not found.whole:
        raise ChainBroken("\n".join(("The audit is not whole:", *found.findings)))
    typer.echo(f"The audit is whole: {found.events:,} events, each following from the one before.")


@app.command()
def export(
    data: Data, out: Annotated[Path, typer.Option("--out", help="CSV file to write; an earlier one is replaced.")]
) -> None:
    """Write every event as a CSV that no spreadsheet mistakes for formulas."""
    configure(data)
    migrate()
    from openasm.app.audit.events import Kind, record
    from openasm.app.audit.models import AuditEvent
    from openasm.app.audit.views import HEADER, csv_row
    from openasm.app.look.exports import csv_cell

    count = 0
    with written_whole(out, private=True) as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(HEADER)
        for event in AuditEvent.objects.order_by("position").iterator(chunk_size=2_000):
            writer.writerow([csv_cell(value) for value in csv_row(event)])
            count += 1
    record(Kind.EXPORTED, who=None, details={"what": "audit", "rows": count, "form": "csv"})
    typer.echo(f"{count:,} events in {out.name}")
