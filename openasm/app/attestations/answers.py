"""What a practice answers, item by item: as text for the database, as rows for the rules, as the file a run takes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache

from openasm.base.errors import RuleUnpublished
from openasm.base.parameters import Rules
from openasm.base.years import PERFORMANCE_YEARS
from openasm.regulation.attestations import AttestationRow
from openasm.regulation.improvement import activities
from openasm.regulation.interoperability import items_of
from openasm.regulation.rulebook import rules_for

ANSWERS = ("yes", "no", "excluded")
FILE_COLUMNS = ("tin", "item", "answer", "numerator", "denominator", "start", "end")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one item. answer: `yes`, `no`, `excluded` or None; evidence: what proves it, in words."""

    item: str
    answer: str | None = None
    numerator: int | None = None
    denominator: int | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    evidence: str = ""

    def row(self, tin: str) -> AttestationRow:
        """As the rules take it."""
        return AttestationRow(tin, self.item, self.answer, self.numerator, self.denominator, self.start, self.end)

    @property
    def given(self) -> bool:
        """Whether anything at all is answered (evidence alone is no answer)."""
        return replace(self, evidence="") != Answer(self.item)


Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class ItemKind:
    """What an item may be answered with. dated: it needs a period of `days` days."""

    item: str
    group: str
    proportion: bool
    may_be_excluded: bool
    dated: bool
    days: int


@cache
def rules_of(year: int) -> Rules:
    """The rule values of a performance year; RuleUnpublished where some are not published."""
    return rules_for(year)


@cache
def years() -> tuple[int, ...]:
    """Performance years whose rule values are known: only these can be attested."""
    known = []
    for year in PERFORMANCE_YEARS:
        try:
            rules_of(year)
        except RuleUnpublished:
            continue
        known.append(year)
    return tuple(known)


def item_kinds(rules: Rules) -> tuple[ItemKind, ...]:
    """Every item of a year, in the order of the rule, by group: activities, technology, measures, exchange, attestations, bonus.

    >>> [each.item for each in item_kinds(rules_of(2027)) if each.dated]
    ['IA_1', 'IA_2', 'CEHRT']
    """
    technology = rules["interoperability.certified_technology"].text
    exchange = {str(item) for way in rules["interoperability.exchange_options"].table.values() for item in _texts(way)}
    groups = dict.fromkeys(activities(rules), "activities") | {technology: "technology"}
    groups |= dict.fromkeys(rules["interoperability.required_measures"].texts, "measures")
    groups |= dict.fromkeys(exchange, "exchange")
    groups |= dict.fromkeys(rules["interoperability.required_attestations"].texts, "attestations")
    groups |= dict.fromkeys(rules["interoperability.bonus_measures"].texts, "bonus")
    proportions = set(rules["interoperability.proportion_measures"].texts)
    excludable = set(rules["interoperability.measures_with_exclusion"].texts)
    days = dict.fromkeys(activities(rules), rules["improvement.period_days"].integer)
    days[technology] = rules["interoperability.period_days"].integer
    return tuple(
        ItemKind(item, groups[item], item in proportions, item in excludable, item in days, days.get(item, 0))
        for item in dict.fromkeys((*activities(rules), *items_of(rules)))
    )


def _texts(way: object) -> tuple[object, ...]:
    return way if isinstance(way, tuple) else ()


def as_text(answers: Answers) -> str:
    """Canonical JSON: equal answers, equal text. Items without answer and evidence are left out."""
    kept = {
        item: {
            name: value.isoformat() if isinstance(value, dt.date) else value for name, value in asdict(answer).items()
        }
        for item, answer in sorted(answers.items())
        if answer.given or answer.evidence
    }
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> dict[str, Answer]:
    """The answers of canonical JSON.

    >>> from_text(as_text({"IA_1": Answer("IA_1", "yes", start=dt.date(2027, 2, 1))}))["IA_1"].start
    datetime.date(2027, 2, 1)
    """
    found = {}
    for item, values in json.loads(text or "{}").items():
        days = {name: dt.date.fromisoformat(values[name]) if values[name] else None for name in ("start", "end")}
        found[item] = Answer(**{**values, **days})
    return found


def attestations_csv(tin: str, answers: Answers, *, rules: Rules) -> bytes:
    """`attestations.csv` as `openasm score` and `openasm run` take it: one row an answered item, in the order of the rule.

    It is a file for the program: no byte order mark; nothing in it is free text.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FILE_COLUMNS)
    for row in rows_of(tin, answers, rules=rules):
        days = ("" if day is None else day.isoformat() for day in (row.start, row.end))
        counts = ("" if number is None else number for number in (row.numerator, row.denominator))
        writer.writerow([row.tin, row.item, row.answer or "", *counts, *days])
    return stream.getvalue().encode()


def rows_of(tin: str, answers: Answers, *, rules: Rules) -> list[AttestationRow]:
    """The answered items as rows, in the order of the rule."""
    return [
        answers[kind.item].row(tin) for kind in item_kinds(rules) if kind.item in answers and answers[kind.item].given
    ]


def differences(before: Answers, after: Answers) -> list[str]:
    """Items whose answer or evidence differs between two versions, sorted."""
    return sorted(item for item in {*before, *after} if before.get(item, Answer(item)) != after.get(item, Answer(item)))


def by_item(answers: Iterable[Answer]) -> dict[str, Answer]:
    """Answers by their item."""
    return {each.item: each for each in answers}
