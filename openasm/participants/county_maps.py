"""A map of the counties: in a mandatory area, in another area, outside every area, or not to be told; and a table that says the same.

The answers are those of `geography`, county by county; the model's unit is the area (CBSA or metropolitan division), named with each
county. Colour is not the only carrier: every county has its answer as a title, and counties of which nothing is known are hatched.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from openasm.base.errors import NotFound
from openasm.participants.county_shapes import (
    STATE_CODES,
    CountyShape,
    bounds,
    county_shapes,
    state_borders,
)
from openasm.participants.geography import Geography, Placed
from openasm.participants.map_drawing import LIGHT, STYLE, drawing, page, painted, table


class CountyAnswer(StrEnum):
    """What is known of a county: as in `Placed`, with the two kinds of no told apart."""

    YES = "in a mandatory area"
    NO = "in an area that is not on the list"
    OUTSIDE = "in no area of the model"
    UNKNOWN = "cannot tell"


_COLOURS: Mapping[CountyAnswer, str] = {
    CountyAnswer.YES: "yes",
    CountyAnswer.NO: "no",
    CountyAnswer.OUTSIDE: "outside",
    CountyAnswer.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class CountyPlace:
    """One county. area, area_title: the model's unit, empty where there is none; on_the_map: whether it has an outline."""

    fips: str
    name: str
    state: str
    area: str
    area_title: str
    answer: CountyAnswer
    on_the_map: bool


def county_places(geography: Geography, *, state: str = "") -> tuple[CountyPlace, ...]:
    """Every county of the delineation and of the map, by code. state: two letters, for one state alone.

    Raises NotFound for letters that are no state.
    """
    wanted = state.strip().upper()
    if wanted and wanted not in STATE_CODES.values():
        raise NotFound(f"{state} is no state; give its two letters, as in TX.")
    shapes = county_shapes()
    places = []
    for fips in sorted({*shapes, *geography.counties}):
        code = STATE_CODES.get(fips[:2], "")
        if wanted and code != wanted:
            continue
        [found] = geography.county(fips).candidates
        known = geography.counties.get(fips)
        if found.placed is Placed.YES:
            answer = CountyAnswer.YES
        elif found.placed is Placed.NO:
            answer = CountyAnswer.NO if found.unit else CountyAnswer.OUTSIDE
        else:
            answer = CountyAnswer.UNKNOWN
        name = known.name if known else shapes[fips].name
        places.append(CountyPlace(fips, name, code, found.unit, found.unit_title, answer, fips in shapes))
    return tuple(places)


def county_map(places: Sequence[CountyPlace], *, title: str, key: str = "counties", with_style: bool = True) -> str:
    """The map as an `<svg>` element, fitted to the counties given. title: read out and shown by browsers.

    key: tells apart the maps of one page; with_style: False where the page's own style sheet holds `map_drawing.STYLE`. Raises
    NotFound where none of the counties has an outline (Puerto Rico, territories).
    """
    shapes = county_shapes()
    drawn = [each for each in places if each.on_the_map]
    if not drawn:
        raise NotFound("None of these counties has an outline here; the table names them.")
    left, top, width, height = bounds(shapes[each.fips] for each in drawn)
    line = max(width, height * 1.6) / 1200  # about a pixel at the usual size
    edge = 12 * line
    body = [f"<style>{STYLE}</style>"] if with_style else []
    body.append(
        f'<defs><pattern id="{key}-hatch" width="{8 * line:.0f}" height="{8 * line:.0f}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="{8 * line:.0f}" height="{8 * line:.0f}" {painted("unknown")}/>'
        f'<path d="M0 0V{8 * line:.0f}" class="s-hatch" stroke="{LIGHT["hatch"]}" stroke-width="{2.5 * line:.0f}"/></pattern></defs>'
    )
    for answer, colour in _COLOURS.items():
        mine = [each for each in drawn if each.answer is answer]
        if not mine:
            continue
        look = f'fill="url(#{key}-hatch)"' if answer is CountyAnswer.UNKNOWN else painted(colour)
        body.append(
            f'<g {look}><g class="s-line" stroke="{LIGHT["line"]}" stroke-width="{line:.1f}" stroke-linejoin="round">'
            + "".join(_county(each, shapes[each.fips]) for each in mine)
            + "</g></g>"
        )
    states = {each.state for each in drawn}
    borders = "".join(path for beside, path in state_borders().items() if states & set(beside.split()))
    body.append(
        f'<path d="{borders}" fill="none" class="s-ink" stroke="{LIGHT["ink"]}" stroke-width="{1.6 * line:.1f}" '
        'stroke-linejoin="round"/>'
    )
    legend, depth = _legend(drawn, key=key, left=left, top=top + height + edge, width=width, line=line)
    body.append(legend)
    return drawing(
        "".join(body),
        width=width + 2 * edge,
        height=height + 2 * edge + depth,
        left=left - edge,
        top=top - edge,
        title=title,
        description=f"{_summary(drawn)} The table of areas names every county.",
        key=key,
        enlarged=True,
    )


def _county(place: CountyPlace, shape: CountyShape) -> str:
    return f'<path d="{shape.path()}"><title>{escape(_told(place))}</title></path>'


def _told(place: CountyPlace) -> str:
    area = f"{place.area_title} ({place.area}), " if place.area else ""
    return f"{place.name}, {place.state}: {area}{place.answer}"


def _summary(places: Sequence[CountyPlace]) -> str:
    counts = Counter(each.answer for each in places)
    return "Counties: " + "; ".join(f"{counts[answer]:,} {answer}" for answer in CountyAnswer if counts[answer]) + "."


def _legend(
    places: Sequence[CountyPlace], *, key: str, left: float, top: float, width: float, line: float
) -> tuple[str, float]:
    """One entry an answer that occurs, below each other, and the depth it takes."""
    size = min(26 * line, width / 24)
    parts, at = [], top + size
    counts = Counter(each.answer for each in places)
    for answer, colour in _COLOURS.items():
        if not counts[answer]:
            continue
        look = f'fill="url(#{key}-hatch)"' if answer is CountyAnswer.UNKNOWN else painted(colour)
        parts.append(
            f'<rect x="{left:.0f}" y="{at - 0.8 * size:.0f}" width="{1.4 * size:.0f}" height="{size:.0f}" {look}/>'
            f'<rect x="{left:.0f}" y="{at - 0.8 * size:.0f}" width="{1.4 * size:.0f}" height="{size:.0f}" fill="none" class="s-line" '
            f'stroke="{LIGHT["line"]}" stroke-width="{line:.1f}"/>'
            f'<text x="{left + 1.9 * size:.0f}" y="{at:.0f}" font-size="{size:.0f}" {painted("ink")}>'
            f"{escape(str(answer))} ({counts[answer]:,} counties)</text>"
        )
        at += 1.5 * size
    return "".join(parts), at - top


def area_rows(places: Sequence[CountyPlace]) -> tuple[tuple[str, str, str, str], ...]:
    """The table behind the map: area, its code, the answer, its counties; best known first, then by title.

    Counties in no area, and those of which nothing is known, stand together by state.
    """
    groups: dict[tuple[CountyAnswer, str, str], list[CountyPlace]] = defaultdict(list)
    for each in places:
        name = each.area_title or f"{each.state or 'elsewhere'}: {each.answer}"
        groups[each.answer, name, each.area].append(each)
    order = list(CountyAnswer)
    return tuple(
        (name, code, str(answer), "; ".join(f"{each.name} {each.state}" for each in groups[answer, name, code]))
        for answer, name, code in sorted(groups, key=lambda found: (order.index(found[0]), found[1], found[2]))
    )


def county_map_page(places: Sequence[CountyPlace], *, title: str, source: str) -> str:
    """A page of its own with the map and its table: one file, no script, nothing fetched. source: which files, in words."""
    missing = sum(not each.on_the_map for each in places)
    parts = [f"<p>{escape(_summary(places))} From: {escape(source)}. What counts is where services are given.</p>"]
    if missing < len(places):
        shown = county_map(
            places, title=f"{title}: a map of the counties; the table below says the same", with_style=False
        )
        parts.append(f"<figure>{shown}</figure>")
    if missing:
        parts.append(f"<p>Without an outline on the map, in the table alone: {missing:,}.</p>")
    parts.append(table(("area", "code", "answer", "counties"), area_rows(places), caption="By area", numbers=False))
    parts.append("<p>Outlines: US Census Bureau, cartographic boundary files, 2023.</p>")
    return page(title, *parts)
