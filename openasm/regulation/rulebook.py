"""The packaged rule values and the ones in force for a performance year."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from openasm.base.parameters import RuleBook, Rules


def rule_book() -> RuleBook:
    """Every packaged parameter entry, in the order of the rule."""
    raise NotImplementedError


def rules_for(year: int, *, overlays: Iterable[Path] = (), assume_year: int | None = None) -> Rules:
    """The values in force for a performance year, with the user's overlay files on top.

    assume_year: a what-if may borrow another year's value where `year` has none.
    Raises RuleUnpublished (exit 4) for a year without values, InputRefused (exit 3) for a bad overlay.
    """
    raise NotImplementedError
