"""Whether the files of a delivery are whole: their records against what CCLF0 says, and files that hold nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.accounting import counted
from openasm.claims.sources.cclf.files import CclfFile
from openasm.claims.sources.cclf.layout import FileLayout
from openasm.claims.sources.cclf.reading import WRONG_LENGTH

COUNT_DIFFERS = declare(
    "C110",
    "a file does not hold as many records as CCLF0 says",
    expected="the number of records and the record length in CCLF0",
    next_step="Fetch the delivery again; a file was cut short or belongs to another month.",
    citation="CCLF Information Packet, section 2.7",
)
NOT_COMPARED = declare(
    "C120",
    "CCLF0 speaks of a file that was not given with it, so the number of its records was not compared",
    expected="the files that CCLF0 names beside it, in one folder or zip, with the same day in their names",
    next_step="Give the files of a delivery together and under the names they came with; add those that are missing.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, section 2.7",
)
EMPTY = declare(
    "C121",
    "the file holds no record",
    expected="records, or no file at all",
    next_step="Nothing needs doing if CCLF0 says 0 too; otherwise fetch the file again, as what it would give is missing.",
    severity=Severity.WARNING,
)
_NEVER_EMPTY = tuple(f"CCLF{kind}" for kind in "1245678")  # without any, a table lacks a part


def check_summary(files: Sequence[CclfFile], layouts: dict[str, FileLayout], problems: Problems) -> None:
    """Compare every file with the records and lengths its CCLF0 states, and name files without a record.

    A CCLF0 line names a file; where it holds the file's description instead, as most do, it is about the file of its kind in
    the same delivery (of several, one has to have as many records).
    """
    for summary in (file for file in files if file.kind == "CCLF0"):
        stated = list(_stated(summary))
        if not stated:
            problems.add(NOT_COMPARED, summary.name, found="no line with a file, its records and their length")
        for kind, name, records, length in stated:
            described = _described(files, summary, kind, name)
            if not described and records and kind in (*_NEVER_EMPTY, "CCLF9"):
                problems.add(NOT_COMPARED, summary.name, found=f"{kind} with {counted(records, 'record')}")
            _compare(described, records, length, summary=summary, layouts=layouts, problems=problems)
    for file in files:
        if file.kind in _NEVER_EMPTY and file.path.stat().st_size == 0:
            problems.add(EMPTY, file.name)


def _stated(summary: CclfFile) -> Iterator[tuple[str, str, int, int]]:
    """Kind, name or description, records and record length of every file that a CCLF0 speaks of."""
    for line in summary.path.read_text(encoding="latin-1").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) >= 4 and all(cell.isascii() and cell.isdigit() for cell in cells[2:4]):
            yield cells[0].upper(), cells[1].upper(), int(cells[2]), int(cells[3])


def _described(files: Sequence[CclfFile], summary: CclfFile, kind: str, name: str) -> list[CclfFile]:
    others = [file for file in files if file.kind != "CCLF0"]
    named = [file for file in others if file.name.upper() == name]
    beside = [file for file in named if file.delivery[0] == summary.delivery[0]]
    return beside or named or [file for file in others if file.kind == kind and file.delivery == summary.delivery]


def _compare(
    described: Sequence[CclfFile],
    stated: int,
    length: int,
    *,
    summary: CclfFile,
    layouts: dict[str, FileLayout],
    problems: Problems,
) -> None:
    known = [(file, layouts[file.kind].record_length) for file in described if file.kind in layouts]
    held = [count_records(file, expected) for file, expected in known]
    for (file, expected), records in zip(known, held, strict=True):
        if stated not in held:
            found, wanted = counted(records, "record"), counted(stated, "record")
            problems.add(COUNT_DIFFERS, file.name, found=found, expected=f"{wanted}, as {summary.name} says")
        if expected != length:
            found = f"record length {length} for {file.name}"
            problems.add(WRONG_LENGTH, summary.name, found=found, expected=f"{expected} ({file.kind})")


def count_records(file: CclfFile, record_length: int) -> int:
    """How many records a file holds, told by its size (a last record may lack its line end)."""
    size = file.path.stat().st_size
    if size == 0:
        return 0
    with file.path.open("rb") as stream:
        head = stream.read(record_length + 2)
    stride = record_length + (2 if head[record_length : record_length + 1] == b"\r" else 1)
    return (size + stride - record_length) // stride
