"""Identifiers that cannot be real, and fast text for millions of them.

NPIs start with 2999 (issued ones are understood to start with 1) and carry a right check digit, so that checks pass; TINs
start with three zeros; a beneficiary's number has the letter S in second place, CMS's own mark of a synthetic MBI.
"""

from __future__ import annotations

import numpy as np

from openasm.base.identity import npi_check_digit
from openasm.claims.synthetic.settings import Ints

_LETTERS = "ACDEFGHJKMNPQRTUVWXY"  # the letters an MBI may hold, without S


def npi(number: int) -> str:
    """The made-up NPI of a running number.

    >>> npi(1)
    '2999000013'
    """
    first_nine = f"2999{number:05d}"
    return first_nine + str(npi_check_digit(first_nine))


def tin(number: int) -> str:
    """The made-up TIN of a running number.

    >>> tin(7)
    '000000007'
    """
    return f"000{number:06d}"


def beneficiary(number: int, *, former: bool = False) -> str:
    """The made-up MBI of a running number: eleven characters in the form of an MBI with S in second place.

    former: another number of the same person, used before the current one.

    >>> beneficiary(0), beneficiary(0, former=True)
    ('1SA0A00AA00', '9SA0A00AA00')
    """
    rest, two = divmod(number, 100)
    rest, letter_b = divmod(rest, 20)
    rest, letter_a = divmod(rest, 20)
    rest, digits = divmod(rest, 100)
    rest, letter_c = divmod(rest, 20)
    first = 9 if former else 1
    return (
        f"{first}S{_LETTERS[rest % 20]}{rest // 20 % 10}{_LETTERS[letter_c]}{digits:02d}"
        f"{_LETTERS[letter_a]}{_LETTERS[letter_b]}{two:02d}"
    )


def digits(numbers: Ints, width: int) -> np.ndarray:
    """Numbers as ASCII digits, zero-filled: a byte matrix of shape (n, width)."""
    text = np.empty((len(numbers), width), dtype=np.uint8)
    rest = numbers.astype(np.int64, copy=True)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, place] = digit
    text += 48
    return text
