"""CCLF files to tables of the engine, field by field, with every record counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.accounting import Account, counted, stop_if_damaged
from openasm.claims.sources.cclf.files import CclfFile
from openasm.claims.sources.cclf.layout import NO_DATES, FileLayout
from openasm.tables.duckdb_engine import DuckDbEngine
from openasm.tables.fixed_width import Broken, Field, FieldReader, Reading, WrongRecordLength, read_batches

WRONG_LENGTH = declare(
    "C107",
    "records do not have the length of the layout",
    expected="records of one length, as the layout says",
    next_step="Fetch the file again without letting a program change it; if every record differs, the layout version is new.",
    citation="CCLF Information Packet, appendix B",
)
BAD_FIELD = declare(
    "C108",
    "a date, an amount or what identifies the record cannot be read; the record was left out",
    expected="dates as YYYY-MM-DD, amounts as digits with two decimals, numbers of claims and people in plain characters, or blanks",
    next_step="Ask CMS's help desk about these records. Totals lack them; if one is a cancellation, the claim it cancels still "
    "counts and totals are too high.",
    severity=Severity.WARNING,
    citation="CCLF Information Packet, appendix B",
)
UNUSABLE_CODE = declare(
    "C109",
    "codes do not have the form of their kind and were taken as missing",
    expected="codes in CMS's form",
    next_step="A few are normal (old ICD-9 codes, blanks as zeros); many mean a shifted file.",
    severity=Severity.WARNING,
)
FIELD_BLANK = declare(
    "C111",
    "a record lacks its claim number, person, line number or date and was left out",
    expected="these fields filled in every record",
    next_step="Ask CMS's help desk about these records. Totals lack them; if one is a cancellation, the claim it cancels still "
    "counts and totals are too high.",
    severity=Severity.WARNING,
)
AFTER_FILE = declare(
    "C112",
    "a service is dated outside the years that can be, or after the file was made; the record was left out",
    expected="services before the day in the file name",
    next_step="Check the file names' dates; a few such records are known errors of the source.",
    severity=Severity.WARNING,
)

UNREADABLE = "a date, an amount or an identifying number cannot be read"
BLANK = "claim number, person, line number or date missing"
IMPOSSIBLE_DATE = "dated outside the possible years or after the file was made"


def read_kind(
    engine: DuckDbEngine,
    table: str,
    files: Sequence[CclfFile],
    layout: FileLayout,
    fields: Sequence[Field],
    *,
    threads: int,
    problems: Problems,
    chosen: Sequence[Any] | None = None,
    held: bool = False,
) -> tuple[Account, set[str]]:
    """Read every file of one kind; returns its account (records and unreadable ones) and the fields ever filled.

    table: the view of the records to make, over `<table>_read`; held: leave the records where they were read, in memory, instead
    of copying them into a table of the engine, which can spill.
    chosen: per file the records to read (numbers from 0); the account counts all the same every record of the file.
    A wrong record length is an error in `problems` (the table then lacks that file), unreadable records are warnings.
    """
    readings = [Reading(file.path) for file in files]
    reader = FieldReader(fields, NO_DATES)

    def batches() -> Iterator[pa.RecordBatch]:
        for number, (file, reading) in enumerate(zip(files, readings, strict=True)):
            try:
                yield from read_batches(
                    reading,
                    reader,
                    record_length=layout.record_length,
                    file_number=number,
                    threads=threads,
                    chosen=None if chosen is None else chosen[number],
                )
            except WrongRecordLength as wrong:
                for record, length in zip(wrong.first, wrong.lengths, strict=True):
                    problems.add(
                        WRONG_LENGTH,
                        file.name,
                        row=record,
                        found=f"{length} characters",
                        expected=f"{layout.record_length} characters ({layout.file})",
                    )
                if wrong.count > len(wrong.first):
                    problems.add(
                        WRONG_LENGTH, file.name, found="more of the same", count=wrong.count - len(wrong.first)
                    )

    if held:
        engine.lend(f"{table}_read", pa.Table.from_batches(batches(), reader.schema))
    else:
        engine.create_table(f"{table}_read", pa.RecordBatchReader.from_batches(reader.schema, batches()))
    engine.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM {table}_read")
    account = Account(layout.file, 0)
    filled: set[str] = set()
    for file, reading in zip(files, readings, strict=True):
        account.records += reading.records
        account.drop(UNREADABLE, reading.broken_records)
        filled |= reading.filled
        _report(file, reading, problems)
    return account, filled


def _report(file: CclfFile, reading: Reading, problems: Problems) -> None:
    shown: dict[str, int] = {}
    for broken in sorted(reading.first_broken, key=lambda each: (each.record, each.label)):
        problems.add(BAD_FIELD, file.name, row=broken.record, column=broken.label, found="a value not shown")
        shown[broken.label] = shown.get(broken.label, 0) + 1
    for label, count in sorted(reading.broken.items()):
        if count > shown.get(label, 0):
            problems.add(
                BAD_FIELD, file.name, column=label, found="more of the same", count=count - shown.get(label, 0)
            )
    for label, count in sorted(reading.unusable.items()):
        problems.add(UNUSABLE_CODE, file.name, column=label, found=counted(count, "record"), count=count)
    stop_if_damaged(file.name, reading.broken_records, reading.records, problems)


def newest(files: Sequence[CclfFile]) -> dt.date | None:
    """The latest day a file name states."""
    days = [file.made for file in files if file.made is not None]
    return max(days) if days else None


__all__ = ["Broken", "newest", "read_kind"]
