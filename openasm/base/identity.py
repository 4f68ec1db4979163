"""NPIs, TINs and beneficiary identifiers: checked where they enter, masked where they are printed."""

from __future__ import annotations

import hashlib
import hmac
import re

_NPI = re.compile(r"[0-9]{10}", re.ASCII)
_TIN = re.compile(r"[0-9]{9}", re.ASCII)


def npi_check_digit(first_nine: str) -> int:
    """The tenth digit of an NPI (ISO/IEC 7812 Luhn over `80840` + the first nine).

    Citation: 45 CFR 162.406 (standard unique health identifier for health care providers).

    >>> npi_check_digit("123456789")
    3
    """
    total = 24  # what the prefix 80840 adds
    for place, digit in enumerate(reversed(first_nine)):
        value = int(digit)
        if place % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return -total % 10


def is_npi(text: str) -> bool:
    """Ten digits with a right check digit.

    >>> is_npi("1234567893"), is_npi("1234567890")
    (True, False)
    """
    return _NPI.fullmatch(text) is not None and npi_check_digit(text[:9]) == int(text[9])


def is_tin(text: str) -> bool:
    """Nine digits (a taxpayer identification number without its hyphen).

    >>> is_tin("001234567"), is_tin("12345678")
    (True, False)
    """
    return _TIN.fullmatch(text) is not None


def masked(identifier: str) -> str:
    """An identifier for people's eyes where the whole is not needed: the last four characters.

    >>> masked("001234567")
    '•••••4567'
    """
    return "•" * max(0, len(identifier) - 4) + identifier[-4:]


def stable_hash(*parts: str, length: int = 16) -> str:
    """A short stable key of some parts (SHA-256, hexadecimal): equal parts, equal key, on every engine and machine."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:length]


def pseudonym(key: bytes, identifier: str) -> str:
    """A keyed pseudonym (HMAC-SHA-256, 32 hexadecimal digits); without the key it cannot be recomputed."""
    return hmac.digest(key, identifier.encode(), "sha256")[:16].hex()
