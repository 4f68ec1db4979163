"""`openasm run`: the whole chain from a configuration."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.runs.chain.configuration import Configuration, read_configuration
from openasm.runs.chain.progress import Progress
from openasm.runs.chain.run import Plan, RunSummary, plan_configured, run_configured

app = typer.Typer(add_completion=False)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="Configuration (TOML): what there is and what is wanted.")],
    out: Annotated[Path, typer.Option("--out", help="Run folder; an earlier configured run there is replaced whole.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped; an error when there is none.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes and threads; 0 as configured.")] = 0,
    engine: Annotated[str, typer.Option("--engine", help="duckdb or spark, instead of the configuration's.")] = "",
    progress_file: Annotated[
        Path | None,
        typer.Option("--progress-file", help="Keep how far the run is in this file, as JSON, for other programs."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Run the whole chain from a configuration; only what changed since the last time is computed again."""
    if jobs < 0:
        raise WrongUsage("--jobs is 0 or more.")
    if engine not in ("", "duckdb", "spark"):
        raise WrongUsage("--engine is duckdb or spark.")

    def now() -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    configuration = read_configuration(config, today=dt.datetime.now().astimezone().date())
    if dry_run:
        _print_plan(plan_configured(configuration, out, now=now), configuration, as_json=as_json)
        return
    progress = TerminalProgress() if sys.stderr.isatty() else None
    noted = FileProgress(progress_file) if progress_file else None

    def tell(where: Progress) -> None:
        if progress:
            progress.tell(where)
        if noted:
            noted.tell(where)

    summary = run_configured(
        configuration,
        out,
        now=now,
        jobs=jobs,
        engine=engine,
        resume=resume,
        progress=tell,
    )
    if progress:
        progress.close()
    if as_json:
        typer.echo(json.dumps(_record(summary), ensure_ascii=False, indent=2))
        return
    for line in _lines(summary):
        typer.echo(line)


class TerminalProgress:
    """One line on a terminal's standard error, written over as the run goes on."""

    def __init__(self) -> None:
        self._width = 0

    def tell(self, progress: Progress) -> None:
        """Show where the run is."""
        left = "" if progress.left is None else f", about {duration(progress.left)} left"
        detail = f": {progress.detail}" if progress.detail else " (as before)" if progress.reused else ""
        line = f"[{progress.place}/{progress.of}] {progress.title}{detail}{left}"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def close(self) -> None:
        """End the line."""
        sys.stderr.write("\r" + " " * self._width + "\r")
        sys.stderr.flush()


class FileProgress:
    """A file that says where the run is, replaced whole: title, place, of, reused, left (seconds or null), detail."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last: tuple[int, float] = (0, 0.0)

    def tell(self, progress: Progress) -> None:
        """Write where the run is; within a stage at most once a second."""
        place, moment = self._last
        if progress.place == place and time.monotonic() - moment < 1:
            return
        self._last = (progress.place, time.monotonic())
        with written_whole(self._file) as stream:
            json.dump(asdict(progress), stream)


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(8), duration(200), duration(7300)
    ('8 s', '3 min', '2 h 2 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _print_plan(plan: Plan, configuration: Configuration, *, as_json: bool) -> None:
    if as_json:
        record = {
            "name": configuration.name,
            "year": configuration.run.year,
            "stages": [
                {
                    "name": step.stage.name,
                    "title": step.stage.title,
                    "do": "reuse" if step.entry else "compute",
                    "why": step.why,
                    "key": step.key,
                    "seconds_last_time": step.seconds,
                }
                for step in plan.steps
            ],
            "not_computed": dict(plan.not_computed),
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{configuration.name}, performance year {configuration.run.year}: what a run would do")
    for step in plan.steps:
        took = f" (took {duration(step.seconds)})" if step.seconds and step.entry is None else ""
        typer.echo(f"  {'reuse  ' if step.entry else 'compute'}  {step.stage.name:<38} {step.why}{took}")
    for name, why in plan.not_computed.items():
        typer.echo(f"  -        {name:<38} not computed: {why}")


def _record(summary: RunSummary) -> dict[str, object]:
    return {
        "out": str(summary.out),
        "name": summary.name,
        "year": summary.year,
        "computed": list(summary.made),
        "reused": list(summary.reused),
        "not_computed": dict(summary.not_computed),
        "seconds": dict(summary.seconds),
        "problems": [{"stage": stage, **each} for stage, each in summary.problems],
    }


def _lines(summary: RunSummary) -> list[str]:
    place = shlex.quote(str(summary.out))
    lines = [
        f"{summary.name}, performance year {summary.year}: {len(summary.made)} stages computed, {len(summary.reused)} as before "
        f"({duration(sum(summary.seconds.values()))})."
    ]
    lines += [f"Not computed: {name}: {why}." for name, why in summary.not_computed.items()]
    if summary.problems:
        kinds = Counter(f"{each['code']} {each['title']}" for _, each in summary.problems)
        lines.append("")
        lines.append(
            f"To know before using the numbers ({summary.out}/scores/data_problems.csv says where and what to do):"
        )
        lines += [f"  {kind}{f' ({count} times)' if count > 1 else ''}" for kind, count in kinds.items()]
    lines.append("")
    if "scores" in (*summary.made, *summary.reused):
        lines.append(f"Report:  {summary.out / 'report.html'}")
        lines.append(f"Next:    openasm explain {place} --tin T --npi N")
    else:
        lines.append(f"Written: {summary.out}/scores/ (no patient in it) and {summary.out}/patients/ (confidential)")
        lines.append(
            "Next:    give [score_inputs] to score a cohort; openasm run CONFIG.toml --out RUN --dry-run says what is missing"
        )
    return lines
