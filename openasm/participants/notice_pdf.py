"""A notice of error as PDF: equal packs give equal bytes."""

from __future__ import annotations

import io
import unicodedata
from html import escape
from pathlib import Path
from typing import Any

from openasm.base.files import written_whole
from openasm.participants.notice import Notice, Section


def write_notice_pdf(notice: Notice, path: Path) -> None:
    """Write the pack as a PDF on letter paper, whole or not at all."""
    content = notice_pdf(notice)
    with written_whole(path, "wb") as stream:
        stream.write(content)


def notice_pdf(notice: Notice) -> bytes:
    """The bytes of the PDF."""
    from reportlab.lib.pagesizes import letter
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import inch
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    plain = ParagraphStyle("plain", fontName="Helvetica", fontSize=9.5, leading=13, spaceAfter=4)
    styles = {
        "plain": plain,
        "cell": ParagraphStyle("cell", parent=plain, fontSize=8.5, leading=11, spaceAfter=0, splitLongWords=1),
        "head": ParagraphStyle("head", parent=plain, fontName="Helvetica-Bold", fontSize=8.5, leading=11, spaceAfter=0),
        "title": ParagraphStyle(
            "title", parent=plain, fontName="Helvetica-Bold", fontSize=15, leading=19, spaceAfter=6
        ),
        "section": ParagraphStyle(
            "section",
            parent=plain,
            fontName="Helvetica-Bold",
            fontSize=11.5,
            leading=15,
            spaceBefore=10,
            keepWithNext=1,
        ),
        "loud": ParagraphStyle("loud", parent=plain, fontName="Helvetica-Bold"),
    }
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=letter,
        leftMargin=0.8 * inch,
        rightMargin=0.8 * inch,
        topMargin=0.8 * inch,
        bottomMargin=0.8 * inch,
        title=_latin(notice.title),
        author="OpenASM",
        subject=f"NPI {notice.npi}",
        lang="en-US",
        invariant=1,
    )
    story: list[Any] = [Paragraph(_marked(notice.title), styles["title"]), Spacer(1, 2)]
    for section in notice.sections:
        story += _flowables(section, styles, float(document.width))

    def footer(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.drawString(page.leftMargin, 0.5 * inch, _latin(f"NPI {notice.npi}  {notice.name}"))
        canvas.drawRightString(page.leftMargin + page.width, 0.5 * inch, f"page {canvas.getPageNumber()}")
        canvas.restoreState()

    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return buffer.getvalue()


def _flowables(section: Section, styles: dict[str, Any], width: float) -> list[Any]:
    from reportlab.lib import colors
    from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

    flowables: list[Any] = [Paragraph(_marked(section.title), styles["section"])]
    for sentence in section.sentences:
        style = styles["loud"] if sentence.startswith("PLACEHOLDER") else styles["plain"]
        flowables.append(Paragraph(_marked(sentence), style))
    if not section.rows:
        return flowables
    with_header = any(section.header)
    rows = [[Paragraph(_marked(cell), styles["head"]) for cell in section.header]] if with_header else []
    rows += [[Paragraph(_marked(cell), styles["cell"]) for cell in row] for row in section.rows]
    table = Table(
        rows, colWidths=[share * width for share in section.widths], repeatRows=1 if with_header else 0, hAlign="LEFT"
    )
    look: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, colors.HexColor("#999999")),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 3 if with_header else 9),
    ]
    if with_header:
        look.append(("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8ecf0")))
    table.setStyle(TableStyle(look))
    return [*flowables, Spacer(1, 3), table]


def _marked(text: str) -> str:
    """Text for a paragraph: what looks like markup stays text."""
    return escape(_latin(text), quote=False)


def _latin(text: str) -> str:
    """Text in the letters the standard PDF fonts have: others lose their accents, or become a question mark."""
    kept = []
    for letter in text:
        if _fits(letter):
            kept.append(letter)
        else:
            bare = "".join(each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each))
            kept.append(bare if bare and all(map(_fits, bare)) else "?")
    return "".join(kept)


def _fits(letter: str) -> bool:
    return letter.isprintable() and ord(letter) < 256
