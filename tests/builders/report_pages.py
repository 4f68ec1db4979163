"""What every page that the program writes must hold to, and reading of what a PDF says."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pypdf
from lxml import html as lxml_html

LIGHT = re.compile(r":root\{color-scheme[^}]*\}")
DARK = re.compile(r"prefers-color-scheme:dark\)\{:root\{([^}]*)\}")


def check_page(page: str) -> None:
    """Landmarks, headings in order, tables with captions and scopes, charts with titles and tables, nothing loaded or run."""
    assert not re.search(r"(src|href)=[\"'](https?:)?//", page)
    assert "<script" not in page
    tree = lxml_html.fromstring(page)
    assert tree.get("lang") == "en"
    assert tree.xpath("/html/head/title/text()")
    for landmark in ("header", "main"):
        assert len(tree.xpath(f"/html/body/{landmark}")) == 1, landmark
    assert tree.xpath("//body/a[@class='skip' and @href='#main']")
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    for section in tree.xpath("//section"):
        assert tree.get_element_by_id(section.get("aria-labelledby")).tag == "h2"
    for table in tree.xpath("//table"):
        assert table.xpath("./caption[normalize-space()]"), lxml_html.tostring(table)[:300]
        assert table.xpath("./thead//th")
        assert table.xpath("ancestor::div[contains(@class, 'scroll')][@tabindex='0'][@role='region']")
        for row in table.xpath("./tbody/tr"):
            assert row.xpath("./th[@scope='row']")
    for cell in tree.xpath("//th"):
        assert cell.get("scope") in ("col", "row", "colgroup")
        assert cell.text_content().strip(), lxml_html.tostring(cell.getparent())[:300]
    for chart in tree.xpath("//*[local-name()='svg']"):
        assert chart.get("role") == "img"
        assert chart.xpath("./*[local-name()='title']/text()")
        assert chart.xpath("ancestor::figure[.//table]"), "a chart without the table of its numbers"
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    targets = {anchor.get("href")[1:] for anchor in tree.xpath("//a[starts-with(@href, '#')]")}
    assert targets <= set(ids)
    for cell in tree.xpath("//td"):  # numbers stand under each other
        if re.fullmatch(r"[+−]?\$[\d,]+|[+−]?[\d.]+%|[+−][\d.]+", cell.text_content().strip()):
            assert "n" in (cell.get("class") or "").split(), lxml_html.tostring(cell)


def palettes(style: str) -> list[dict[str, str]]:
    """The light and the dark colours of a style sheet, by name."""
    light, dark = LIGHT.search(style), DARK.search(style)
    assert light
    assert dark
    return [dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})", each)) for each in (light.group(0), dark.group(1))]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2, relative luminance)."""
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:]
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def page_words(page: str) -> str:
    """What a page says, in one line."""
    return " ".join(lxml_html.fromstring(page).text_content().split())


def pdf_words(path: Path) -> str:
    """What a PDF says, in one line."""
    reader = pypdf.PdfReader(path)
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())
