"""Fixed-width files as Arrow batches: whole columns of bytes at a time, no text made where none is needed.

An engine's own text functions look at every character of a record for every field; cutting a block of records into words
costs one copy a field (`fixed_columns`). Memory is one block a thread whatever the size of the file, and the codes kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from openasm.tables.fixed_columns import Field, FieldKind, FieldReader

BLOCK_RECORDS = 32_768
_CHECKED_AT_ONCE = 1 << 18  # bytes
Result = TypeVar("Result")
_NEWLINE, _RETURN = (ord(character) for character in "\n\r")

__all__ = [
    "Broken",
    "Field",
    "FieldKind",
    "FieldReader",
    "Reading",
    "WrongRecordLength",
    "in_order",
    "open_records",
    "read_batches",
    "record_matrix",
]


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read: its number from 1 and the field at fault (`record length` for the whole)."""

    record: int
    label: str


@dataclass(slots=True)
class Reading:
    """What reading one file found.

    records: all of them; broken_records: those left out because a field could not be read, `broken` how many by field,
    `first_broken` the first of each; unusable: values made null by cleaning; filled: fields with a value in some record.
    """

    path: Path
    records: int = 0
    broken_records: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    first_broken: list[Broken] = field(default_factory=list)
    unusable: dict[str, int] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)

    def note(self, label: str, count: int, examples: Sequence[int], keep: int = 20) -> None:
        """Count broken records of one field and keep the first."""
        self.broken[label] = self.broken.get(label, 0) + count
        have = sum(1 for broken in self.first_broken if broken.label == label)
        self.first_broken += [Broken(record, label) for record in examples[: max(0, keep - have)]]


class WrongRecordLength(Exception):
    """Records of another length than the layout's: how many, the first of them, and the lengths found."""

    def __init__(self, count: int, first: Sequence[int], lengths: Sequence[int]) -> None:
        self.count = count
        self.first = tuple(first)
        self.lengths = tuple(lengths)
        super().__init__(f"{count} records of another length")


def read_batches(
    reading: Reading,
    fields: FieldReader,
    *,
    record_length: int,
    file_number: int = 0,
    threads: int = 1,
    chosen: Any = None,
) -> Iterator[pa.RecordBatch]:
    """Read one file block by block; `reading` is filled on the way.

    fields: reads the blocks; of the files of one kind all use the same, so that each code is cleaned once.
    chosen: read only these records (numbers from 0 in rising order); the file's form is checked as a whole all the same.

    Records with a field that cannot be read are left out and counted. A file with a record of another length raises
    WrongRecordLength before the first batch.
    """
    opened = open_records(reading.path, record_length)
    if opened is None:
        return
    whole, count, stride = opened
    if chosen is None:
        _check_ends(whole, count, stride, record_length, reading.path)
    reading.records = count
    rows = count if chosen is None else len(chosen)

    def block(start: int) -> _Block:
        stop = min(start + BLOCK_RECORDS, rows)
        numbers = np.arange(start, stop) if chosen is None else chosen[start:stop]
        return _block(record_matrix(whole, numbers, stride, whole_run=chosen is None), numbers, fields, file_number)

    for ready in in_order(block, range(0, rows, BLOCK_RECORDS), threads=threads):
        yield _finished(ready, reading)


def in_order(work: Callable[[int], Result], starts: Sequence[int], *, threads: int) -> Iterator[Result]:
    """The results of `work` for each start, in order; several threads work, never more than one piece ahead of each."""
    if threads == 1 or len(starts) <= 1:  # not worth a thread
        yield from map(work, starts)
        return
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for start in starts:
            waiting.append(pool.submit(work, start))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def open_records(path: Path, record_length: int) -> tuple[Any, int, int] | None:
    """The file's bytes (mapped), its number of records and the bytes from one to the next; None for an empty file.

    A size that does not fit raises WrongRecordLength; line ends are not looked at.
    """
    size = path.stat().st_size
    if size == 0:
        return None
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    stride = _stride(whole, record_length)
    count = (size + stride - record_length) // stride
    if stride == 0 or count * stride - (stride - record_length) > size or size - count * stride > 0:
        raise wrong_lengths(path, record_length)
    return whole, count, stride


def record_matrix(whole: Any, numbers: Any, stride: int, *, whole_run: bool) -> Any:
    """Some records as a matrix of bytes; whole_run: their numbers follow one another, so nothing need be copied."""
    if not whole_run:
        places = numbers[:, None] * stride + np.arange(stride)
        return whole[np.minimum(places, len(whole) - 1)]
    rows = len(numbers)
    start = int(numbers[0])
    piece = whole[start * stride : min((start + rows) * stride, len(whole))]
    if len(piece) < rows * stride:  # the last record may lack its line end
        piece = np.concatenate([piece, np.full(rows * stride - len(piece), _NEWLINE, dtype=np.uint8)])
    return piece.reshape(rows, stride)


@dataclass(slots=True)
class _Block:
    batch: pa.RecordBatch
    left_out: int = 0
    broken: dict[str, Any] = field(default_factory=dict)
    unusable: dict[str, int] = field(default_factory=dict)


def _finished(block: _Block, reading: Reading) -> pa.RecordBatch:
    reading.broken_records += block.left_out
    for label, records in block.broken.items():
        reading.note(label, len(records), records[:20].tolist())
    for label, count in block.unusable.items():
        reading.unusable[label] = reading.unusable.get(label, 0) + count
    for name, column in zip(block.batch.schema.names, block.batch.columns, strict=True):
        if column.null_count < len(column):
            reading.filled.add(name)
    return block.batch


def _stride(whole: Any, record_length: int) -> int:
    """Bytes from one record to the next: the length and its line end (LF or CR LF)."""
    if len(whole) <= record_length:
        return record_length + 1
    return record_length + (2 if whole[record_length] == _RETURN else 1)


def _check_ends(whole: Any, count: int, stride: int, record_length: int, path: Path) -> None:
    whole = np.asarray(whole)
    full = len(whole) // stride
    step = max(1, _CHECKED_AT_ONCE // stride)
    for start in range(0, full, step):
        stop = min(start + step, full)
        feeds = whole[start * stride : stop * stride] == _NEWLINE
        # As many line feeds as records, one at the end of each: then there are none inside.
        if np.count_nonzero(feeds) != stop - start or not feeds[stride - 1 :: stride].all():
            raise wrong_lengths(path, record_length)
    rest = whole[full * stride :]
    if count > full and (rest == _NEWLINE).any():
        raise wrong_lengths(path, record_length)


def wrong_lengths(path: Path, record_length: int) -> WrongRecordLength:
    """Count the records of another length, line by line."""
    count = 0
    first: list[int] = []
    lengths: list[int] = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            length = len(line.rstrip(b"\r\n"))
            if length != record_length:
                count += 1
                if len(first) < 20:
                    first.append(number)
                    lengths.append(length)
    return WrongRecordLength(count, first, lengths)


def _block(matrix: Any, numbers: Any, fields: FieldReader, file_number: int) -> _Block:
    rows = len(numbers)
    block = _Block(pa.RecordBatch.from_arrays([], names=[]))
    bad = np.zeros(rows, dtype=bool)
    columns = fields.columns(matrix)
    for each, column in zip(fields.fields, columns, strict=True):
        if column.unusable:
            block.unusable[each.label] = column.unusable
        if column.wrong is not None:
            bad |= column.wrong
            block.broken[each.label] = numbers[column.wrong] + 1
    arrays = [column.values for column in columns]
    arrays += [pa.array(np.full(rows, file_number, dtype=np.int32)), pa.array(numbers.astype(np.int64) + 1)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=fields.schema)
    block.left_out = int(bad.sum())
    block.batch = batch.filter(pa.array(~bad)) if block.left_out else batch
    return block
