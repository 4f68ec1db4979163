"""`openasm export`: a run for sharing. Identifiers become keyed pseudonyms, dates move, free text and places go, small counts are hidden.

Only columns of the lists in `export_columns` leave; every other column and table is named in the manifest instead. Rows come out
sorted by what they hold then, so their order tells nothing of the original ids. Equal run and key give equal bytes.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm import __version__
from openasm.archive.folder import new_run
from openasm.archive.manifest import file_hash
from openasm.archive.run import Run, read_run
from openasm.archive.tables import read_csv
from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.files import written_whole
from openasm.base.problems import Problem, declare
from openasm.runs.sharing.columns import PATIENT_TABLES, SCORE_TABLES, Treatment
from openasm.runs.sharing.counts import hide_small
from openasm.runs.sharing.patients import exported_table, write_table
from openasm.runs.sharing.pseudonyms import ExportKey

FORMAT = "openasm-export"
WHAT = ("patients", "scores")
PRACTICES = ("pseudonym", "keep")

NOTHING_TO_EXPORT = declare(
    "X012",
    "the run holds none of what was asked for",
    expected="tables in scores/ or patients/ that may be exported",
    next_step="See docs/how-to/share-data.md for the tables, and --what.",
)
TABLE_DAMAGED = declare(
    "X013",
    "a table of the run cannot be read",
    expected="the file as the run wrote it",
    next_step="Make the run again; nothing was exported.",
)


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was exported. files: name to rows; left_out: tables and columns that stayed behind; hidden: cells by table."""

    out: Path
    key_id: str
    files: Mapping[str, int]
    left_out: tuple[str, ...]
    hidden: Mapping[str, int]


def export_run(
    path: Path, out: Path, *, key: ExportKey, what: Sequence[str] = ("scores",), practices: str = "pseudonym"
) -> ExportSummary:
    """Write a run's pseudonymised copy to a new folder.

    what: `scores` (counts and results), `patients` (a row a person or episode), or both; practices: `pseudonym`, or `keep` for
    TINs and NPIs as they are. Raises WrongUsage for other words or a folder that is not empty, InputRefused where there is
    nothing to export or a table is damaged; then nothing is written.
    """
    if not what or set(what) - set(WHAT):
        raise WrongUsage(f"--what is {' and '.join(WHAT)}, separated by a comma.")
    if practices not in PRACTICES:
        raise WrongUsage(f"--practices is {' or '.join(PRACTICES)}.")
    run = read_run(path)
    with new_run(out) as folder:
        writer = _Writer(run, folder, key, practices == "keep")
        if "scores" in what:
            writer.scores()
        if "patients" in what:
            writer.patients()
        if not writer.files:
            raise InputRefused([Problem(NOTHING_TO_EXPORT, path.name, found=" and ".join(sorted(what)))])
        writer.manifest(what)
    rows = {name: int(record["rows"]) for name, record in writer.files.items()}
    return ExportSummary(out, key.key_id, rows, tuple(writer.left_out), writer.hidden)


class _Writer:
    """Writes one export and keeps the record of it."""

    def __init__(self, run: Run, folder: Path, key: ExportKey, keep_practices: bool) -> None:
        self.run = run
        self.folder = folder
        self.key = key
        self.keep_practices = keep_practices
        self.files: dict[str, dict[str, Any]] = {}
        self.left_out: list[str] = []
        self.hidden: dict[str, int] = {}

    def scores(self) -> None:
        """The tables of `scores/` that may leave, with small cells hidden."""
        root = self.run.path / "scores"
        tables = {}
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            name = path.relative_to(root).with_suffix("").as_posix()
            if not path.is_file() or (path.suffix == ".parquet" and path.with_suffix(".csv").is_file()):
                continue
            rows = list(read_csv(path).rows()) if path.suffix == ".csv" else None
            if name == "categories" and rows and "category" in rows[0]:
                name = "cost_categories"
            if rows is None or name not in SCORE_TABLES:
                self.left_out.append(path.relative_to(self.run.path).as_posix())
                continue
            tables[name] = rows
        shown, self.hidden = hide_small(tables)
        for name, rows in shown.items():
            self._write_scores(name, rows)

    def _write_scores(self, name: str, rows: Sequence[Mapping[str, str]]) -> None:
        allowed = SCORE_TABLES[name]
        columns = [column for column in (rows[0] if rows else ()) if column in allowed]
        self._note_columns(f"scores/{name}", [column for column in (rows[0] if rows else ()) if column not in allowed])
        lines = sorted([self._practice(allowed[column], row[column]) for column in columns] for row in rows)
        target = self.folder / "scores" / f"{name}.csv"
        with written_whole(target) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns or list(allowed))
            writer.writerows(lines)
        self._note_file(target, len(lines), {column: allowed[column] for column in columns})

    def _practice(self, treatment: Treatment, value: str) -> str:
        if self.keep_practices or treatment not in (Treatment.PRACTICE, Treatment.CLINICIAN):
            return value
        return self.key.pseudonym(treatment.value, value)

    def patients(self) -> None:
        """The tables of `patients/` that may leave."""
        root = self.run.path / "patients"
        folder = self.folder / "patients"
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            if path.stem not in PATIENT_TABLES or path.suffix not in (".csv", ".parquet"):
                self.left_out.append(f"patients/{path.name}")
                continue
            try:
                table, dropped = exported_table(
                    path,
                    PATIENT_TABLES[path.stem],
                    self.key,
                    keep_practices=self.keep_practices,
                    year=self.run.year,
                )
            except (OSError, ValueError):
                raise InputRefused([Problem(TABLE_DAMAGED, path.name)]) from None
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)
            write_table(table, folder / path.name)
            self._note_columns(f"patients/{path.name}", dropped)
            treated = {
                name: PATIENT_TABLES[path.stem][name]
                for name in PATIENT_TABLES[path.stem]
                if name in table.column_names
            }
            self._note_file(folder / path.name, table.num_rows, treated)

    def _note_columns(self, table: str, columns: Sequence[str]) -> None:
        self.left_out += [f"{table}, column {column}" for column in columns]

    def _note_file(self, path: Path, rows: int, columns: Mapping[str, Treatment]) -> None:
        self.files[path.relative_to(self.folder).as_posix()] = {
            "rows": rows,
            "sha256": file_hash(path),
            "columns": {
                name: "kept" if self.keep_practices and treatment in _OF_PRACTICES else treatment.value
                for name, treatment in columns.items()
            },
        }

    def manifest(self, what: Sequence[str]) -> None:
        """manifest.json: what was done, under which key (its id, never the key)."""
        document = {
            "format": FORMAT,
            "format_version": 1,
            "program": "openasm",
            "version": __version__,
            "year": self.run.year,
            "of": str(self.run.manifest.get("command", "")),
            "what": sorted(what),
            "key_id": self.key.key_id,
            "pseudonyms": "HMAC-SHA-256 of kind and identifier, base32, 130 bits",
            "dates": "moved by a number of whole weeks of each patient, 1 to 52 forward or back",
            "practices": "keep" if self.keep_practices else "pseudonym",
            "small_cells": {"hidden": "1-10, and what would give them away", "mark": "*", "cells": self.hidden},
            "files": self.files,
            "left_out": self.left_out,
            "notes": _notes(what),
        }
        with written_whole(self.folder / "manifest.json") as stream:
            json.dump(document, stream, ensure_ascii=False, indent=2)
            stream.write("\n")


_OF_PRACTICES = (Treatment.PRACTICE, Treatment.CLINICIAN, Treatment.CLINICIANS)


def _notes(what: Sequence[str]) -> list[str]:
    notes = ["Pseudonymised data are still data about people: share them under an agreement."]
    if set(what) >= {"patients", "scores"}:
        notes.append(
            "Rows of patients let a reader count again what is hidden in scores: small cells are protected against readers of "
            "scores alone."
        )
    return notes
