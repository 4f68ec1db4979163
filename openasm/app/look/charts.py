"""Charts as SVG drawn on the server: no script, no library, colours from the stylesheet's classes, a title for screen readers.

Each function returns markup for a template; the page shows the same numbers in a table beside it (`chart-table`). Geometry stands in
SVG attributes, never in style attributes, which the content policy forbids.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from openasm.app.look.templatetags.look import points, signed_points

_WIDTH = 720.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: label, value, the text shown at its end, and its tone (`good`, `bad`, `focus` or empty)."""

    label: str
    value: float
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall: what it adds; a `total` stands on the ground."""

    label: str
    amount: float
    total: bool = False


def bars(items: Sequence[Bar], *, title: str, largest: float | None = None) -> SafeString:
    """Horizontal bars, one a row; negative values go left of a common zero line."""
    if not items:
        return SafeString("")
    labels = [_short(each.label, 38) for each in items]
    row, top, label_width, text_width = 30.0, 6.0, max(90.0, 16 + 7.6 * max(map(len, labels))), 90.0
    low = min(0.0, *(each.value for each in items))
    high = max(0.0, *(each.value for each in items), largest or 0.0)
    span = (high - low) or 1.0
    left, right = label_width, _WIDTH - text_width
    zero = left + (right - left) * (-low) / span

    def drawn() -> Iterable[tuple[object, ...]]:
        for place, each in enumerate(items):
            y = top + place * row
            reach = (right - left) * abs(each.value) / span
            x = zero if each.value >= 0 else zero - reach
            end = (zero + reach if each.value >= 0 else zero) + 8
            yield (
                *(_n(label_width - 10), _n(y + 18), labels[place]),
                *(_n(x), _n(y + 5), _n(max(reach, 1)), f"bar {each.tone}"),
                *(_n(end), _n(y + 18), each.text),
            )

    body = format_html_join(
        "",
        '<text x="{}" y="{}" class="label end">{}</text><rect x="{}" y="{}" width="{}" height="18" rx="3" class="{}"/>'
        '<text x="{}" y="{}" class="value">{}</text>',
        drawn(),
    )
    height = top * 2 + row * len(items)
    axis = format_html('<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" class="axis"/>', _n(zero), _n(top), _n(height - top))
    return _svg(body + axis, width=_WIDTH, height=height, title=title)


def waterfall(steps: Sequence[Step], *, title: str) -> SafeString:
    """From parts to a total: each bar starts where the last one ended."""
    if not steps:
        return SafeString("")
    placed: list[tuple[Step, float, float]] = []
    level = 0.0
    for step in steps:
        start = 0.0 if step.total else level
        level = step.amount if step.total else level + step.amount
        placed.append((step, start, level))
    low = min(0.0, *(min(a, b) for _, a, b in placed))
    high = max(1.0, *(max(a, b) for _, a, b in placed))
    row, top, left, right = 30.0, 6.0, 220.0, _WIDTH - 70.0
    scale = (right - left) / (high - low)

    def drawn() -> Iterable[tuple[object, ...]]:
        for place, (step, start, end) in enumerate(placed):
            y = top + place * row
            x = left + (min(start, end) - low) * scale
            width = max(abs(end - start) * scale, 1.5)
            tone = "focus" if step.total else "good" if step.amount >= 0 else "bad"
            text = points(step.amount) if step.total else signed_points(step.amount)
            yield (
                *(_n(left - 10), _n(y + 18), _short(step.label, 34)),
                *(_n(x), _n(y + 5), _n(width), f"bar {tone}"),
                *(_n(left + (max(start, end) - low) * scale + 8), _n(y + 18), text),
            )

    body = format_html_join(
        "",
        '<text x="{}" y="{}" class="label end">{}</text><rect x="{}" y="{}" width="{}" height="18" rx="3" class="{}"/>'
        '<text x="{}" y="{}" class="value">{}</text>',
        drawn(),
    )
    return _svg(body, width=_WIDTH, height=top * 2 + row * len(placed), title=title)


def distribution(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    title: str,
    marker: float | None,
    low: str,
    high: str,
    middle: str,
) -> SafeString:
    """A histogram between rising edges (one more than counts), zero and a marker drawn as lines, texts under its ends."""
    if not counts or max(counts) <= 0 or edges[-1] <= edges[0]:
        return SafeString("")
    height, base = 190.0, 150.0
    left, right = 10.0, _WIDTH - 10.0
    scale = (right - left) / (edges[-1] - edges[0])
    tallest = max(counts)

    def x_of(value: float) -> float:
        return left + (min(max(value, edges[0]), edges[-1]) - edges[0]) * scale

    def drawn() -> Iterable[tuple[object, ...]]:
        for start, end, amount in zip(edges, edges[1:], counts, strict=False):
            tall = (base - 14) * amount / tallest
            tone = "bad" if end <= 0 else "good" if start >= 0 else "focus"
            yield _n(x_of(start) + 0.7), _n(base - tall), _n(max(x_of(end) - x_of(start) - 1.4, 0.8)), _n(tall), tone

    body = format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}" class="bar {}"/>', drawn())
    lines = format_html('<line x1="{}" x2="{}" y1="{}" y2="{}" class="axis"/>', _n(left), _n(right), _n(base), _n(base))
    if edges[0] < 0 < edges[-1]:
        lines += format_html(
            '<line x1="{0}" x2="{0}" y1="8" y2="{1}" class="axis"/><text x="{0}" y="{2}" class="label middle">0</text>',
            *(_n(x_of(0)), _n(base), _n(base + 18)),
        )
    if marker is not None and not math.isnan(marker):
        at = x_of(marker)
        anchor = "end" if at > _WIDTH * 0.75 else "start" if at < _WIDTH * 0.25 else "middle"
        lines += format_html(
            '<line x1="{0}" x2="{0}" y1="8" y2="{1}" class="marker"/><text x="{0}" y="{2}" class="value {3}">{4}</text>',
            *(_n(at), _n(base + 6), _n(base + 36), anchor, middle),
        )
    ends = format_html(
        '<text x="{}" y="{}" class="label start">{}</text><text x="{}" y="{}" class="label end">{}</text>',
        *(_n(left), _n(base + 18), low, _n(right), _n(base + 18), high),
    )
    return _svg(body + lines + ends, width=_WIDTH, height=height, title=title)


def range_bar(low: float, middle: float, high: float, *, span: tuple[float, float], title: str) -> SafeString:
    """A small range with its middle for a table's cell: from `low` to `high` on a scale shared by the rows."""
    start, end = span
    scale = 156 / ((end - start) or 1.0)

    def x_of(value: float) -> float:
        return 2 + (min(max(value, start), end) - start) * scale

    zero = SafeString("")
    if start < 0 < end:
        zero = format_html('<line x1="{0}" x2="{0}" y1="1" y2="21" class="axis"/>', _n(x_of(0)))
    body = zero + format_html(
        '<rect x="{}" y="8" width="{}" height="6" rx="3" class="range"/><circle cx="{}" cy="11" r="5" class="dot {}"/>',
        *(_n(x_of(low)), _n(max(x_of(high) - x_of(low), 1)), _n(x_of(middle)), "good" if middle > 0 else "bad"),
    )
    return _svg(body, width=160, height=22, title=title, small=True)


def line(values: Sequence[tuple[str, float]], *, title: str, text: Sequence[str]) -> SafeString:
    """A line over a few moments (runs, months): points with their texts, labels below."""
    if len(values) < 2:
        return SafeString("")
    height, base, top, left, right = 200.0, 160.0, 30.0, 40.0, _WIDTH - 40.0
    low, high = min(value for _, value in values), max(value for _, value in values)
    span = (high - low) or 1.0
    places = [
        (left + (right - left) * place / (len(values) - 1), base - (base - top) * (value - low) / span)
        for place, (_, value) in enumerate(values)
    ]
    path = " ".join(f"{'M' if not place else 'L'}{_n(x)} {_n(y)}" for place, (x, y) in enumerate(places))
    dots = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="4.5" class="dot focus"/><text x="{}" y="{}" class="value middle">{}</text>'
        '<text x="{}" y="{}" class="label middle">{}</text>',
        (
            (_n(x), _n(y), _n(x), _n(y - 12), said, _n(x), _n(base + 26), _short(label, 18))
            for (x, y), (label, _), said in zip(places, values, text, strict=True)
        ),
    )
    return _svg(format_html('<path d="{}" class="line"/>', path) + dots, width=_WIDTH, height=height, title=title)


def _svg(body: SafeString, *, width: float, height: float, title: str, small: bool = False) -> SafeString:
    return format_html(
        '<svg viewBox="0 0 {} {}" class="chart{}" role="img" aria-label="{}" preserveAspectRatio="xMinYMin meet">{}</svg>',
        *(_n(width), _n(height), " chart-small" if small else "", title, body),
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
