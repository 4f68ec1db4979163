"""`openasm score`: final scores and payment adjustments of a folder of inputs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.money import dollars_text
from openasm.runs.scoring.run import CohortSummary, ScoreSummary, score_folder
from openasm.runs.scoring.score import COST_BENCHMARKS
from openasm.runs.scoring.words import STATUS_TEXT

app = typer.Typer(add_completion=False)

_TITLES = {"heart_failure": "Heart failure", "low_back_pain": "Low back pain"}


@app.command()
def score(
    input_dir: Annotated[
        Path, typer.Argument(help="Folder with participants, quality, cost and attestations, each as .csv or .parquet.")
    ],
    year: Annotated[int, typer.Option("--year", help="Performance year, as in 2027.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; it must not exist yet.")],
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE", help="File of your own rule values with citations; repeatable."),
    ] = None,
    cost_benchmark: Annotated[
        str, typer.Option("--cost-benchmark", help=f"What cost is compared with: {', '.join(COST_BENCHMARKS)}.")
    ] = "pool",
    assume_year: Annotated[
        int | None, typer.Option("--assume-year", help="What-if: take unpublished rule values from this year.")
    ] = None,
    participants_only: Annotated[
        bool,
        typer.Option(
            "--participants-only", help="Leave out rows about nobody in participants, instead of refusing them."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an earlier run at --out.")] = False,
    report: Annotated[bool, typer.Option(help="Draw report.html as well.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Score a cohort: category scores, final scores and payment adjustments, as a run folder with a report."""
    # Asked to stop, the process unwinds and takes its unfinished folder away with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    summary = score_folder(
        input_dir,
        out,
        year=year,
        now=dt.datetime.now(dt.UTC),
        overlays=rules or (),
        cost_benchmark=cost_benchmark,
        assume_year=assume_year,
        participants_only=participants_only,
        replace=replace,
        report=report,
    )
    if as_json:
        typer.echo(json.dumps(_record(summary, out), ensure_ascii=False, indent=2))
        return
    for line in _lines(summary, out):
        typer.echo(line)


def _record(summary: ScoreSummary, out: Path) -> dict[str, object]:
    record = dataclasses.asdict(dataclasses.replace(summary, warnings=()))
    record["out"] = str(out)
    record["warnings"] = [problem.as_record() for problem in summary.warnings]
    return record


def _lines(summary: ScoreSummary, out: Path) -> list[str]:
    lines = [f"Performance year {summary.year}, payment year {summary.payment_year}", ""]
    for each in summary.cohorts:
        lines += [*_cohort_lines(each), ""]
    if summary.warnings:
        lines.append(f"{len(summary.warnings)} warning{'s' if len(summary.warnings) != 1 else ''}:")
        lines += [f"  {problem.as_text()}" for problem in summary.warnings]
        lines.append("")
    lines.append(
        f"{summary.unconfirmed} of the rule values used have not been confirmed in CMS's own text "
        "(openasm rules --unconfirmed)."
    )
    lines.append(f"Run: {out}  ({summary.seconds:.1f} s)")
    lines.append(f"Next: openasm explain {shlex.quote(str(out))} --tin TIN --npi NPI")
    return lines


def _cohort_lines(each: CohortSummary) -> list[str]:
    median = "none" if each.median_final_score is None else f"{each.median_final_score:.1f}"
    lines = [f"{_TITLES[each.cohort]}: {each.participants:,} participant{'s' if each.participants != 1 else ''}"]
    lines += [f"  {count:>7,}  {status}: {STATUS_TEXT[status]}" for status, count in each.statuses.items() if count]
    lines.append(f"  median final score {median}; payments rise for {each.gaining:,}, fall for {each.losing:,}")
    lines.append(
        f"  Part B paid {dollars_text(each.part_b_paid)}, change "
        f"{dollars_text(each.payment_change_dollars, sign=True)} a year"
    )
    return lines
