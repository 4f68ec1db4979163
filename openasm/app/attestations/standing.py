"""Where a practice's answers stand on a day: clocks, live score, what it costs, and what speaks against signing. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openasm.app.attestations.answers import Answer, Answers, ItemKind, item_kinds
from openasm.base.parameters import Rules
from openasm.base.years import first_day
from openasm.regulation.attestations import attestations_of
from openasm.regulation.improvement import attested_activities, improvement_adjustment
from openasm.regulation.interoperability import score_interoperability
from openasm.report.titles import item_title
from openasm.submission.clocks import PeriodClock, period_clock


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before signing. item: empty for the whole; blocks: it must be mended first."""

    item: str
    text: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class PointsLine:
    """Points of one measure or objective."""

    item: str
    earned: float
    available: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where answers stand. *_adjustment: points on the final score, 0 or less; unmet: requirements that make PI's score 0."""

    activities: tuple[str, ...]  # that count
    improvement_adjustment: float
    interoperability_score: float
    interoperability_adjustment: float
    unmet: tuple[str, ...]
    points: tuple[PointsLine, ...]
    clocks: dict[str, PeriodClock]
    findings: tuple[Finding, ...]

    @property
    def cost(self) -> float:
        """Points of the final score lost with these answers, 0 to 30."""
        return -(self.improvement_adjustment + self.interoperability_adjustment)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """What must be mended before anybody can sign."""
        return tuple(each for each in self.findings if each.blocks)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What can be signed but should be known."""
        return tuple(each for each in self.findings if not each.blocks)


def standing_of(
    answers: Answers, *, tin: str, today: dt.date, rules: Rules, proven: frozenset[str] = frozenset()
) -> Standing:
    """Score and findings of answers on a day. proven: items with a document, or an arrangement in force for IA_2."""
    kinds = item_kinds(rules)
    rows = [each.row(tin) for each in answers.values()]
    columns = attestations_of(rows, [tin])
    counted = attested_activities(columns, tins=1, rules=rules)[:, 0]
    names = [kind.item for kind in kinds if kind.group == "activities"]
    result = score_interoperability(columns, tins=1, rules=rules)
    unmet = tuple(item for item, met in result.requirements.items() if not bool(met[0]))
    points = tuple(
        PointsLine(item, float(result.earned[item][0]), float(result.available.get(item, result.earned[item])[0]))
        for item in result.earned
    )
    clocks = {
        kind.item: period_clock(answer.start, end=answer.end, today=today, year=rules.year, needed=kind.days)
        for kind in kinds
        if kind.dated
        for answer in (answers.get(kind.item, Answer(kind.item)),)
    }
    findings = [
        finding
        for kind in kinds
        for finding in _findings(kind, answers.get(kind.item, Answer(kind.item)), clocks.get(kind.item), today, proven)
    ]
    if today < first_day(rules.year):
        findings.insert(0, Finding("", f"The performance year {rules.year} has not begun.", True))
    if not any(answer.given for answer in answers.values()):
        findings.insert(0, Finding("", "Nothing is answered yet.", True))
    return Standing(
        tuple(name for name, counts in zip(names, counted.tolist(), strict=True) if counts),
        float(improvement_adjustment(np.array([int(counted.sum())]), rules)[0]),
        float(result.score[0]),
        float(result.adjustment[0]),
        unmet,
        points,
        clocks,
        tuple(findings),
    )


def _findings(
    kind: ItemKind, answer: Answer, clock: PeriodClock | None, today: dt.date, proven: frozenset[str]
) -> Iterator[Finding]:
    """What speaks against an answer. A `yes` is a statement of fact: nobody signs one that cannot be true yet."""
    title = item_title(kind.item)
    if kind.proportion and answer.answer in (None, "yes") and answer.given and not answer.denominator:
        yield Finding(kind.item, f"{title}: a denominator above 0 and a numerator are needed.", True)
    if clock is not None and answer.answer == "yes":
        if answer.start is None or answer.end is None:
            yield Finding(kind.item, f"{title}: answered yes without the period's first and last day.", True)
        elif answer.end > today:
            yield Finding(
                kind.item, f"{title}: the period ends on {answer.end.isoformat()}, which is still to come.", True
            )
        elif clock.days < kind.days:
            text = f"{title}: answered yes, but the period has {clock.days} of the {kind.days} days in a row that are needed."
            yield Finding(kind.item, text, True)
    if kind.group == "bonus":
        return
    if not answer.given and kind.group != "exchange":
        yield Finding(kind.item, f"{title}: not answered.", False)
    elif answer.answer == "no" and kind.group != "exchange":
        yield Finding(kind.item, f"{title}: answered no.", False)
    elif answer.given and not answer.evidence and kind.item not in proven:
        yield Finding(kind.item, f"{title}: no evidence is named or attached.", False)
