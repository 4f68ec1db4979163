"""`openasm functional-status`: measure 220 from treatment episodes with stored scores."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.runs.measures.functional_status import run_functional_status

app = typer.Typer(add_completion=False)


@app.command()
def functional_status(
    file: Annotated[
        Path, typer.Argument(help="Treatment episodes, CSV or Parquet (docs/reference/treatment-episodes.md).")
    ],
    year: Annotated[int, typer.Option("--year", help="Calendar year of the discharges that count.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Count episodes whose functional status changed at least as predicted (measure 220), from scores given as data."""
    summary = run_functional_status(file, out, year=year, now=lambda: dt.datetime.now(dt.UTC), replace=replace)
    rows = [
        {
            "tin": each.tin,
            "npi": each.npi,
            "eligible": each.eligible,
            "met": each.met,
            "not_met": each.not_met,
            "rate": None if each.tally.rate is None else float(each.tally.rate),
            "completeness": None if each.completeness is None else float(each.completeness),
        }
        for each in summary.counts
    ]
    if as_json:
        problems = [problem.as_record() for problem in summary.problems]
        typer.echo(json.dumps({"out": str(out), "year": year, "rows": rows, "problems": problems}, indent=2))
        return
    for each in summary.counts:
        rate = "-" if each.tally.rate is None else f"{float(each.tally.rate):.1%}"
        complete = "-" if each.completeness is None else f"{float(each.completeness):.0%}"
        who = each.npi or "whole practice"
        typer.echo(
            f"{each.tin} {who:<15} {each.met:>6,} of {each.met + each.not_met:>6,} met {rate:>7}, complete {complete}"
        )
    for problem in summary.problems:
        typer.echo(f"  {problem.as_text()}")
    where = shlex.quote(str(out))
    typer.echo(
        f"Written: {where}/scores/functional_status.csv, {where}/patients/ (residuals by episode; confidential)."
    )
    typer.echo(
        f"Next: add {where}/scores/score_input.csv to INPUTS/quality.csv, then openasm score INPUTS --year 2027 --out RUN"
    )
