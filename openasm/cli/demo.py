"""`openasm demo`: a made-up group through the whole chain."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
import textwrap
import time
from pathlib import Path

import typer

from openasm.archive.projection import ParticipantProjection
from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text
from openasm.cli.run import TerminalProgress
from openasm.runs.demonstration.demo import Demonstration, run_demo
from openasm.runs.demonstration.files import AS_OF, GROUP_NAME, SIZES

app = typer.Typer(add_completion=False)

_SHOWN = 8


@app.command()
def demo(
    out: Path = typer.Option(Path("demo"), "--out", help="Folder to make; an earlier demonstration there is replaced."),
    size: str = typer.Option(
        "practice", "--size", help=f"{', '.join(SIZES)}: a few clinicians, a group with its peers, the whole model."
    ),
    seed: int = typer.Option(2027, "--seed", min=0, help="Equal seeds make equal data."),
) -> None:
    """Make up a group, its claims, records and peers, run the whole chain, and say what it shows."""
    if size not in SIZES:
        raise WrongUsage(f"There is no size {size}; choose one of {', '.join(SIZES)}.")
    began = time.perf_counter()
    terminal = TerminalProgress() if sys.stderr.isatty() else None

    def say(step: str) -> None:
        if terminal:
            typer.echo(f"{time.perf_counter() - began:6.1f} s  {step} ...", err=True)

    made = run_demo(
        out,
        size_name=size,
        size=SIZES[size],
        seed=seed,
        now=lambda: dt.datetime.now(dt.UTC),
        say=say,
        progress=terminal.tell if terminal else lambda _: None,
    )
    if terminal:
        terminal.close()
    for line in _lines(made):
        typer.echo(line)
    typer.echo(f"{time.perf_counter() - began:.0f} s in all.")


def _lines(made: Demonstration) -> list[str]:
    own = sorted((each for each in made.projection.participants), key=_dollars_of)
    lines = [
        f"{GROUP_NAME} (made up, as everybody here): {made.group.clinicians} clinicians, {len(own)} of them in the model, in "
        f"{len(made.group.tins)} practices; performance year {made.summary.year}.",
        "",
        f"{'clinician':<22}{'cohort':<15}{'final score':>12}{'factor':>9}{'payment change':>16}{'likely range':>24}{'chance of a cut':>17}",
    ]
    shown = own if len(own) <= _SHOWN else [*own[: _SHOWN // 2], *own[-_SHOWN // 2 :]]
    lines += [_row(each) for each in shown]
    if len(own) > len(shown):
        lines.insert(
            3 + _SHOWN // 2, f"... {len(own) - len(shown)} more between the largest cuts and the largest gains"
        )
    lines += ["", f"What it shows, as of {AS_OF}:"]
    for place, line in enumerate(made.story, start=1):
        lines += ["", f" {place}. {line.title}"]
        lines += textwrap.wrap(line.text, 110, initial_indent="    ", subsequent_indent="    ")
        lines.append(f"    Seen in: {line.where}")
        if line.command:
            lines.append(f"    More:    {line.command}")
    run, configuration = shlex.quote(str(made.run)), shlex.quote(str(made.configuration))
    return [
        *lines,
        "",
        f"Report:  {made.report}  (and {made.report.with_suffix('.xlsx').name})",
        f"Again:   openasm run {configuration} --out {run} --dry-run    says what a change in the data or the rules would redo",
        "Rules:   openasm rules --unconfirmed    names the values CMS has not confirmed",
    ]


def _dollars_of(each: ParticipantProjection) -> float:
    return each.dollars.median or 0.0


def _row(each: ParticipantProjection) -> str:
    low, high, middle, factor = each.dollars.p5, each.dollars.p95, each.final_score.median, each.factor.median
    spread = "" if low is None or high is None else f"{_dollars(low)} to {_dollars(high)}"
    return (
        f"{each.name:<22}{each.cohort.replace('_', ' '):<15}{'-' if middle is None else f'{middle:.1f}':>12}"
        f"{'-' if factor is None else f'{factor:+.2%}':>9}{_dollars(each.dollars.median):>16}{spread:>24}"
        f"{each.probability_of_cut:>17.0%}"
    )


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else dollars_text(amount, cents=False, sign=True)
