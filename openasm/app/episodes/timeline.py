"""One episode's services from its first to its last day, drawn: a line a service category, a circle a service."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from openasm.app.clinicians.measures import category_title
from openasm.app.look import charts
from openasm.app.look.templatetags.look import cents, day
from openasm.app.published.models import Episode, EpisodeService

_ROW, _TOP = 40.0, 26.0
_LARGEST, _SMALLEST = 15.0, 3.5  # radius of a circle
MOST_LINES = 8  # categories with a line of their own; the others share the last


def timeline(episode: Episode, services: Sequence[EpisodeService]) -> SafeString:
    """The drawing; nothing without services. A circle's area grows with its cost; the table beside it holds the numbers."""
    if not services:
        return SafeString("")
    first = min(episode.start, min(each.date for each in services))
    last = max(episode.end, max(each.date for each in services))
    lines = _lines(services)
    height = _TOP + _ROW * len(set(lines.values())) + 26
    base = height - 26
    dearest = max(each.cents for each in services) or 1
    ordered = sorted(services, key=lambda each: (-each.cents, each.pk))

    def drawn(width: float) -> SafeString:
        wide = width == charts.WIDE  # else labels stand above their lines
        left, right = (270.0 if wide else _LARGEST), width - _LARGEST
        scale = (right - left) / max((last - first).days, 1)

        def x_of(when: dt.date) -> float:
            return left + (when - first).days * scale

        months = format_html_join(
            "",
            '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" class="axis faint"/><text x="{0}" y="{3}" class="label middle">{4}</text>',
            (
                (f"{x_of(when):.1f}", f"{_TOP - 6:.1f}", f"{base:.1f}", f"{base + 18:.1f}", f"{when:%b} {when:%y}")
                for when in _months(first, last, 9 if wide else 4)
            ),
        )
        labels = format_html_join(
            "",
            '<text x="{}" y="{}" class="label {}">{}</text><line x1="{}" x2="{}" y1="{}" y2="{}" class="axis faint"/>',
            (
                (
                    *(f"{left - 12 if wide else 0:.1f}", f"{_middle(place) + (4 if wide else -14):.1f}"),
                    *("end" if wide else "start", charts.shortened(title, 36 if wide else 44)),
                    *(f"{left:.1f}", f"{right:.1f}", f"{_middle(place):.1f}", f"{_middle(place):.1f}"),
                )
                for title, place in _titles(lines)
            ),
        )
        circles = format_html_join(
            "",
            '<circle cx="{}" cy="{}" r="{}" class="dot focus"><title>{}</title></circle>',
            (
                (
                    f"{x_of(each.date):.1f}",
                    f"{_middle(lines[each.category]):.1f}",
                    f"{max(_SMALLEST, (_LARGEST if wide else 9) * math.sqrt(max(each.cents, 0) / dearest)):.1f}",
                    f"{day(each.date)}: {category_title(each.category)}, {cents(each.cents)}",
                )
                for each in ordered
            ),
        )
        title = "Services by day and category; the table below holds them all"
        return charts.svg(months + labels + circles, width=width, height=height, title=title)

    return drawn(charts.WIDE) + drawn(charts.NARROW)


def _lines(services: Sequence[EpisodeService]) -> dict[str, int]:
    """The line of each category: the costliest first, those beyond the most share the last line."""
    sums: dict[str, int] = {}
    for each in services:
        sums[each.category] = sums.get(each.category, 0) + each.cents
    ordered = sorted(sums, key=lambda name: (-sums[name], name))
    return {name: min(place, MOST_LINES - 1) for place, name in enumerate(ordered)}


def _titles(lines: dict[str, int]) -> Iterator[tuple[str, int]]:
    for place in sorted(set(lines.values())):
        names = [name for name, line in lines.items() if line == place]
        yield category_title(names[0]) if len(names) == 1 else f"{len(names)} other categories", place


def _middle(place: int) -> float:
    return _TOP + _ROW * place + _ROW / 2


def _months(first: dt.date, last: dt.date, most: int) -> Iterator[dt.date]:
    """First days of months between two days, about `most` of them: every second or third of a long stretch."""
    count = (last.year - first.year) * 12 + last.month - first.month
    step = max(1, math.ceil(count / most))
    for place in range(step, count + 1, step):
        months = first.year * 12 + first.month - 1 + place
        when = dt.date(months // 12, months % 12 + 1, 1)
        if first <= when <= last:
            yield when
