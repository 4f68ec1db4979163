"""`openasm trend`: rates and cost over time, and where they may stand at the end of the year."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from openasm.archive.trend import ForecastLine, Interval, Trend
from openasm.base.errors import WrongUsage
from openasm.base.identity import is_npi, is_tin
from openasm.projection.year_end import Assumed
from openasm.runs.comparison.trend import trend_of

app = typer.Typer(add_completion=False)

_FORMS = (".html", ".xlsx", ".csv")


@app.command(name="trend")
def trend_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders, in any order.")],
    tin: Annotated[str | None, typer.Option("--tin", help="Only this practice.")] = None,
    npi: Annotated[str | None, typer.Option("--npi", help="Only this clinician of the practice.")] = None,
    measure: Annotated[
        str | None, typer.Option("--measure", help="Only this measure, as the run names it: CMS165, 236, COST_HF_1.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Last day the newest run's data reach to, as in 2027-06-30.")
    ] = None,
    panel: Annotated[
        bool, typer.Option("--panel", help="All patients are there from 1 January; nobody is still to come.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds give equal forecasts.")] = 2027,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write it as a page (.html), workbook (.xlsx) or table (.csv).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show each measure's rate and cost from run to run and month to month, with a forecast to the end of the year."""
    if tin is not None and not is_tin(tin):
        raise WrongUsage("A TIN has nine digits, without a hyphen.")
    if npi is not None and not is_npi(npi):
        raise WrongUsage("An NPI has ten digits, the last of which checks the others.")
    if out is not None and out.suffix not in _FORMS:
        raise WrongUsage(f"--out ends in one of {', '.join(_FORMS)}.")
    try:
        day = None if as_of is None else dt.date.fromisoformat(as_of)
    except ValueError:
        raise WrongUsage("--as-of is a date, as in 2027-06-30.") from None
    trend = trend_of(
        runs, tin=tin, npi=npi, measure=measure, as_of=day, assumed=Assumed(newcomers=not panel, seed=seed)
    )
    if out is not None:
        from openasm.report.from_trend import write_trend  # draws charts: heavy, and not needed before

        write_trend(trend, out)
    if as_json:
        typer.echo(json.dumps(trend.as_record(), ensure_ascii=False, allow_nan=False))
        return
    for line in lines_of(trend):
        typer.echo(line)
    if out is not None:
        typer.echo(f"Written: {out}")
    typer.echo("Next: openasm compare RUN_A RUN_B says why a score changed.")


def lines_of(trend: Trend) -> list[str]:
    """The trend as a person reads it in a terminal."""
    lines: list[str] = []
    for forecast in trend.forecasts:
        lines.append(forecast.measure)
        for point in trend.points:
            if point.measure == forecast.measure:
                when = f"month {point.day}" if point.month else f"to {point.day} ({point.run})"
                what = "episodes" if point.unit == "dollars" else "patients"
                lines.append(f"  {when}: {_value(point.value, point.unit)}, {point.count:,} {what}")
        lines += [f"  {_forecast(forecast)}", ""]
    return [*lines, "Assumed", *(f"  {each}" for each in trend.assumptions)]


def _forecast(line: ForecastLine) -> str:
    if line.interval is None:
        return f"no forecast: {line.why_not}"
    inside: Interval = line.interval
    middle, low80, high80, low95, high95 = (
        _value(value, line.unit) for value in (inside.middle, inside.low80, inside.high80, inside.low95, inside.high95)
    )
    known = "" if line.met is None else f"; {line.met:,} met, {line.open:,} open, {line.lost:,} lost"
    return f"end of {line.year}: {middle} (80%: {low80} to {high80}; 95%: {low95} to {high95}){known}"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "none"
    return f"{value:.1%}" if unit == "rate" else f"${value:,.0f}"
