"""Rows of a workbook, CSV or `|`-separated file as text, with bounds: no file can exhaust memory or time.

A workbook is a ZIP archive; its members' unpacked sizes are added up before anything is read. Lines and files have limits.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

from openasm.base.errors import why_unreadable
from openasm.base.files import (
    FILE_EMPTY,
    FILE_MISSING,
    FILE_NOT_UTF8,
    LINE_TOO_LONG,
    MAXIMUM_COLUMNS,
    MAXIMUM_LINE,
    NOT_A_TABLE,
)
from openasm.base.problems import Problems, declare

MAXIMUM_UNPACKED = 512 * 1024 * 1024
MAXIMUM_RATIO = 200

ARCHIVE_TOO_LARGE = declare(
    "P020",
    "the workbook unpacks to far more than a table holds",
    expected=f"at most {MAXIMUM_UNPACKED // 2**20} MB unpacked, and at most {MAXIMUM_RATIO} times its packed size",
    next_step="Download the file again from its official page; do not open this one.",
)
IS_WEB_PAGE = declare(
    "P021",
    "the file is a web page, not a table",
    expected="the data file itself",
    next_step="Download it again; the site may have sent a sign-in or error page.",
)

Row = tuple[int, tuple[str, ...]]


def rows_of(path: Path, problems: Problems) -> Iterator[Row]:
    """Numbered rows (from 1) of the first sheet of an .xlsx, or of a text table; problems end the iteration."""
    if not path.is_file():
        problems.add(FILE_MISSING, path.name)
        return
    if path.stat().st_size == 0:
        problems.add(FILE_EMPTY, path.name)
        return
    with path.open("rb") as stream:
        beginning = stream.read(512)
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        problems.add(IS_WEB_PAGE, path.name)
    elif beginning.startswith(b"PK"):
        yield from _workbook_rows(path, problems)
    else:
        yield from _text_rows(path, problems)


def harmless(text: str) -> str:
    """A text that a spreadsheet shows rather than runs: what would start a formula gets an apostrophe before it.

    >>> harmless("=1+1"), harmless("MADE UP GROUP")
    ("'=1+1", 'MADE UP GROUP')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def archive_is_safe(path: Path, problems: Problems, *, expected: str) -> bool:
    """Whether a ZIP archive (a workbook is one) can be unpacked within bounds; what is wrong goes to `problems`."""
    try:
        with zipfile.ZipFile(path) as archive:
            packed = sum(member.compress_size for member in archive.infolist())
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        problems.add(NOT_A_TABLE, path.name, expected=expected)
        return False
    if unpacked > MAXIMUM_UNPACKED or unpacked > MAXIMUM_RATIO * max(packed, 1) + 1_000_000:
        problems.add(ARCHIVE_TOO_LARGE, path.name, found=f"{unpacked:,} bytes from {packed:,}")
        return False
    return True


def _workbook_rows(path: Path, problems: Problems) -> Iterator[Row]:
    if not archive_is_safe(path, problems, expected="an Excel workbook"):
        return
    import openpyxl  # loaded only for workbooks

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for place, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield place, tuple("" if cell is None else str(cell) for cell in cells[:MAXIMUM_COLUMNS])
    except GeneratorExit:
        raise
    except Exception as error:  # a damaged workbook fails in many ways, none of them ours
        problems.add(NOT_A_TABLE, path.name, found=why_unreadable(error), expected="an Excel workbook")


def _text_rows(path: Path, problems: Problems) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline(MAXIMUM_LINE + 1)
            if len(first) > MAXIMUM_LINE:
                problems.add(LINE_TOO_LONG, path.name, row=1)
                return
            stream.seek(0)
            separator = "|" if first.count("|") > first.count(",") else ","
            yield from enumerate((tuple(row) for row in csv.reader(_bounded(stream), delimiter=separator)), start=1)
    except _LineTooLong as error:
        problems.add(LINE_TOO_LONG, path.name, row=error.line)
    except UnicodeDecodeError:
        problems.add(FILE_NOT_UTF8, path.name)
    except csv.Error:
        problems.add(NOT_A_TABLE, path.name)


class _LineTooLong(Exception):
    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__()


def _bounded(stream: object) -> Iterator[str]:
    """Lines of at most MAXIMUM_LINE characters, read without ever holding a longer one."""
    read = stream.readline  # type: ignore[attr-defined]
    place = 0
    while line := read(MAXIMUM_LINE + 1):
        place += 1
        if len(line) > MAXIMUM_LINE:
            raise _LineTooLong(place)
        yield line
