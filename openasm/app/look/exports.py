"""Tables as CSV and XLSX that no spreadsheet mistakes for formulas (OWASP ASVS 5.0, 1.2.10)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse
from django.utils.text import slugify

Cell = str | int | float | bool | None
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # also the full-width forms


def safe_text(text: str) -> str:
    """Text that a spreadsheet shows as text: what would start a formula gets an apostrophe before it.

    >>> safe_text("=1+1"), safe_text("Smith")
    ("'=1+1", 'Smith')
    """
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_STARTS) or text.startswith(_STARTS) else text


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """A CSV to save. Numbers are written as numbers, a minus and all; texts are made safe."""
    stream = io.StringIO(newline="")
    stream.write("\ufeff")  # spreadsheets then read it as UTF-8
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([safe_text(title) for title in header])
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return _saved(stream.getvalue().encode(), f"{slugify(name)}.csv", "text/csv; charset=utf-8")


def xlsx_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """A workbook to save: texts are stored as texts, never as formulas or links."""
    import xlsxwriter  # heavy: loaded only here

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(stream, options) as book:
        sheet = book.add_worksheet("Table")
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet.freeze_panes(1, 0)
        for place, title in enumerate(header):
            sheet.write_string(0, place, title, bold)
            sheet.set_column(place, place, max(12, min(40, len(title) + 4)))
        for line, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                if isinstance(value, bool):
                    sheet.write_string(line, place, "yes" if value else "no")
                elif isinstance(value, int | float):
                    sheet.write_number(line, place, value)
                elif value is not None:
                    sheet.write_string(line, place, value)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _saved(stream.getvalue(), f"{slugify(name)}.xlsx", kind)


def csv_cell(value: Cell) -> str:
    """One value as a CSV holds it, made safe for spreadsheets."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe_text(value) if isinstance(value, str) else str(value)


def _saved(content: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
