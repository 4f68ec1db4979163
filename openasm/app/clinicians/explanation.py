"""The explanation of one participant's numbers, by sections, with each rule value listed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from openasm.app.clinicians.steps import Line, Rule, ShownStep
from openasm.app.clinicians.sureness import sure_steps
from openasm.app.people.models import Practice
from openasm.app.published.models import ParticipantResult, ProjectionSummary, Run
from openasm.app.published.run_tables import run_with
from openasm.archive.explanation import SECTION_TITLES, explain_participant
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


def shown_explanation(
    run: Run, practice: Practice, result: ParticipantResult, projection: ProjectionSummary | None = None
) -> ShownExplanation | None:
    """The explanation of a participant; None where the run did not bring what explains it. projection: explained with it."""
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
    if projection is not None:
        level = next(
            (row["risk_level"] for row in folder.table("cohorts").rows() if row["cohort"] == result.cohort), ""
        )
        steps = sure_steps(run, result, projection.document, float(level) if level else None)
        sections = (*sections, Section("sure", "How sure the payment is", "the run's projection", steps))
    return ShownExplanation(sections, tuple(rules.values()), len(found.unconfirmed), found.notes)


def _shown(steps: Iterator[Step], rules: dict[str, Rule]) -> Iterator[ShownStep]:
    for step in steps:
        lines = tuple(Line(each.name, each.formula, each.filled, digits(each.result)) for each in step.calculations)
        yield ShownStep(step.title, step.words, lines, tuple(rules[each.name] for each in step.rules))


def _citation(section: str) -> str:
    """`42 CFR 512.725` from `QUALITY (42 CFR 512.725)`."""
    return SECTION_TITLES[section].partition("(")[2].rstrip(")")
