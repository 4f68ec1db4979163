"""`openasm episodes`: episodes, attribution and cost measure scores from claims."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text
from openasm.base.sizes import size_in_bytes
from openasm.runs.cost.episodes import EpisodesSummary, run_episodes

app = typer.Typer(add_completion=False)


@app.command()
def episodes(
    claims: Annotated[Path, typer.Argument(help="CLAIMS folder written by `openasm claims load`.")],
    cohort: Annotated[str, typer.Option("--cohort", help="heart_failure or low_back_pain.")],
    codes: Annotated[Path, typer.Option("--codes", help="The measure's codes list from CMS, as XLSX.")],
    year: Annotated[int, typer.Option("--year", help="Calendar year in which the scored episodes end.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    engine: Annotated[
        str, typer.Option("--engine", help="duckdb, or spark where claims outgrow one machine.")
    ] = "duckdb",
    spec: Annotated[
        list[Path] | None, typer.Option("--spec", help="File of your own constants with their citations; repeatable.")
    ] = None,
    memory_limit: Annotated[
        str, typer.Option("--memory-limit", help="Most memory to use, as in 8GB. Default: 60 % of the machine's.")
    ] = "",
    threads: Annotated[int, typer.Option("--threads", help="Threads; 0 takes one for each processor.")] = 0,
    spill: Annotated[Path | None, typer.Option("--spill", help="Folder for what does not fit into memory.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Build a cohort's episodes from claims, attribute and cost them, and score every TIN and clinician.

    An interrupted run goes on where it stopped when the same command is given again.
    """
    if threads < 0:
        raise WrongUsage("--threads is 0 or more.")
    summary = run_episodes(
        claims,
        out,
        cohort=cohort,
        codes_file=codes,
        year=year,
        now=lambda: dt.datetime.now(dt.UTC),
        overlays=spec or [],
        engine_name=engine,
        memory_bytes=size_in_bytes(memory_limit) if memory_limit else None,
        threads=threads or None,
        spill_folder=spill,
        replace=replace,
        progress=_progress if sys.stderr.isatty() else lambda _: None,
    )
    if as_json:
        typer.echo(json.dumps(_record(summary), ensure_ascii=False, indent=2))
        return
    for line in _lines(summary):
        typer.echo(line)


def _progress(stage: str) -> None:
    typer.echo(f"  {stage}", err=True)


def _record(summary: EpisodesSummary) -> dict[str, object]:
    return {
        "out": str(summary.out),
        "cohort": summary.cohort,
        "year": summary.year,
        "episodes_by_reason": summary.reasons,
        "tins": summary.tins,
        "clinicians": summary.clinicians,
        "clinicians_with_20_episodes": summary.scored_clinicians,
        "national_mean_dollars": summary.national_mean,
        "national_mean_supplied": summary.mean_is_supplied,
        "models": [{"model": name, "basis": basis, "episodes": episodes} for name, basis, episodes in summary.models],
        "demonstration_codes_list": summary.demonstration,
        "problems": [problem.as_record() for problem in summary.problems],
    }


def _lines(summary: EpisodesSummary) -> list[str]:
    total = sum(summary.reasons.values())
    lines = [f"{total:,} {summary.cohort.replace('_', ' ')} episodes end in {summary.year}:"]
    lines += [f"  {count:>10,}  {reason}" for reason, count in summary.reasons.items()]
    lines.append(
        f"Scores for {summary.tins:,} TINs and {summary.clinicians:,} clinicians, {summary.scored_clinicians:,} of them with 20 "
        "episodes or more."
    )
    if summary.national_mean is not None:
        basis = "supplied" if summary.mean_is_supplied else "of these data"
        lines.append(f"Mean cost of an episode-year, {basis}: {dollars_text(summary.national_mean)}.")
    for name, basis, episodes in summary.models:
        lines.append(f"  model {name}: {episodes:,} episodes, {basis.replace('_', ' ')}")
    if summary.problems:
        lines += ["", "To know before using these numbers:"]
        lines += [f"  {problem.as_text()}" for problem in summary.problems]
    where = shlex.quote(str(summary.out))
    lines += [
        "",
        f"Written: {where}/scores/cost.csv, categories.csv (services against peers), mips.csv (MIPS points, not ASM's),",
        f"         {where}/patients/ (episodes, attribution, costs, costliest with timeline; confidential).",
        f"Next: put {where}/scores/cost.csv into the input folder of `openasm score` (both cohorts' rows in one file) and give",
        "      --participants-only, as it names everybody seen in the claims.",
    ]
    return lines
