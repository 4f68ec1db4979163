"""What differs between the inputs and the rule values of two runs: rows by measure, values with their citations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from openasm.archive.comparison import InputChange, RuleChange
from openasm.archive.run import RuleValue, Run
from openasm.runs.scoring.inputs import ScoreInputs

Keyed = Mapping[tuple[str, ...], object]


def input_changes(first: ScoreInputs, second: ScoreInputs, *, tin: str | None = None) -> tuple[InputChange, ...]:
    """Rows added, removed and changed, by table and measure (or attested item); tin: of this practice only."""
    found: list[InputChange] = []
    for table in ("participants", "quality", "cost", "attestations"):
        before, after = (_keyed(getattr(inputs, table), _KEYS[table], tin) for inputs in (first, second))
        counts: dict[str, Counter[str]] = {}
        for key in before.keys() | after.keys():
            tally = counts.setdefault(_measure_of(table, key), Counter())
            tally["before"] += key in before
            tally["after"] += key in after
            tally["added"] += key not in before
            tally["removed"] += key not in after
            tally["changed"] += key in before and key in after and before[key] != after[key]
        found += [
            InputChange(
                table, measure, tally["before"], tally["after"], tally["added"], tally["removed"], tally["changed"]
            )
            for measure, tally in sorted(counts.items())
        ]
    return tuple(found)


_KEYS: Mapping[str, tuple[str, ...]] = {
    "participants": ("cohort", "tin", "npi"),
    "quality": ("tin", "npi", "measure", "collection_type"),
    "cost": ("tin", "npi", "measure"),
    "attestations": ("tin", "item"),
}


def _keyed(rows: Iterable[Any], names: tuple[str, ...], tin: str | None) -> Keyed:
    return {tuple(getattr(row, name) or "" for name in names): row for row in rows if tin is None or row.tin == tin}


def _measure_of(table: str, key: tuple[str, ...]) -> str:
    return key[_KEYS[table].index({"participants": "cohort", "attestations": "item"}.get(table, "measure"))]


def rule_changes(first: Run, second: Run, *, settings: Callable[[Run], Mapping[str, object]]) -> tuple[RuleChange, ...]:
    """Rule values and settings whose value differs, in the first run's order; then those only the second has."""
    found = []
    for name in dict.fromkeys((*settings(first), *settings(second))):
        before, after = (settings(run).get(name) for run in (first, second))
        if before != after:
            found.append(RuleChange(name, "setting of the run", "", _text(before), _text(after), "", "", "", ""))
    values = (first.parameters, second.parameters)
    for name in dict.fromkeys((*values[0], *values[1])):
        old, new = (each.get(name) for each in values)
        if old is None or new is None or old.value != new.value:
            found.append(_rule_change(name, old, new))
    return tuple(found)


def _rule_change(name: str, old: RuleValue | None, new: RuleValue | None) -> RuleChange:
    known = new or old
    assert known is not None
    return RuleChange(
        name,
        known.title,
        known.unit,
        "" if old is None else _text(old.value),
        "" if new is None else _text(new.value),
        "" if old is None else old.citation,
        "" if new is None else new.citation,
        "" if old is None else old.status,
        "" if new is None else new.status,
    )


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)
