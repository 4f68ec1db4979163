"""Fixed-width fields as 64-bit words: eight characters are compared, looked up and read as numbers in one step.

A word holds the characters of a field with the first one in its lowest byte. Everything here works on whole columns of words.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

MISSING = -1
ODD = -2
"""Codes of `Domain`: a blank value; a value that needs a closer look than words allow."""

WORD = 8
"""Characters of a word."""

_LINE_FEED = 10
_CACHED_RECORDS = 2_048  # records whose bytes stay in the processor's cache while every field is cut


def _bytes(value: int) -> np.uint64:
    return np.uint64(value * 0x0101010101010101)


def blank(length: int) -> np.uint64:
    """The word of a blank field of up to eight characters."""
    return np.uint64(int.from_bytes(b" " * length, "little"))


def zeros(length: int) -> np.uint64:
    """The word of a field of up to eight zeros."""
    return np.uint64(int.from_bytes(b"0" * length, "little"))


def cut_words(
    piece: Any,
    stride: int,
    rows: int,
    spans: Sequence[tuple[int, int]],
    *,
    into: Any = None,
    count_feeds: bool = False,
) -> tuple[Any, int]:
    """One row of words a span, and how many line feeds there are; a span is (first character from 0, length 1 to 8).

    into: a matrix of words to use again, at least as large (fresh memory for every block costs as much as the cutting);
    count_feeds: else none are counted, which takes a fifth of the time.

    piece: the records' bytes, contiguous. The span's end must lie at least eight characters into the record (its start, when it is shorter, is read along and cut).
    """
    words = np.empty((len(spans), rows), dtype=np.uint64) if into is None else into[:, :rows]
    piece = np.asarray(piece)  # pieces of a mapped file are slow to make
    feeds = 0
    for start in range(0, rows, _CACHED_RECORDS):
        stop = min(start + _CACHED_RECORDS, rows)
        if count_feeds:  # while the bytes are at hand
            feeds += int(np.count_nonzero(piece[start * stride : stop * stride] == _LINE_FEED))
        for place, (first, length) in enumerate(spans):
            offset = start * stride + first + length - 8
            words[place, start:stop] = np.ndarray(
                (stop - start,), "<u8", buffer=piece, offset=offset, strides=(stride,)
            )
    for place, (_, length) in enumerate(spans):
        if length < 8:
            words[place] >>= np.uint64(8 * (8 - length))
    return words, feeds


def text_of(word: int) -> str:
    """The characters of a word without blanks at the ends."""
    return word.to_bytes(8, "little").rstrip(b"\0").decode("latin-1").strip()


def are_digits(words: Any) -> Any:
    """Whether all eight characters are digits."""
    high = _bytes(0xF0)
    digit = _bytes(0x30)
    return ((words & high) == digit) & (((words + _bytes(0x06)) & high) == digit)


def number(words: Any) -> Any:
    """Eight digits as an integer (int64)."""
    pairs = ((words & _bytes(0x0F)) * np.uint64(2561)) >> np.uint64(8)
    fours = ((pairs & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    return (((fours & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32)).astype(np.int64)


NO_DAY = np.iinfo(np.int32).min
_CENTURIES = 1900_01_01, 2100_01_01


@cache
def _day_table() -> Any:
    """Days since 1970 by date as a number of eight digits less the first one; no date: NO_DAY."""
    first, end = (np.datetime64(f"{number // 10_000}-01-01") for number in _CENTURIES)
    days = np.arange(first, end)
    months = days.astype("datetime64[M]")
    years = days.astype("datetime64[Y]")
    numbers = (years.astype(np.int64) + 1970) * 10_000 + (months - years).astype(np.int64) * 100 + 100
    numbers += (days - months).astype(np.int64) + 1
    table = np.full(_CENTURIES[1] - _CENTURIES[0], NO_DAY, dtype=np.int32)
    table[numbers - _CENTURIES[0]] = days.astype(np.int32)
    return table


def _date_digits(first: Any, last: Any) -> Any:
    digits = (first & np.uint64(0x00000000FFFFFFFF)) | ((first >> np.uint64(8)) & np.uint64(0x0000FFFF00000000))
    return digits | (last & np.uint64(0xFFFF000000000000))


def days(first: Any, last: Any) -> tuple[Any, Any]:
    """Days since 1970 (int32) of dates printed as `2026-03-02`, and which rows are not such a date of the years 1900 to 2099.

    first, last: the words of a date's first and last eight characters.
    """
    digits = _date_digits(first, last)
    others = (first & np.uint64(0xFF0000FF00000000)) != np.uint64(0x2D00002D00000000)
    others |= ~are_digits(digits)
    table = _day_table()
    places = number(digits) - _CENTURIES[0]
    others |= (places < 0) | (places >= len(table))
    found = table[np.where(others, 0, places)]
    others |= found == NO_DAY
    return found, others


def is_date(first: Any, last: Any, date: str) -> Any:
    """Which rows are printed exactly as `date`."""
    raw = date.encode()
    return (first == np.uint64(int.from_bytes(raw[:8], "little"))) & (
        last == np.uint64(int.from_bytes(raw[-8:], "little"))
    )


def with_zeros(words: Any, length: int) -> Any:
    """Up to eight digits as eight, zeros before them."""
    if length == 8:
        return words
    return (words << np.uint64(8 * (8 - length))) | np.uint64(int.from_bytes(b"0" * (8 - length), "little"))


def with_blanks(words: Any, length: int) -> Any:
    """Fewer than eight characters as eight, blanks before them."""
    return (words << np.uint64(8 * (8 - length))) | blank(8 - length)


def integers(words: Any) -> tuple[Any, Any]:
    """Integers printed as `      17` or `00000017`, and which rows are printed otherwise."""
    blanks = ~words & _bytes(0x10)
    filled = words | blanks  # a blank becomes the digit 0, digits stay
    usual = are_digits(filled)
    # What a blank was must have been one, before all digits, and the last character a digit.
    usual &= (words & ((blanks >> np.uint64(4)) * np.uint64(0x0F))) == 0
    usual &= ((blanks >> np.uint64(8)) & ~blanks) == 0
    usual &= (blanks >> np.uint64(56)) == 0
    return number(filled), ~usual


def amounts(words: Any, before: Any, before_length: int) -> tuple[Any, Any]:
    """Cents of amounts printed as `  123.45` in the last eight characters, and which rows are printed otherwise.

    before: the word of the characters in front, blank in the usual form.
    """
    dollars = words & np.uint64(0x000000FFFFFFFFFF)
    blanks = ~dollars & np.uint64(0x0000001010101010)
    digits = (dollars << np.uint64(8)) | np.uint64(0x30) | (words & np.uint64(0xFFFF000000000000))
    filled = digits | np.uint64(0x0000101010101000)  # a blank becomes the digit 0, digits stay
    usual = are_digits(filled)
    usual &= (words & np.uint64(0x0000FF0000000000)) == np.uint64(0x00002E0000000000)
    usual &= (digits & np.uint64(0x0000F0F0F0F0F000)) == (np.uint64(0x0000303030303000) ^ (blanks << np.uint64(8)))
    # Blanks stand only before digits, and the digit before the point is there.
    usual &= ((blanks >> np.uint64(8)) & ~blanks) == 0
    usual &= (blanks >> np.uint64(32)) == 0
    # What a blank was must have been one: 0x20 and nothing else.
    spaces = blanks >> np.uint64(4)
    usual &= (dollars & (spaces * np.uint64(0x0F))) == 0
    usual &= before == blank(before_length)
    return number(filled), ~usual


def encoded(words: Any) -> tuple[Any, Any]:
    """Place of every word in the list of distinct words, and that list."""
    heads = np.flatnonzero(words[1:] != words[:-1]) + 1
    if not len(heads):
        return np.zeros(len(words), dtype=np.int32), words[:1]
    if len(heads) > len(words) // 2:
        array = pa.array(words).dictionary_encode()
        return array.indices.to_numpy(), array.dictionary.to_numpy()
    # Lines of one claim follow one another: looking up one word a run is enough.
    heads = np.concatenate([[0], heads])
    array = pa.array(words[heads]).dictionary_encode()
    lengths = np.diff(heads, append=len(words))
    return np.repeat(array.indices.to_numpy(), lengths), array.dictionary.to_numpy()


_MIX = np.uint64(0x9E3779B97F4A7C15)
_SECOND_MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_NOT_MET = -3


class SamePlace(Exception):
    """Two different pairs of words mix to the same word (one chance in 2**64 a pair)."""


class Met:
    """Words met before with their codes, looked up a whole column at a time; safe for several threads.

    A table of 2**bits places, four or more a word. A word whose two places others hold is not kept: it counts as not met,
    which costs its caller time only. Places are filled once, the code before the word, so that who reads a word reads its code.
    """

    def __init__(self, *, most_bits: int = 16, kind: Any = np.int32) -> None:
        self._most_bits = most_bits
        self._kind = kind
        self._count = 0
        self._lock = threading.Lock()
        self._table = self._empty(10)

    def codes(self, words: Any, learn: Callable[[Any], Any]) -> Any:
        """The code of every word (of the kind given); `learn` is given the row numbers of words not met and returns their codes."""
        if len(words) > 1 and words[0] == words[-1] and (words == words[0]).all():
            return np.repeat(self.codes(words[:1], learn), len(words))
        held, codes, shift = self._table
        places = ((words * _MIX) >> shift).view(np.int64)  # indexing with any other kind of number is half as fast
        strange = held[places] != words
        found = codes[places]
        if strange.any():
            rows = np.flatnonzero(strange)
            places = ((words[rows] * _SECOND_MIX) >> shift).view(np.int64)
            strange = held[places] != words[rows]  # before the codes are read, as above
            found[rows] = codes[places]
            rows = rows[strange]
            if len(rows):
                found[rows] = learned = learn(rows)
                self._keep(words[rows], learned)
        return found

    def _empty(self, bits: int) -> tuple[Any, Any, np.uint64]:
        shift = np.uint64(64 - bits)
        held = np.zeros(1 << bits, dtype=np.uint64)
        held[0] = 1  # a place without a word holds one that belongs elsewhere: 0 stands at place 0, 1 does not
        return held, np.full(1 << bits, _NOT_MET, dtype=self._kind), shift

    def _keep(self, words: Any, codes: Any) -> None:
        with self._lock:
            while self._count * 4 > len(self._table[0]) and len(self._table[0]) < 1 << self._most_bits:
                held, old, shift = self._table
                there = old != _NOT_MET
                self._table = self._empty(64 - int(shift) + 2)
                self._fill(held[there], old[there])
            self._fill(words, codes)

    def _fill(self, words: Any, codes: Any) -> None:
        held, kept, shift = self._table
        for mix in (_MIX, _SECOND_MIX):
            places = ((words * mix) >> shift).view(np.int64)
            free = np.flatnonzero(kept[places] == _NOT_MET)
            places, first = np.unique(places[free], return_index=True)
            kept[places] = codes[free[first]]
            held[places] = words[free[first]]
            left = held[((words * mix) >> shift).view(np.int64)] != words
            words, codes = words[left], codes[left]
        self._count = int(np.count_nonzero(kept != _NOT_MET))


class Domain:
    """The distinct texts of one or several columns, each with a code; safe for several threads.

    read: a word (any whole number) to its text, None for a blank one; a text that `read` cannot vouch for raises ValueError
    and gets the code ODD.
    """

    def __init__(self, read: Callable[[int], str | None] = lambda word: text_of(word) or None) -> None:
        self.values: list[str] = []
        self._read = read
        self._codes: dict[str, int] = {}
        self._seen: dict[int, int] = {}
        self._met = Met()
        self._lock = threading.Lock()

    def encode(self, words: Any) -> Any:
        """The code of every word (int32)."""

        def learn(rows: Any) -> Any:
            places, distinct = encoded(words[rows])
            return self.of_words(distinct.tolist())[places]

        return self._met.codes(words, learn)

    def of_words(self, words: Sequence[int]) -> Any:
        """The codes of a few words."""
        with self._lock:
            return np.array([self._seen[word] if word in self._seen else self._learn(word) for word in words], np.int32)

    def of_texts(self, texts: Sequence[str | None]) -> Any:
        """The codes of a few texts, entered when they are new."""
        with self._lock:
            return np.array([MISSING if text is None else self._enter(text) for text in texts], np.int32)

    def ranks(self, wanted: Any) -> tuple[list[str], Any]:
        """The texts wanted (a mark a code) in order, and code -> place in that order; MISSING (also as an index) stays MISSING."""
        ordered = sorted(np.flatnonzero(wanted).tolist(), key=self.values.__getitem__)
        places = np.full(len(self.values) + 1, MISSING, dtype=np.int32)
        places[ordered] = np.arange(len(ordered), dtype=np.int32)
        return [self.values[code] for code in ordered], places

    def _learn(self, word: int) -> int:
        try:
            text = self._read(word)
            code = MISSING if text is None else self._enter(text)
        except ValueError:
            code = ODD
        self._seen[word] = code
        return code

    def _enter(self, text: str) -> int:
        code = self._codes.setdefault(text, len(self.values))
        if code == len(self.values):
            self.values.append(text)
        return code


class PairDomain(Domain):
    """The distinct texts of fields of nine to sixteen characters, cut as two words.

    read: the characters, blanks included, to the text, as in `Domain`.
    """

    def __init__(self, read: Callable[[str], str | None]) -> None:
        super().__init__()
        self._read_pair = read
        self._pairs: dict[int, int] = {}
        self._met = Met(most_bits=20, kind=np.int64)  # its codes index the arrays below
        # By number of the pair in the order met: first word, second word; code.
        self._words = np.zeros((2, 0), dtype=np.uint64)
        self._pair_codes = np.zeros(0, dtype=np.int32)

    def encode_pair(self, first: Any, second: Any) -> Any:
        """The code of every pair of words (int32); two pairs that mix to the same word raise SamePlace."""
        mixed = (first * _MIX) ^ (second * _SECOND_MIX)

        def learn(rows: Any) -> Any:
            places, distinct = encoded(mixed[rows])
            pairs = np.empty((2, len(distinct)), dtype=np.uint64)
            pairs[0, places], pairs[1, places] = first[rows], second[rows]
            with self._lock:
                return self._of_pairs(distinct.tolist(), pairs)[places]

        numbers = self._met.codes(mixed, learn)
        words = self._words
        if not (np.array_equal(words[0][numbers], first) and np.array_equal(words[1][numbers], second)):
            raise SamePlace
        return self._pair_codes[numbers]

    def _of_pairs(self, mixed: Sequence[int], pairs: Any) -> Any:
        fresh = [place for place, word in enumerate(mixed) if word not in self._pairs]
        if fresh:
            raw = np.ascontiguousarray(pairs[:, fresh].T).view("S16").ravel().tolist()
            codes = np.array([self._learn_text(text.decode("latin-1")) for text in raw], dtype=np.int32)
            for number, place in enumerate(fresh, start=len(self._pairs)):
                self._pairs[mixed[place]] = number
            # Codes first: who sees a number in `_words` finds its code.
            self._pair_codes = np.concatenate([self._pair_codes, codes])
            self._words = np.concatenate([self._words, pairs[:, fresh]], axis=1)
        return np.array([self._pairs[word] for word in mixed], dtype=np.int32)

    def _learn_text(self, raw: str) -> int:
        try:
            text = self._read_pair(raw)
        except ValueError:
            return ODD
        return MISSING if text is None else self._enter(text)
