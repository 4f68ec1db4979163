"""Fixed-width files as Arrow batches: whole columns of bytes at a time, no text made where none is needed.

An engine's own text functions look at every character of a record for every field; cutting a block of records as a matrix of
bytes costs one copy a field. Codes become dictionaries (cleaned once a distinct value), dates and money become numbers.
Memory is one block a thread whatever the size of the file.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from openasm.tables.words import are_digits, number

BLOCK_RECORDS = 65_536
_CUT_RECORDS = 1_024
_BLANK, _DOT, _MINUS, _ZERO, _NEWLINE, _RETURN = (ord(character) for character in " .-0\n\r")
_LONGEST_CODE = 10  # characters; longer fields (identifiers) repeat too little for a dictionary to pay
_AMOUNT = re.compile(r"(-?) *([0-9]{0,16})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = dt.date(1970, 1, 1)


class FieldKind(StrEnum):
    """How the characters of a field are read; blank is null in all of them."""

    TEXT = "text"  # blanks at both ends removed
    DATE = "date"  # YYYY-MM-DD; the dates given as meaning "no date" are null
    CENTS = "cents"  # dollars and cents as integer cents
    INTEGER = "integer"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: name, first position (counted from 1), length, kind.

    clean: for text, what a value is brought to; None makes it null and is counted as unusable, the record stays.
    """

    label: str
    start: int
    length: int
    kind: FieldKind
    clean: Callable[[str], str | None] | None = None

    @property
    def is_code(self) -> bool:
        """Whether its values repeat enough, or must be cleaned, to be kept as a dictionary."""
        return self.kind is FieldKind.TEXT and (self.length <= _LONGEST_CODE or self.clean is not None)


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


def arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    """The columns `read_batches` makes: the fields, then `file_number` and `record_number`."""
    columns = [pa.field(each.label, _arrow_type(each)) for each in fields]
    return pa.schema([*columns, pa.field("file_number", pa.int32()), pa.field("record_number", pa.int64())])


def _arrow_type(each: Field) -> pa.DataType:
    if each.kind is FieldKind.DATE:
        return pa.date32()
    if each.kind is not FieldKind.TEXT:
        return pa.int64()
    return pa.dictionary(pa.int32(), pa.string()) if each.is_code else pa.string()


def read_batches(
    reading: Reading,
    fields: Sequence[Field],
    *,
    record_length: int,
    file_number: int = 0,
    no_dates: frozenset[str] = frozenset(),
    threads: int = 1,
    chosen: Any = None,
) -> Iterator[pa.RecordBatch]:
    """Read one file block by block; `reading` is filled on the way.

    chosen: read only these records (numbers from 0 in rising order); the file's form is checked as a whole all the same.

    Records with a field that cannot be read are left out and counted. A file with a record of another length raises
    WrongRecordLength before the first batch. no_dates: date texts that mean that there is none.
    """
    opened = open_records(reading.path, record_length)
    if opened is None:
        return
    whole, count, stride = opened
    if chosen is None:
        _check_ends(whole, count, stride, record_length, reading.path)
    reading.records = count
    schema = arrow_schema(fields)

    rows = count if chosen is None else len(chosen)

    def block(start: int) -> _Block:
        stop = min(start + BLOCK_RECORDS, rows)
        numbers = np.arange(start, stop) if chosen is None else chosen[start:stop]
        matrix = record_matrix(whole, numbers, stride, whole_run=chosen is None)
        return _block(matrix, numbers, fields, file_number, no_dates, schema)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting: deque[Future[_Block]] = deque()
        for start in range(0, rows, BLOCK_RECORDS):
            waiting.append(pool.submit(block, start))
            if len(waiting) > threads:
                yield _finished(waiting.popleft().result(), reading)
        while waiting:
            yield _finished(waiting.popleft().result(), reading)


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
    full = len(whole) // stride
    for start in range(0, full, BLOCK_RECORDS):
        stop = min(start + BLOCK_RECORDS, full)
        ends = whole[start * stride : stop * stride].reshape(stop - start, stride)
        if not (ends[:, -1] == _NEWLINE).all() or (ends[:, :record_length] == _NEWLINE).any():
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


def _block(
    matrix: Any,
    numbers: Any,
    fields: Sequence[Field],
    file_number: int,
    no_dates: frozenset[str],
    schema: pa.Schema,
) -> _Block:
    rows = len(numbers)
    block = _Block(pa.RecordBatch.from_arrays([], names=[]))
    columns: list[pa.Array] = []
    bad = np.zeros(rows, dtype=bool)
    for each, cells in zip(fields, _cut(matrix, fields), strict=True):
        if each.is_code:
            column, unusable = _codes(cells, each.clean)
            if unusable:
                block.unusable[each.label] = unusable
        elif each.kind is FieldKind.TEXT:
            column = _texts(cells)
        else:
            dates = each.kind is FieldKind.DATE
            column, wrong = _dates(cells, no_dates) if dates else _amounts(cells, cents=each.kind is FieldKind.CENTS)
            if wrong is not None and wrong.any():
                bad |= wrong
                block.broken[each.label] = numbers[wrong] + 1
        columns.append(column)
    columns += [pa.array(np.full(rows, file_number, dtype=np.int32)), pa.array(numbers.astype(np.int64) + 1)]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    block.left_out = int(bad.sum())
    block.batch = batch.filter(pa.array(~bad)) if block.left_out else batch
    return block


def _cut(matrix: Any, fields: Sequence[Field]) -> list[Any]:
    """Each field's characters as a matrix of its own, cut a few records at a time so that they stay in the cache."""
    rows = len(matrix)
    cells = [np.empty((rows, each.length), dtype=np.uint8) for each in fields]
    spans = [(each.start - 1, each.start - 1 + each.length) for each in fields]
    for start in range(0, rows, _CUT_RECORDS):
        few = matrix[start : start + _CUT_RECORDS]
        for target, (first, last) in zip(cells, spans, strict=True):
            target[start : start + _CUT_RECORDS] = few[:, first:last]
    return cells


def _as_binary(cells: Any) -> pa.Array:
    rows, width = cells.shape
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(cells)])


def _distinct(cells: Any) -> tuple[Any, list[str]]:
    """Row -> place in the list of distinct texts (blanks at both ends removed)."""
    rows, width = cells.shape
    if width <= 8:  # up to eight characters are one number, which is found several times faster than text
        padded = np.full((rows, 8), _BLANK, dtype=np.uint8)
        padded[:, :width] = cells
        encoded = pa.array(padded.view(np.uint64).ravel()).dictionary_encode()
        words = encoded.dictionary.to_numpy().tobytes()
        found = [words[at : at + 8] for at in range(0, len(words), 8)]
    else:
        encoded = _as_binary(cells).dictionary_encode()
        found = encoded.dictionary.to_pylist()
    return encoded.indices.to_numpy(), [value.decode("latin-1").strip() for value in found]


def _codes(cells: Any, clean: Callable[[str], str | None] | None) -> tuple[pa.Array, int]:
    """A dictionary column and how many values cleaning made null."""
    if cells[0, 0] == _BLANK and (cells == _BLANK).all():
        blank = pa.nulls(len(cells), pa.int32())
        return pa.DictionaryArray.from_arrays(blank, pa.array([], pa.string())), 0
    places, values = _distinct(cells)
    cleaned = [(clean(value) if clean else value) if value else None for value in values]
    empty = np.array([value is None for value in cleaned])
    unusable = np.array([value is None and original != "" for value, original in zip(cleaned, values, strict=True)])
    mask = empty[places] if empty.any() else None
    array = pa.DictionaryArray.from_arrays(
        pa.array(places, pa.int32(), mask=mask), pa.array([value or "" for value in cleaned], pa.string())
    )
    return array, int(unusable[places].sum()) if unusable.any() else 0


def _texts(cells: Any) -> pa.Array:
    rows, width = cells.shape
    if (cells > 127).any():
        places, values = _distinct(cells)
        return pa.array([values[place] or None for place in places], pa.string())
    edges = cells[:, 0], cells[:, -1]
    offsets = pa.py_buffer(np.arange(0, (rows + 1) * width, width, dtype=np.int32))
    plain = pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(cells))
    if not any((edge == _BLANK).any() for edge in edges):
        return plain
    trimmed = pc.ascii_trim_whitespace(plain)
    return pc.if_else(pc.equal(pc.binary_length(trimmed), 0), pa.scalar(None, pa.string()), trimmed)


def _dates(cells: Any, no_dates: frozenset[str]) -> tuple[pa.Array, Any]:
    """Days since 1970: dates in their usual form are reckoned as numbers, blanks and all else are looked at one by one."""
    usual, numbers = _usual_dates(cells)
    days, real = _days(numbers)
    none = np.zeros(len(cells), dtype=bool)
    for text in no_dates:
        none |= numbers == int(text.replace("-", ""))
    missing = ~(usual & real) | (usual & none)
    wrong = usual & ~real & ~none
    others = np.flatnonzero(~usual & (cells != _BLANK).any(axis=1))
    if len(others):
        places, texts = _distinct(np.ascontiguousarray(cells[others]))
        read = [None if text in no_dates else _day(text) for text in texts]
        gone = np.array([day is None for day in read])
        missing[others] = gone[places]
        wrong[others] = (gone & np.array([text != "" and text not in no_dates for text in texts]))[places]
        days[others] = np.array([day or 0 for day in read], dtype=np.int32)[places]
    array = pa.array(days, pa.int32(), mask=missing if missing.any() else None).cast(pa.date32())
    return array, (wrong if wrong.any() else None)


_FIRST_DAYS = np.arange("0001-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int32)
"""The first day of every month from January of the year 1, and of the two after the last."""


def _usual_dates(cells: Any) -> tuple[Any, Any]:
    """Which rows are printed as four digits, two and two with hyphens between, and those digits as one number."""
    rows, width = cells.shape
    if width != 10 or not rows:
        return np.zeros(rows, dtype=bool), np.zeros(rows, dtype=np.int64)
    first = np.ndarray((rows,), "<u8", buffer=cells, strides=(width,))
    last = np.ndarray((rows,), "<u8", buffer=cells, offset=2, strides=(width,))
    digits = (first & np.uint64(0x00000000FFFFFFFF)) | ((first >> np.uint64(8)) & np.uint64(0x0000FFFF00000000))
    digits |= last & np.uint64(0xFFFF000000000000)
    usual = are_digits(digits)
    usual &= (first & np.uint64(0xFF0000FF00000000)) == np.uint64(0x2D00002D00000000)
    return usual, number(digits)


def _days(numbers: Any) -> tuple[Any, Any]:
    """Days since 1970 of dates as numbers of eight digits, and whether there is such a day."""
    months, day = np.divmod(numbers.astype(np.int32), np.int32(100))
    year, month = np.divmod(months, np.int32(100))
    real = (month >= 1) & (month <= 12) & (year >= 1) & (year <= 9999) & (day >= 1)
    place = np.where(real, (year - 1) * 12 + month - 1, 0)
    days = _FIRST_DAYS[place] + (day - 1)
    real &= days < _FIRST_DAYS[place + 1]
    return days, real


def _day(value: str) -> int | None:
    if _DATE.fullmatch(value) is None:
        return None
    try:
        return (dt.date.fromisoformat(value) - _EPOCH).days
    except ValueError:
        return None


def _amounts(cells: Any, *, cents: bool) -> tuple[pa.Array, Any]:
    tail = 3 if cents else 0
    # Most of an amount is blanks before it: only the columns from the first character on are looked at.
    unused = int(np.argmax((cells != _BLANK).any(axis=0)))
    cells = np.ascontiguousarray(cells[:, min(unused, cells.shape[1] - tail - 1) :])
    rows, width = cells.shape
    head = cells[:, : width - tail]
    digit = (head >= _ZERO) & (head <= _ZERO + 9)
    minus = head == _MINUS
    # Right-aligned as the packet prints it: blanks, an optional minus, digits up to the point, two digits of cents.
    usual = ~(digit[:, :-1] & ~digit[:, 1:]).any(axis=1) & (digit | minus | (head == _BLANK)).all(axis=1)
    usual &= minus.sum(axis=1) <= 1
    usual &= digit[:, -1]
    if cents:
        usual &= cells[:, -3] == _DOT
        for place in (-2, -1):
            usual &= (cells[:, place] >= _ZERO) & (cells[:, place] <= _ZERO + 9)
    value: Any = np.zeros(rows, dtype=np.int64)
    for column in np.flatnonzero(digit.any(axis=0)).tolist():
        value = value * 10 + np.where(digit[:, column], head[:, column] - _ZERO, 0)
    if cents:
        last_two = cells[:, -2:].astype(np.int64) - _ZERO
        value = value * 100 + last_two[:, 0] * 10 + last_two[:, 1]
    value = np.where(minus.any(axis=1), -value, value)
    if usual.all():
        return pa.array(value), None
    missing = np.zeros(rows, dtype=bool)
    wrong = np.zeros(rows, dtype=bool)
    others = np.flatnonzero(~usual)
    places, texts = _distinct(np.ascontiguousarray(cells[others]))
    read = [_amount(text, cents=cents) if text else None for text in texts]
    missing[others] = np.array([each is None for each in read])[places]
    wrong[others] = np.array([each is None and text != "" for each, text in zip(read, texts, strict=True)])[places]
    value[others] = np.array([each or 0 for each in read], dtype=np.int64)[places]
    return pa.array(value, mask=missing), (wrong if wrong.any() else None)


def _amount(text: str, *, cents: bool) -> int | None:
    """Any other alignment of a number, None when it is not one (more than two decimals are none, unless they are zeros)."""
    match = _AMOUNT.fullmatch(text)
    if match is None or (match[2] == "" and match[3] is None) or (not cents and match[3] is not None and int(match[3])):
        return None
    whole = int(match[2] or 0)
    value = whole * 100 + int((match[3] or "0").ljust(2, "0")) if cents else whole
    return -value if match[1] else value
