"""`openasm serve`: the workbench as a web application on this machine."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from openasm.app.server import configure, prepare
from openasm.app.server import serve as serve_until_stopped
from openasm.base.errors import WrongUsage

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    data: Annotated[
        Path, typer.Option("--data", help="Folder for database, keys and copies of runs; made when missing.")
    ],
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others than this machine's need TLS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port.")] = 8000,
    threads: Annotated[
        int,
        typer.Option(
            "--threads", help="Requests answered at a time by each process; 0 takes 8 for one process, 1 for several."
        ),
    ] = 0,
    processes: Annotated[
        int, typer.Option("--processes", help="Processes that share the work: as many as processors for many people.")
    ] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load a made-up practice with its patients, to look around.")
    ] = False,
    value_sets: Annotated[
        Path | None,
        typer.Option(
            "--value-sets",
            help="Folder with value sets: also answers EHRs at /cds-services (CDS Hooks), each with its own secret.",
        ),
    ] = None,
    year: Annotated[int, typer.Option("--year", help="Measurement year of CDS Hooks; 0 takes this year.")] = 0,
) -> None:
    """Serve the workbench until stopped. The first start prints a one-time link that makes the first account."""
    if not 1 <= port <= 65_535 or threads < 0 or not 1 <= processes <= 64:
        raise WrongUsage("--port is 1 to 65535, --threads 0 or more, --processes 1 to 64.")
    configure(data)
    hooks = None if value_sets is None else _hooks(value_sets, year)
    started = prepare(demo=_load_demo if demo else None)
    where = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104 (shown, not bound)
    typer.echo(f"OpenASM workbench: {where}/   (stop with Ctrl-C)")
    if started.first_link:
        typer.echo("")
        typer.echo("Nobody can sign in yet. Open this link within 24 hours to make the first account; it works once:")
        typer.echo(f"  {where}{started.first_link}")
    sys.stdout.flush()
    threads = threads or (1 if processes > 1 else 8)
    serve_until_stopped(host=host, port=port, threads=threads, processes=processes, hooks=hooks)


def _hooks(value_sets: Path, year: int) -> Callable[[Any, Any], Iterable[bytes]]:
    """The quality room's service; the workbench may not know that room, so the two are put together here."""
    from django.utils import timezone

    from openasm.cli.cds_hooks import service_for
    from openasm.quality.cds_hooks import Application

    return Application(
        service_for(value_sets, year=year or timezone.localdate().year, measures="", today=timezone.localdate)
    )


def _load_demo() -> str:
    """Make the small demonstration in a temporary folder and publish it. Returns the name of its group, a system of practices."""
    from openasm.app.people.actions import create_system
    from openasm.app.people.models import Practice, System
    from openasm.app.published.publish import publish_run
    from openasm.runs.demonstration.demo import run_demo
    from openasm.runs.demonstration.files import GROUP_NAME, SIZES

    if System.objects.filter(name=GROUP_NAME).exists():
        return GROUP_NAME
    with tempfile.TemporaryDirectory(prefix="openasm-demo-") as scratch:
        typer.echo("Making a demonstration, about a minute ...", err=True)
        made = run_demo(
            Path(scratch) / "demo",
            size_name="small",
            size=SIZES["small"],
            seed=2027,
            now=lambda: dt.datetime.now(dt.UTC),
        )
        publish_run(made.run, by=None)
        create_system(name=GROUP_NAME, practices=Practice.objects.filter(tin__in=made.group.tins), by=None)
    return GROUP_NAME
