"""The count tables of an export with small cells hidden, consistently over all tables that hold the same facts.

Counts of a quality measure fall into two blocks that are hidden apart: performance (met, not met; with them rate and points) and reporting
(exclusions, exceptions, patients not reported). `eligible` is the sum of both, completeness a fraction of it: hidden with either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from openasm.runs.sharing.small_cells import Path, Vector, hidden_nodes, is_small

HIDDEN = "*"
Row = dict[str, str]

_PERFORMANCE = (
    *("met", "not_met", "eligible", "rate", "points", "mips_points_ecqm", "mips_points_cqm"),
    "completeness",  # a fraction in lowest terms tells its denominator
)
_REPORTING = ("exclusions", "exceptions", "eligible", "completeness")
_QUALITY = ("quality", "quality_by_clinician", "score_input", "measure_scores", "inputs/quality")
_COST = ("cost", "inputs/cost")


@dataclass(frozen=True, slots=True)
class _Fact:
    """One vector of counts in one row. subject: what is counted, the same in every table; source: tables that add up together."""

    subject: tuple[str, ...]
    source: tuple[str, ...]
    path: Path
    vector: Vector
    columns: tuple[str, ...]
    hide_anyway: bool = False


def hide_small(tables: Mapping[str, Sequence[Row]]) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The tables with hidden cells marked `*`, and how many cells were hidden in each.

    tables: name -> rows as text, before identifiers are replaced. Equal facts in several tables are hidden in all of them.
    """
    names = _measure_names(tables.get("quality", ()))
    facts = [
        (name, place, fact)
        for name, rows in tables.items()
        for place, row in enumerate(rows)
        for fact in _facts(name, row, names)
    ]
    hidden = _hidden([fact for _, _, fact in facts])
    result = {name: [dict(row) for row in rows] for name, rows in tables.items()}
    for name, place, fact in facts:
        if (fact.subject, fact.path) in hidden:
            for column in fact.columns:
                if result[name][place].get(column):
                    result[name][place][column] = HIDDEN
    for row in result.get("inputs/attestations", ()):
        _hide_proportion(row)
    cells = {
        name: sum(
            value == HIDDEN and tables[name][place][column] != HIDDEN
            for place, row in enumerate(rows)
            for column, value in row.items()
        )
        for name, rows in result.items()
    }
    return result, {name: count for name, count in cells.items() if count}


def _hidden(facts: Sequence[_Fact]) -> set[tuple[tuple[str, ...], Path]]:
    """Subjects and nodes to hide: each source is made safe by itself, and what one hides the others hide too, until nothing is added."""
    trees: dict[tuple[object, ...], dict[Path, Vector]] = {}
    hidden: set[tuple[tuple[str, ...], Path]] = set()
    for fact in facts:
        variant = 0  # tables that tell a node differently (another way of collection) are trees of their own
        while (
            trees.setdefault((fact.subject, fact.source, variant), {}).setdefault(fact.path, fact.vector) != fact.vector
        ):
            variant += 1
        if fact.hide_anyway:
            hidden.add((fact.subject, fact.path))
    while True:
        before = len(hidden)
        for (subject, *_), counts in trees.items():
            assert isinstance(subject, tuple)
            given = {path for path in counts if (subject, path) in hidden}
            hidden |= {(subject, path) for path in hidden_nodes(counts, at_least=given)}
        if len(hidden) == before:
            return hidden


def _facts(name: str, row: Row, names: Mapping[str, str]) -> Iterator[_Fact]:
    if name in _QUALITY and not row["measure"].startswith("COST"):
        yield from _quality_facts(name, row, names)
    elif name in _COST or name == "measure_scores":
        count = _number(row.get("episodes") or row.get("eligible"))
        path = _path(row)
        yield _Fact(
            (row["measure"],),
            ((name in _COST and name) or "inputs/cost",),
            path,
            (count,),
            ("episodes", "score", "eligible", "rate", "points"),
        )
    elif name == "cost_categories":
        subject = (row.get("cohort", ""), row["category"])
        columns = ("episodes", "services", "dollars_a_year")
        yield _Fact(subject, (name,), _path(row), (_number(row["episodes"]),), columns)


def _quality_facts(name: str, row: Row, names: Mapping[str, str]) -> Iterator[_Fact]:
    measure = names.get(row["measure"], row["measure"])
    group = row.get("group") or "1"
    kind = row.get("collection_type", "")
    computed = name in ("quality", "quality_by_clinician", "score_input")
    source = ("computed" if computed else "scored", kind if not computed else "")
    path = _path(row)
    eligible, met, not_met, exclusions, exceptions = (
        _number(row.get(column)) for column in ("eligible", "met", "not_met", "exclusions", "exceptions")
    )
    unreported = max(0, eligible - met - not_met - exclusions - exceptions)
    few = is_small(eligible) or is_small(met + not_met)
    for block, vector, columns in (
        ("performance", (met, not_met), _PERFORMANCE),
        ("reporting", (exclusions, exceptions, unreported), _REPORTING),
    ):
        anyway = few if block == "performance" else is_small(eligible)
        yield _Fact((measure, group, block), source, path, vector, columns, anyway)


def _path(row: Row) -> Path:
    tin = row.get("tin", "")
    npi = "" if row.get("level") == "tin" else row.get("npi", "")
    return (tin, npi) if npi else (tin,) if tin else ()


def _measure_names(quality: Sequence[Row]) -> dict[str, str]:
    """Numbers of the quality measures by their eCQM names, as far as the run says: score inputs use the numbers."""
    return {row["measure"]: row["quality_id"] for row in quality if row.get("quality_id")}


def _hide_proportion(row: Row) -> None:
    numerator, denominator = _number(row.get("numerator")), _number(row.get("denominator"))
    if any(map(is_small, (numerator, denominator, denominator - numerator))):
        for column in ("numerator", "denominator"):
            if row.get(column):
                row[column] = HIDDEN


def _number(text: str | None) -> int:
    return int(float(text)) if text else 0
