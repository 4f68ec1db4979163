"""A document on paper: pages of letter size with margins, a foot on each, text that is tagged for screen readers."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

from reportlab.lib.pagesizes import letter
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from openasm.report.drawings import BAD, FONT, LINE, SOFT, fitted, register_fonts
from openasm.report.pdf_parts import MARGIN, WIDTH, Story, shown
from openasm.report.tagged import TaggedCanvas

FOOT_SIZE = 6.5  # points
BELOW = MARGIN + 8  # points under the text, for the foot


def pdf_bytes(story: Story, *, heading: str, version: str, subject: str, foot: str, made_up: str = "") -> bytes:
    """The PDF of a story; equal stories give equal bytes.

    heading: the document's title in a reader's window; version: of OpenASM; foot: what stands at the left of each page's foot,
    cut to its room, beside the page number; made_up: a second line of the foot, in the colour of what must not be missed.
    """
    register_fonts()
    stream = io.BytesIO()
    document = BaseDocTemplate(
        stream,
        pagesize=letter,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=BELOW,
        title=shown(heading),
        author=f"OpenASM {version}",
        subject=subject,
        lang="en-US",
        invariant=1,
        pageCompression=1,
    )
    frame = Frame(MARGIN, BELOW, WIDTH, letter[1] - MARGIN - BELOW, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate(frames=[frame])])
    left = fitted(shown(foot), WIDTH - 60, FOOT_SIZE)
    document.build(story, canvasmaker=partial(TaggedCanvas, foot=partial(_foot, left=left, made_up=made_up)))
    return stream.getvalue()


def _foot(canvas: Any, page: int, pages: int, *, left: str, made_up: str) -> None:
    canvas.setStrokeColor(LINE)
    canvas.line(MARGIN, MARGIN, letter[0] - MARGIN, MARGIN)
    canvas.setFont(FONT, FOOT_SIZE)
    canvas.setFillColor(SOFT)
    canvas.drawString(MARGIN, MARGIN - 10, left)
    canvas.drawRightString(letter[0] - MARGIN, MARGIN - 10, f"Page {page} of {pages}")
    if made_up:
        canvas.setFillColor(BAD)
        canvas.drawString(MARGIN, MARGIN - 19, made_up)
