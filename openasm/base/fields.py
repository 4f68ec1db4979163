"""What one field of a table may hold: parsers from text to value, and the problem of a field that does not parse."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from openasm.base.identity import is_npi, is_tin
from openasm.base.problems import ProblemKind, declare

VALUE_MISSING = declare(
    "F010", "the value is empty", expected="a value in every row", next_step="Fill it in, or leave the whole row out."
)
NOT_INTEGER = declare("F011", "not a whole number", expected="digits only, as in 1250", next_step="Correct the number.")
NOT_NUMBER = declare(
    "F012",
    "not a number",
    expected="a plain decimal number, as in 1250.50",
    next_step="Remove currency signs, thousands separators and words.",
)
OUT_OF_RANGE = declare(
    "F013", "the number is out of range", expected="a number in the range given", next_step="Correct the number."
)
NOT_DATE = declare(
    "F014", "not a date", expected="an ISO date, as in 2027-03-31", next_step="Write dates as year-month-day."
)
NOT_A_CHOICE = declare(
    "F015",
    "the value is not one of the words allowed",
    expected="one of the words listed",
    next_step="Use one of them.",
)
NOT_NPI = declare(
    "F016",
    "not a valid NPI",
    expected="ten digits with a right check digit",
    next_step="Check the number against the registry; a spreadsheet may have dropped or changed digits.",
    citation="45 CFR 162.406",
)
NOT_TIN = declare(
    "F017",
    "not a valid TIN",
    expected="nine digits without a hyphen",
    next_step="Format the column as text so that leading zeros stay.",
)
TEXT_TOO_LONG = declare("F020", "the text is too long", expected="at most 500 characters", next_step="Shorten it.")

_INTEGER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_LONG_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"-?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})([eE][+-]?[0-9]{1,2})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """What one column must hold.

    parse: text -> value, raising `BadValue`; required: the column must be there; may_be_empty: an empty field gives None.
    """

    name: str
    parse: Callable[[str], Any]
    required: bool = True
    may_be_empty: bool = False


class BadValue(ValueError):
    """A field that does not parse: which kind of problem, and what was expected."""

    def __init__(self, kind: ProblemKind, expected: str = "") -> None:
        self.kind = kind
        self.expected = expected
        super().__init__(kind.title)


def text(value: str) -> str:
    """Any text of up to 500 characters."""
    if len(value) > 500:
        raise BadValue(TEXT_TOO_LONG)
    return value


def integer(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """Whole numbers in a closed range."""

    def parse(value: str) -> int:
        if _INTEGER.fullmatch(value) is None:
            raise BadValue(OUT_OF_RANGE if _LONG_INTEGER.fullmatch(value) else NOT_INTEGER)
        number = int(value)
        _check_range(number, low, high)
        return number

    return parse


def number(low: int | None = None, high: int | None = None) -> Callable[[str], Fraction]:
    """Decimal numbers in a closed range, kept exact."""

    def parse(value: str) -> Fraction:
        if _NUMBER.fullmatch(value) is None:
            raise BadValue(NOT_NUMBER)
        exact = Fraction(value)
        _check_range(exact, low, high)
        return exact

    return parse


def _check_range(value: Fraction | int, low: int | None, high: int | None) -> None:
    if (low is not None and value < low) or (high is not None and value > high):
        if high is None:
            expected = f"{low} or more"
        elif low is None:
            expected = f"{high} or less"
        else:
            expected = f"a number from {low} to {high}"
        raise BadValue(OUT_OF_RANGE, expected)


def iso_date(value: str) -> dt.date:
    """A calendar date written year-month-day."""
    if _DATE.fullmatch(value) is None:
        raise BadValue(NOT_DATE)
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise BadValue(NOT_DATE) from None


def choice(*words: str) -> Callable[[str], str]:
    """One of some words."""

    def parse(value: str) -> str:
        if value not in words:
            raise BadValue(NOT_A_CHOICE, f"one of {', '.join(words)}")
        return value

    return parse


def npi(value: str) -> str:
    """An NPI with a right check digit."""
    if not is_npi(value):
        raise BadValue(NOT_NPI)
    return value


def tin(value: str) -> str:
    """A TIN of nine digits."""
    if not is_tin(value):
        raise BadValue(NOT_TIN)
    return value
