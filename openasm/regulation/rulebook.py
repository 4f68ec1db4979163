"""The packaged rule values and the ones in force for a performance year."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from openasm.base.errors import RuleUnpublished
from openasm.base.parameters import RuleBook, Rules, load_overlays, load_rule_book
from openasm.base.years import PERFORMANCE_YEARS
from openasm.regulation.checks import check_book

# One file a section, in the order of the rule.
SECTIONS = (
    "participation",
    "quality",
    "cost",
    "improvement",
    "interoperability",
    "final_score",
    "payment",
    "incentives",
    "published_benchmarks",
)


@cache
def rule_book() -> RuleBook:
    """Every packaged parameter entry, in the order of the rule.

    >>> rule_book().entries[0].name
    'participation.specialties'
    """
    folder = files("openasm.regulation") / "parameters"
    with ExitStack() as stack:
        book = load_rule_book(stack.enter_context(as_file(folder / f"{section}.yaml")) for section in SECTIONS)
    check_book(book)
    return book


def rules_for(year: int, *, overlays: Iterable[Path] = (), assume_year: int | None = None) -> Rules:
    """The values in force for a performance year, with the user's overlay files on top.

    assume_year: a what-if may borrow another year's value where `year` has none; each borrowed value says so.
    Raises RuleUnpublished (exit 4), naming what is missing, for a year without values; InputRefused (exit 3), with file and
    line, for an overlay that cannot be read or computed with.

    >>> rules_for(2027)["payment.risk_level"].number
    0.09
    """
    return rules_of(book_with(overlays), year, assume_year=assume_year)


def rules_of(book: RuleBook, year: int, *, assume_year: int | None = None) -> Rules:
    """The values of a book in force for a performance year; RuleUnpublished as in `rules_for`, and outside the model's years."""
    if year not in PERFORMANCE_YEARS:
        raise RuleUnpublished(
            f"{year} is no performance year of the model, so no rule value is published for it. The model runs from "
            f"{PERFORMANCE_YEARS[0]} to {PERFORMANCE_YEARS[-1]}."
        )
    return book.for_year(year, assume_year=assume_year)


def book_with(overlays: Iterable[Path]) -> RuleBook:
    """The packaged book with the user's files laid over it, in order; InputRefused as in `rules_for`."""
    paths = tuple(overlays)
    if not paths:
        return rule_book()
    book = load_overlays(paths, rule_book())
    check_book(book)
    return book
