"""What the maps share: colours for light and dark, the `<svg>` around a drawing, the page around a map and its table.

Every drawing stands on a ground of its own, so it can be read on any page; colours follow the reader's preference through
`STYLE`, and without styles (a page that forbids them) the light colours hold, given as plain attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "ground": "#ffffff",
        "ink": "#1b2733",
        "soft": "#4c5a67",
        "line": "#8a97a3",
        "step-0": "#f2f6f9",
        "step-1": "#c6dcea",
        "step-2": "#8fbcd9",
        "step-3": "#2a78ad",
        "step-4": "#0d3b66",
        "ink-0": "#1b2733",
        "ink-1": "#1b2733",
        "ink-2": "#1b2733",
        "ink-3": "#ffffff",
        "ink-4": "#ffffff",
        "yes": "#0d4f8b",
        "no": "#d5dfe7",
        "outside": "#f6f8fa",
        "unknown": "#fff3df",
        "hatch": "#b06a00",
    }
)
"""Colour by use; `ink-N` is the writing on `step-N`."""

DARK: Mapping[str, str] = MappingProxyType(
    {
        "ground": "#15181c",
        "ink": "#e6e9ec",
        "soft": "#b3bcc5",
        "line": "#5b6875",
        "step-0": "#1e242b",
        "step-1": "#1f3b52",
        "step-2": "#23567c",
        "step-3": "#5a9fd0",
        "step-4": "#a9d3f2",
        "ink-0": "#e6e9ec",
        "ink-1": "#e6e9ec",
        "ink-2": "#ffffff",
        "ink-3": "#0b1117",
        "ink-4": "#0b1117",
        "yes": "#7db7e8",
        "no": "#37444f",
        "outside": "#1c2127",
        "unknown": "#2c2412",
        "hatch": "#e0a040",
    }
)


def _style() -> str:
    def values(colours: Mapping[str, str]) -> str:
        return ".asm-map{" + "".join(f"--map-{name}:{colour};" for name, colour in colours.items()) + "}"

    fits = ".asm-map{max-width:100%;height:auto}"
    fills = "".join(f".asm-map .f-{name}{{fill:var(--map-{name})}}" for name in LIGHT)
    strokes = "".join(f".asm-map .s-{name}{{stroke:var(--map-{name})}}" for name in ("line", "ground", "hatch", "ink"))
    return f"{values(LIGHT)}@media (prefers-color-scheme:dark){{{values(DARK)}}}@media print{{{values(LIGHT)}}}{fits}{fills}{strokes}"


STYLE = _style()
"""The rules the drawings use; for pages that keep styles in files of their own."""


def painted(name: str) -> str:
    """The attributes of something filled, as in `class="f-yes" fill="#0d4f8b"`."""
    return f'class="f-{name}" fill="{LIGHT[name]}"'


def drawing(
    body: str,
    *,
    width: float,
    height: float,
    title: str,
    description: str,
    key: str,
    left: float = 0,
    top: float = 0,
    enlarged: bool = False,
) -> str:
    """An `<svg>` with an accessible name and description, at most 960 by 600 pixels, smaller where its place is narrow.

    width, height, left, top: in units that are pixels at most, unless `enlarged`. key: a word that tells apart the
    drawings of one page (part of their ids).
    """
    scale = min(960 / width, 600 / height, float("inf") if enlarged else 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="asm-map" role="img" aria-labelledby="{key}-title {key}-text" '
        f'viewBox="{left:g} {top:g} {width:g} {height:g}" width="{width * scale:.0f}" height="{height * scale:.0f}" font-family="Arial, Helvetica, sans-serif">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-text">{escape(description)}</desc>'
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" {painted("ground")}/>{body}</svg>'
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, numbers: bool) -> str:
    """An HTML table whose first column heads its rows. numbers: whether the other columns stand to the right."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    kind = ' class="numbers"' if numbers else ""
    return (
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0"><table{kind}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


_PAGE = (
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b2733;--soft:#d5dce2;--focus:#2456a6}"
    "@media (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e6e9ec;--soft:#3a424b;--focus:#7db1ff}}"
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#aaa}}"
    "body{font:16px/1.5 Arial,Helvetica,sans-serif;color:var(--ink);background:var(--paper);max-width:64rem;margin:2rem auto;"
    "padding:0 1rem}figure{margin:1rem 0}table{border-collapse:collapse}caption{text-align:left;font-weight:bold;padding:.4rem 0}"
    "th,td{padding:.2rem .8rem;border-bottom:1px solid var(--soft);text-align:left;vertical-align:top;font-weight:normal}"
    "thead th{font-weight:bold}.numbers td,.numbers thead th:not(:first-child){text-align:right}"
    ".scroll{overflow-x:auto}.scroll:focus-visible{outline:2px solid var(--focus)}"
)


def page(title: str, *parts: str) -> str:
    """A page of its own: one file, no script, nothing fetched."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_PAGE}{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>\n"
    )
