"""Codes as claims carry them, brought to one form; what cannot be is None, so that a reader can count it."""

from __future__ import annotations

import re

_DIAGNOSIS = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}", re.ASCII)
_FIVE = re.compile(r"[0-9A-Z]{5}", re.ASCII)
_TWO = re.compile(r"[0-9A-Z]{2}", re.ASCII)
_FOUR = re.compile(r"[0-9A-Z]{4}", re.ASCII)
_DRG = re.compile(r"[0-9A-Z]{3}", re.ASCII)
_NDC = re.compile(r"[0-9A-Z]{11}", re.ASCII)
_TEN_DIGITS = re.compile(r"[0-9]{10}", re.ASCII)
_NINE_DIGITS = re.compile(r"[0-9]{9}", re.ASCII)


def diagnosis(text: str) -> str | None:
    """An ICD-10-CM code without its dot; ICD-9 codes of digits alone are none.

    >>> diagnosis("i50.22"), diagnosis("4280")
    ('I5022', None)
    """
    code = text.strip().upper().replace(".", "")
    return code if _DIAGNOSIS.fullmatch(code) else None


def hcpcs(text: str) -> str | None:
    """A HCPCS or CPT code of five characters; five zeros mean none."""
    code = text.strip().upper()
    return code if _FIVE.fullmatch(code) and code != "00000" else None


def two(text: str) -> str | None:
    """A modifier, specialty or place-of-service code; one digit that lost its leading zero gets it back."""
    code = text.strip().upper()
    if len(code) == 1 and code.isascii() and code.isdigit():
        code = f"0{code}"
    return code if _TWO.fullmatch(code) else None


def revenue_center(text: str) -> str | None:
    """A revenue center code of four characters, leading zeros restored."""
    code = text.strip().upper().zfill(4)
    return code if _FOUR.fullmatch(code) else None


def drg(text: str) -> str | None:
    """A diagnosis related group of three characters; CCLF's four-digit form loses its leading zero, 000 means none."""
    code = text.strip().upper()
    code = code[1:] if len(code) == 4 and code.startswith("0") else code.zfill(3)
    return code if _DRG.fullmatch(code) and code != "000" else None


def ndc(text: str) -> str | None:
    """A national drug code of eleven characters without hyphens."""
    code = text.strip().upper().replace("-", "")
    return code if _NDC.fullmatch(code) else None


def npi(text: str) -> str | None:
    """Ten digits; the check digit is not asked here, as claims are taken as CMS holds them. Ten equal digits are none."""
    code = text.strip()
    return code if _TEN_DIGITS.fullmatch(code) and len(set(code)) > 1 else None


def tin(text: str) -> str | None:
    """Nine digits without the hyphen; nine zeros mean none.

    >>> tin("12-3456789"), tin("000000000")
    ('123456789', None)
    """
    code = text.strip().replace("-", "")
    return code if _NINE_DIGITS.fullmatch(code) and code != "000000000" else None


def zip_code(text: str) -> str | None:
    """The first five digits of a ZIP code; five zeros mean none."""
    code = text.strip()[:5]
    return code if len(code) == 5 and code.isascii() and code.isdigit() and code != "00000" else None
