"""`openasm report`: a run as a page, a workbook or a PDF."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from openasm.report.files import FORMATS, write_report

app = typer.Typer(add_completion=False)


@app.command()
def report(
    run: Path = typer.Argument(help="A run folder."),
    form: str = typer.Option("html", "--format", help=f"What to write: {', '.join(FORMATS)}."),
    tin: list[str] = typer.Option([], "--tin", help="Show the clinicians of this practice; repeatable."),
    npi: str = typer.Option("", "--npi", help="Show this clinician alone."),
    out: Path | None = typer.Option(
        None, "--out", help="File to write; report.html, report.xlsx or report.pdf in the run if left out."
    ),
) -> None:
    """Write a run's report: who is scored, why, the payment and how sure it is, what would help."""
    target = write_report(run, form=form, tins=tin, npi=npi, out=out, run_name=shlex.quote(str(run)))
    typer.echo(f"Report: {target}")
    if not tin and not npi:
        typer.echo(f"For one practice: openasm report {shlex.quote(str(run))} --tin TIN")
