"""A map of the states as tiles, one square a state at about its place: participants by state, with a table that says the same.

Squares of equal size show Rhode Island as well as Texas; colour is never the only carrier, every tile has its letters and number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from openasm.participants.map_drawing import LIGHT, STYLE, drawing, page, painted, table
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


def state_map(counts: Sequence[StateCount], *, title: str, key: str = "states", with_style: bool = True) -> str:
    """The map as an `<svg>` element with an accessible name. title: read out and shown by browsers.

    key: tells apart the maps of one page; with_style: False where the page's own style sheet holds `map_drawing.STYLE`.
    """
    rows = tile_rows(counts)
    most = max((int(str(row["all"])) for row in rows), default=0)
    edges = step_edges(most)
    body = [f"<style>{STYLE}</style>"] if with_style else []
    for row in rows:
        number, state = int(str(row["all"])), str(row["state"])
        step = sum(number > edge for edge in edges)
        left, top = int(str(row["column"])) * _TILE + 6, int(str(row["row"])) * _TILE + 6
        middle = left + (_TILE - 4) / 2
        body.append(
            f"<g><title>{state}: {number:,} rows; heart failure {row['heart_failure']:,}, low back pain {row['low_back_pain']:,}, "
            f'small practice {row["small_practice"]:,}</title><rect x="{left}" y="{top}" width="{_TILE - 4}" height="{_TILE - 4}" '
            f'rx="4" {painted(f"step-{step}")}/>'
            f'<text x="{middle:g}" y="{top + 19}" text-anchor="middle" font-size="13" font-weight="bold" '
            f"{painted(f'ink-{step}')}>{state}</text>"
            f'<text x="{middle:g}" y="{top + 36}" text-anchor="middle" font-size="12" {painted(f"ink-{step}")}>{number:,}</text></g>'
        )
    height = 8 * _TILE + 8
    body.append(_legend(edges, most, height))
    return drawing(
        "".join(body),
        width=11 * _TILE + 8,
        height=height + 40,
        title=title,
        description="One square a state at about its place, with its letters and its number of rows; darker squares have more. "
        "The table of states holds the same numbers.",
        key=key,
    )


_TILE = 48


def step_edges(most: int) -> tuple[int, ...]:
    """The highest numbers of the first four of five steps of colour: nobody, then quarters of the largest number.

    >>> step_edges(100)
    (0, 25, 50, 75)
    """
    return (0, most // 4, most // 2, most * 3 // 4)


def _legend(edges: Sequence[int], most: int, top: float) -> str:
    parts = [f'<text x="6" y="{top + 22:g}" font-size="12" {painted("ink")}>rows:</text>']
    low, left = 0, 50
    for step, high in enumerate((*edges, most)):
        if high < low:
            continue  # few rows make fewer steps
        said = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        parts.append(
            f'<rect x="{left}" y="{top + 8:g}" width="18" height="18" rx="3" {painted(f"step-{step}")} '
            f'stroke="{LIGHT["line"]}" stroke-width=".6"/><text x="{left + 24}" y="{top + 22:g}" font-size="12" '
            f"{painted('ink')}>{said}</text>"
        )
        low, left = high + 1, left + 96
    return "".join(parts)


def state_table(counts: Sequence[StateCount], *, caption: str = "By state") -> str:
    """The same numbers as an HTML table, most first."""
    return table(
        ("state", "all", "heart failure", "low back pain", "small practice"),
        [
            (
                each.state,
                *(f"{number:,}" for number in (each.all, each.heart_failure, each.low_back_pain, each.small_practice)),
            )
            for each in counts
        ],
        caption=caption,
        numbers=True,
    )


def state_map_page(counts: Sequence[StateCount], *, title: str, source: str) -> str:
    """A page of its own with the map and its table: one file, no script, nothing fetched. source: which list, in words."""
    rest = sum(each.all for each in not_on_the_map(counts))
    beside = f"<p>{rest:,} rows have no tile on the map; they stand in the table.</p>" if rest else ""
    total = sum(each.all for each in counts)
    return page(
        title,
        f"<p>{total:,} rows of {escape(source)}. A row is a clinician, cohort and organization; a square of a stronger colour has "
        "more.</p>",
        f"<figure>{state_map(counts, title=f'{title}: a tile map; the table below says the same', with_style=False)}</figure>",
        beside,
        state_table(counts),
    )
