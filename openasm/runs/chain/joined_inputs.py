"""The inputs of scoring, joined: the peers as given, one's own participants, and the rows computed from one's own data.

A row about the same thing never stands twice. A given and a computed row about the same TIN, NPI, measure and way of collection (of
attestations: TIN and item) are refused, unless the configuration says which of the two counts; then the other is left out and counted.
Given rows keep their order and come first, so that a problem's row is the one of the given file.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openasm.archive.tables import read_csv
from openasm.base import files
from openasm.base.files import Column, find_table, read_table, written_whole
from openasm.base.parameters import Rules
from openasm.base.problems import Problems
from openasm.runs.chain.configuration_problems import (
    GIVEN_AND_COMPUTED,
    LEFT_OUT,
    NOTHING_COMPUTED,
    OF_NOBODY,
    PARTICIPANT_TWICE,
)
from openasm.runs.scoring.checks import cohort_of_cost_measures, cohort_of_measures
from openasm.runs.scoring.inputs import ATTESTATION_COLUMNS, COST_COLUMNS, PARTICIPANT_COLUMNS, QUALITY_COLUMNS

Row = dict[str, str]

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "participants": PARTICIPANT_COLUMNS,
    "quality": QUALITY_COLUMNS,
    "cost": COST_COLUMNS,
    "attestations": ATTESTATION_COLUMNS,
}
KEYS: Mapping[str, tuple[str, ...]] = {
    "participants": ("tin", "npi", "cohort"),
    "quality": ("tin", "npi", "measure", "collection_type"),
    "cost": ("tin", "npi", "measure"),
    "attestations": ("tin", "item"),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the rows come from. peers: a folder; participants, attestations: files; computed: files of computed rows by table;
    own_tins: whose computed rows count, empty for everybody's; when_both: `refuse`, `computed` or `given`.
    """

    peers: Path | None = None
    participants: Path | None = None
    attestations: Path | None = None
    computed: Mapping[str, Sequence[Path]] | None = None
    own_tins: tuple[str, ...] = ()
    when_both: str = "refuse"


def join_inputs(sources: Sources, folder: Path, *, rules: Rules, problems: Problems) -> dict[str, dict[str, int]]:
    """Write participants, quality, cost and attestations (.csv) to `folder`; returns rows by table and origin.

    Raises InputRefused with every problem of every given file.
    """
    given = {table: _peers(sources.peers, table, problems) for table in COLUMNS}
    own = _read(sources.participants, "participants", problems) if sources.participants else []
    attested = _read(sources.attestations, "attestations", problems) if sources.attestations else []
    problems.refuse_errors()
    counts: dict[str, dict[str, int]] = {"participants": {"given": len(given["participants"]), "own": len(own)}}
    participants = _with_own_participants(given["participants"], own, problems, sources.participants)
    own_tins = frozenset(sources.own_tins)
    joined = {"participants": participants}
    anything = False
    for table in ("quality", "cost"):
        computed = [
            row
            for path in (sources.computed or {}).get(table, ())
            for row in _computed(path, table)
            if not own_tins or row["tin"] in own_tins
        ]
        anything = anything or bool(computed)
        kept = _of_participants(computed, participants, table, rules, problems)
        joined[table] = _joined(given[table], kept, table, sources.when_both, problems)
        counts[table] = {"given": len(given[table]), "computed": len(computed), "scored": len(joined[table])}
    joined["attestations"] = _joined(given["attestations"], attested, "attestations", sources.when_both, problems)
    counts["attestations"] = {
        "given": len(given["attestations"]),
        "own": len(attested),
        "scored": len(joined["attestations"]),
    }
    if any((sources.computed or {}).values()) and not anything:
        problems.add(NOTHING_COMPUTED, "", found=f"{len(own_tins)} own TINs")
    problems.refuse_errors()
    for table, rows in joined.items():
        with written_whole(folder / f"{table}.csv") as stream:
            writer = csv.DictWriter(stream, [each.name for each in COLUMNS[table]], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return counts


def _peers(folder: Path | None, table: str, problems: Problems) -> list[Row]:
    path = find_table(folder, table) if folder is not None else None
    return [] if path is None else _read(path, table, problems)


def _read(path: Path, table: str, problems: Problems) -> list[Row]:
    """The rows of a given file as text, after its own checks."""
    columns = COLUMNS[table]
    read_table(path, columns, problems, key=KEYS[table], may_have_no_rows=True)
    if problems.errors:
        return []
    as_text = [replace(column, parse=files.text, may_be_empty=True) for column in columns]
    found = read_table(path, as_text, Problems(), may_have_no_rows=True)
    return [
        {name: value or "" for name, value in zip(found.columns, values, strict=True)}
        for values in zip(*found.columns.values(), strict=True)
    ]


def _computed(path: Path, table: str) -> list[Row]:
    """Rows the program computed, in the columns of the table; the cost of a whole TIN scores nobody."""
    names = [each.name for each in COLUMNS[table]]
    rows = [{name: row.get(name, "") for name in names} for row in read_csv(path).rows()]
    return [row for row in rows if table != "cost" or row["npi"]]


def _with_own_participants(given: list[Row], own: list[Row], problems: Problems, file: Path | None) -> list[Row]:
    known = {_key(row, "participants") for row in given}
    for number, row in enumerate(own, start=1):
        if _key(row, "participants") in known:
            assert file is not None
            problems.add(PARTICIPANT_TWICE, file.name, row=number, found=f"TIN {row['tin']}, NPI {row['npi']}")
    return [*given, *own]


def _of_participants(
    computed: list[Row], participants: Sequence[Row], table: str, rules: Rules, problems: Problems
) -> list[Row]:
    """The computed rows about participants of the measure's cohort; the others are counted."""
    cohorts = cohort_of_measures(rules) if table == "quality" else cohort_of_cost_measures(rules)
    people = {(row["cohort"], row["tin"], row["npi"]) for row in participants}
    people |= {(row["cohort"], row["tin"], "") for row in participants}
    kept = [row for row in computed if (cohorts.get(row["measure"], ""), row["tin"], row["npi"]) in people]
    if len(kept) < len(computed):
        left = len(computed) - len(kept)
        problems.add(OF_NOBODY, f"{table}.csv", found=f"{left:,} rows, {len(kept):,} kept", count=left)
    return kept


def _joined(given: list[Row], own: list[Row], table: str, when_both: str, problems: Problems) -> list[Row]:
    """Given rows first, each key once."""
    places = {_key(row, table): number for number, row in enumerate(given, start=1)}
    both = [row for row in own if _key(row, table) in places]
    if not both:
        return [*given, *own]
    file = f"{table}.csv"
    if when_both == "refuse":
        for row in both:
            problems.add(
                GIVEN_AND_COMPUTED, file, row=places[_key(row, table)], found=", ".join(filter(None, _key(row, table)))
            )
        return [*given, *own]
    words = {"computed": "given rows left out for computed ones", "given": "computed rows left out for given ones"}
    problems.add(LEFT_OUT, file, found=f"{len(both):,} {words[when_both]}", count=len(both))
    keys = {_key(row, table) for row in both}
    if when_both == "computed":
        return [*(row for row in given if _key(row, table) not in keys), *own]
    return [*given, *(row for row in own if _key(row, table) not in keys)]


def _key(row: Row, table: str) -> tuple[str, ...]:
    return tuple(row[name] for name in KEYS[table])
