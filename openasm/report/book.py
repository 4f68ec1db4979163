"""Writing Excel workbooks: one sheet a table, numbers as numbers, nothing a formula.

Text cells are written as strings, so a name that begins with `=` cannot become a formula.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.base.files import written_whole

Value = str | int | float | bool | None

_FORMATS = {
    "text": "@",
    "whole": "#,##0",
    "points": "0.0",
    "percent": "0.0%",
    "factor": '+0.00%;[Red]"−"0.00%;0.00%',
    "dollars": '"$"#,##0;[Red]"−$"#,##0',
    "cents": '"$"#,##0.00',
    "change_cents": '+"$"#,##0.00;"−$"#,##0.00;"$"0.00',
    "plain": "0.0000",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of a sheet: its title, how its numbers are shown (a key of the formats) and its width in characters."""

    title: str
    form: str = "text"
    width: int = 14


Sheet = tuple[str, str, Sequence[Heading], Sequence[Sequence[Value]]]


def write_book(path: Path, sheets: Sequence[Sheet], *, title: str, version: str, private: bool = False) -> None:
    """Write sheets (name, note, headings, rows) as a workbook, whole or not at all. Equal sheets give equal bytes.

    private: for its owner alone (mode 0600).
    """
    import xlsxwriter  # loaded only when a workbook is made

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties(
        {
            "title": title,
            "comments": f"Made with OpenASM {version}. Not a CMS document.",
            "created": dt.datetime(2000, 1, 1),  # noqa: DTZ001 (a fixed moment keeps equal reports equal)
        }
    )
    for name, note, headings, rows in sheets:
        _write_sheet(book, name, note, headings, rows)
    book.close()
    with written_whole(path, "wb", private=private) as stream:
        stream.write(buffer.getvalue())


def _write_sheet(book: Any, name: str, note: str, headings: Sequence[Heading], rows: Sequence[Sequence[Value]]) -> None:
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    soft = book.add_format({"italic": True, "font_color": "#57606A"})
    forms = {key: book.add_format({"num_format": form, "valign": "top"}) for key, form in _FORMATS.items()}
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.write_string(0, 0, note, soft)
    for place, heading in enumerate(headings):
        sheet.set_column(place, place, heading.width)
        sheet.write_string(1, place, heading.title, bold)
    for line, row in enumerate(rows, start=2):
        for place, (value, heading) in enumerate(zip(row, headings, strict=True)):
            if value is None or (isinstance(value, float) and math.isnan(value)):
                continue
            if isinstance(value, bool):
                sheet.write_string(line, place, "yes" if value else "no")
            elif isinstance(value, str):
                sheet.write_string(line, place, value, wrapped if heading.width >= 40 else forms["text"])
            else:
                sheet.write_number(line, place, value, forms[heading.form])
    sheet.freeze_panes(2, 1)
    sheet.autofilter(1, 0, max(1, len(rows) + 1), len(headings) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(1)
