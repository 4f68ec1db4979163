"""A notice of error as a workbook: a sheet a section, every cell text, equal packs give equal bytes."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path

from openasm.base.files import written_whole
from openasm.participants.notice import Notice

_FIXED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 (the format holds a bare moment; a fixed one keeps the bytes equal)


def write_notice_workbook(notice: Notice, path: Path) -> None:
    """Write the pack as .xlsx, whole or not at all."""
    content = notice_workbook(notice)
    with written_whole(path, "wb") as stream:
        stream.write(content)


def notice_workbook(notice: Notice) -> bytes:
    """The bytes of the workbook. Nothing in it is run as a formula."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": notice.title, "author": "OpenASM", "created": _FIXED})
    title = book.add_format({"bold": True, "font_size": 13})
    head = book.add_format({"bold": True, "bg_color": "#E8ECF0", "bottom": 1, "text_wrap": True, "valign": "top"})
    cell = book.add_format({"text_wrap": True, "valign": "top"})
    loud = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    names: set[str] = set()
    for section in notice.sections:
        sheet = book.add_worksheet(_sheet_name(section.title, names))
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 4, 40)
        sheet.write_string(0, 0, section.title, title)
        row = 1
        for sentence in section.sentences:
            sheet.merge_range(row, 0, row, 2, "", cell)
            sheet.write_string(row, 0, sentence, loud if sentence.startswith("PLACEHOLDER") else cell)
            sheet.set_row(row, 15 * (1 + len(sentence) // 110))
            row += 1
        row += 1
        if any(section.header):
            for column, text in enumerate(section.header):
                sheet.write_string(row, column, text, head)
            row += 1
        for values in section.rows:
            for column, text in enumerate(values):
                sheet.write_string(row, column, text, cell)
            row += 1
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L&8NPI {notice.npi}&R&8page &P of &N")
    book.close()
    return buffer.getvalue()


def _sheet_name(title: str, taken: set[str]) -> str:
    """A sheet's name: at most 31 characters, none of those a workbook forbids, each once."""
    plain = re.sub(r"[\[\]:*?/\\']", " ", title)
    name = plain[:31]
    number = 2
    while name.casefold() in taken:
        name = f"{plain[:27]} {number}"
        number += 1
    taken.add(name.casefold())
    return name
