"""From the rows of the service assignment sheets to the rules of a codes list: what one row bars, no other of its kind takes.

`Exclude` on a full diagnosis code is an exception to a service's rule, and a service may have several: each on a row of its
own. If each row barred only its own code, every row would take what the others bar. So a row that takes a whole category
is barred from all codes that rows with the same setting, service code and category exclude. A row that names the one
diagnosis it takes stands for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openasm.episodes.specifications.codes_list import (
    WHOLE_EPISODE,
    CodeKind,
    DiagnosisCondition,
    ServiceRule,
    Window,
)

Key = tuple[str, CodeKind, str, str]


@dataclass(frozen=True, slots=True)
class DiagnosisAsked:
    """What a row says of the diagnosis; "" where it says nothing.

    category, listed: what a diagnosis must begin with, and be; excluded: the full code the row excludes; takes: by its
    decisions the row takes services.
    """

    category: str = ""
    listed: str = ""
    excluded: str = ""
    takes: bool = True


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A row of a service assignment sheet, understood. row: its number in Excel; category: of the services."""

    row: int
    settings: tuple[str, ...]
    kind: CodeKind
    code: str
    category: str
    diagnosis: DiagnosisAsked = DiagnosisAsked()
    window: Window = WHOLE_EPISODE

    def key(self, setting: str) -> Key:
        """What rows have in common when one's exclusions bind the other."""
        return setting, self.kind, self.code, self.diagnosis.category


def service_rules(rows: Sequence[ServiceRow]) -> tuple[ServiceRule, ...]:
    """The rules of the rows, in their order; a row whose settings are barred from different codes becomes several.

    >>> visit = (("professional",), CodeKind.HCPCS, "99213", "Visits")
    >>> rows = [ServiceRow(8 + n, *visit, DiagnosisAsked("I50", excluded=code)) for n, code in enumerate(["I509", "I5020"])]
    >>> [rule.condition.barred for rule in service_rules(rows)]
    [('I5020', 'I509'), ('I5020', 'I509')]
    """
    barred = _barred(rows)
    rules: list[ServiceRule] = []
    for row in rows:
        asked = row.diagnosis
        settings_of: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for setting in row.settings if asked.takes else ():
            settings_of[() if asked.listed else barred[row.key(setting)]].append(setting)
        for codes, settings in settings_of.items():
            condition = DiagnosisCondition(asked.category, asked.listed, codes)
            rules.append(
                ServiceRule(len(rules), tuple(settings), row.kind, row.code, condition, row.category, row.window)
            )
    return tuple(rules)


def listed_and_excluded(rows: Sequence[ServiceRow]) -> list[ServiceRow]:
    """Rows that take a diagnosis by name which another row of the same service and category excludes."""
    barred = _barred(rows)
    return [
        row
        for row in rows
        if row.diagnosis.takes and any(row.diagnosis.listed in barred[row.key(setting)] for setting in row.settings)
    ]


def _barred(rows: Iterable[ServiceRow]) -> defaultdict[Key, tuple[str, ...]]:
    """The excluded codes of each setting, service code and category, in order."""
    found: defaultdict[Key, set[str]] = defaultdict(set)
    for row in rows:
        if row.diagnosis.excluded:
            for setting in row.settings:
                found[row.key(setting)].add(row.diagnosis.excluded)
    return defaultdict(tuple, {key: tuple(sorted(codes)) for key, codes in found.items()})
