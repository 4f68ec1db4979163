"""`openasm report`: a run as a page, a workbook or a PDF."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from openasm.report.files import FORMATS, write_episodes_report, write_report
from openasm.report.from_episodes import is_episodes_run

app = typer.Typer(add_completion=False)


@app.command()
def report(
    runs: list[Path] = typer.Argument(
        help="A run folder; of `openasm episodes` also several, one a cohort.", metavar="RUN..."
    ),
    form: str = typer.Option(
        "html", "--format", help=f"What to write: {', '.join(FORMATS)} (no pdf of `openasm episodes`)."
    ),
    tin: list[str] = typer.Option([], "--tin", help="Show the clinicians of this practice; repeatable."),
    npi: str = typer.Option("", "--npi", help="Show this clinician alone."),
    out: Path | None = typer.Option(
        None, "--out", help="File to write; report.html, report.xlsx or report.pdf in the run if left out."
    ),
) -> None:
    """Write a run's report.

    Of a run with scores: who is scored, why, the payment and how sure it is, what would help. Of `openasm episodes`: cost and
    score against peers, and the costliest episodes with their timelines.
    """
    shown = " ".join(shlex.quote(str(each)) for each in runs)
    if len(runs) > 1 or is_episodes_run(runs[0]):
        target = write_episodes_report(runs, form=form, tins=tin, npi=npi, out=out, run_name=shown)
    else:
        target = write_report(runs[0], form=form, tins=tin, npi=npi, out=out, run_name=shown)
    typer.echo(f"Report: {target}")
    if not tin and not npi:
        typer.echo(f"For one practice: openasm report {shown} --tin TIN")
