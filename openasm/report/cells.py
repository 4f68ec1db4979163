"""Cells of a run's tables as values."""

from __future__ import annotations


def number(text: str) -> float | None:
    """A number as written, None for an empty cell.

    >>> number("0.5"), number("")
    (0.5, None)
    """
    return float(text) if text else None


def integer(text: str) -> int | None:
    """A whole number as written, None for an empty cell.

    >>> integer("12"), integer("")
    (12, None)
    """
    return int(text) if text else None
