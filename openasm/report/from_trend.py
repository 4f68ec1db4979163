"""A trend over runs as a page, a workbook or a table."""

from __future__ import annotations

import csv
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from openasm import __version__
from openasm.archive.tables import cell_text
from openasm.archive.trend import ForecastLine, Point, Trend
from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.report import charts, html
from openasm.report.book import Heading, Sheet, write_book
from openasm.report.text import NONE
from openasm.report.titles import measure_title

FORMS = (".html", ".xlsx", ".csv")


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One measure of the page: its rows of time, value and count as texts, the forecast in words, and both charts (empty: none)."""

    key: str
    title: str
    counted: str
    points: tuple[tuple[str, str, str], ...]
    months: tuple[tuple[str, str, str], ...]
    forecast: ForecastLine
    middle: str
    ranges: tuple[tuple[str, str, str], ...]
    chart: str
    month_chart: str


def write_trend(trend: Trend, path: Path) -> None:
    """Write a trend as its file's name says (.html, .xlsx, .csv), whole or not at all; equal trends give equal bytes."""
    if path.suffix == ".xlsx":
        write_book(path, _sheets(trend), title="Trend and forecast", version=__version__)
    elif path.suffix == ".csv":
        with written_whole(path) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(each.name for each in fields(Point))
            writer.writerows([cell_text(value) for value in astuple(each)] for each in trend.points)
    elif path.suffix == ".html":
        with written_whole(path) as stream:
            stream.write(render_trend(trend))
    else:
        raise WrongUsage(f"A trend is written as one of {', '.join(FORMS)}.")


def render_trend(trend: Trend) -> str:
    """The page as text."""
    views = [_view(trend, line, number) for number, line in enumerate(trend.forecasts)]
    return html.filled("trend.html.j2", trend=trend, measures=views, version=__version__)


def _view(trend: Trend, line: ForecastLine, number: int) -> MeasureView:
    def text(value: float | None) -> str:
        return _text(value, line.unit)

    own = [point for point in trend.points if point.measure == line.measure]
    states, months = ([point for point in own if point.month == month] for month in (False, True))
    inside = line.interval
    form = ".0%" if line.unit == "rate" else "$~s"
    axis = "rate" if line.unit == "rate" else "dollars a year"
    known = [charts.TimePoint(point.day, point.value) for point in states if point.value is not None]
    if inside is not None:
        known.append(charts.TimePoint(f"end of {line.year}", inside.middle, inside.low80, inside.high80))
    title = measure_title(line.measure)
    return MeasureView(
        key=f"m{number}",
        title=line.measure if title == line.measure else f"{line.measure} {title}",
        counted="patients" if line.unit == "rate" else "episodes",
        points=tuple((f"{point.day} ({point.run})", text(point.value), f"{point.count:,}") for point in states),
        months=tuple((point.day, text(point.value), f"{point.count:,}") for point in months),
        forecast=line,
        middle=NONE if inside is None else text(inside.middle),
        ranges=()
        if inside is None
        else (("80%", text(inside.low80), text(inside.high80)), ("95%", text(inside.low95), text(inside.high95))),
        chart=charts.over_time(known, title=f"{line.measure} from run to run, with the forecast", axis=axis, form=form)
        if len(known) > 1
        else "",
        month_chart=charts.over_time(
            [charts.TimePoint(point.day, point.value) for point in months if point.value is not None],
            title=f"{line.measure} by the month in which episodes end",
            axis=axis,
            form=form,
        )
        if months
        else "",
    )


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return NONE
    return f"{value:.1%}" if unit == "rate" else f"${value:,.0f}"


def _sheets(trend: Trend) -> list[Sheet]:
    return [
        (
            "Points",
            "Rates are fractions, costs dollars a year; month: a month's own value",
            (
                *(
                    Heading("Run", width=24),
                    Heading("Day", width=12),
                    Heading("Measure", width=18),
                    Heading("Unit", width=9),
                ),
                *(Heading("Patients or episodes", "whole"), Heading("Value", "plain"), Heading("Month", width=8)),
            ),
            [astuple(each) for each in trend.points],
        ),
        (
            "Forecast",
            "Where each measure may stand at the end of the year",
            (
                *(
                    Heading("Measure", width=18),
                    Heading("Unit", width=9),
                    Heading("Year", "whole", 8),
                    Heading("As of", width=12),
                ),
                *(Heading(name, "plain") for name in ("Now", "Middle", "80% low", "80% high", "95% low", "95% high")),
                *(Heading(name, "whole") for name in ("Met", "Open", "Lost")),
                Heading("Why there is none", width=60),
            ),
            [
                (
                    *(each.measure, each.unit, each.year, each.as_of, each.now),
                    *((None,) * 5 if each.interval is None else astuple(each.interval)),
                    *(each.met, each.open, each.lost, each.why_not),
                )
                for each in trend.forecasts
            ],
        ),
        (
            "Assumed",
            "What the forecast rests on",
            (Heading("Assumption", width=120),),
            [(each,) for each in trend.assumptions],
        ),
    ]
