"""`openasm episodes`: episodes, attribution and cost measure scores from claims."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text
from openasm.base.sizes import size_in_bytes
from openasm.report.episodes_content import COUNTED, CohortEpisodes
from openasm.report.from_episodes import episodes_report
from openasm.report.text import money, points, words
from openasm.runs.cost.codes_list import codes_file
from openasm.runs.cost.episodes import MIPS_CASE_MINIMUM, EpisodesSummary, run_episodes

app = typer.Typer(add_completion=False)

WIDTH = 80  # characters of a line
MOST_PRACTICES = 8


@app.command()
def episodes(
    claims: Annotated[Path, typer.Argument(help="CLAIMS folder written by `openasm claims load`.")],
    cohort: Annotated[str, typer.Option("--cohort", help="heart_failure or low_back_pain.")],
    codes: Annotated[
        Path,
        typer.Option(
            "--codes", help="The measure's codes list from CMS, as XLSX; `demonstration`: the made-up list that ships."
        ),
    ],
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
        codes_file=codes_file(codes, cohort),
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
    [view] = episodes_report([summary.out]).cohorts
    total, counted = sum(summary.reasons.values()), summary.reasons.get("counted", 0)
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in view.reasons if reason != COUNTED)
    if not total:
        lines = [f"No {view.title.lower()} episode ends in {summary.year}."]
    else:
        lines = _wrapped(
            f"{counted:,} of {total:,} {view.title.lower()} episodes that end in {summary.year} count."
            + (f" Left out: {left_out}." if left_out else "")
        )
    if view.groups:
        lines += ["", *_table(view)]
    if view.national_mean is not None:
        basis = "national mean supplied" if view.mean_is_supplied else "mean of these data"
        lines += ["", f"Scores rest on a cost of {dollars_text(view.national_mean)} an episode year, the {basis}."]
        lines += _wrapped(
            f"MIPS points are by CMS's published cut points of MIPS {' and '.join(view.mips_years)}, of 10, from "
            f"{MIPS_CASE_MINIMUM} episodes on. They are not ASM's scoring."
        )
    if view.differences:
        tin, driver = view.differences[0]
        lines += _wrapped(
            f"Furthest above peers: TIN {tin}, {words(driver.category)}: {money(driver.dollars)} a year of episode against "
            f"{money(driver.peers_dollars)}, {money(driver.difference)} more."
        )
    if summary.problems:
        lines += ["", "To know before using these numbers:"]
        for problem in summary.problems:
            lines += _wrapped(problem.as_text(), indent="  ")
    where = shlex.quote(str(summary.out))
    lines += [
        "",
        f"Written: {where}/scores and {where}/patients (confidential).",
        f"Next: openasm report {where}",
    ]
    if view.groups:
        lines += [
            f"For a final score: put {where}/scores/cost.csv into the input folder of",
            "`openasm score` (both cohorts' rows in one file) and give --participants-only,",
            "as it names everybody seen in the claims.",
        ]
    return lines


def _table(view: CohortEpisodes) -> list[str]:
    """The practices with most episodes, in at most ten lines of 80 characters."""
    practices = [each for each in view.groups if not each.npi]
    rows = [("TIN", "Episodes", "Mean cost", "Score", *(f"MIPS {year}" for year in view.mips_years))]
    shown = practices[:MOST_PRACTICES]
    rows += [
        (each.tin, f"{each.episodes:,}", money(each.mean), money(each.score), *(points(earned) for earned in each.mips))
        for each in shown
    ]
    lines = [f"  {row[0]:<11}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
    further = len(practices) - len(shown) + view.further
    return [*lines, f"  and {further:,} more in scores/cost.csv"] if further else lines


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=2 * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
