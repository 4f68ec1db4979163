"""`openasm claims load` and `openasm claims check`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from openasm.base.errors import WrongUsage

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Medicare claims: load them into one shape, check them."
)


@app.callback()
def _group() -> None:
    """Medicare claims: load them into one shape, check them."""


@app.command("load")
def load(
    sources: list[Path] = typer.Argument(
        ..., metavar="SOURCE...", help="Files, folders or zips as they were delivered."
    ),
    source_format: str = typer.Option(..., "--format", help="cclf, eob, tables or tuva."),
    out: Path = typer.Option(..., "--out", help="Folder to write; it appears when it is whole."),
    data_start: str = typer.Option(
        "", "--data-start", metavar="DATE", help="First day the claims cover, when the files cannot tell (YYYY-MM-DD)."
    ),
    data_end: str = typer.Option("", "--data-end", metavar="DATE", help="Last day, likewise."),
    layout: str = typer.Option("v38", "--layout", help="CCLF layout version."),
    memory: float = typer.Option(
        0.0, "--memory", help="Most memory to use, in gigabytes (default: 60 % of the machine)."
    ),
    threads: int = typer.Option(0, "--threads", help="Threads to use (default: all)."),
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
    _print_load(manifest, out)


@app.command("check")
def check(
    claims: Path = typer.Argument(..., metavar="CLAIMS", help="A folder made by `openasm claims load`."),
    memory: float = typer.Option(
        0.0, "--memory", help="Most memory to use, in gigabytes (default: 60 % of the machine)."
    ),
    threads: int = typer.Option(0, "--threads", help="Threads to use (default: all)."),
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
    _print_check(result.as_record(), claims)


def _day(option: str, text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{option} must be a date as in 2027-12-31, not {text!r}.") from None


def _print_load(manifest: dict[str, Any], out: Path) -> None:
    console = Console()
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in manifest["tables"].items())
    console.print(f"Claims from {manifest['data_start']} to {manifest['data_end']}: {rows}.")
    table = Table("records of", "in", "kept", "dropped, with the reason")
    for account in manifest["records"]:
        if account["records"]:
            dropped = "; ".join(f"{count:,} {reason}" for reason, count in account["dropped"].items())
            table.add_row(account["source"], f"{account['records']:,}", f"{account['kept']:,}", dropped)
    console.print(table)
    for basis, found in manifest["cost_basis"].items():
        console.print(f"Cost basis {basis}: {found['share_of_cost']:.1%} of the cost ({', '.join(found['settings'])}).")
    for note in manifest["notes"]:
        console.print(f"Note: {note}")
    for problem in manifest["problems"]:
        place = f" row {problem['row']}" if problem["row"] is not None else ""
        column = f" {problem['column']}" if problem["column"] else ""
        console.print(
            f"Warning {problem['code']} {problem['file']}{place}{column}: {problem['title']}. {problem['found']}",
            markup=False,
        )
    console.print(f"Next: openasm claims check {out}")


def _print_check(result: dict[str, Any], folder: Path) -> None:
    console = Console()
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in result["rows"].items())
    console.print(f"Claims from {result['data_start']} to {result['data_end']}, {result['people']:,} people: {rows}.")
    table = Table("what", "count", "share", "what it does to the measures")
    for finding in result["findings"]:
        table.add_row(finding["name"], f"{finding['count']:,}", f"{finding['share']:.1%}", finding["effect"])
    console.print(table)
    settings = sorted({row["setting"] for row in result["volumes"]})
    months = Table("month", *settings)
    by_month: dict[str, dict[str, int]] = {}
    for row in result["volumes"]:
        by_month.setdefault(row["month"], {})[row["setting"]] = row["lines"]
    for month, counts in by_month.items():
        months.add_row(month, *(f"{counts.get(setting, 0):,}" for setting in settings))
    console.print(months)
    console.print(f"Run-out: {result['run_out']['effect']}")
    for problem in result["problems"]:
        console.print(
            f"{problem['code']} {problem['file']} {problem['column']}: {problem['title']}. {problem['found']}",
            markup=False,
        )
    console.print(f"Next: openasm episodes {folder} --cohort heart_failure --codes WORKBOOK.xlsx --year 2027 --out DIR")
