"""A configured run against the earlier ones it names: what changed since the last, and the trend over all of them.

Nothing written here tells when the run was made: an equal run gives equal bytes. In place of its moments a run stands with the last day
its data count.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from openasm.archive.comparison import RunNamed
from openasm.archive.run import Run, read_run
from openasm.archive.tables import cell_text
from openasm.archive.trend import ForecastLine, Point, Trend
from openasm.base.errors import NotFound
from openasm.base.files import written_whole
from openasm.runs.comparison.compare import compare_runs
from openasm.runs.comparison.trend import day_of, trend_of

TREND_COLUMNS = (
    *("tin", "measure", "kind", "day", "run", "unit", "count", "value"),
    *("low80", "high80", "low95", "high95", "why_not"),
)
MOST_PAGES = 12
"""Practices that get a trend page of their own; scores/trend.csv has all."""

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class LookedBack:
    """What was written. pages: file below `pages/` -> title; notes: why something was not."""

    pages: Mapping[str, str]
    notes: tuple[str, ...] = ()


def newest_scored(paths: Sequence[Path]) -> Path | None:
    """The earlier run with scores that was made last; None where none has scores. InputRefused for a damaged one."""
    scored = [path for path in paths if (path / "scores" / "scores.csv").is_file()]
    return max(scored, key=lambda path: (str(read_run(path).manifest.get("ended", "")), path.name), default=None)


def write_change(before: Path, run: Path, out: Path, *, tins: Sequence[str], pages: bool) -> LookedBack:
    """Write `scores/comparison.json` and `.csv` to `out`, and with `pages` `pages/comparison.html`: one's own practices, of both runs.

    tins: one's own practices; everybody where none is named. Raises as `compare_runs` does.
    """
    first, second = read_run(before), read_run(run)
    known = {tin for each in (first, second) for tin in each.table("scores").texts("tin")}
    own = tuple(tin for tin in tins if tin in known)
    if tins and not own:
        return LookedBack({}, ("None of one's own practices is scored in this run or in the last.",))
    found = compare_runs(before, run, tins=own)
    found = replace(found, first=_dated(found.first, first), second=_dated(found.second, second))
    with written_whole(out / "scores" / "comparison.json", "wb") as stream:
        stream.write(orjson.dumps(found.as_record(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    from openasm.report.from_comparison import write_comparison  # draws charts: heavy

    write_comparison(found, out / "scores" / "comparison.csv")
    if not pages:
        return LookedBack({})
    write_comparison(found, out / "pages" / "comparison.html")
    return LookedBack({"comparison.html": f"What changed since {found.first.name}, to {found.first.ended}"})


def _dated(named: RunNamed, run: Run) -> RunNamed:
    return replace(named, ended=day_of(run).isoformat())


def write_trends(paths: Sequence[Path], out: Path, *, tins: Sequence[str], pages: bool) -> LookedBack:
    """Write `scores/trend.csv` to `out`: everything the runs hold (tin empty), then each practice; with `pages` a page a practice.

    paths: this run and the earlier ones, in any order. Raises InputRefused for a damaged run.
    """
    trends: list[Trend] = []
    for tin in ("", *tins):
        try:
            trends.append(trend_of(paths, tin=tin or None))
        except NotFound:
            continue  # no run has anything of this practice
    with written_whole(out / "scores" / "trend.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(TREND_COLUMNS)
        writer.writerows([cell_text(cell) for cell in row] for trend in trends for row in _rows(trend))
    if not trends:
        return LookedBack({}, ("The runs hold no rate and no cost to follow.",))
    written: dict[str, str] = {}
    if pages:
        from openasm.report.from_trend import write_trend  # draws charts: heavy

        shown = [each for each in trends if each.tin][:MOST_PAGES] or trends
        for number, trend in enumerate(shown, start=1):
            name = f"trend-{number}.html"  # no TIN in a file's name: it may be a person's number
            write_trend(trend, out / "pages" / name)
            written[name] = f"Trend of TIN {trend.tin}" if trend.tin else "Trend of everything in the runs"
    return LookedBack(written)


def _rows(trend: Trend) -> Iterator[tuple[Cell, ...]]:
    for point in trend.points:
        yield _point(trend.tin, point)
    for line in trend.forecasts:
        yield _forecast(trend.tin, line)


def _point(tin: str, point: Point) -> tuple[Cell, ...]:
    kind = "month" if point.month else "run"
    found = (tin, point.measure, kind, point.day, point.run, point.unit, point.count, point.value)
    return (*found, None, None, None, None, "")


def _forecast(tin: str, line: ForecastLine) -> tuple[Cell, ...]:
    """The year's end: the middle as value, no count."""
    start = (tin, line.measure, "forecast", f"{line.year}-12-31", "", line.unit, None)
    inside = line.interval
    if inside is None:
        return (*start, None, None, None, None, None, line.why_not)
    return (*start, inside.middle, inside.low80, inside.high80, inside.low95, inside.high95, "")
