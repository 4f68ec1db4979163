"""`openasm project`: what the payment may be, how sure that is, and what would help."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from openasm.archive.projection import (
    PROJECTION_FILE,
    Lever,
    ParticipantProjection,
    Projection,
    Spread,
    write_projection,
)
from openasm.archive.run import read_run
from openasm.base.errors import WrongUsage
from openasm.base.identity import is_npi, is_tin
from openasm.base.money import dollars_text
from openasm.projection.project import DETAILED, Request, project
from openasm.projection.scenario import NEXT_YEAR, NO_ERROR

app = typer.Typer(add_completion=False)

_SHOWN = 10
_TITLES = {"heart_failure": "heart failure", "low_back_pain": "low back pain"}


@app.command(name="project")
def project_command(
    run: Annotated[Path, typer.Argument(help="Run folder written by `openasm score`.")],
    draws: Annotated[int, typer.Option("--draws", help="Simulated cohorts.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal results.")] = 2027,
    tin: Annotated[str | None, typer.Option("--tin", help="Only participants of this TIN.")] = None,
    npi: Annotated[str | None, typer.Option("--npi", help="Only the participant with this NPI.")] = None,
    peers: Annotated[
        str | None,
        typer.Option(
            "--peers",
            help="The rest of the cohort: `published` (drawn from CMS's MIPS benchmarks) or `own` (this run's, drawn with "
            "replacement). Chosen by the run's size when left out.",
        ),
    ] = None,
    final_data: Annotated[
        bool, typer.Option("--final-data", help="The run's numbers are final: no sampling error of your own.")
    ] = False,
    year: Annotated[int | None, typer.Option("--year", help="Another performance year than the run's.")] = None,
    assume_year: Annotated[
        int | None, typer.Option("--assume-year", help="What-if: take unpublished rule values from this year.")
    ] = None,
    assumptions: Annotated[
        list[Path] | None,
        typer.Option(
            "--assumptions",
            metavar="FILE",
            help="File of your own assumptions about peers, with citations; repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Project final scores and payments: their range, the risk of a cut, what a point is worth, and what would help."""
    if tin is not None and not is_tin(tin):
        raise WrongUsage("A TIN has nine digits, without a hyphen.")
    if npi is not None and not is_npi(npi):
        raise WrongUsage("An NPI has ten digits, the last of which checks the others.")
    opened = read_run(run)
    request = Request(
        draws=draws,
        seed=seed,
        tin=tin,
        npi=npi,
        peers=peers,
        own_error=NO_ERROR if final_data else NEXT_YEAR,
        year=year,
        assume_year=assume_year,
        assumptions=tuple(assumptions or ()),
    )
    projection = project(opened, request)
    write_projection(run, projection)
    if as_json:
        typer.echo(json.dumps(projection.as_record(), ensure_ascii=False, allow_nan=False))
        return
    for line in lines_of(projection, run):
        typer.echo(line)


def lines_of(projection: Projection, run: Path) -> list[str]:
    """The projection as a person reads it in a terminal."""
    lines = [
        f"Performance year {projection.performance_year}, payment year {projection.payment_year}: "
        f"{projection.draws:,} simulated cohorts (seed {projection.seed})",
        "",
    ]
    if projection.assumed_from_year is not None:
        lines += [f"What-if: values not published for the year are those of {projection.assumed_from_year}.", ""]
    for each in projection.participants[:_SHOWN]:
        lines += [*_participant_lines(each), ""]
    left = len(projection.participants) - _SHOWN
    if left > 0:
        lines += [f"... and {left:,} more participants in {PROJECTION_FILE.with_suffix('.csv')}.", ""]
    if len(projection.participants) > DETAILED:
        lines += [f"Levers are worked out for up to {DETAILED} participants at once: choose with --tin or --npi.", ""]
    for practice in projection.practices[:_SHOWN]:
        if practice.participants > 1:
            lines.append(
                f"TIN {practice.tin}, {practice.participants} participants together: {_range(practice.dollars)}; "
                f"{practice.probability_of_cut:.0%} chance of a cut."
            )
    lines += ["", "What it depends on"]
    for cohort in projection.cohorts:
        lines.append(
            f"  {_TITLES[cohort.cohort]} cohort of {cohort.participants:,}: median final score "
            f"{_number(cohort.median_final_score.median)}, break-even at {_number(cohort.break_even.median)}, "
            f"{_number(cohort.share_cut.mean, percent=True)} of participants cut, "
            f"scaling factor {_number(cohort.scaling_factor.median, places=3)}"
        )
    lines += [f"  {note}" for note in projection.notes]
    lines += _rests_on(projection)
    lines += ["", f"Written to {run / PROJECTION_FILE}.", f"Next: openasm report {shlex.quote(str(run))}"]
    return lines


def _participant_lines(each: ParticipantProjection) -> list[str]:
    score = each.final_score
    title = f"TIN {each.tin}, NPI {each.npi}" + (f" ({each.name})" if each.name else "")
    lines = [f"{title}, {_TITLES[each.cohort]}, Part B {dollars_text(each.part_b_paid, cents=False)}"]
    if score.median is None:
        return [*lines, "  no final score in any draw: payments stay as they are"]
    lines += [
        f"  final score   {_number(score.median)} (90% of draws: {_number(score.p5)} to {_number(score.p95)})",
        f"  adjustment    {_percent(each.factor.median)} (90%: {_percent(each.factor.p5)} to {_percent(each.factor.p95)})",
        f"  dollars       {_range(each.dollars)}",
        f"  chance        {each.probability_of_cut:.0%} of a cut, {each.probability_of_gain:.0%} of a gain",
    ]
    if each.point_dollars is not None:
        lines.append(
            f"  one more point of final score is worth {dollars_text(each.point_dollars, cents=False, sign=True)}"
        )
    best = [lever for lever in each.levers if lever.dollars > 0 and lever.key != "all"][:3]
    together = [lever for lever in each.levers if lever.key == "all"]
    if best:
        lines.append("  what would help most:")
        lines += [f"    {_lever(lever)}" for lever in [*best, *together]]
    moved = sorted(each.alternatives, key=lambda effect: -abs(effect.change_dollars))[:1]
    if moved and abs(moved[0].change_dollars) >= 1:
        lines.append(
            f"  the value it rests on most: {moved[0].key} would move the median to "
            f"{dollars_text(moved[0].median_dollars, cents=False, sign=True)}"
        )
    return lines


def _lever(lever: Lever) -> str:
    return f"{lever.title}: {lever.score:+.1f} points, {dollars_text(lever.dollars, cents=False, sign=True)}"


def _rests_on(projection: Projection) -> list[str]:
    """Every unconfirmed value by name, a line a section of the rule."""
    count = len(projection.unconfirmed_rules)
    lines = ["", f"Rests on {count} rule values not confirmed in CMS's own text (openasm rules --unconfirmed)"]
    by_section: dict[str, list[str]] = {}
    for each in projection.unconfirmed_rules:
        section, name = each.name.split(".", 1)
        by_section.setdefault(section, []).append(name)
    lines += [f"  {section}: {', '.join(names)}" for section, names in by_section.items()]
    lines.append("and on these assumptions about peers and chance (values and sources in the JSON file)")
    lines.append("  " + ", ".join(each.name.removeprefix("projection.") for each in projection.assumptions))
    return lines


def _range(spread: Spread) -> str:
    if spread.median is None or spread.p5 is None or spread.p95 is None:
        return "none"
    low, middle, high = (
        dollars_text(value, cents=False, sign=True) for value in (spread.p5, spread.median, spread.p95)
    )
    return f"{middle} a year (90% of draws: {low} to {high})"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value * 100:+.2f}%"


def _number(value: float | None, *, places: int = 1, percent: bool = False) -> str:
    if value is None:
        return "none"
    return f"{value:.0%}" if percent else f"{value:.{places}f}"
