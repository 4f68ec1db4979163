"""Charts as SVG drawn on the server: no script, no library, colours from the stylesheet's classes, a title for screen readers.

Each function returns markup for a template; the page shows the same numbers in a table beside it (`chart-table`). Geometry stands in
SVG attributes, never in style attributes, which the content policy forbids. What has labels is drawn twice, for a wide and for a narrow
window, of which the stylesheet shows one: in the narrow drawing labels stand above their bars, and nothing needs scrolling sideways.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from openasm.app.look.templatetags.look import points, signed_points

WIDE, NARROW = 720.0, 330.0
_LETTER = 7.2  # mean width of one, at the size of the stylesheet
_LABEL_LETTERS = 40  # of a line beside a bar; a longer label takes two lines


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


@dataclass(frozen=True, slots=True)
class _Reach:
    """A bar as it is drawn: from one value to another, with its label, the text at its end and its tone."""

    label: str
    start: float
    end: float
    text: str
    tone: str


def bars(items: Sequence[Bar], *, title: str, largest: float | None = None) -> SafeString:
    """Horizontal bars, one a row; negative values go left of a common zero line."""
    reaches = [_Reach(each.label, 0.0, each.value, each.text, each.tone) for each in items]
    return _rows(reaches, highest=largest or 0.0, title=title)


def waterfall(steps: Sequence[Step], *, title: str) -> SafeString:
    """From parts to a total: each bar starts where the last one ended."""
    reaches: list[_Reach] = []
    level = 0.0
    for step in steps:
        start = 0.0 if step.total else level
        level = step.amount if step.total else level + step.amount
        tone = "focus" if step.total else "good" if step.amount >= 0 else "bad"
        text = points(step.amount) if step.total else signed_points(step.amount)
        reaches.append(_Reach(step.label, start, level, text, tone))
    return _rows(reaches, highest=1.0, title=title)


def _rows(reaches: Sequence[_Reach], *, highest: float, title: str) -> SafeString:
    """Bars below each other on a common scale, with a line at zero."""
    if not reaches:
        return SafeString("")
    ends = [value for each in reaches for value in (each.start, each.end)]
    low, high = min(0.0, *ends), max(highest, *ends)
    span = (high - low) or 1.0
    text_width = 18 + 8.4 * max(len(each.text) for each in reaches)  # bold figures

    def wide() -> SafeString:
        labels = [_two_lines(each.label) for each in reaches]
        left = max(90.0, 18 + _LETTER * max(len(part) for lines in labels for part in lines))
        row = 40.0 if any(len(lines) > 1 for lines in labels) else 30.0
        return drawn(labels, left, row, above=False)

    def narrow() -> SafeString:
        return drawn([[shortened(each.label, 44)] for each in reaches], 1.0, 46.0, above=True)

    def drawn(labels: Sequence[Sequence[str]], left: float, row: float, *, above: bool) -> SafeString:
        width, top = NARROW if above else WIDE, 6.0
        scale = (width - text_width - left) / span
        height = top * 2 + row * len(reaches)

        def parts() -> Iterator[tuple[object, ...]]:
            for place, (each, lines) in enumerate(zip(reaches, labels, strict=True)):
                y = top + place * row
                middle = y + (31 if above else row / 2)
                first, last = min(each.start, each.end), max(each.start, each.end)
                yield (
                    _label(lines, x=0 if above else left - 10, y=y + 14 if above else middle + 4, end=not above),
                    *(_n(left + (first - low) * scale), _n(middle - 9), _n(max((last - first) * scale, 1))),
                    *(each.tone, _n(left + (last - low) * scale + 8), _n(middle + 4), each.text),
                )

        body = format_html_join(
            "",
            '{}<rect x="{}" y="{}" width="{}" height="18" rx="3" class="bar {}"/><text x="{}" y="{}" class="value">{}</text>',
            parts(),
        )
        axis = format_html(
            '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" class="axis"/>',
            *(_n(left - low * scale), _n(top), _n(height - top)),
        )
        return svg(body + axis, width=width, height=height, title=title)

    return wide() + narrow()


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
    base, tallest = 150.0, max(counts)

    def drawn(width: float) -> SafeString:
        left, right = 10.0, width - 10.0
        scale = (right - left) / (edges[-1] - edges[0])
        ends_at = base + (54 if width == NARROW else 18)  # where there is little room, below what stands in the middle

        def x_of(value: float) -> float:
            return left + (min(max(value, edges[0]), edges[-1]) - edges[0]) * scale

        def parts() -> Iterator[tuple[object, ...]]:
            for start, end, amount in zip(edges, edges[1:], counts, strict=False):
                tall = (base - 14) * amount / tallest
                tone = "bad" if end <= 0 else "good" if start >= 0 else "focus"
                wide = max(x_of(end) - x_of(start) - 1.4, 0.8)
                yield _n(x_of(start) + 0.7), _n(base - tall), _n(wide), _n(tall), tone

        body = format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}" class="bar {}"/>', parts())
        lines = format_html(
            '<line x1="{}" x2="{}" y1="{}" y2="{}" class="axis"/>', _n(left), _n(right), _n(base), _n(base)
        )
        if edges[0] < 0 < edges[-1]:
            lines += format_html(
                '<line x1="{0}" x2="{0}" y1="8" y2="{1}" class="axis"/><text x="{0}" y="{2}" class="label middle">0</text>',
                *(_n(x_of(0)), _n(base), _n(base + 18)),
            )
        if marker is not None and not math.isnan(marker):
            at = x_of(marker)
            anchor = "end" if at > width * 0.75 else "start" if at < width * 0.25 else "middle"
            lines += format_html(
                '<line x1="{0}" x2="{0}" y1="8" y2="{1}" class="marker"/><text x="{0}" y="{2}" class="value {3}">{4}</text>',
                *(_n(at), _n(base + 6), _n(base + 36), anchor, middle),
            )
        ends = format_html(
            '<text x="{}" y="{}" class="label start">{}</text><text x="{}" y="{}" class="label end">{}</text>',
            *(_n(left), _n(ends_at), low, _n(right), _n(ends_at), high),
        )
        return svg(body + lines + ends, width=width, height=190 if width == WIDE else 210, title=title)

    return drawn(WIDE) + drawn(NARROW)


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
    return svg(body, width=160, height=22, title=title)


def line(values: Sequence[tuple[str, float]], *, title: str, text: Sequence[str]) -> SafeString:
    """A line over a few moments (runs, months): points with their texts, labels below; of many moments some are named."""
    if len(values) < 2:
        return SafeString("")
    low, high = min(value for _, value in values), max(value for _, value in values)
    span = (high - low) or 1.0

    def drawn(width: float) -> SafeString:
        height, base, top, left, right = 200.0, 160.0, 30.0, 40.0, width - 40.0
        places = [
            (left + (right - left) * place / (len(values) - 1), base - (base - top) * (value - low) / span)
            for place, (_, value) in enumerate(values)
        ]
        path = " ".join(f"{'M' if not place else 'L'}{_n(x)} {_n(y)}" for place, (x, y) in enumerate(places))
        every = math.ceil(len(values) * 90 / width)  # a label takes 90 of the width; the last moment always has its own
        named = [(len(values) - 1 - place) % every == 0 for place in range(len(values))]
        dots = format_html_join(
            "",
            '<circle cx="{}" cy="{}" r="4.5" class="dot focus"/><text x="{}" y="{}" class="value middle">{}</text>'
            '<text x="{}" y="{}" class="label middle">{}</text>',
            (
                (
                    *(_n(x), _n(y), _n(x), _n(y - 12), said if shown else ""),
                    *(_n(x), _n(base + 26), shortened(label, 18) if shown else ""),
                )
                for (x, y), (label, _), said, shown in zip(places, values, text, named, strict=True)
            ),
        )
        return svg(format_html('<path d="{}" class="line"/>', path) + dots, width=width, height=height, title=title)

    return drawn(WIDE) + drawn(NARROW)


def svg(body: SafeString, *, width: float, height: float, title: str) -> SafeString:
    """A drawing; of WIDE and NARROW ones the stylesheet shows that which fits the window."""
    kind = {WIDE: " chart-wide", NARROW: " chart-narrow"}.get(width, " chart-small")
    return format_html(
        '<svg viewBox="0 0 {} {}" class="chart{}" role="img" aria-label="{}" preserveAspectRatio="xMinYMin meet">{}</svg>',
        *(_n(width), _n(height), kind, title, body),
    )


def shortened(text: str, limit: int) -> str:
    """A text of at most `limit` letters, with an ellipsis where it was longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _label(lines: Sequence[str], *, x: float, y: float, end: bool) -> SafeString:
    """One or two lines of text, whose middle is at y."""
    first = y - 7.5 * (len(lines) - 1)
    return format_html_join(
        "",
        '<text x="{}" y="{}" class="label {}">{}</text>',
        ((_n(x), _n(first + 15 * place), "end" if end else "start", part) for place, part in enumerate(lines)),
    )


def _two_lines(text: str) -> list[str]:
    lines = textwrap.wrap(text, _LABEL_LETTERS, break_on_hyphens=False) or [""]
    return lines if len(lines) <= 2 else [lines[0], shortened(" ".join(lines[1:]), _LABEL_LETTERS)]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
