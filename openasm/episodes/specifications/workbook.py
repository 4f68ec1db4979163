"""Reader of CMS's codes-list workbooks: sheets as rows of text under their header texts.

What is known of the layout: every sheet but `Overview` is one table; its header row begins with `Initial Sort Order` (Excel
row 6, on some sheets 5); the next row reads `This is a filter cell`; data follow without a gap until a first cell that
reads `End of worksheet` in any case. Headers hold typing errors and odd blanks, and the same sheet differs in width between
measures, so columns are found by header text, up to the first empty header cell. Codes stay text.

This file knows sheets and columns. What a row means for the measure is in `lists.py`.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.base.errors import why_unreadable
from openasm.base.problems import Problems, Severity, declare, shown

HEADER_START = "initial sort order"
FILTER_CELL = "this is a filter cell"
END_OF_SHEET = "end of worksheet"
HEADER_SEARCH_ROWS = 30
MAXIMUM_ROWS = 1_000_000
MAXIMUM_COLUMNS = 200

# Limits that no codes list comes near (the largest have some 50,000 drug rows and a few megabytes) and a bomb passes.
MAXIMUM_PARTS = 1_000
MAXIMUM_UNPACKED_BYTES = 400 * 1024**2
MAXIMUM_RATIO = 200

WORKBOOK_UNREADABLE = declare(
    "E001",
    "the codes list is not a readable Excel workbook",
    expected="the XLSX file of the measure's codes list as CMS publishes it",
    next_step="Download the file again and save it unchanged; a CSV or XLS copy will not do.",
)
WORKBOOK_TOO_LARGE = declare(
    "E002",
    "the codes list unpacks to far more than a codes list holds",
    expected="at most 400 MB unpacked, packed no tighter than 200 to 1",
    next_step="Check where the file comes from; do not open it.",
)
SHEET_MISSING = declare(
    "E003",
    "a sheet is missing",
    expected="the sheet named",
    next_step="Check that this is the codes list of the right measure, unchanged.",
)
HEADER_ROW_MISSING = declare(
    "E004",
    "the sheet has no header row",
    expected="a row with the cell `Initial Sort Order` among the first 30 rows",
    next_step="Restore the sheet as CMS published it.",
)
COLUMN_MISSING = declare(
    "E005",
    "a column is missing or has another header",
    expected="the header named",
    next_step="If CMS renamed the column, name the new text under `header_names` in a file given with --spec.",
)
COLUMN_TWICE = declare(
    "E006", "a header stands twice on the sheet", expected="each header once", next_step="Rename one of the two."
)
END_MISSING = declare(
    "E007",
    "the sheet does not end with `End of worksheet`; rows may be missing",
    expected="`End of worksheet` in the row after the last",
    next_step="Compare the sheet with the one CMS published.",
    severity=Severity.WARNING,
)
ROW_GAP = declare(
    "E008",
    "a row in the middle of the sheet is empty",
    expected="no empty row before `End of worksheet`",
    next_step="Compare the sheet with the one CMS published.",
    severity=Severity.WARNING,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One data row: its Excel row number and its cells as text by normalised header; empty cells are not there."""

    number: int
    cells: Mapping[str, str]

    def text(self, header: str) -> str:
        """The cell under a header (normalised text), "" when empty."""
        return self.cells.get(header, "")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One data sheet. headers: normalised, in order; header_row: Excel row number."""

    name: str
    header_row: int
    headers: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Workbook:
    """A codes list as read. file: name without folders; overview: the prose of the `Overview` sheet."""

    file: str
    overview: str
    sheets: Mapping[str, Sheet]
    is_demonstration: bool


def normalised(text: str) -> str:
    """A header for comparison: one blank between words, no odd Unicode, no case.

    >>> normalised("Logic\\u00a0Notes ")
    'logic notes'
    """
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u200b", "").split()).casefold()


def read_workbook(path: Path, problems: Problems) -> Workbook | None:
    """Read every data sheet of a codes list; None after a problem that ends the reading.

    Problems are added, never raised: an unreadable or oversized file, a sheet without header row, a header twice, a sheet
    without end mark.
    """
    if not _safe_to_open(path, problems):
        return None
    from openpyxl import load_workbook  # heavy: loaded only here

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its parser met
        problems.add(WORKBOOK_UNREADABLE, path.name, found=why_unreadable(error))
        return None
    overview = ""
    sheets: dict[str, Sheet] = {}
    marked = False
    try:
        for worksheet in book.worksheets:
            worksheet.reset_dimensions()  # a wrong stored extent would cut rows off
            if normalised(worksheet.title) == "overview":
                overview = " ".join(cell for _, row in _text_rows(worksheet) for cell in row if cell)
                marked = marked or "demonstration" in overview.casefold()
                continue
            sheet, above = _read_sheet(path.name, worksheet, problems)
            marked = marked or "demonstration" in above.casefold()
            if sheet is not None:
                sheets[sheet.name] = sheet
    except Exception as error:
        problems.add(WORKBOOK_UNREADABLE, path.name, found=why_unreadable(error))
        return None
    finally:
        book.close()
    return Workbook(path.name, overview, sheets, marked)


def _safe_to_open(path: Path, problems: Problems) -> bool:
    """Whether the file is a ZIP of a size and shape that a codes list can have, without entity declarations."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            packed = max(1, sum(part.compress_size for part in parts))
            if (
                len(parts) > MAXIMUM_PARTS
                or unpacked > MAXIMUM_UNPACKED_BYTES
                or (unpacked > 50 * 1024**2 and unpacked > MAXIMUM_RATIO * packed)
            ):
                problems.add(WORKBOOK_TOO_LARGE, path.name, found=f"{unpacked:,} bytes in {len(parts):,} parts")
                return False
            for part in parts:
                with archive.open(part) as stream:
                    start = stream.read(4096)
                if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                    problems.add(WORKBOOK_UNREADABLE, path.name, found="a part that declares entities")
                    return False
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        problems.add(WORKBOOK_UNREADABLE, path.name, found=why_unreadable(error))
        return False
    return True


def _text_rows(worksheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Excel row numbers and cells as stripped text."""
    for number, row in enumerate(worksheet.iter_rows(values_only=True, max_row=MAXIMUM_ROWS), start=1):
        yield number, [_text(value) for value in row[:MAXIMUM_COLUMNS]]


def _text(value: object) -> str:
    """A cell as text without blanks at its ends; a number keeps no decimals it does not need."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return re.sub(r"[\u00a0\u200b\s]+", " ", str(value)).strip()


def _read_sheet(file: str, worksheet: Any, problems: Problems) -> tuple[Sheet | None, str]:
    """The sheet (None without a header row) and the text above its header."""
    name = str(worksheet.title).strip()
    rows = _text_rows(worksheet)
    above: list[str] = []
    for number, cells in rows:
        place = next((each for each, cell in enumerate(cells) if normalised(cell) == HEADER_START), None)
        if place is not None:
            break
        above += cells
        if number >= HEADER_SEARCH_ROWS:
            problems.add(HEADER_ROW_MISSING, file, column=name)
            return None, " ".join(above)
    else:
        problems.add(HEADER_ROW_MISSING, file, column=name)
        return None, " ".join(above)
    headers: list[str] = []
    for cell in cells[place:]:
        if not cell:
            break
        headers.append(normalised(cell))
    for header in sorted({each for each in headers if headers.count(each) > 1}):
        problems.add(COLUMN_TWICE, file, row=number, column=f"{name}: {header}")
    header_row, data, gap, ended = number, [], None, False
    for number, cells in rows:
        fields = cells[place : place + len(headers)]
        first = normalised(fields[0]) if fields else ""
        if first == END_OF_SHEET:
            ended = True
            break
        if first == FILTER_CELL or (number == header_row + 1 and not any(fields)):
            continue
        if not any(fields):
            gap = gap or number
            continue
        if gap is not None:
            problems.add(ROW_GAP, file, row=gap, column=name)
            gap = None
        data.append(Row(number, {h: v for h, v in zip(headers, fields, strict=False) if v}))
    if not ended:
        problems.add(END_MISSING, file, column=name, found=f"{len(data):,} rows and no end mark")
    return Sheet(name, header_row, tuple(headers), tuple(data)), " ".join(above)


def require_columns(
    workbook: Workbook,
    sheet_name: str,
    wanted: Mapping[str, tuple[str, ...]],
    problems: Problems,
) -> dict[str, str] | None:
    """Which header of the sheet stands for each wanted column; None (after problems) when the sheet or one of them is missing.

    wanted: our word -> the header texts that may stand for it, best first.
    """
    sheet = workbook.sheets.get(sheet_name)
    if sheet is None:
        problems.add(SHEET_MISSING, workbook.file, column=sheet_name, expected=f"a sheet {sheet_name}")
        return None
    found: dict[str, str] = {}
    for word, names in wanted.items():
        header = next((normalised(name) for name in names if normalised(name) in sheet.headers), None)
        if header is None:
            problems.add(
                COLUMN_MISSING,
                workbook.file,
                row=sheet.header_row,
                column=f"{sheet_name}: {names[0]}",
                found=shown(", ".join(sheet.headers), 160),
                expected=f"a header {' or '.join(names)}",
            )
        else:
            found[word] = header
    return found if len(found) == len(wanted) else None
