"""`openasm admissions`: observed cardiovascular admissions per 100 person-years from claims, beside measure 492."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.quality.admissions import LABEL
from openasm.runs.measures.admissions import run_admissions

app = typer.Typer(add_completion=False)


@app.command()
def admissions(
    claims: Annotated[Path, typer.Argument(help="CLAIMS folder written by `openasm claims load`.")],
    codes: Annotated[Path, typer.Option("--codes", help="CSV with list, code: which codes are which.")],
    year: Annotated[int, typer.Option("--year", help="Calendar year at risk.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    engine: Annotated[str, typer.Option("--engine", help="duckdb, or spark.")] = "duckdb",
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Count acute cardiovascular admissions of heart failure patients: observed and unadjusted, not CMS's measure 492."""
    summary = run_admissions(
        claims,
        out,
        codes_file=codes,
        year=year,
        now=lambda: dt.datetime.now(dt.UTC),
        engine_name=engine,
        replace=replace,
    )
    everybody = summary.observed[0] if summary.observed else None
    if as_json:
        record = {
            "out": str(out),
            "year": year,
            "what": LABEL,
            "rows": [
                {
                    "tin": each.tin,
                    "npi": each.npi,
                    "beneficiaries": each.beneficiaries,
                    "person_years": float(each.person_years),
                    "admissions": each.admissions,
                    "rate": None if each.rate is None else float(each.rate),
                }
                for each in summary.observed
            ],
            "problems": [problem.as_record() for problem in summary.problems],
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    if everybody is None or everybody.rate is None:
        typer.echo("No patient with heart failure has time at risk in the year.")
    else:
        typer.echo(
            f"{everybody.beneficiaries:,} patients, {float(everybody.person_years):,.1f} person-years, "
            f"{everybody.admissions:,} admissions: {float(everybody.rate):.2f} per 100 person-years ({LABEL})."
        )
    for problem in summary.problems:
        typer.echo(f"  {problem.as_text()}")
    where = shlex.quote(str(out))
    typer.echo(f"Written: {where}/scores/admissions.csv; {where}/scores/score_input.csv has rows for quality.csv.")
    typer.echo("Next: add the rows to INPUTS/quality.csv, then openasm score INPUTS --year 2027 --out RUN")
