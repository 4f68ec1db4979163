"""What an explanation is made of: steps with filled-in formulas, citations and how sure each rule value is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openasm.archive.run import RuleValue

WIDTH = 110


@dataclass(frozen=True, slots=True)
class Calculation:
    """One line of arithmetic that a pocket calculator can redo.

    name: what is worked out; formula: in words; filled: the same with numbers, using + - x / ( ) min max exp only;
    result: its value. The numbers shown have ten significant digits, so redoing it agrees to about nine.
    """

    name: str
    formula: str
    filled: str
    result: float

    def as_text(self) -> str:
        """The line as people read it."""
        middle = f" = {self.filled}" if self.filled else ""
        return f"{self.name} = {self.formula}{middle} = {digits(self.result)}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trail.

    section: quality, cost, improvement, interoperability, complex_patients, small_practice, final_score or payment;
    title: what is decided; words: sentences; rules: the rule values it rests on; result: its outcome, None when none.
    """

    section: str
    title: str
    words: tuple[str, ...] = ()
    calculations: tuple[Calculation, ...] = ()
    rules: tuple[RuleValue, ...] = ()
    result: float | None = None

    @property
    def unconfirmed(self) -> tuple[RuleValue, ...]:
        """The rule values of the step that have not been read in CMS's own text."""
        return tuple(rule for rule in self.rules if not rule.confirmed)

    def as_record(self) -> dict[str, Any]:
        """JSON-ready mapping."""
        return {
            "section": self.section,
            "title": self.title,
            "words": list(self.words),
            "calculations": [
                {"name": each.name, "formula": each.formula, "filled": each.filled, "result": each.result}
                for each in self.calculations
            ],
            "result": self.result,
            "rules": [
                {
                    "name": rule.name,
                    "value": rule.value,
                    "unit": rule.unit,
                    "citation": rule.citation,
                    "status": rule.status,
                    "confirmed": rule.confirmed,
                }
                for rule in self.rules
            ],
        }

    def lines(self, numbers: Mapping[str, int]) -> list[str]:
        """The step as lines of text. numbers: rule name -> its number in the list below; `?` marks unconfirmed values."""
        lines = [self.title]
        for sentence in self.words:
            lines += _wrapped(sentence, "  ")
        for each in self.calculations:
            lines += _wrapped(each.as_text(), "    ")
        marks = " ".join(f"[{numbers[rule.name]}{'' if rule.confirmed else '?'}]" for rule in self.rules)
        return [*lines, *_wrapped(f"Rule values: {marks}", "  ")] if marks else lines


def rule_lines(rules: Iterable[RuleValue]) -> list[str]:
    """The numbered list of rule values that the steps refer to."""
    lines: list[str] = []
    for number, rule in enumerate(rules, start=1):
        mark = f"[{number}{'' if rule.confirmed else '?'}]"
        borrowed = "" if rule.assumed_from_year is None else f", value of {rule.assumed_from_year}"
        source = f"{rule.citation}; {rule.status}{borrowed}"
        lines += _wrapped(f"{mark} {rule.title}: {rule_text(rule)} ({source})", "  ")
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ", break_on_hyphens=False)


def digits(value: float) -> str:
    """A number with at most ten significant digits, without an exponent where it can be avoided.

    >>> digits(0.1 + 0.2), digits(-4725.0), digits(2 / 3)
    ('0.3', '-4725', '0.6666666667')
    """
    text = f"{value:.10g}"
    if "e" in text:
        text = f"{value:.14f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def signed(value: float) -> str:
    """A number to be written after another one: `+ 5` or `- 5`.

    >>> signed(5.0), signed(-2.5)
    ('+ 5', '- 2.5')
    """
    return f"- {digits(-value)}" if value < 0 else f"+ {digits(value)}"


def in_brackets(value: float) -> str:
    """A number inside a product: negative ones in brackets.

    >>> in_brackets(-1.5), in_brackets(2.0)
    ('(-1.5)', '2')
    """
    return f"({digits(value)})" if value < 0 else digits(value)


def rule_text(rule: RuleValue) -> str:
    """A rule value as people read it: `0.75 fraction`, choices in words."""
    value = rule.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return digits(float(value)) if rule.unit == "fraction" else f"{digits(float(value))} {rule.unit}"
    return _words(value)


def _words(value: Any) -> str:
    """A choice, list or table in words; item ids keep their underscores."""
    if isinstance(value, str):
        return value.replace("_", " ") if value.islower() else value
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{_words(key)}: {_words(item)}" for key, item in value.items())
    return digits(float(value)) if isinstance(value, int | float) else str(value)
