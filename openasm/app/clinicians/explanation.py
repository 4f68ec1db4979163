"""The explanation of one participant's numbers, by sections, with each rule value listed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from openasm.app.people.models import Practice
from openasm.app.published.models import ParticipantResult, Run
from openasm.app.published.run_tables import run_with
from openasm.archive.explanation import SECTION_TITLES, explain_participant
from openasm.archive.run import RuleValue
from openasm.archive.trail import Step, digits, rule_text
from openasm.base.errors import NotFound

_TITLES = {
    "quality": "Quality",
    "cost": "Cost",
    "improvement": "Improvement activities",
    "interoperability": "Promoting Interoperability",
    "complex_patients": "Complex patients",
    "small_practice": "Small practice",
    "final_score": "Final score",
    "payment": "Payment",
}


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


@dataclass(frozen=True, slots=True)
class Section:
    """Steps of one part of the rule. citation: where it stands."""

    key: str
    title: str
    citation: str
    steps: tuple[ShownStep, ...]


@dataclass(frozen=True, slots=True)
class ShownExplanation:
    """The trail; unconfirmed: how many of its rule values have not been read in CMS's own text."""

    sections: tuple[Section, ...]
    rules: tuple[Rule, ...]
    unconfirmed: int
    notes: tuple[str, ...]


def shown_explanation(run: Run, practice: Practice, result: ParticipantResult) -> ShownExplanation | None:
    """The explanation of a participant; None where the run did not bring what explains it."""
    try:
        folder = run_with(run, practice, npi=result.npi)
        found = explain_participant(folder, tin=practice.tin, npi=result.npi, cohort=result.cohort)[0]
    except (NotFound, IndexError):
        return None
    rules: dict[str, Rule] = {}
    for step in found.steps:
        for value in step.rules:
            if value.name not in rules:
                rules[value.name] = Rule(len(rules) + 1, value, rule_text(value))
    sections = tuple(
        Section(key, _TITLES[key], _citation(key), tuple(_shown(steps, rules)))
        for key, steps in groupby(found.steps, key=lambda step: step.section)
    )
    return ShownExplanation(sections, tuple(rules.values()), len(found.unconfirmed), found.notes)


def _shown(steps: Iterator[Step], rules: dict[str, Rule]) -> Iterator[ShownStep]:
    for step in steps:
        lines = tuple(Line(each.name, each.formula, each.filled, digits(each.result)) for each in step.calculations)
        yield ShownStep(step.title, step.words, lines, tuple(rules[each.name] for each in step.rules))


def _citation(section: str) -> str:
    """`42 CFR 512.725` from `QUALITY (42 CFR 512.725)`."""
    return SECTION_TITLES[section].partition("(")[2].rstrip(")")
