"""Building blocks of the PDFs: styles, words, cards, tables; all in the fonts that are embedded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import Flowable, KeepTogether, Spacer

from openasm.report.drawings import BAD, BOLD, FONT, GOOD, INK, LINE, SOFT, TINT, register_fonts
from openasm.report.tagged import DataTable, Heading1, Heading2, Heading3, Layout, Words

MARGIN = 0.6 * inch
WIDTH = 8.5 * inch - 2 * MARGIN
NOTICE, NOTICE_LINE = HexColor("#fff4d6"), HexColor("#d4a72c")

Story = list[Flowable]


def _style(name: str, size: float, **more: object) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        **{
            "fontName": FONT,
            "fontSize": size,
            "leading": size * 1.32,
            "textColor": INK,
            "splitLongWords": 1,
            **more,
        },
    )


BODY = _style("body", 8.2, spaceAfter=3)
SOFT_BODY = _style("soft", 7.4, textColor=SOFT, spaceAfter=2)
CELL = _style("cell", 7.2)
CELL_BOLD = _style("cell-bold", 7.2, fontName=BOLD)
CELL_NUMBER = _style("cell-number", 7.2, alignment=TA_RIGHT)
CELL_HEAD = _style("cell-head", 6.8, fontName=BOLD, textColor=SOFT)
CELL_HEAD_NUMBER = _style("cell-head-number", 6.8, fontName=BOLD, textColor=SOFT, alignment=TA_RIGHT)
KICKER = _style("kicker", 7.4, textColor=SOFT)
TITLE = _style("title", 19, fontName=BOLD, leading=23)
PART = _style("part", 12, fontName=BOLD, spaceBefore=9, spaceAfter=4, keepWithNext=1)
SECTION = _style("section", 9, fontName=BOLD, spaceBefore=7, spaceAfter=3, keepWithNext=1)
BIG = {
    "": _style("big", 15, fontName=BOLD, leading=18),
    "good": _style("big-good", 15, fontName=BOLD, leading=18, textColor=GOOD),
    "bad": _style("big-bad", 15, fontName=BOLD, leading=18, textColor=BAD),
}


def shown(text: str) -> str:
    """A text in the characters the embedded font has: others lose their accents, or become a question mark.

    >>> shown("Zoë Tệst"), shown("李")
    ('Zoë Tệst'.replace('ệ', 'e'), '?')
    """
    register_fonts()
    glyphs = pdfmetrics.getFont(FONT).face.charToGlyph
    return "".join(character if ord(character) in glyphs else _plain(character, glyphs) for character in text)


def _plain(character: str, glyphs: object) -> str:
    base = unicodedata.normalize("NFKD", character)
    kept = "".join(each for each in base if not unicodedata.combining(each) and ord(each) in glyphs)  # type: ignore[operator]
    return kept or ("" if unicodedata.combining(character) else "?")


def marked(text: str) -> str:
    """A text as paragraph markup: escaped, `commands` in bold."""
    return re.sub(r"`([^`]+)`", rf'<font name="{BOLD}">\1</font>', escape(shown(text)))


def words(text: str, style: ParagraphStyle = BODY) -> Words:
    """A paragraph."""
    return Words(marked(text), style)


def title(text: str) -> Heading1:
    """The document's title."""
    return Heading1(marked(text), TITLE)


def part(text: str) -> Heading2:
    """A part's heading."""
    return Heading2(marked(text), PART)


def section(text: str) -> Heading3:
    """A heading within a part."""
    return Heading3(marked(text), SECTION)


def together(*flowables: Flowable) -> Flowable:
    """Things that stay on one page where they fit on one."""
    return KeepTogether(list(flowables))


def notice(text: str, *, width: float = WIDTH) -> Story:
    """A sentence that must not be missed."""
    return _boxed(text, width, NOTICE, NOTICE_LINE)


def _boxed(text: str, width: float, fill: Color, edge: Color) -> Story:
    table = Layout([[words(text, CELL)]], colWidths=[width])
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), fill),
            ("LINEBEFORE", (0, 0), (0, -1), 3, edge),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    return [table, Spacer(1, 4)]


def cards(items: Sequence[tuple[str, str, str]], *, width: float = WIDTH) -> Story:
    """Big numbers side by side: (number, tone, what it is)."""
    gap = 6.0
    each = (width - gap * (len(items) - 1)) / len(items)
    row: list[object] = []
    widths: list[float] = []
    for place, (number, tone, caption) in enumerate(items):
        if place:
            row.append("")
            widths.append(gap)
        row.append([Words(marked(number), BIG[tone]), words(caption, SOFT_BODY)])
        widths.append(each)
    table = Layout([row], colWidths=widths)
    style: list[tuple[object, ...]] = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 4)]
    for place in range(0, len(row), 2):
        style += [("BACKGROUND", (place, 0), (place, 0), TINT), ("BOX", (place, 0), (place, 0), 0.5, LINE)]
    table.setStyle(style)
    return [table, Spacer(1, 5)]


def beside(left: Sequence[Flowable], right: Sequence[Flowable], *, share: float = 0.5) -> Flowable:
    """Two columns. share: of the width, for the left one."""
    gap = 12.0
    table = Layout(
        [[list(left), "", list(right)]], colWidths=[WIDTH * share - gap / 2, gap, WIDTH * (1 - share) - gap / 2]
    )
    table.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding()])
    return table


def _no_padding() -> list[tuple[object, ...]]:
    return [(side, (0, 0), (-1, -1), 0) for side in ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")]


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    shares: Sequence[float],
    numbers: Sequence[int] = (),
    total: bool = False,
    plain: bool = False,
    width: float = WIDTH,
) -> Flowable:
    """A table. shares: of the width, by column; numbers: places of columns aligned to the right; total: the last row sums; plain: the first column is not bold."""
    cells: list[list[Flowable]] = [
        [words(heading, CELL_HEAD_NUMBER if place in numbers else CELL_HEAD) for place, heading in enumerate(headings)]
    ]
    cells += [
        [
            words(text, CELL_NUMBER if place in numbers else CELL_BOLD if place == 0 and not plain else CELL)
            for place, text in enumerate(row)
        ]
        for row in rows
    ]
    made = DataTable(cells, colWidths=[width * share / sum(shares) for share in shares])
    style: list[tuple[object, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 1, LINE),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.4),
    ]
    if total:
        style.append(("LINEABOVE", (0, -1), (-1, -1), 0.9, INK))
    made.setStyle(style)
    return made
