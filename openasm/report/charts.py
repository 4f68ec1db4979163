"""Charts of trend and policy pages as SVG text: Vega-Lite specifications rendered by vl-convert, without browser or network.

Colours are written as CSS variables of the page (`--ink`, `--good` ...), so that one drawing serves light, dark and paper.
Every chart has a table beside it in the page; a chart never carries a number that the table lacks. Functions take plain
values and return an `<svg>` element with a title for screen readers.
"""

from __future__ import annotations

import functools
import json
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


def paired_histogram(
    edges: Sequence[float],
    before: Sequence[float],
    after: Sequence[float] | None,
    *,
    title: str,
    axis: str,
    percent: bool = False,
) -> str:
    """A distribution as bars and, where there is one, another as a line of steps over it; percent: edges are fractions."""
    rows: list[dict[str, Any]] = [
        {"low": low, "high": high, "count": count}
        for low, high, count in zip(edges[:-1], edges[1:], before, strict=True)
    ]
    scale = {"domain": [edges[0], edges[-1]], "nice": False}
    form = {"format": "+.0%" if percent else "~s", "tickCount": 7}
    vertical = {
        "field": "count",
        "type": "quantitative",
        "axis": {"title": "participants", "tickCount": 4, "grid": True},
    }
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "color": _NEUTRAL},
            "encoding": {
                "x": _amount("low", axis, scale=scale, axis=form),
                "x2": {"field": "high"},
                "y": vertical,
                "y2": {"datum": 0},
            },
        }
    ]
    if after is not None:
        stairs = [{"edge": edge, "other": count} for edge, count in zip(edges, [*after, after[-1]], strict=True)]
        line = {"type": "line", "interpolate": "step-after", "color": _FOCUS, "strokeWidth": 2.5}
        layers.append(
            {
                "data": {"values": stairs},
                "mark": line,
                "encoding": {
                    "x": _amount("edge", axis, scale=scale),
                    "y": {"field": "other", "type": "quantitative"},
                },
            }
        )
    if percent and edges[0] < 0 < edges[-1]:
        layers.append({"mark": {"type": "rule", "color": _INK}, "encoding": {"x": {"datum": 0}}})
    return _svg(rows, layers, width=460, height=160, title=title)


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A value at a place on the time axis; low and high: the ends of its interval, where it is a forecast."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


def over_time(points: Sequence[TimePoint], *, title: str, axis: str, form: str) -> str:
    """Values in the order of time as a line, a forecast as a diamond with its interval. form: a d3 number format, as in `.0%`."""
    rows = [
        {"label": each.label, "value": each.value, "low": each.low, "high": each.high, "forecast": each.low is not None}
        for each in points
    ]
    horizontal = {
        "field": "label",
        "type": "ordinal",
        "sort": [row["label"] for row in rows],
        "title": None,
        "axis": {"labelAngle": -40, "labelLimit": 110},
    }
    vertical = {
        "field": "value",
        "type": "quantitative",
        "title": axis,
        "scale": {"zero": False, "nice": True},
        "axis": {"format": form, "tickCount": 5},
    }
    known = [{"filter": "!datum.forecast"}]
    ahead = [{"filter": "datum.forecast"}]
    layers: list[dict[str, Any]] = [
        {
            "transform": known,
            "mark": {"type": "line", "color": _FOCUS, "strokeWidth": 2, "point": {"color": _FOCUS, "size": 45}},
            "encoding": {"x": horizontal, "y": vertical},
        },
        {
            "transform": ahead,
            "mark": {"type": "rule", "color": _NEUTRAL, "strokeWidth": 5},
            "encoding": {"x": horizontal, "y": {**vertical, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "transform": ahead,
            "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 110, "color": _INK, "opacity": 1},
            "encoding": {"x": horizontal, "y": vertical},
        },
    ]
    return _svg(rows, layers, width=420, height=150, title=title)


def _amount(field: str, title: str, **more: Any) -> dict[str, Any]:
    """A horizontal axis of amounts."""
    return {"field": field, "type": "quantitative", "title": title, **more}


_AXIS = {
    "labelColor": _INK,
    "titleColor": _SOFT,
    "gridColor": _LINE,
    "domainColor": _LINE,
    "tickColor": _LINE,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
}


def _svg(
    rows: Sequence[dict[str, Any]], layers: Sequence[dict[str, Any]], *, width: int, height: int, title: str
) -> str:
    """Render layers over one data set to a scalable `<svg>` with page colours and an accessible name."""
    specification = {
        "data": {"values": list(rows)},
        "layer": list(layers),
        "width": width,
        "height": height,
        "padding": 8,
        "background": "transparent",
        "config": {"font": "Arial, Helvetica, sans-serif", "view": {"stroke": None}, "axis": _AXIS},
    }
    svg = _without_clips(_render(json.dumps(specification)))
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, variable)
    wide, high = _size(svg)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {wide} {high}" '
        f'style="max-width:{wide}px"><title>{escape(title)}</title>'
    )
    return re.sub(r"^.*?<svg[^>]*>", lambda _: head, svg, count=1, flags=re.DOTALL)


def _without_clips(svg: str) -> str:
    """Clip paths removed: nothing is drawn outside, and their ids would repeat from chart to chart in one page."""
    svg = re.sub(r'\s*clip-path="url\(#[^)]*\)"', "", svg)
    return re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)


def _size(svg: str) -> tuple[str, str]:
    found = re.search(r'<svg[^>]*?width="([0-9.]+)"[^>]*?height="([0-9.]+)"', svg)
    if found is None:
        raise ValueError("the renderer gave no size")
    return found.group(1), found.group(2)


@functools.lru_cache(maxsize=256)
def _render(specification: str) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(specification, vl_version="6.1"))
