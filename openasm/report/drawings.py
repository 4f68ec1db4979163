"""The charts of a report, drawn with `reportlab.graphics`: vectors for the PDF, and by way of `svg` for the page.

Each function returns a drawing and the sentence that is read in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from openasm.report.text import dollars, money, points, signed

FONT, BOLD = "Vera", "VeraBd"
INK, SOFT, LINE = HexColor("#1b1f24"), HexColor("#57606a"), HexColor("#d8dee4")
GOOD, BAD, NEUTRAL, FOCUS, TINT = (
    HexColor("#1a7f4b"),
    HexColor("#b3361f"),
    HexColor("#7d8b99"),
    HexColor("#2456a6"),
    HexColor("#f4f6f8"),
)
SMALL = 7

Drawn = tuple[Drawing, str]


@cache
def register_fonts() -> None:
    """Make Bitstream Vera, which comes with ReportLab, known to it; documents embed the characters they use."""
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall: its label and what it adds (points); a `total` bar stands on the ground."""

    label: str
    amount: float
    total: bool = False


@dataclass(frozen=True, slots=True)
class MeasurePosition:
    """One measure on the scale of its benchmark: points from 0 (worst of the pool) to 10, and the words beside the bar."""

    label: str
    points: float
    detail: str


@dataclass(frozen=True, slots=True)
class Lever:
    """A change within reach and what it is worth in dollars."""

    label: str
    dollars: float


def waterfall(steps: Sequence[Step], *, title: str, width: float) -> Drawn:
    """Category points to final score (0-100): each bar starts where the last one ended."""
    row, right = 15.0, 30.0
    left = max(104.0, *(_wide(step.label, BOLD if step.total else FONT, SMALL) + 8 for step in steps))
    height = row * len(steps) + 14
    drawing = Drawing(width, height)
    bounds: list[tuple[float, float]] = []
    level = 0.0
    for step in steps:
        start, end = (0.0, step.amount) if step.total else (level, level + step.amount)
        bounds.append((start, end))
        level = end
    lowest = min(0.0, *(min(each) for each in bounds))
    highest = max(100.0, *(max(each) for each in bounds))
    scale = (width - left - right) / (highest - lowest)

    def across(value: float) -> float:
        return left + (value - lowest) * scale

    for tick in (0, 25, 50, 75, 100):
        _line(drawing, across(tick), 12, across(tick), height, LINE)
        _text(drawing, across(tick), 3, f"{tick}", anchor="middle", colour=SOFT)
    for place, (step, (start, end)) in enumerate(zip(steps, bounds, strict=True)):
        bottom = height - row * (place + 1) + 3
        colour = FOCUS if step.total else GOOD if step.amount > 0 else BAD if step.amount < 0 else NEUTRAL
        low, high = min(start, end), max(start, end)
        _rect(drawing, across(low), bottom, max(0.8, (high - low) * scale), row - 5, colour)
        words = points(step.amount) if step.total else signed(step.amount)
        _text(drawing, left - 5, bottom + 2, step.label, anchor="end", bold=step.total)
        _text(drawing, across(high) + 3, bottom + 2, words, bold=step.total)
    told = ", ".join(f"{each.label} {points(each.amount) if each.total else signed(each.amount)}" for each in steps)
    return drawing, f"{title}: {told}."


def measure_points(measures: Sequence[MeasurePosition], *, title: str, width: float) -> Drawn:
    """Points of each measure on the scale of 0 to 10 that its benchmark gives."""
    row, left, right = 13.0, 215.0, 52.0
    height = row * len(measures)
    drawing = Drawing(width, height)
    track = width - left - right
    for place, each in enumerate(measures):
        bottom = height - row * (place + 1) + 3
        _rect(drawing, left, bottom, track, row - 6, LINE)
        _rect(drawing, left, bottom, max(0.8, track * each.points / 10), row - 6, FOCUS)
        _text(drawing, left - 5, bottom, fitted(each.label, left - 5), anchor="end")
        _text(drawing, left + track + 5, bottom, each.detail)
    return drawing, f"{title}: " + ", ".join(f"{each.label} {each.detail}" for each in measures) + "."


def histogram(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    marker: tuple[float, str] | None,
    second: tuple[float, str] | None = None,
    title: str,
    axis: str,
    width: float,
    height: float = 110.0,
    money: bool = False,
) -> Drawn:
    """A distribution as bars. marker, second: values shown as lines with their names; money: bars below zero are losses."""
    drawing = Drawing(width, height)
    base, top, left, right = 23.0, height - 12, 6.0, width - 6
    scale = (right - left) / (edges[-1] - edges[0])

    def across(value: float) -> float:
        return min(right, max(left, left + (value - edges[0]) * scale))

    most = max(counts) or 1
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        colour = NEUTRAL if not money else BAD if (low + high) / 2 < 0 else GOOD
        _rect(drawing, across(low) + 0.3, base, (high - low) * scale - 0.6, (top - base) * count / most, colour)
    _line(drawing, left, base, right, base, SOFT)
    write: Callable[[float], str] = _short_dollars if money or "dollars" in axis else lambda value: f"{value:g}"
    for tick in ticks(edges[0], edges[-1]):
        _line(drawing, across(tick), base, across(tick), base - 2.5, SOFT)
        _text(drawing, across(tick), base - 9, write(tick), anchor="middle", colour=SOFT)
    _text(drawing, (left + right) / 2, 3, axis, anchor="middle", colour=SOFT)
    if money and edges[0] < 0 < edges[-1]:
        _line(drawing, across(0), base, across(0), top, INK)
    shown = [(named, colour) for named, colour in ((second, INK), (marker, FOCUS)) if named is not None]
    lowest = min((value for (value, _), _ in shown), default=0.0)
    for (value, name), colour in shown:
        line = _line(drawing, across(value), base, across(value), top, colour)
        line.strokeWidth, line.strokeDashArray = 1.4, [3, 2]
        # of two names the lower value's stands left of its line; one alone stands where there is room
        leftwards = value == lowest if len(shown) > 1 else across(value) > (left + right) / 2
        room = _wide(name, BOLD, SMALL) + 5
        leftwards = (leftwards and across(value) - room >= 0) or across(value) + room > width
        _text(
            drawing,
            across(value) + (-3 if leftwards else 3),
            top + 2,
            name,
            anchor="end" if leftwards else "start",
            colour=colour,
            bold=True,
        )
    told = "; ".join(name for named in (marker, second) if named for name in (named[1],))
    return drawing, f"{title}. {axis.capitalize()}{': ' + told if told else ''}."


def levers(rows: Sequence[Lever], *, title: str, width: float, less_is_good: bool = False) -> Drawn:
    """Dollars to either side of zero, in the order given: what changes are worth, or (less_is_good) costs against peers."""
    row = 14.0
    left = min(235.0, max((_wide(each.label, FONT, SMALL) for each in rows), default=0.0) + 8)
    height = row * len(rows)
    drawing = Drawing(width, height)
    lowest, highest = min(0.0, *(each.dollars for each in rows)), max(0.0, *(each.dollars for each in rows))
    right = 60.0
    scale = (width - left - right) / ((highest - lowest) or 1)

    def across(value: float) -> float:
        return left + (value - lowest) * scale

    for place, each in enumerate(rows):
        bottom = height - row * (place + 1) + 3
        low, high = min(0.0, each.dollars), max(0.0, each.dollars)
        colour = BAD if (each.dollars < 0) != less_is_good else GOOD
        _rect(drawing, across(low), bottom, max(0.8, (high - low) * scale), row - 5, colour)
        _text(drawing, left - 5, bottom + 1, fitted(each.label, left - 5), anchor="end")
        _text(drawing, across(high) + 3, bottom + 1, dollars(each.dollars))
    return drawing, f"{title}: " + ", ".join(f"{each.label} {dollars(each.dollars)}" for each in rows) + "."


def timeline(rows: Sequence[tuple[str, Sequence[tuple[int, float]]]], *, days: int, title: str, width: float) -> Drawn:
    """What was billed on which day of an episode: a line for each category, a bar for each day, as high as its dollars.

    rows: category, and (day from 1, dollars); days: length of the episode. Bars share one scale, the highest fills its line.
    """
    row, foot, right = 20.0, 14.0, 50.0
    left = min(150.0, max(_wide(label, FONT, SMALL) for label, _ in rows) + 8)
    height = row * len(rows) + foot
    drawing = Drawing(width, height)
    by_day = [_by_day(services) for _, services in rows]
    most = max(max(each.values(), default=0.0) for each in by_day) or 1.0
    scale = (width - left - right) / max(1, days)

    def across(day: int) -> float:
        return left + (day - 0.5) * scale

    for tick in (1, *(int(each) for each in ticks(0, days, most=5) if 1 < each < days - 0.08 * days), days):
        _line(drawing, across(tick), foot - 3, across(tick), height, LINE)
        _text(drawing, across(tick), 2, f"day {tick}" if tick == 1 else f"{tick}", anchor="middle", colour=SOFT)
    for place, ((label, services), amounts) in enumerate(zip(rows, by_day, strict=True)):
        bottom = height - row * (place + 1) + 2
        _line(drawing, left, bottom, width - right, bottom, LINE)
        for day, amount in sorted(amounts.items()):
            high = max(2.5, (row - 4) * max(0.0, amount) / most)
            _rect(drawing, across(min(max(day, 1), days)) - 1.1, bottom, 2.2, high, FOCUS)
        _text(drawing, left - 5, bottom + 3, fitted(label, left - 5), anchor="end")
        _text(drawing, width - right + 4, bottom + 3, dollars_of(services))
    told = ", ".join(f"{label} {dollars_of(services)}" for label, services in rows)
    return drawing, f"{title}: {told}."


def dollars_of(services: Sequence[tuple[int, float]]) -> str:
    """The sum of what was billed, as money."""
    return money(math.fsum(amount for _, amount in services))


def _by_day(services: Sequence[tuple[int, float]]) -> dict[int, float]:
    found: dict[int, float] = {}
    for day, amount in services:
        found[day] = found.get(day, 0.0) + amount
    return found


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values between two ends, at most `most`.

    >>> ticks(0.0, 100.0)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    """
    raw = (high - low) / max(1, most - 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [place * step + 0.0 for place in range(first, math.floor(high / step + 1e-9) + 1)]


def fitted(label: str, room: float, size: float = SMALL) -> str:
    """A label cut to its room, with an ellipsis."""
    if _wide(label, FONT, size) <= room:
        return label
    while label and _wide(label + "…", FONT, size) > room:
        label = label[:-1]
    return label.rstrip() + "…"


def _wide(words: str, font: str, size: float) -> float:
    register_fonts()
    return float(pdfmetrics.stringWidth(words, font, size))


def _short_dollars(value: float) -> str:
    sign = "−" if value < 0 else ""
    size = abs(value)
    return f"{sign}${size / 1000:g}k" if size >= 1000 else f"{sign}${size:g}"


def _rect(drawing: Drawing, x: float, y: float, width: float, height: float, colour: Color) -> None:
    drawing.add(Rect(x, y, width, height, fillColor=colour, strokeColor=None, strokeWidth=0))


def _line(drawing: Drawing, x1: float, y1: float, x2: float, y2: float, colour: Color) -> Line:
    line = Line(x1, y1, x2, y2, strokeColor=colour, strokeWidth=0.5)
    drawing.add(line)
    return line


def _text(
    drawing: Drawing,
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    colour: Color = INK,
    size: float = SMALL,
    bold: bool = False,
) -> None:
    font = BOLD if bold else FONT
    drawing.add(String(x, y, words, textAnchor=anchor, fillColor=colour, fontName=font, fontSize=size))
