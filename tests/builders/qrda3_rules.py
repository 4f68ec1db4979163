"""CMS's own rules for QRDA III, from the material beside the project."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "qrda3"
THERE = (FOLDER / "EP_CAT_III.sch").is_file()
WHY_NOT = "CMS's QRDA III Schematron is not beside the project"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


@cache
def _rules() -> Any:
    from lxml import etree
    from lxml.isoschematron import Schematron

    text = (FOLDER / "EP_CAT_III.sch").read_text(encoding="utf-8")
    text = text.replace("document('voc.xml')", f"document('{(FOLDER / 'voc.xml').as_uri()}')")
    return Schematron(etree.fromstring(text.encode()).getroottree(), phase="errors", store_report=True)


def failed_assertions(content: bytes) -> Counter[str]:
    """Assertion id -> how often it failed."""
    from lxml import etree

    rules = _rules()
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    rules.validate(etree.fromstring(content, parser).getroottree())
    return Counter(node.get("id") for node in rules.validation_report.iter(_SVRL))
