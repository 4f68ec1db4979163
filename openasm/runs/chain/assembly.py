"""The run folder of a configured run, put together from its finished stages: docs/reference/run-folder.md."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openasm.base.files import written_whole
from openasm.runs.chain.stage_graph import Outcome
from openasm.runs.chain.stage_store import Entry
from openasm.runs.chain.stage_work import COHORTS

PROBLEM_COLUMNS = (
    *("stage", "code", "severity", "file", "row", "column", "title", "found", "expected", "next_step", "count"),
)
ELIGIBILITY_FILES: Mapping[str, str] = {
    "scores/eligibility.csv": "scores/eligibility.csv",
    "scores/eligibility.parquet": "scores/eligibility.parquet",
    "scores/years.csv": "scores/participation_years.csv",
    "scores/overlaps.csv": "scores/program_overlaps.csv",
    "scores/roster.csv": "scores/who-is-in.csv",
    "scores/systems.csv": "scores/systems.csv",
    "scores/sites.csv": "scores/sites.csv",
    "worksheets/tin_questions.csv": "worksheets/tin_questions.csv",
    "worksheets/contacts.csv": "worksheets/contacts.csv",
}
ADMISSIONS_FILES: Mapping[str, str] = {"scores/admissions.csv": "scores/admissions.csv"}
QUALITY_FILES: Mapping[str, str] = {
    "scores/quality.csv": "scores/quality.csv",
    "scores/quality_by_clinician.csv": "scores/quality_by_clinician.csv",
    "patients/populations.csv": "patients/populations.csv",
    "patients/populations.parquet": "patients/populations.parquet",
    "patients/gaps.csv": "patients/gaps.csv",
    "patients/attribution.csv": "patients/quality_visits.csv",
}
EPISODE_TABLES = ("episodes", "attribution", "episode_costs", "costliest", "timeline")
COST_TABLES: Mapping[str, tuple[str, bool]] = {
    "cost": ("cost", False),
    "categories": ("cost_categories", True),
    "models": ("cost_models", True),
    "mips": ("cost_mips", True),
}
"""Name in a cohort's run -> name in the whole run, and whether the rows need their cohort said."""


def assemble(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Fill a run's `scores/`, `worksheets/` and `patients/` from the stages that there are. Equal stages give equal bytes."""
    if "scores" in entries:
        _copy_tree(entries["scores"].out / "scores", folder / "scores")
    if "levels" in entries:
        _copy_tree(entries["levels"].out, folder)
    if "projection" in entries:
        _copy_tree(entries["projection"].out / "scores", folder / "scores")
    if "claims_by_practice" in entries:
        _copy_tree(entries["claims_by_practice"].out, folder)
    if "primary_care" in entries:
        _copy_tree(entries["primary_care"].out, folder)
    if "admissions" in entries:
        _copy_named(entries["admissions"].out, folder, ADMISSIONS_FILES)
    if "eligibility" in entries:
        _copy_named(entries["eligibility"].out, folder, ELIGIBILITY_FILES)
    if "quality" in entries:
        _copy_named(entries["quality"].out, folder, QUALITY_FILES)
        _copy_tree(entries["worklist"].out, folder)
    cohorts = {each: entries[name].out for each in COHORTS if (name := f"episodes-{each}") in entries}
    if cohorts:
        _join_cohorts(folder, cohorts)
    _write_problems(folder / "scores" / "data_problems.csv", entries)
    if (folder / "patients").is_dir():
        (folder / "patients").chmod(0o700)


def add_looking_back(entry: Entry, folder: Path) -> None:
    """Add what a stage made from the assembled run: its tables to `scores/`, its pages beside the report."""
    _copy_tree(entry.out / "scores", folder / "scores")
    _copy_tree(entry.out / "pages", folder)


def problems_of(entries: Mapping[str, Entry]) -> list[tuple[str, Mapping[str, Any]]]:
    """Every stage's numbered problems as records, in the order of work; what two stages say alike is said once."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    seen: set[str] = set()
    for name, entry in entries.items():
        for each in entry.record.get("problems", ()):
            same = repr(sorted(each.items(), key=lambda item: item[0]))
            if same not in seen:
                seen.add(same)
                found.append((name, each))
    return found


def record_of(outcome: Outcome, made_from: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """What the store keeps of a stage besides its files."""
    return {
        "made_from": made_from,
        "problems": [dict(each) for each in outcome.problems],
        "notes": list(outcome.notes),
        "counts": dict(outcome.counts),
        "seconds": round(seconds, 3),
    }


def _copy_tree(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            _copy(path, target / path.relative_to(source))


def _copy_named(source: Path, target: Path, names: Mapping[str, str]) -> None:
    for name, new in names.items():
        if (source / name).is_file():
            _copy(source / name, target / new)


def _copy(source: Path, target: Path) -> None:
    private = "patients" in target.parts[-2:] or "worksheets" in target.parts[-2:]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    os.chmod(target, 0o600 if private else 0o644)


def _join_cohorts(folder: Path, cohorts: Mapping[str, Path]) -> None:
    """Both cohorts' tables one after the other: heart failure first."""
    for name, (joined, with_cohort) in COST_TABLES.items():
        header: list[str] = []
        rows: list[list[str]] = []
        for cohort, out in cohorts.items():
            with (out / "scores" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
                reader = csv.reader(stream)
                own = next(reader)
                header = header or own
                rows += [[cohort, *row] if with_cohort else row for row in reader]
        with written_whole(folder / "scores" / f"{joined}.csv") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["cohort", *header] if with_cohort else header)
            writer.writerows(rows)
    for name in EPISODE_TABLES:
        _join_parquet(
            [(cohort, out / "patients" / f"{name}.parquet") for cohort, out in cohorts.items()],
            folder / "patients" / f"{name}.parquet",
        )


def _join_parquet(parts: Sequence[tuple[str, Path]], target: Path) -> None:
    """Parquet files under each other, batch by batch, with their cohort as first column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(parts[0][1]).remove_metadata()
    if "cohort" not in schema.names:
        schema = schema.insert(0, pa.field("cohort", pa.string()))
    with (
        written_whole(target, "wb", private=True) as stream,
        pq.ParquetWriter(stream, schema, compression="zstd") as writer,
    ):
        for cohort, path in parts:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=122_880):
                    table = pa.Table.from_batches([batch])
                    if "cohort" not in table.column_names:
                        table = table.add_column(0, "cohort", pa.array([cohort] * table.num_rows, pa.string()))
                    writer.write_table(table.select(schema.names).cast(schema))


def _write_problems(path: Path, entries: Mapping[str, Entry]) -> None:
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(PROBLEM_COLUMNS)
        for stage, each in problems_of(entries):
            row: Iterable[Any] = (each[name] for name in PROBLEM_COLUMNS[1:])
            writer.writerow([stage, *("" if value is None else value for value in row)])
