"""A map of the states as tiles, one square a state at about its place: participants by state, with a table that says the same.

Squares of equal size show Rhode Island as well as Texas; colour is never the only carrier, every tile has its letters and number.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from openasm.participants.participant_list import StateCount

# column and row of each state's tile, from the north west; our own layout
_LAYOUT = """
AK .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. VT NH
WA ID MT ND MN IL WI MI NY RI MA
OR NV WY SD IA IN OH PA NJ CT ..
CA UT CO NE MO KY WV VA MD DE ..
.. AZ NM KS AR TN NC SC DC .. ..
.. .. .. OK LA MS AL GA .. .. ..
HI .. .. TX .. .. .. .. FL .. PR
"""
TILES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        state: (column, row)
        for row, line in enumerate(_LAYOUT.split("\n")[1:-1])
        for column, state in enumerate(line.split())
        if state != ".."
    }
)
"""State (two letters; with DC and PR) -> column, row of its tile, both from 0."""


def tile_rows(counts: Sequence[StateCount]) -> list[dict[str, object]]:
    """One row a tile: state, column, row, heart_failure, low_back_pain, small_practice, all; 0 where nobody is listed."""
    by_state = {each.state: each for each in counts}
    rows: list[dict[str, object]] = []
    for state, (column, row) in sorted(TILES.items()):
        found = by_state.get(state, StateCount(state, 0, 0, 0))
        rows.append(
            {
                "state": state,
                "column": column,
                "row": row,
                "heart_failure": found.heart_failure,
                "low_back_pain": found.low_back_pain,
                "small_practice": found.small_practice,
                "all": found.all,
            }
        )
    return rows


def not_on_the_map(counts: Sequence[StateCount]) -> tuple[StateCount, ...]:
    """Counts of places without a tile (territories, rows without a state): the table shows them."""
    return tuple(each for each in counts if each.state not in TILES)


def state_map(counts: Sequence[StateCount], *, title: str) -> str:
    """The map as an `<svg>` element with an accessible name. title: read out and shown by browsers."""
    rows = tile_rows(counts)
    most = max((int(str(row["all"])) for row in rows), default=0)
    layout = {
        "x": {"field": "column", "type": "ordinal", "axis": None},
        "y": {"field": "row", "type": "ordinal", "axis": None},
    }
    dark = f"datum.all > {most * 0.55}"
    ink = {"condition": {"test": dark, "value": "#ffffff"}, "value": "#1b2733"}
    specification = {
        "data": {"values": rows},
        "width": {"step": 46},
        "height": {"step": 46},
        "padding": 6,
        "background": "#ffffff",
        "config": {
            "font": "Arial, Helvetica, sans-serif",
            "view": {"stroke": None},
            "scale": {"bandPaddingInner": 0.08, "bandPaddingOuter": 0.04},
        },
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 3, "stroke": "#8a97a3", "strokeWidth": 0.6},
                "encoding": {
                    **layout,
                    "color": {
                        "field": "all",
                        "type": "quantitative",
                        "scale": {"range": ["#f2f6f9", "#9cc3dd", "#2a78ad", "#0d3b66"], "domainMin": 0},
                        "legend": {"title": "listed rows", "orient": "bottom", "direction": "horizontal"},
                    },
                },
            },
            {
                "mark": {"type": "text", "dy": -6, "fontSize": 12, "fontWeight": "bold"},
                "encoding": {**layout, "text": {"field": "state"}, "color": ink},
            },
            {
                "mark": {"type": "text", "dy": 9, "fontSize": 11},
                "encoding": {**layout, "text": {"field": "all", "format": ","}, "color": ink},
            },
        ],
    }
    svg = _render(json.dumps(specification))
    found = re.search(r'<svg[^>]*?width="([0-9.]+)"[^>]*?height="([0-9.]+)"', svg)
    if found is None:
        raise ValueError("the renderer gave no size")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {found[1]} {found[2]}" '
        f'style="max-width:{found[1]}px;width:100%"><title>{escape(title)}</title>'
    )
    return re.sub(r"^.*?<svg[^>]*>", lambda _: head, svg, count=1, flags=re.DOTALL)


def state_table(counts: Sequence[StateCount]) -> str:
    """The same numbers as an HTML table, most first."""
    head = "".join(
        f'<th scope="col">{text}</th>' for text in ("state", "all", "heart failure", "low back pain", "small practice")
    )
    body = "".join(
        f'<tr><th scope="row">{escape(each.state)}</th>'
        + "".join(
            f"<td>{number:,}</td>" for number in (each.all, each.heart_failure, each.low_back_pain, each.small_practice)
        )
        + "</tr>"
        for each in counts
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def state_map_page(counts: Sequence[StateCount], *, title: str, source: str) -> str:
    """A page of its own with the map and its table: one file, no script, nothing fetched. source: which list, in words."""
    rest = sum(each.all for each in not_on_the_map(counts))
    beside = f"<p>{rest:,} rows have no tile on the map; they stand in the table.</p>" if rest else ""
    total = sum(each.all for each in counts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        "<style>body{font:16px/1.5 Arial,Helvetica,sans-serif;color:#1b2733;background:#fff;max-width:44rem;margin:2rem auto;"
        "padding:0 1rem}table{border-collapse:collapse}th,td{padding:.2rem .8rem;border-bottom:1px solid #d5dce2;"
        "text-align:right}th:first-child{text-align:left}caption{text-align:left}</style></head><body><main>"
        f"<h1>{escape(title)}</h1><p>{total:,} rows of {escape(source)}. A row is a clinician, cohort and organization; a "
        "darker tile has more.</p>"
        f"<figure>{state_map(counts, title=f'{title}: a tile map; the table below says the same')}</figure>{beside}"
        f"<h2>By state</h2>{state_table(counts)}</main></body></html>\n"
    )


@functools.lru_cache(maxsize=8)
def _render(specification: str) -> str:
    import vl_convert  # loaded only for drawing

    return str(vl_convert.vegalite_to_svg(specification, vl_version="6.1"))
