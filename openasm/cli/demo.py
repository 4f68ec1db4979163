"""`openasm demo`: a made-up practice through the whole path."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
import time
from pathlib import Path

import typer

from openasm.base.errors import WrongUsage
from openasm.base.money import dollars_text
from openasm.runs.demo import run_demo
from openasm.runs.demo_cohort import PRACTICE_NAME, PRACTICE_TIN, SIZES

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    out: Path = typer.Option(Path("demo"), "--out", help="Folder to make; an earlier demonstration there is replaced."),
    size: str = typer.Option("practice", "--size", help=f"How many made-up participants: {', '.join(SIZES)}."),
    seed: int = typer.Option(2027, "--seed", min=0, help="Equal seeds make equal data."),
) -> None:
    """Make up a practice, its patients and its peers, run the whole path, and write a report to look at."""
    if size not in SIZES:
        raise WrongUsage(f"There is no size {size}; choose one of {', '.join(SIZES)}.")
    began = time.perf_counter()

    def say(step: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"{time.perf_counter() - began:6.1f} s  {step} ...", err=True)

    made = run_demo(out, size_name=size, size=SIZES[size], seed=seed, now=lambda: dt.datetime.now(dt.UTC), say=say)
    typer.echo(f"{PRACTICE_NAME} (made up, as everybody here), performance year {made.score.year}")
    typer.echo("")
    typer.echo(
        f"{'clinician':<20}{'final score':>12}{'factor':>9}{'payment change':>17}{'likely range':>26}{'chance of a cut':>17}"
    )
    for each in made.projection.participants:
        low, high = each.dollars.p5, each.dollars.p95
        spread = "" if low is None or high is None else f"{_dollars(low)} to {_dollars(high)}"
        middle = each.final_score.median
        factor = each.factor.median
        typer.echo(
            f"{each.name:<20}{'-' if middle is None else f'{middle:.1f}':>12}"
            f"{'-' if factor is None else f'{factor:+.2%}':>9}{_dollars(each.dollars.median):>17}"
            f"{spread:>26}{each.probability_of_cut:>17.0%}"
        )
    levers = [
        (lever.dollars, each.name, lever.title)
        for each in made.projection.participants
        for lever in each.levers
        if lever.key != "all"
    ]
    if levers:
        worth, name, title = max(levers)
        typer.echo("")
        typer.echo(f"Worth most: {title} for {name}, about {_dollars(worth)} a year.")
    typer.echo(f"{made.score.unconfirmed} of the rule values used are unconfirmed: openasm rules --unconfirmed")
    typer.echo("")
    typer.echo(f"Report:  {made.report}  (and {made.report.with_suffix('.xlsx').name})")
    typer.echo(
        f"Next:    openasm explain {shlex.quote(str(made.run))} --tin {PRACTICE_TIN} --npi {made.projection.participants[0].npi}"
    )
    typer.echo(f"{time.perf_counter() - began:.0f} s in all.")


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else dollars_text(amount, cents=False, sign=True)
