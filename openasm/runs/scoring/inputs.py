"""The inputs of `openasm score`: four tables, read and checked together, every problem of every file at once.

    inputs = read_inputs(Path("inputs"), rules=rules_for(2027), problems=problems)

Rows come out sorted by their full key, so that the order of a file's rows never matters. Numbers stay exact (`Fraction`).
Where participants.csv itself has errors, the other tables are not checked against it: half a list would blame right rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from openasm.base import files
from openasm.base.errors import InputRefused, NotFound
from openasm.base.files import Column, Table, find_table, read_table
from openasm.base.parameters import Rules
from openasm.base.problems import Problems
from openasm.regulation.attestations import AttestationRow
from openasm.runs.scoring import checks as score_checks
from openasm.runs.scoring.problems import TABLE_MISSING, TABLE_TWICE

COHORTS = ("heart_failure", "low_back_pain")
MOST_CASES = 1_000_000_000  # more cases than there are beneficiaries: a slipped column
MOST_DOLLARS = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Participant:
    """One row of participants.csv. part_b_paid: dollars; dual_share: 0-1; None where the field was empty."""

    cohort: str
    tin: str
    npi: str
    name: str | None
    organization: str | None
    state: str | None
    clinicians_in_tin: int
    part_b_paid: Fraction
    hcc_mean: Fraction | None
    dual_share: Fraction | None


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One row of quality.csv. npi None: reported for the whole TIN; rate: claims measures only, per 100 person-years."""

    tin: str
    npi: str | None
    measure: str
    collection_type: str
    eligible: int
    met: int
    not_met: int
    exclusions: int
    exceptions: int
    rate: Fraction | None


@dataclass(frozen=True, slots=True)
class CostRow:
    """One row of cost.csv. score: dollars, None only where no episode counted."""

    tin: str
    npi: str
    measure: str
    episodes: int
    score: Fraction | None


@dataclass(frozen=True, slots=True)
class InputFile:
    """Which file was read: its name without folders, SHA-256 of its bytes, its size and its data rows."""

    table: str
    name: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class ScoreInputs:
    """Everything `score_cohorts` needs besides the rules; each tuple is sorted by its full key."""

    participants: tuple[Participant, ...]
    quality: tuple[QualityRow, ...]
    cost: tuple[CostRow, ...]
    attestations: tuple[AttestationRow, ...]
    files: tuple[InputFile, ...] = ()

    @property
    def part_b_paid(self) -> Fraction:
        """Part B dollars of all participants."""
        return sum((each.part_b_paid for each in self.participants), Fraction(0))


PARTICIPANT_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("cohort", files.choice(*COHORTS)),
    Column("name", files.text, may_be_empty=True),
    Column("organization", files.text, may_be_empty=True),
    Column("state", files.text, may_be_empty=True),
    Column("clinicians_in_tin", files.integer(1, 1_000_000)),
    Column("part_b_paid", files.number(0, MOST_DOLLARS)),
    Column("hcc_mean", files.number(0, 1000), may_be_empty=True),
    Column("dual_share", files.number(0, 1), may_be_empty=True),
)
QUALITY_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi, may_be_empty=True),
    Column("measure", files.text),
    Column("collection_type", files.choice("ecqm", "cqm", "claims")),
    Column("eligible", files.integer(0, MOST_CASES)),
    Column("met", files.integer(0, MOST_CASES), may_be_empty=True),
    Column("not_met", files.integer(0, MOST_CASES), may_be_empty=True),
    Column("exclusions", files.integer(0, MOST_CASES), may_be_empty=True),
    Column("exceptions", files.integer(0, MOST_CASES), may_be_empty=True),
    Column("rate", files.number(0, 1_000_000), may_be_empty=True),
)
COST_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi, may_be_empty=True),
    Column("measure", files.text),
    Column("episodes", files.integer(0, MOST_CASES)),
    Column("score", files.number(0, MOST_DOLLARS), may_be_empty=True),
)
ATTESTATION_COLUMNS = (
    Column("tin", files.tin),
    Column("item", files.text),
    Column("answer", files.choice("yes", "no", "excluded"), may_be_empty=True),
    Column("numerator", files.integer(0, MOST_CASES), may_be_empty=True),
    Column("denominator", files.integer(0, MOST_CASES), may_be_empty=True),
    Column("start", files.iso_date, may_be_empty=True),
    Column("end", files.iso_date, may_be_empty=True),
)

_TABLES: dict[str, tuple[tuple[Column, ...], tuple[str, ...]]] = {
    "participants": (PARTICIPANT_COLUMNS, ("tin", "npi", "cohort")),
    "quality": (QUALITY_COLUMNS, ("tin", "npi", "measure", "collection_type")),
    "cost": (COST_COLUMNS, ("tin", "npi", "measure")),
    "attestations": (ATTESTATION_COLUMNS, ("tin", "item")),
}


def read_inputs(folder: Path, *, rules: Rules, problems: Problems, participants_only: bool = False) -> ScoreInputs:
    """Read and check the four tables of a folder.

    problems: every finding is added here, warnings included. participants_only: rows about nobody in participants are left
    out with a warning, where they otherwise are errors. Raises InputRefused with all errors of all files, NotFound
    when there is no such folder.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder.name}.")
    tables: dict[str, Table] = {}
    read: list[InputFile] = []
    for stem, (columns, key) in _TABLES.items():
        path = _find(folder, stem, columns, problems)
        if path is None:
            tables[stem] = Table(f"{stem}.csv", {column.name: [] for column in columns})
            continue
        table = read_table(path, columns, problems, key=key, may_have_no_rows=stem != "participants")
        tables[stem] = table
        read.append(_input_file(stem, path, len(table)))
    broken = {problem.file for problem in problems.errors}
    participants = _records(tables["participants"], Participant)
    check = score_checks.Check(
        rules=rules,
        problems=problems,
        participants=participants,
        list_is_whole=tables["participants"].name not in broken and bool(participants),
    )
    check.practice_sizes(tables["participants"])
    if participants_only:
        check.participants_only(quality=tables["quality"], cost=tables["cost"], attestations=tables["attestations"])
    check.quality(tables["quality"])
    check.cost(tables["cost"])
    check.attestations(tables["attestations"])
    _refuse(problems)
    return sorted_inputs(
        participants=participants,
        quality=_records(_with_zero_counts(tables["quality"]), QualityRow),
        cost=[row for row in _records(tables["cost"], CostRow) if row.npi],
        attestations=_records(tables["attestations"], AttestationRow),
        files=read,
    )


def _refuse(problems: Problems) -> None:
    """Raise InputRefused with every error, file by file and row by row."""
    order = {stem: place for place, stem in enumerate(_TABLES)}
    errors = sorted(
        problems.errors,
        key=lambda each: (order.get(Path(each.file).stem, 0), each.row is None, each.row or 0),
    )
    if errors:
        raise InputRefused(errors)


def sorted_inputs(
    *,
    participants: Sequence[Participant],
    quality: Sequence[QualityRow],
    cost: Sequence[CostRow],
    attestations: Sequence[AttestationRow],
    files: Sequence[InputFile] = (),
) -> ScoreInputs:
    """Rows in the order every result has: participants by cohort, TIN, NPI; the others by their keys."""
    return ScoreInputs(
        tuple(sorted(participants, key=lambda row: (COHORTS.index(row.cohort), row.tin, row.npi))),
        tuple(sorted(quality, key=lambda row: (row.tin, row.npi or "", row.measure, row.collection_type))),
        tuple(sorted(cost, key=lambda row: (row.tin, row.npi, row.measure))),
        tuple(sorted(attestations, key=lambda row: (row.tin, row.item))),
        tuple(files),
    )


def _find(folder: Path, stem: str, columns: Sequence[Column], problems: Problems) -> Path | None:
    path = find_table(folder, stem)
    if path is None:
        header = ",".join(column.name for column in columns)
        expected = f"{stem}.csv or {stem}.parquet with the columns {header}"
        if stem == "participants":
            expected += ", and a row for every participant"
        problems.add(TABLE_MISSING, f"{stem}.csv", expected=expected)
        return None
    if path.suffix == ".csv" and (folder / f"{stem}.parquet").is_file():
        problems.add(TABLE_TWICE, path.name, found=f"{stem}.csv and {stem}.parquet")
    return path


def _input_file(stem: str, path: Path, rows: int) -> InputFile:
    content = path.read_bytes()
    return InputFile(stem, path.name, hashlib.sha256(content).hexdigest(), len(content), rows)


_Row = TypeVar("_Row")


def _records(table: Table, kind: Callable[..., _Row]) -> list[_Row]:
    """The table's rows as records of a dataclass whose fields are its columns."""
    columns = [table[each.name] for each in fields(kind)]  # type: ignore[arg-type]
    return [kind(*values) for values in zip(*columns, strict=True)]


def _with_zero_counts(quality: Table) -> Table:
    """Counts that a claims row may leave empty, as 0."""
    for name in ("met", "not_met", "exclusions", "exceptions"):
        quality.columns[name] = [value or 0 for value in quality[name]]
    return quality
