"""`openasm cds-hooks`: serves the open gaps of one patient to an EHR (HL7 CDS Hooks 2.0), on this machine only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.base.problems import Problems
from openasm.clinical.fhir_facts import ProfileUse
from openasm.clinical.value_sets import read_value_sets
from openasm.quality.cds_hooks import SERVICE, Application, CdsService
from openasm.quality.evaluation import Job, terminology_for
from openasm.quality.specification import find_measure, measure_ids, specification_for

app = typer.Typer(add_completion=False)


@app.command()
def cds_hooks(
    value_sets: Annotated[Path, typer.Option("--value-sets", help="Folder with the value sets the measures name.")],
    year: Annotated[int, typer.Option("--year", help="Measurement year; 0 takes this year.")] = 0,
    measures: Annotated[str, typer.Option("--measures", help="Some of the measures. Default: all seven.")] = "",
    port: Annotated[int, typer.Option("--port", help="Port on 127.0.0.1.")] = 8675,
    threads: Annotated[int, typer.Option("--threads", help="Requests answered at a time.")] = 4,
) -> None:
    """Answer CDS Hooks patient-view requests on 127.0.0.1 until stopped. Put a proxy with TLS and sign-in before it."""
    if not 1 <= port <= 65_535 or threads < 1:
        raise WrongUsage("--port is 1 to 65535, --threads 1 or more.")
    try:
        import waitress
    except ImportError:
        raise WrongUsage("The server needs waitress: pip install 'openasm[app]'.") from None
    service = service_for(value_sets, year=year or _today().year, measures=measures, today=_today)
    typer.echo(
        f"POST http://127.0.0.1:{port}/cds-services/{SERVICE} (GET /cds-services describes it). Stop with Ctrl-C.",
        err=True,
    )
    waitress.serve(
        Application(service),
        host="127.0.0.1",
        port=port,
        threads=threads,
        max_request_body_size=16 << 20,
        ident=None,
        clear_untrusted_proxy_headers=True,
    )


def service_for(value_sets: Path, *, year: int, measures: str, today: Callable[[], dt.date]) -> CdsService:
    """The service with the value sets of a folder; InputRefused naming each set that is missing."""
    problems = Problems()
    names = [find_measure(name) for name in measures.split(",") if name.strip()] or list(measure_ids())
    specifications = tuple(specification_for(name, year) for name in sorted(set(names)))
    terms = terminology_for(specifications, read_value_sets(value_sets, problems), problems)
    problems.refuse_errors()
    return CdsService(Job(specifications, terms, year, ProfileUse.AUTO), today)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).astimezone().date()
