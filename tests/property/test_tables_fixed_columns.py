"""Fields of fixed-width records read by whole columns of words against the same fields read one by one."""

from __future__ import annotations

import datetime as dt
import re
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.tables import fixed_columns
from openasm.tables import words as w
from openasm.tables.fixed_columns import Field, FieldKind, FieldReader

NO_DATES = frozenset({"1000-01-01", "9999-12-31"})
WRONG = "wrong"
UNUSABLE = "unusable"


def _letters(text: str) -> str | None:
    return text.upper() if text.isalpha() else None


FIELDS = [
    Field("sign", 1, 1, FieldKind.TEXT),
    Field("small", 2, 3, FieldKind.INTEGER),
    Field("code", 5, 5, FieldKind.TEXT, _letters),
    Field("number", 10, 10, FieldKind.TEXT, _letters),
    Field("long", 20, 20, FieldKind.TEXT, _letters),
    Field("name", 40, 13, FieldKind.TEXT),
    Field("day", 53, 10, FieldKind.DATE),
    Field("pay", 63, 17, FieldKind.CENTS),
    Field("less", 80, 6, FieldKind.CENTS),
    Field("count", 86, 10, FieldKind.INTEGER),
    Field("most", 96, 8, FieldKind.INTEGER),
]
LENGTH = 103


def _written(field: Field) -> st.SearchStrategy[str]:
    """What may stand in a field, usual or not, as long as the field."""
    size = field.length
    any_text = st.text("0123456789.- aBz\x00\xe9", max_size=size).flatmap(
        lambda text: st.sampled_from([text.rjust(size), text.ljust(size)])
    )
    usual: st.SearchStrategy[str]
    if field.kind is FieldKind.TEXT:
        usual = st.text("abC", max_size=min(size, 3)).map(lambda text: text.ljust(size))
    elif field.kind is FieldKind.DATE:
        days = st.dates(dt.date(1880, 1, 1), dt.date(2110, 12, 31)).map(str)
        usual = st.one_of(days, st.sampled_from([*NO_DATES, " " * 10, "    -  -  ", "2027-02-29", "2027-13-01"]))
    elif field.kind is FieldKind.CENTS:
        usual = st.integers(-99, 10 ** (size - 2) - 1).map(lambda cents: f"{cents / 100:.2f}".rjust(size)[-size:])
    else:
        usual = st.integers(-9, 10**size - 1).flatmap(
            lambda number: st.sampled_from([f"{number:>{size}d}"[:size], f"{number:0{size}d}"[:size]])
        )
    return st.one_of(usual, usual, any_text)


def _read(field: Field, raw: str) -> object:
    text = raw.strip()
    if text == "" or (text in NO_DATES and field.kind is FieldKind.DATE):
        return None
    if field.kind is FieldKind.TEXT:
        return (field.clean(text) or UNUSABLE) if field.clean else text
    if field.kind is FieldKind.DATE:
        try:
            return dt.date.fromisoformat(text) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) else WRONG
        except ValueError:
            return WRONG
    match = re.fullmatch(r"(-?) *([0-9]{0,16})(?:\.([0-9]{1,2})(0*))?", text, re.ASCII)
    if match is None or not (match[2] or match[3]):
        return WRONG
    value = int(match[2] or 0) * 100 + int((match[3] or "").ljust(2, "0"))
    if field.kind is FieldKind.INTEGER:
        if value % 100:
            return WRONG
        value //= 100
    return -value if match[1] else value


BLOCKS = st.lists(st.lists(st.tuples(*map(_written, FIELDS)), min_size=1, max_size=6), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(BLOCKS, st.sampled_from([1, 3, 1 << 16]))
def test_columns_are_those_read_one_by_one(blocks: list[list[tuple[str, ...]]], most_kept: int) -> None:
    reader = FieldReader(FIELDS, NO_DATES)  # of several blocks the same, with few codes kept or many
    with mock.patch.object(fixed_columns, "MOST_KEPT", most_kept):
        for rows in blocks:
            raw = "".join("".join(row) + "\n" for row in rows).encode("latin-1")
            matrix = np.frombuffer(raw, dtype=np.uint8).reshape(len(rows), LENGTH + 1)
            for place, (field, column) in enumerate(zip(FIELDS, reader.columns(matrix), strict=True)):
                wanted = [_read(field, row[place]) for row in rows]
                wrong = [False] * len(rows) if column.wrong is None else column.wrong.tolist()
                assert wrong == [value is WRONG for value in wanted]
                assert column.unusable == wanted.count(UNUSABLE)
                assert column.values.to_pylist() == [None if each in (WRONG, UNUSABLE) else each for each in wanted]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 5000), min_size=1, max_size=400), min_size=1, max_size=6), st.integers(10, 12))
def test_words_met_before_keep_their_code(columns: list[list[int]], bits: int) -> None:
    """However few places there are, and whichever words share one."""
    met = w.Met(most_bits=bits)
    for column in columns:
        words = np.array(column, dtype=np.uint64) * np.uint64(7919)
        codes = met.codes(words, lambda rows, words=words: (words[rows] // np.uint64(7919)).astype(np.int32))
        assert codes.tolist() == column
