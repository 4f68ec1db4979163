"""What the page that explains a participant's numbers is made of."""

from __future__ import annotations

from dataclasses import dataclass

from openasm.archive.run import RuleValue


@dataclass(frozen=True, slots=True)
class Line:
    """One line of arithmetic; result: its value with up to ten digits."""

    name: str
    formula: str
    filled: str
    result: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule value a step rests on. number: of the list at the end; text: its value in words."""

    number: int
    value: RuleValue
    text: str


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step as the page shows it."""

    title: str
    words: tuple[str, ...]
    lines: tuple[Line, ...]
    rules: tuple[Rule, ...]
