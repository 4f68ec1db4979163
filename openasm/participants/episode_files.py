"""The tables of `openasm episodes` that eligibility reads: checked to be of the right cohort, year and claims."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import narwhals as nw

from openasm.base.errors import NotFound
from openasm.base.files import FILE_MISSING
from openasm.base.problems import Problems, Severity, declare
from openasm.participants.counting import EpisodeFrames
from openasm.tables.contracts import ColumnContract, Kind, TableContract, check_table
from openasm.tables.engine import Engine

OTHER_EPISODES = declare(
    "P040",
    "the episodes are of another cohort or year",
    expected="a folder written by `openasm episodes` for this cohort and the data year",
    next_step="Run `openasm episodes` with --cohort and --year as expected, or give the codes list instead.",
)
OTHER_CLAIMS = declare(
    "P041",
    "the episodes were built from other claims",
    expected="episodes of the claims given",
    next_step="Build the episodes again from these claims, or give the claims they were built from.",
    severity=Severity.WARNING,
)
DEMONSTRATION_CODES = declare(
    "P042",
    "the episodes rest on a demonstration codes list",
    expected="the measure's codes list from CMS",
    next_step="Results mean nothing about real clinicians; give CMS's workbook for real claims.",
    severity=Severity.WARNING,
)
NOT_AN_EPISODES_RUN = declare(
    "P043",
    "the folder is no run of `openasm episodes`",
    expected="a folder with manifest.json, patients/episodes.parquet and patients/attribution.parquet",
    next_step="Give the folder that was named with --out there.",
)

EPISODES = TableContract(
    "episodes",
    "One row an episode.",
    (
        ColumnContract("cohort", Kind.TEXT, "heart_failure or low_back_pain."),
        ColumnContract("episode_id", Kind.TEXT, "Key."),
        ColumnContract("beneficiary", Kind.TEXT, "The patient."),
        ColumnContract("tin", Kind.TEXT, "The practice."),
        ColumnContract("start_date", Kind.DATE, "First day."),
        ColumnContract("end_date", Kind.DATE, "Last day, included."),
        ColumnContract("excluded_reason", Kind.TEXT, "Null: counted by the measure.", may_be_null=True),
    ),
    ("episode_id",),
)
ATTRIBUTION = TableContract(
    "attribution",
    "One row an episode and clinician of its practice.",
    (
        ColumnContract("episode_id", Kind.TEXT, "As in episodes."),
        ColumnContract("tin", Kind.TEXT, "As in episodes."),
        ColumnContract("npi", Kind.TEXT, "The clinician."),
        ColumnContract("attributed", Kind.BOOLEAN, "Whether the clinician holds the episode."),
    ),
    ("episode_id", "npi"),
)


def open_episodes(
    folder: Path, engine: Engine, problems: Problems, *, cohort: str, year: int, claims_folder: Path | None = None
) -> EpisodeFrames | None:
    """Open a run of `openasm episodes`; errors go to `problems` and give None. NotFound where the folder is not there.

    year: the data year. claims_folder: where the claims given lie, to notice episodes of other claims.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder.name}.")
    manifest = _manifest(folder, problems)
    if manifest is None:
        return None
    settings = manifest.get("settings", {})
    found = (manifest.get("command"), settings.get("cohort"), manifest.get("year"))
    if found != ("episodes", cohort, year):
        problems.add(
            OTHER_EPISODES,
            folder.name,
            found=", ".join(str(each) for each in found),
            expected=f"episodes, {cohort}, {year}",
        )
        return None
    if settings.get("codes_list", {}).get("demonstration"):
        problems.add(DEMONSTRATION_CODES, folder.name, found=str(settings["codes_list"].get("name", "")))
    if claims_folder is not None and _other_claims(manifest, claims_folder):
        problems.add(OTHER_CLAIMS, folder.name)
    frames = {}
    for contract in (EPISODES, ATTRIBUTION):
        path = folder / "patients" / f"{contract.name}.parquet"
        if not path.is_file():
            problems.add(FILE_MISSING, path.name)
            continue
        frame = _read(path, engine, problems)
        if frame is None:
            continue
        known = frame.select(*(name for name in contract.names if name in frame.collect_schema()))
        before = len(problems.errors)
        check_table(known, contract, problems, file=path.name)
        if len(problems.errors) == before:
            frames[contract.name] = known.select(*(nw.col(each.name).cast(each.dtype) for each in contract.columns))
    if len(frames) < 2:
        return None
    return EpisodeFrames(cohort, frames["episodes"], frames["attribution"])


def _read(path: Path, engine: Engine, problems: Problems) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_schema(path)
    except (pa.ArrowException, OSError):
        problems.add(NOT_AN_EPISODES_RUN, path.name, found="no Parquet file")
        return None
    return engine.read_parquet(path)


def _manifest(folder: Path, problems: Problems) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and isinstance(content.get("settings"), dict):
        return content
    problems.add(NOT_AN_EPISODES_RUN, folder.name)
    return None


def _other_claims(manifest: dict[str, Any], claims_folder: Path) -> bool:
    """Whether the run names another description of its claims than the folder has."""
    file = claims_folder / "claims.json"
    inputs = [each for each in manifest.get("inputs", []) if isinstance(each, dict)]
    named = [each.get("sha256") for each in inputs if each.get("table") == "claims"]
    if not named or not file.is_file():
        return False
    return hashlib.sha256(file.read_bytes()).hexdigest() not in named
