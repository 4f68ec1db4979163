"""`openasm synth`: a made-up region of claims with its truth."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from openasm.base.errors import WrongUsage
from openasm.runs.cost.synthesis import synthetic_region

app = typer.Typer(add_completion=False)


@app.command()
def synth(
    out: Annotated[Path, typer.Option("--out", help="Folder to write; it must not exist or be empty.")],
    seed: Annotated[int, typer.Option("--seed", help="Any whole number; the same one gives the same bytes.")],
    participants: Annotated[
        int, typer.Option("--participants", help="Clinicians of the two cohorts' specialties.")
    ] = 24,
    beneficiaries: Annotated[int, typer.Option("--beneficiaries", help="People; 0 takes 83 for each participant.")] = 0,
    years: Annotated[str, typer.Option("--years", help="First and last calendar year of care.")] = "2025-2027",
    formats: Annotated[
        str, typer.Option("--format", help="What to write, separated by commas: tables, cclf, eob, fhir.")
    ] = "tables",
    heart_failure_codes: Annotated[
        Path | None, typer.Option("--heart-failure-codes", help="Codes list to plan for; default the demonstration's.")
    ] = None,
    low_back_pain_codes: Annotated[
        Path | None, typer.Option("--low-back-pain-codes", help="The same for low back pain.")
    ] = None,
    spec: Annotated[
        list[Path] | None,
        typer.Option("--spec", metavar="FILE", help="File of your own constants with their citations; repeatable."),
    ] = None,
    processes: Annotated[int, typer.Option("--processes", help="Processes; 0 takes one for each processor.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Make synthetic Medicare claims with a truth file: nobody in them is real and no identifier can be."""
    if processes < 0:
        raise WrongUsage("--processes is 0 or more.")
    given = {"heart_failure": heart_failure_codes, "low_back_pain": low_back_pain_codes}
    manifest, warnings = synthetic_region(
        seed,
        out,
        participants=participants,
        beneficiaries=beneficiaries,
        years=_years(years),
        formats=[word for word in formats.replace(" ", "").split(",") if word],
        workbooks={cohort: path for cohort, path in given.items() if path is not None},
        overlays=spec or [],
        processes=processes or len(os.sched_getaffinity(0)),
        progress=_progress if sys.stderr.isatty() else None,
    )
    if as_json:
        record = {**manifest, "out": str(out), "problems": [problem.as_record() for problem in warnings]}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for line in _lines(out, manifest):
        typer.echo(line)


def _years(text: str) -> tuple[int, int]:
    """The span of years as people write it.

    >>> _years("2025-2027"), _years("2027")
    ((2025, 2027), (2027, 2027))
    """
    match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text.strip())
    if match is None:
        raise WrongUsage("--years is a span such as 2025-2027.")
    return int(match[1]), int(match[2] or match[1])


def _progress(done: int, blocks: int) -> None:
    typer.echo(f"\r  {done} of {blocks} blocks", err=True, nl=done == blocks)


def _lines(out: Path, manifest: dict[str, Any]) -> list[str]:
    counts = manifest["counts"]
    lines = [
        f"Synthetic region in {out.name}: {manifest['beneficiaries']:,} people, {manifest['participants']:,} participants, "
        f"{manifest['first_year']}-{manifest['last_year']}, seed {manifest['seed']}. Nobody in it is real.",
        *(f"  {name}: {count:,} rows" for name, count in counts.items()),
    ]
    if "tables" in manifest["formats"]:
        lines += [
            "Next: look at the claims, then build episodes:",
            f"  openasm claims check {shlex.quote(str(out / 'tables'))}",
        ]
    elif "cclf" in manifest["formats"]:
        lines += ["Next:", f"  openasm claims load --format cclf {shlex.quote(str(out / 'cclf'))} --out CLAIMS"]
    elif "eob" in manifest["formats"]:
        lines += ["Next:", f"  openasm claims load --format eob {shlex.quote(str(out / 'eob'))} --out CLAIMS"]
    elif "fhir" in manifest["formats"]:
        records, value_sets = (shlex.quote(str(out / "fhir" / name)) for name in ("patients.ndjson", "value-sets"))
        year = manifest["last_year"]
        lines += ["Next:", f"  openasm quality {records} --value-sets {value_sets} --year {year} --out RUN"]
    return lines
