"""`openasm claims load` and `openasm claims check`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import typer

from openasm.base.errors import WrongUsage
from openasm.cli.claims_shown import check_lines, load_lines

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Medicare claims: load them into one shape, check them."
)


@app.callback()
def _group() -> None:
    """Medicare claims: load them into one shape, check them."""


@app.command("load")
def load(
    sources: list[Path] = typer.Argument(..., metavar="SOURCE", help="Files, folders or zips as they were delivered."),
    source_format: str = typer.Option(..., "--format", metavar="FORMAT", help="cclf, eob, tables or tuva."),
    out: Path = typer.Option(..., "--out", metavar="FOLDER", help="Folder to write; it appears when it is whole."),
    data_start: str = typer.Option(
        "", "--data-start", metavar="DATE", help="First day the claims cover, when the files cannot tell (YYYY-MM-DD)."
    ),
    data_end: str = typer.Option("", "--data-end", metavar="DATE", help="Last day, likewise."),
    layout: str = typer.Option("v38", "--layout", metavar="VERSION", help="CCLF layout version."),
    memory: float = typer.Option(
        0.0, "--memory", metavar="GB", help="Most memory to use, in gigabytes (default: 60 % of the machine)."
    ),
    threads: int = typer.Option(0, "--threads", metavar="N", help="Threads to use (default: all)."),
    replace: bool = typer.Option(False, "--replace", help="Replace claims loaded earlier to --out."),
    as_json: bool = typer.Option(False, "--json", help="Print the result as one JSON document."),
) -> None:
    """Load claims of a format into a CLAIMS folder of four Parquet tables."""
    from openasm.claims.loading import load_claims

    manifest = load_claims(
        source_format,
        sources,
        out,
        memory_bytes=int(memory * 1024**3) or None,
        threads=threads or None,
        data_start=_day("--data-start", data_start),
        data_end=_day("--data-end", data_end),
        cclf_version=layout,
        replace=replace,
    )
    if as_json:
        typer.echo(json.dumps(manifest, indent=2, ensure_ascii=False))
        return
    for line in load_lines(manifest, out):
        typer.echo(line)


@app.command("check")
def check(
    claims: Path = typer.Argument(..., metavar="CLAIMS", help="A folder made by `openasm claims load`."),
    memory: float = typer.Option(
        0.0, "--memory", metavar="GB", help="Most memory to use, in gigabytes (default: 60 % of the machine)."
    ),
    threads: int = typer.Option(0, "--threads", metavar="N", help="Threads to use (default: all)."),
    as_json: bool = typer.Option(False, "--json", help="Print the result as one JSON document."),
) -> None:
    """Say what a CLAIMS folder holds and lacks, and what that does to the measures."""
    from openasm.claims.checks import check_claims
    from openasm.tables.engine import open_engine

    with open_engine(memory_bytes=int(memory * 1024**3) or None, threads=threads or None) as engine:
        result = check_claims(claims, engine)
    if as_json:
        typer.echo(json.dumps(result.as_record(), indent=2, ensure_ascii=False))
        return
    for line in check_lines(result.as_record(), claims):
        typer.echo(line)


def _day(option: str, text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{option} must be a date as in 2027-12-31, not {text!r}.") from None
