"""A PDF's drawing as an `<svg>` element of a page: in the page's font, with colours that are variables of the page.

So a chart is drawn once for page and paper, and one element serves light, dark and print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from reportlab.graphics.shapes import Line, Rect, String

from openasm.report.drawings import BAD, BOLD, FOCUS, GOOD, INK, LINE, NEUTRAL, SOFT, Drawn

_VARIABLES: Mapping[str, str] = {
    colour.hexval(): f"var(--{name})"
    for name, colour in {
        "ink": INK,
        "soft": SOFT,
        "line": LINE,
        "good": GOOD,
        "bad": BAD,
        "neutral": NEUTRAL,
        "focus": FOCUS,
    }.items()
}
_PIXELS_A_POINT = 1.75  # text of 7 points as large as the page's small print


def svg(drawn: Drawn) -> str:
    """The element; the sentence that is read in the drawing's place becomes its title."""
    drawing, told = drawn
    high = float(drawing.height)
    parts = "".join(_ELEMENTS[type(shape)](shape, high) for shape in drawing.contents)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_number(drawing.width)} {_number(high)}" '
        f'style="max-width:{_number(drawing.width * _PIXELS_A_POINT)}px" font-family="Arial, Helvetica, sans-serif">'
        f"<title>{escape(told)}</title>{parts}</svg>"
    )


def _rect(shape: Any, high: float) -> str:
    place = f'x="{_number(shape.x)}" y="{_number(high - shape.y - shape.height)}"'
    size = f'width="{_number(shape.width)}" height="{_number(shape.height)}"'
    return f'<rect {place} {size} rx="1" fill="{_VARIABLES[shape.fillColor.hexval()]}"/>'


def _line(shape: Any, high: float) -> str:
    ends = f'x1="{_number(shape.x1)}" y1="{_number(high - shape.y1)}" x2="{_number(shape.x2)}" y2="{_number(high - shape.y2)}"'
    dashes = shape.strokeDashArray
    dashed = f' stroke-dasharray="{" ".join(map(_number, dashes))}"' if dashes else ""
    colour = _VARIABLES[shape.strokeColor.hexval()]
    return f'<line {ends} stroke="{colour}" stroke-width="{_number(shape.strokeWidth)}"{dashed}/>'


def _text(shape: Any, high: float) -> str:
    place = f'x="{_number(shape.x)}" y="{_number(high - shape.y)}" font-size="{_number(shape.fontSize)}"'
    anchor = "" if shape.textAnchor == "start" else f' text-anchor="{shape.textAnchor}"'
    weight = ' font-weight="bold"' if shape.fontName == BOLD else ""
    return f'<text {place}{anchor}{weight} fill="{_VARIABLES[shape.fillColor.hexval()]}">{escape(shape.text)}</text>'


_ELEMENTS: Mapping[type, Callable[[Any, float], str]] = {Rect: _rect, Line: _line, String: _text}


def _number(value: float) -> str:
    """At most two decimals, and no more than needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
