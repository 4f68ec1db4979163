"""Charts of a report as SVG text: drawn by Altair, rendered by vl-convert without browser or network.

Colours are written as CSS variables of the page (`--ink`, `--good` ...), so that one drawing serves light, dark and paper.
Every chart has a table beside it in the page; a chart never carries a number that the table lacks. Functions take plain
values and return an `<svg>` element with a title for screen readers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

# Placeholder colours that the renderer understands, and the page variables that replace them.
_INK, _SOFT, _LINE, _GOOD, _BAD, _NEUTRAL, _FOCUS = (
    "#010203",
    "#010204",
    "#010205",
    "#010206",
    "#010207",
    "#010208",
    "#010209",
)
_VARIABLES = {
    _INK: "var(--ink)",
    _SOFT: "var(--soft)",
    _LINE: "var(--line)",
    _GOOD: "var(--good)",
    _BAD: "var(--bad)",
    _NEUTRAL: "var(--neutral)",
    _FOCUS: "var(--focus)",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall: its label and what it adds (points); a `total` bar stands on the ground."""

    label: str
    amount: float
    total: bool = False


@dataclass(frozen=True, slots=True)
class MeasurePosition:
    """One measure against its benchmark: edges of the ten point bands from worst to best, and where the value lies.

    position: 0 (worst of the pool) to 10 (best band), as drawn; points: as scored.
    """

    label: str
    points: float
    detail: str


@dataclass(frozen=True, slots=True)
class Lever:
    """A change within reach and what it is worth in dollars."""

    label: str
    dollars: float


def waterfall(steps: Sequence[Step], *, title: str) -> str:
    """Category points to final score: each bar starts where the last one ended (points, 0-100)."""
    rows: list[dict[str, Any]] = []
    level = 0.0
    for place, step in enumerate(steps):
        start, end = (0.0, step.amount) if step.total else (level, level + step.amount)
        kind = "total" if step.total else "up" if step.amount >= 0 else "down"
        rows.append(
            {
                "place": place,
                "label": step.label,
                "low": min(start, end),
                "high": max(start, end),
                "kind": kind,
                "text": f"{step.amount:.1f}" if step.total else f"{step.amount:+.1f}".replace("-", "−"),
            }
        )
        level = end
    import altair as alt

    data = _data(rows)
    order = [step.label for step in steps]
    vertical = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=230))
    bars = (
        alt.Chart(data)
        .mark_bar(size=18, cornerRadius=2)
        .encode(
            y=vertical,
            x=alt.X("low:Q", title="points", scale=alt.Scale(domain=[_floor(rows), 100], nice=False)),
            x2="high:Q",
            color=alt.Color(
                "kind:N", legend=None, scale=alt.Scale(domain=["up", "down", "total"], range=[_GOOD, _BAD, _FOCUS])
            ),
        )
    )
    labels = (
        alt.Chart(data)
        .mark_text(align="left", dx=5, fontSize=12, color=_INK)
        .encode(y=vertical, x="high:Q", text="text:N")
    )
    return _svg((bars + labels).properties(width=380, height=26 * len(rows)), title)


def _data(rows: Sequence[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]


def _floor(rows: Sequence[dict[str, Any]]) -> float:
    return min(0.0, *(float(row["low"]) for row in rows))


def measure_points(measures: Sequence[MeasurePosition], *, title: str) -> str:
    """Points of each measure on the scale of 0 to 10 that its benchmark gives."""
    import altair as alt

    data = _data([{"label": each.label, "points": each.points, "detail": each.detail} for each in measures])
    order = [each.label for each in measures]
    vertical = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=300))
    track = (
        alt.Chart(data)
        .transform_calculate(full="10")
        .mark_bar(size=10, color=_LINE, cornerRadius=5)
        .encode(y=vertical, x=alt.X("full:Q", title="points (10 is best)", scale=alt.Scale(domain=[0, 10])))
    )
    bar = alt.Chart(data).mark_bar(size=10, color=_FOCUS, cornerRadius=5).encode(y=vertical, x="points:Q")
    labels = (
        alt.Chart(data)
        .mark_text(align="left", dx=8, color=_INK, fontSize=12)
        .encode(y=vertical, x=alt.datum(10), text="detail:N")
    )
    return _svg((track + bar + labels).properties(width=420, height=26 * max(1, len(measures))), title)


def histogram(
    edges: Sequence[float], counts: Sequence[float], *, marker: float | None, title: str, axis: str, money: bool = False
) -> str:
    """A distribution as bars, with zero and (if given) one marked value as lines. edges has one entry more than counts."""
    import altair as alt

    rows = [
        {"low": low, "high": high, "count": count, "kind": "down" if money and (low + high) / 2 < 0 else "up"}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    form = "$~s" if money else "~s"
    colours = [_GOOD, _BAD] if money else [_NEUTRAL, _NEUTRAL]
    bars = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X(
                "low:Q",
                title=axis,
                axis=alt.Axis(format=form, tickCount=6),
                scale=alt.Scale(domain=[edges[0], edges[-1]], nice=False),
            ),
            x2="high:Q",
            y=alt.Y("count:Q", title=None, axis=None, scale=alt.Scale(zero=True)),
            y2=alt.datum(0),
            color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["up", "down"], range=colours)),
        )
    )
    layers: list[Any] = [bars]
    if money and edges[0] < 0 < edges[-1]:
        layers.append(alt.Chart(_data([{"at": 0}])).mark_rule(color=_INK).encode(x="at:Q"))
    if marker is not None:
        layers.append(
            alt.Chart(_data([{"at": marker}]))
            .mark_rule(color=_FOCUS, strokeWidth=3, strokeDash=[6, 3])
            .encode(x="at:Q")
        )
    return _svg(alt.layer(*layers).properties(width=460, height=140), title)


def levers(rows: Sequence[Lever], *, title: str) -> str:
    """What each change within reach is worth, best first (dollars)."""
    import altair as alt

    data = _data(
        [{"label": row.label, "dollars": row.dollars, "kind": "up" if row.dollars >= 0 else "down"} for row in rows]
    )
    chart = (
        alt.Chart(data)
        .mark_bar(size=16, cornerRadius=2)
        .encode(
            y=alt.Y("label:N", sort=[row.label for row in rows], title=None, axis=alt.Axis(labelLimit=300)),
            x=alt.X("dollars:Q", title="change in yearly payment", axis=alt.Axis(format="$~s", tickCount=5)),
            color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["up", "down"], range=[_GOOD, _BAD])),
        )
        .properties(width=320, height=28 * max(1, len(rows)))
    )
    return _svg(chart, title)


def _svg(chart: Any, title: str) -> str:
    """Render to a scalable `<svg>` with page colours and an accessible name."""
    configured = (
        chart.configure(background="transparent", font="Arial, Helvetica, sans-serif", padding=8)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_SOFT,
            gridColor=_LINE,
            domainColor=_LINE,
            tickColor=_LINE,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
    )
    svg = _render(configured.to_json(indent=None))
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, variable)
    width, height = _size(svg)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'style="max-width:{width}px"><title>{escape(title)}</title>'
    )
    return re.sub(r"^.*?<svg[^>]*>", lambda _: head, svg, count=1, flags=re.DOTALL)


def _size(svg: str) -> tuple[str, str]:
    found = re.search(r'<svg[^>]*?width="([0-9.]+)"[^>]*?height="([0-9.]+)"', svg)
    if found is None:
        raise ValueError("the renderer gave no size")
    return found.group(1), found.group(2)


@functools.lru_cache(maxsize=256)
def _render(specification: str) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(specification, vl_version="6.1"))
