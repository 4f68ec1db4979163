"""The text that is attested: every fact in a sentence, for whom it holds, what it does not claim. Kept word for word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from openasm.app.attestations.answers import Answer, Answers, ItemKind, item_kinds
from openasm.app.attestations.standing import Standing
from openasm.base.parameters import Rules
from openasm.report.titles import item_title


@dataclass(frozen=True, slots=True)
class Covered:
    """A participant an attestation is for."""

    npi: str
    name: str
    cohort: str


def statement_of(
    answers: Answers, *, practice: str, masked_tin: str, covered: tuple[Covered, ...], rules: Rules, standing: Standing
) -> str:
    """The text to read and sign. Equal answers and people give equal text."""
    lines = [
        f"Attestation for performance year {rules.year} of the Ambulatory Specialty Model (42 CFR 512.735 and 512.740).",
        f"Practice: {practice}, TIN {masked_tin}.",
        "",
        "On behalf of the practice, for its ASM participants named below and for nobody else, I attest:",
        *(f"- {sentence}" for sentence in _sentences(answers, rules)),
        "",
        f"Participants covered: {len(covered)}.",
        *(f"- {each.name or 'no name given'}, NPI {each.npi}, {each.cohort.replace('_', ' ')}" for each in covered),
        "",
        "With these answers "
        + ("both improvement activities count" if len(standing.activities) == 2 else _counts(standing))
        + f" ({standing.improvement_adjustment:g} points) and the Promoting Interoperability score is "
        f"{standing.interoperability_score:g} of 100 ({standing.interoperability_adjustment:g} points).",
    ]
    if standing.unmet:
        lines.append(f"Not met: {', '.join(item_title(item) for item in standing.unmet)}.")
    lines += ["", "What is attested is true and complete to the best of my knowledge, and its evidence is kept."]
    return "\n".join(lines)


def _counts(standing: Standing) -> str:
    return (
        f"the improvement activity {standing.activities[0]} counts"
        if standing.activities
        else "no improvement activity counts"
    )


def _sentences(answers: Answers, rules: Rules) -> Iterator[str]:
    for kind in item_kinds(rules):
        answer = answers.get(kind.item)
        if answer is not None and answer.given:
            yield f"{item_title(kind.item)} ({kind.item}): {_said(kind, answer)}."
        elif kind.group not in ("bonus", "exchange"):
            yield f"{item_title(kind.item)} ({kind.item}): nothing is attested."


def _said(kind: ItemKind, answer: Answer) -> str:
    if kind.proportion and answer.answer in (None, "yes"):
        return f"numerator {answer.numerator}, denominator {answer.denominator}"
    said = {"yes": "yes", "no": "no", "excluded": "an exclusion is claimed", None: "no answer"}[answer.answer]
    return f"{said}, from {_day(answer.start)} to {_day(answer.end)}" if kind.dated and answer.start else said


def _day(day: dt.date | None) -> str:
    return "no day given" if day is None else day.isoformat()
