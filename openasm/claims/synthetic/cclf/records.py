"""Fixed-width records as byte matrices, field by field under the names of the layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from openasm.claims.sources.cclf.layout import layout
from openasm.claims.synthetic import identifiers
from openasm.claims.synthetic.settings import Ints

_BLANK, _ZERO, _NEWLINE = 32, 48, 10
NO_DATE = -1
"""A day that is written as one of the dates that mean none."""


class Records:
    """Records of one file; every field starts blank.

    file: `CCLF5`; count: records. Fields are set by label; unknown labels raise KeyError.
    """

    def __init__(self, file: str, count: int) -> None:
        self.layout = layout()[file]
        self.bytes = np.full((count, self.layout.record_length + 1), _BLANK, dtype=np.uint8)
        self.bytes[:, -1] = _NEWLINE

    def __len__(self) -> int:
        return len(self.bytes)

    def _place(self, label: str) -> tuple[int, int]:
        field = self.layout.fields[label]
        return field.start - 1, field.length

    def put(self, label: str, text: np.ndarray[Any, Any]) -> None:
        """Bytes of shape (records, width), left-aligned."""
        start, length = self._place(label)
        self.bytes[:, start : start + min(length, text.shape[1])] = text[:, :length]

    def word(self, label: str, text: str) -> None:
        """The same text in every record."""
        self.words(label, np.zeros(len(self), dtype=np.int64), [text])

    def words(self, label: str, index: Ints, words: Sequence[str]) -> None:
        """Text by number; below zero blank."""
        length = self._place(label)[1]
        known = [*words, ""]
        table = np.frombuffer("".join(word[:length].ljust(length) for word in known).encode(), dtype=np.uint8)
        self.put(label, table.reshape(len(known), length)[np.where(index < 0, len(words), index)])

    def days(self, label: str, days: Ints) -> None:
        """ISO dates; NO_DATE becomes 1000-01-01, 9999-12-31 or blanks in turn."""
        known, index = np.unique(days, return_inverse=True)
        texts = list(known.astype("datetime64[D]").astype(str))
        words = [*texts, "1000-01-01", "9999-12-31", ""]
        turn = len(texts) + np.arange(len(days)) % 3
        self.words(label, np.where(days == NO_DATE, turn, index), words)

    def cents(self, label: str, cents: Ints) -> None:
        """Unsigned dollars and cents, right-aligned as the packet prints them."""
        start, length = self._place(label)
        digits = identifiers.digits(np.abs(cents), length - 1)
        text = np.empty((len(cents), length), dtype=np.uint8)
        text[:, : length - 3] = digits[:, : length - 3]
        text[:, length - 3] = ord(".")
        text[:, length - 2 :] = digits[:, length - 3 :]
        leading = (np.cumsum(text[:, : length - 4] != _ZERO, axis=1) == 0) & (text[:, : length - 4] == _ZERO)
        text[:, : length - 4][leading] = _BLANK
        self.bytes[:, start : start + length] = text

    def number(self, label: str, numbers: Ints) -> None:
        """Whole numbers, right-aligned with leading zeros."""
        start, length = self._place(label)
        self.bytes[:, start : start + length] = identifiers.digits(numbers, length)

    def quantity(self, label: str, numbers: Ints) -> None:
        """Quantities with four decimals."""
        start, length = self._place(label)
        text = np.full((len(numbers), length), _BLANK, dtype=np.uint8)
        text[:, length - 10 : length - 5] = identifiers.digits(numbers, 5)
        text[:, length - 5 :] = np.frombuffer(b".0000", dtype=np.uint8)
        self.bytes[:, start : start + length] = text

    def claim(self, label: str, block: int, claims: Ints) -> None:
        """Claim keys as in the tables."""
        start, length = self._place(label)
        text = np.full((len(claims), length), _BLANK, dtype=np.uint8)
        text[:, 0] = ord("-")
        text[:, 1:6] = identifiers.digits(np.full(len(claims), block + 1, dtype=np.int64), 5)
        text[:, 6:13] = identifiers.digits(claims, 7)
        self.bytes[:, start : start + length] = text
