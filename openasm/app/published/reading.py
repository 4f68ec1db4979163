"""A run folder as rows for the database: scores from `scores/`, patients' rows from `patients/` of one or more run folders.

Generators of tuples, in the order of the column names beside them. What a folder does not have gives no rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.archive.projection import PROJECTION_FILE, Projection, read_projection
from openasm.archive.run import Run as RunFolder
from openasm.archive.run import read_run
from openasm.archive.tables import RunTable
from openasm.base.errors import InputRefused, NotFound
from openasm.base.problems import Problem, declare

WRONG_WORKLIST = declare(
    "A001",
    "a table of patients is not one that this program writes",
    expected="patients/worklist.csv and the Parquet files of episodes as a command of this program wrote them",
    next_step="Make the run again; do not edit its files.",
)
OTHER_YEAR = declare(
    "A002",
    "runs of different years cannot be published together",
    expected="patients' rows of the same performance year as the scores",
    next_step="Give the run of the same year with --with.",
)


@dataclass(frozen=True, slots=True)
class Source:
    """What is published together: the run with the scores, and further run folders with patients' rows. tins: of these alone."""

    run: RunFolder
    others: tuple[RunFolder, ...]
    tins: frozenset[str] = frozenset()

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders, the scores' first."""
        return (self.run.path, *(each.path for each in self.others))

    def content_hash(self) -> str:
        """SHA-256 over the names and hashes of every file that was published, and the projection's."""
        digest = hashlib.sha256()
        for run in (self.run, *self.others):
            for each in sorted(run.manifest["outputs"], key=lambda record: str(record["name"])):
                digest.update(f"{each['name']}\x00{each['sha256']}\n".encode())
            projection = run.path / PROJECTION_FILE
            if projection.is_file():  # `openasm project` writes it after the manifest
                digest.update(hashlib.sha256(projection.read_bytes()).digest())
        for tin in sorted(self.tins):
            digest.update(f"only {tin}\n".encode())
        return digest.hexdigest()

    def projection(self) -> Projection | None:
        """The projection that lies in the run, or None."""
        return read_projection(self.run.path) if (self.run.path / PROJECTION_FILE).is_file() else None


_OF_PARTICIPANTS = ("scores", "categories", "measure_scores", "practices", "practice_items", "inputs/participants")


def open_source(folder: Path, others: Sequence[Path] = (), *, tins: frozenset[str] = frozenset()) -> Source:
    """Open what is to be published; InputRefused when a folder is no run or of another year, NotFound without scores.

    tins: only what is about these practices; NotFound when the scores hold none of them.
    """
    run = read_run(folder)
    run.table("scores")
    if tins:
        found = {name: table for name in _OF_PARTICIPANTS if (table := table_or_none(run, name)) is not None}
        run = run.with_tables({name: _only(table, tins) for name, table in found.items()})
        if not run.table("scores").texts("tin"):
            raise NotFound("The run has no result of this practice: nobody in its participants has the practice's TIN.")
    more = tuple(read_run(other) for other in others)
    wrong = [Problem(OTHER_YEAR, each.path.name, found=str(each.year)) for each in more if each.year != run.year]
    if wrong:
        raise InputRefused(wrong)
    return Source(run, more, tins)


def _only(table: RunTable, tins: frozenset[str]) -> RunTable:
    """The rows of a table that are about some practices."""
    kept = [place for place, tin in enumerate(table.texts("tin")) if tin in tins]
    return RunTable(
        table.name, {name: tuple(values[place] for place in kept) for name, values in table.columns.items()}
    )


def table_or_none(run: RunFolder, name: str) -> RunTable | None:
    """A table of `scores/`, None when the run does not have it."""
    try:
        return run.table(name)
    except NotFound:
        return None


def cohorts_of(source: Source, practices: Mapping[str, int]) -> dict[int, frozenset[str]]:
    """The cohorts of each practice's participants. practices: numbers by TIN."""
    scores = source.run.table("scores")
    found: dict[int, set[str]] = {}
    for tin, cohort in zip(scores.texts("tin"), scores.texts("cohort"), strict=True):
        found.setdefault(practices[tin], set()).add(cohort)
    return {practice: frozenset(cohorts) for practice, cohorts in found.items()}


def method_of(projection: Projection) -> dict[str, str | int]:
    """In few words how a projection was made, as pages name it beside its figures."""
    names = ("peers", "own_error", "draws", "seed", "sensitivity_draws")
    return {name: getattr(projection, name) for name in names}


def number(text: str | None) -> float | None:
    """A number as written, None for an empty field."""
    return float(text) if text else None


def whole(text: str | None) -> int | None:
    """A whole number as written, None for an empty field."""
    return int(float(text)) if text else None


def yes_no(text: str | None) -> bool | None:
    """yes or no as written, None for an empty field."""
    return None if not text else text == "yes"


def in_cents(text: str | None) -> int | None:
    """Dollars as written, rounded to whole cents (half up), None for an empty field."""
    return math.floor(float(text) * 100 + 0.5) if text else None


def patients_file(source: Source, name: str) -> Path | None:
    """The first folder's `patients/name` that exists."""
    for folder in source.folders:
        path = folder / "patients" / name
        if path.is_file():
            return path
    return None


def wanted_records(
    path: Path, columns: Sequence[str], *, column: str, wanted: Iterable[str]
) -> Iterator[tuple[Any, ...]]:
    """Rows of a Parquet file of which a column has one of some values, batch by batch."""
    import pyarrow as pa  # heavy: loaded only here
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    values = pa.array(sorted(wanted), pa.string())
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=200_000, columns=list(columns)):
                some = batch.filter(pc.is_in(batch.column(column).cast(pa.string()), value_set=values))
                yield from zip(*(some.column(name).to_pylist() for name in columns), strict=True)
    except (pa.ArrowException, KeyError):
        raise InputRefused([Problem(WRONG_WORKLIST, path.name)]) from None
