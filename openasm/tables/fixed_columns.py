"""The fields of fixed-width records as Arrow columns: whole columns of words at a time, each distinct code cleaned once.

Values printed in the usual way (`2026-03-02`, `   123.45`, `    17`) are told by a few steps on 64-bit words; all others are
looked at one by one, each distinct one once. Codes met before are kept, up to a limit, so memory does not grow with the file.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from openasm.tables import words as w

MOST_KEPT = 1 << 16
"""Distinct values of one kind of code that are kept from block to block; with more the list is begun anew."""

_LOOKED_AT = 512  # records that tell whether a code repeats
_BLANK = ord(" ")
_LAST_PRINTABLE = ord("~")
_LONGEST_CODE = 10  # characters; longer fields (identifiers) repeat too little for a list of their values to pay
_AMOUNT = re.compile(r"(-?) *([0-9]{0,16})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATE_LENGTH = 10
_FIRST_DAY = dt.date(1970, 1, 1).toordinal()


class FieldKind(StrEnum):
    """How the characters of a field are read; blank is null in all of them."""

    TEXT = "text"  # blanks at both ends removed
    DATE = "date"  # YYYY-MM-DD; the dates given as meaning "no date" are null
    CENTS = "cents"  # dollars and cents as integer cents
    INTEGER = "integer"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: name, first position (counted from 1), length, kind.

    clean: for text, what a value is brought to; None makes it null and is counted as unusable, the record stays;
    printable: for text, whether a character beyond printable ASCII makes the record unreadable: what identifies must not be
    told apart by a damaged byte.
    """

    label: str
    start: int
    length: int
    kind: FieldKind
    clean: Callable[[str], str | None] | None = None
    printable: bool = False

    @property
    def is_code(self) -> bool:
        """Whether its values repeat enough, or must be cleaned, to be read once each."""
        return self.kind is FieldKind.TEXT and (self.length <= _LONGEST_CODE or self.clean is not None)


@dataclass(slots=True)
class Column:
    """One field of some records: values; which records cannot be read (None: all can); how many values cleaning made null."""

    values: pa.Array
    wrong: Any = None
    unusable: int = 0


def arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    """The columns of the fields, then `file_number` and `record_number`."""
    columns = [pa.field(each.label, _arrow_type(each)) for each in fields]
    return pa.schema([*columns, pa.field("file_number", pa.int32()), pa.field("record_number", pa.int64())])


def _arrow_type(each: Field) -> pa.DataType:
    if each.kind is FieldKind.DATE:
        return pa.date32()
    return pa.string() if each.kind is FieldKind.TEXT else pa.int64()


class FieldReader:
    """Reads fields from blocks of records, of one file or of many; safe for several threads.

    no_dates: date texts that mean that there is none.
    """

    def __init__(self, fields: Sequence[Field], no_dates: frozenset[str] = frozenset()) -> None:
        self.fields = tuple(fields)
        self.schema = arrow_schema(fields)
        self._days = _Days(no_dates)
        self._codes: dict[tuple[Any, int], _Codes] = {}
        self._spans: list[tuple[int, int]] = []
        self._first: dict[str, int] = {}
        self._own = threading.local()  # every thread's words, written anew by every block
        for each in self.fields:
            self._first[each.label] = len(self._spans)
            self._spans += _spans(each)
            if each.is_code:
                self._codes.setdefault((each.clean, each.length), _Codes(each))

    def columns(self, matrix: Any) -> list[Column]:
        """The fields of the records, in order; matrix: their bytes, a record a row."""
        rows, stride = matrix.shape
        if any(first + length < w.WORD for first, length in self._spans):  # a word begins before the record
            before = np.full((rows, w.WORD), _BLANK, dtype=np.uint8)
            shifted = [(first + w.WORD, length) for first, length in self._spans]
            words = w.cut_words(np.concatenate([before, matrix], axis=1).ravel(), stride + w.WORD, rows, shifted)[0]
        else:
            words = w.cut_words(matrix.reshape(-1), stride, rows, self._spans, into=self._buffer(rows))[0]
        found = []
        for each in self.fields:
            first = self._first[each.label]
            own = words[first : first + len(_spans(each))]
            cells = matrix[:, each.start - 1 : each.start - 1 + each.length]
            if each.is_code:
                found.append(self._codes[each.clean, each.length].column(own, cells))
                found[-1].wrong = _unprintable(cells) if each.printable else None
            elif each.kind is FieldKind.TEXT:
                found.append(_texts(cells, printable=each.printable))
            elif each.kind is FieldKind.DATE:
                found.append(self._days.column(own, cells))
            else:
                found.append(_numbers(own, cells, cents=each.kind is FieldKind.CENTS))
        return found

    def _buffer(self, rows: int) -> Any:
        held = getattr(self._own, "words", None)
        if held is None or held.shape[1] < rows:
            held = self._own.words = np.empty((len(self._spans), rows), dtype=np.uint64)
        return held


def _is_identifier(each: Field) -> bool:
    return each.kind is FieldKind.TEXT and not each.is_code


def _spans(each: Field) -> list[tuple[int, int]]:
    """How a field is cut into words: numbers from their end, all else from the front; a date as its first and its last eight."""
    first, length = each.start - 1, each.length
    if _is_identifier(each):
        return []
    if each.kind is FieldKind.DATE:
        return [(first, w.WORD), (first + 2, w.WORD)] if length == _DATE_LENGTH else []
    pieces = [(at, min(w.WORD, length - at)) for at in range(0, length, w.WORD)]
    if each.kind is not FieldKind.TEXT:
        pieces = [(length - at - size, size) for at, size in pieces]
    return [(first + at, size) for at, size in pieces]


class _Texts:
    """The first texts of a domain, to be taken by their codes."""

    def __init__(self, domain: w.Domain, texts: Sequence[str]) -> None:
        self.domain = domain
        self.count = len(texts)
        lengths = {len(text) for text in texts}
        self._length = lengths.pop() if len(lengths) == 1 and "".join(texts).isascii() else 0
        # Of equal length: characters in a row, and two values more for the negative codes.
        raw = "".join(texts).encode() + bytes(2 * self._length)
        kind = f"u{self._length}" if self._length in (1, 2, 4, 8) else f"V{self._length}"  # numbers are taken fastest
        self._equal = np.frombuffer(raw, dtype=kind) if self._length else None
        self._any = pa.array(texts, pa.string())

    def take(self, codes: Any) -> pa.Array:
        """The text of every code, null for negative ones."""
        missing = codes < 0
        some = bool(missing.any())
        if self._equal is None:
            return self._any.take(pa.array(codes, mask=missing if some else None))
        rows = len(codes)
        offsets = np.arange(0, rows * self._length + 1, self._length, dtype=np.int32)
        there = pa.py_buffer(np.packbits(~missing, bitorder="little")) if some else None
        return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(self._equal[codes]), there)


class _Codes:
    """The codes of one kind met so far, each cleaned once."""

    def __init__(self, each: Field) -> None:
        self._field = each
        self._domain = self._fresh()
        self._texts = _Texts(self._domain, [])

    def _fresh(self) -> w.Domain:
        # Where bytes of zero end a field they belong to it.
        if self._field.length > w.WORD:
            return w.PairDomain(lambda raw: self._read(raw.ljust(min(self._field.length, 2 * w.WORD), "\0")))
        size = self._field.length
        return w.Domain(lambda word: self._read(word.to_bytes(w.WORD, "little")[:size].decode("latin-1")))

    def _read(self, raw: str) -> str | None:
        text = raw.strip()
        if text == "" or self._field.clean is None:
            return text or None
        cleaned = self._field.clean(text)
        if cleaned is None:
            raise ValueError("not in the form of its kind")
        return cleaned or None

    def column(self, words: Any, cells: Any) -> Column:
        if all((own == w.blank(size)).all() for own, size in self._sized(words)):
            return Column(pa.nulls(len(cells), pa.string()))
        if any((own != w.blank(size)).any() for own, size in self._sized(words)[2:]):
            return self._one_by_one(cells)
        if self._field.clean is None and len(np.unique(words[0][:_LOOKED_AT])) > _LOOKED_AT // 2:  # identifiers
            return _texts(cells)
        domain = self._domain
        if isinstance(domain, w.PairDomain):
            try:
                codes = domain.encode_pair(words[0], words[1])
            except w.SamePlace:
                return self._one_by_one(cells)
        else:
            codes = domain.encode(words[0])
        if len(domain.values) > MOST_KEPT:
            self._domain = self._fresh()
        texts = self._texts
        if texts.domain is not domain or texts.count < len(domain.values):
            texts = self._texts = _Texts(domain, domain.values[:])
        unusable = int(np.count_nonzero(codes == w.ODD))
        return Column(texts.take(codes), unusable=unusable)

    def _sized(self, words: Any) -> list[tuple[Any, int]]:
        return [(own, size) for own, (_, size) in zip(words, _spans(self._field), strict=True)]

    def _one_by_one(self, cells: Any) -> Column:
        places, texts = _distinct(np.ascontiguousarray(cells))
        values: list[str | None] = []
        unusable = np.zeros(len(texts), dtype=bool)
        for number, text in enumerate(texts):
            try:
                values.append(self._read(text))
            except ValueError:
                values.append(None)
                unusable[number] = True
        return Column(pa.array(values, pa.string()).take(pa.array(places)), unusable=int(unusable[places].sum()))


class _Days:
    """Dates as days since 1970."""

    def __init__(self, no_dates: frozenset[str]) -> None:
        self._no_dates = no_dates

    def column(self, words: Any, cells: Any) -> Column:
        rows = len(cells)
        days, others = np.zeros(rows, dtype=np.int32), np.ones(rows, dtype=bool)
        if len(words):
            first, last = words
            days, others = w.days(first, last)
        missing, wrong = np.zeros(rows, dtype=bool), None
        if len(words) and others.any():
            missing = (first == w.blank(8)) & (last == w.blank(8))
            for none in self._no_dates:
                missing |= w.is_date(first, last, none)
            others &= ~missing
        if others.any():
            places = np.flatnonzero(others)
            read, blank, failed = _one_by_one(cells[places], self._day)
            days[places], missing[places] = read, blank | failed
            wrong = np.zeros(rows, dtype=bool)
            wrong[places] = failed
        values = pa.array(days, pa.int32(), mask=missing if missing.any() else None).cast(pa.date32())
        return Column(values, wrong=wrong if wrong is not None and wrong.any() else None)

    def _day(self, text: str) -> int | None:
        if text == "" or text in self._no_dates:
            return None
        if _DATE.fullmatch(text) is None:
            raise ValueError("no date")
        return dt.date.fromisoformat(text).toordinal() - _FIRST_DAY


def _numbers(words: Any, cells: Any, *, cents: bool) -> Column:
    """Amounts (in cents) or integers; words: from the field's end to its beginning."""
    rows, length = cells.shape
    last = words[0] if length >= w.WORD else w.with_blanks(words[0], length)
    value, others = w.amounts(last, w.blank(1), 1) if cents else w.integers(last)
    for number, before in enumerate(words[1:], start=1):
        others |= before != w.blank(min(w.WORD, length - number * w.WORD))
    if not others.any():
        return Column(pa.array(value))
    places = np.flatnonzero(others)
    read, blank, failed = _one_by_one(cells[places], lambda text: _amount(text, cents=cents))
    missing, wrong = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    value[places], missing[places], wrong[places] = read, blank | failed, failed
    return Column(pa.array(value, mask=missing), wrong=wrong if wrong.any() else None)


def _one_by_one(cells: Any, read: Callable[[str], int | None]) -> tuple[Any, Any, Any]:
    """Values, which are blank (None), and which cannot be read (ValueError); each distinct text is read once."""
    places, texts = _distinct(np.ascontiguousarray(cells))
    values = np.zeros(len(texts), dtype=np.int64)
    blank, failed = np.zeros(len(texts), dtype=bool), np.zeros(len(texts), dtype=bool)
    for number, text in enumerate(texts):
        try:
            value = read(text)
        except ValueError:
            failed[number] = True
            continue
        if value is None:
            blank[number] = True
        else:
            values[number] = value
    return values[places], blank[places], failed[places]


def _distinct(cells: Any) -> tuple[Any, list[str]]:
    """Row -> place in the list of distinct texts (blanks at both ends removed)."""
    rows, width = cells.shape
    binary = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(_together(cells))])
    encoded = binary.dictionary_encode()
    return encoded.indices.to_numpy(), [value.decode("latin-1").strip() for value in encoded.dictionary.to_pylist()]


def _together(cells: Any) -> Any:
    """The characters of a field one after another; whole fields are copied several times faster than single bytes."""
    rows, width = cells.shape
    return cells.view(f"V{width}").copy().view(np.uint8).reshape(rows, width)


def _texts(cells: Any, *, printable: bool = False) -> Column:
    # Most fields are longer than what they hold: as long as in the first record, if all others are blank there too.
    width = len(cells[0].tobytes().rstrip()) or cells.shape[1]
    if width < cells.shape[1] and (cells[:, width:] == _BLANK).all():
        cells = cells[:, :width]
    width = cells.shape[1]
    together = _together(cells)
    wrong = _unprintable(together) if printable else None
    if together.max() > 127:
        places, values = _distinct(cells)
        return Column(pa.array([values[place] or None for place in places], pa.string()), wrong=wrong)
    rows = len(cells)
    offsets = pa.py_buffer(np.arange(0, (rows + 1) * width, width, dtype=np.int32))
    plain = pa.StringArray.from_buffers(rows, offsets, pa.py_buffer(together))
    if not any((together[:, edge] == _BLANK).any() for edge in (0, -1)):
        return Column(plain, wrong=wrong)
    trimmed = pc.ascii_trim_whitespace(plain)
    empty = pc.equal(pc.binary_length(trimmed), 0)
    return Column(pc.if_else(empty, pa.scalar(None, pa.string()), trimmed), wrong=wrong)


def _unprintable(cells: Any) -> Any:
    """Which records hold a character beyond printable ASCII (None: none does)."""
    if cells.min() >= _BLANK and cells.max() <= _LAST_PRINTABLE:
        return None
    return ((cells < _BLANK) | (cells > _LAST_PRINTABLE)).any(axis=1)


def _amount(text: str, *, cents: bool) -> int | None:
    """A number in any alignment; more than two decimals are none, unless they are zeros."""
    if text == "":
        return None
    match = _AMOUNT.fullmatch(text)
    if match is None or (match[2] == "" and match[3] is None) or (not cents and match[3] is not None and int(match[3])):
        raise ValueError("no number")
    whole = int(match[2] or 0)
    value = whole * 100 + int((match[3] or "0").ljust(2, "0")) if cents else whole
    return -value if match[1] else value
