"""`openasm publish`: a finished run into the workbench."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from openasm.app.server import configure, migrate

app = typer.Typer(add_completion=False)


@app.command()
def publish(
    run: Annotated[Path, typer.Argument(help="Folder of a run of `openasm run` or `openasm score`.")],
    data: Annotated[Path, typer.Option("--data", help="Data folder of the workbench.")],
    also: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="RUN",
            help="Another run of the same year whose patients' rows belong to it (quality, episodes).",
        ),
    ] = None,
    comparison: Annotated[
        Path | None,
        typer.Option(
            "--comparison",
            help="Also what `openasm compare EARLIER RUN --json` printed, for the page Compare; the earlier run must be published.",
        ),
    ] = None,
) -> None:
    """Load a run into the workbench, whole or not at all; publishing it twice changes nothing."""
    configure(data)
    migrate()
    from openasm.app.published.publish import publish_run

    began = time.perf_counter()

    def say(step: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"{time.perf_counter() - began:6.1f} s  {step} ...", err=True)

    done = publish_run(run, also=tuple(also or ()), by=None, progress=say)
    if comparison is not None:
        from openasm.app.comparisons.actions import publish_comparison

        explained = publish_comparison(comparison, by=None)
        typer.echo(f"Comparison published: why the numbers of {explained:,} participants changed.")
    if not done.new:
        typer.echo(f"This run was published before ({done.run.published_at:%Y-%m-%d %H:%M} UTC); nothing was changed.")
        return
    counts = done.counts
    typer.echo(
        f"Published {done.run.name}, performance year {done.run.performance_year}: "
        f"{counts['participants']:,} participants of {counts['practices']:,} practices, "
        f"{counts.get('gaps', 0):,} gaps, {counts.get('episodes', 0):,} episodes, {time.perf_counter() - began:.0f} s."
    )
    typer.echo("Next:    openasm serve --data ... and open the page Practice")
