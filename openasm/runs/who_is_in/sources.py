"""What an eligibility run reads: list, roster, geography and episodes, given or from the library, with their hashes."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openasm.archive.manifest import file_hash
from openasm.base.errors import NotFound, WrongUsage, file_that_is_there
from openasm.base.identity import is_npi
from openasm.base.problems import Problems
from openasm.episodes.specifications.construction import demonstration_workbook
from openasm.participants.directory import Directory
from openasm.participants.geography import Geography
from openasm.participants.lookup import open_directory, open_geography
from openasm.participants.problems import NO_GEOGRAPHY, NO_LIST
from openasm.participants.registration import Contact, contacts
from openasm.participants.roster import (
    Placement,
    Question,
    RosterEntry,
    answers_of,
    kept_worksheet,
    place_roster,
    read_roster,
    read_worksheet,
)
from openasm.participants.shelves import newest
from openasm.regulation.participation import COHORTS
from openasm.runs.cost.episodes import run_episodes

CODES_KEYS: Mapping[str, str] = {"heart_failure": "codes-heart-failure", "low_back_pain": "codes-low-back-pain"}


@dataclass(frozen=True, slots=True)
class EligibilityInputs:
    """What to read. episodes, codes: by cohort, one of the two where the library has no codes list; the others where given.

    claims_hold: `all` of the clinicians' Medicare patients, `part`, or empty to go by where the claims came from.
    """

    claims: Path
    shelf: Path
    episodes: Mapping[str, Path] = field(default_factory=dict)
    codes: Mapping[str, Path] = field(default_factory=dict)
    participants: Path | None = None
    roster: Path | None = None
    answers: Path | None = None
    counties: Path | None = None
    zips: Path | None = None
    areas: Path | None = None
    overlays: tuple[Path, ...] = ()
    claims_hold: str = ""


@dataclass(frozen=True, slots=True)
class RosterInputs:
    """What a roster run reads; what is None comes from the library at `shelf`, where it holds it."""

    shelf: Path
    roster: Path | None = None
    answers: Path | None = None
    participants: Path | None = None
    counties: Path | None = None
    zips: Path | None = None
    areas: Path | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """The list, the roster and what their match gives. worksheet: the open questions and every answer given so far."""

    directory: Directory | None
    sources: tuple[str, ...]
    roster: tuple[RosterEntry, ...] = ()
    placements: tuple[Placement, ...] = ()
    questions: tuple[Question, ...] = ()
    contacts: tuple[Contact, ...] = ()
    worksheet: tuple[Question, ...] = ()


def check_usage(inputs: EligibilityInputs, notices: Sequence[str]) -> None:
    """Raise WrongUsage for options that do not go together, NotFound for a file that is not there."""
    if inputs.claims_hold not in ("", "all", "part"):
        raise WrongUsage("--claims-hold is all or part.")
    unknown = [npi for npi in notices if not is_npi(npi)]
    if unknown:
        raise WrongUsage(f"--notice takes an NPI of ten digits with a right check digit; {unknown[0]} is none.")
    if inputs.answers is not None and inputs.roster is None:
        raise WrongUsage("--answers goes with --roster: the answers are about its TINs.")
    for given in (inputs.participants, inputs.roster, inputs.answers, inputs.counties, inputs.zips, inputs.areas):
        if given is not None:
            file_that_is_there(given)
    for given in (*inputs.codes.values(), *inputs.overlays):
        file_that_is_there(given)


def read_company(inputs: EligibilityInputs | RosterInputs, problems: Problems) -> Company:
    """The list and the roster matched; errors go to `problems`. NotFound for a roster without a list."""
    try:
        directory, used = open_directory(inputs.shelf, inputs.participants)
    except NotFound:
        if inputs.roster is not None:
            raise
        problems.add(NO_LIST, "")
        return Company(None, ("no participant list",))
    problems.extend(used.warnings)
    if inputs.roster is None:
        return Company(directory, used.files)
    roster = read_roster(inputs.roster, problems)
    answered = read_worksheet(inputs.answers, problems) if inputs.answers is not None else ()
    placements, questions = place_roster(roster, directory, answers=answers_of(answered))
    invited = contacts(placements, problems, file=inputs.roster.name) if any(each.email for each in roster) else ()
    return Company(directory, used.files, roster, placements, questions, invited, kept_worksheet(questions, answered))


def read_geography(
    inputs: EligibilityInputs | RosterInputs, problems: Problems
) -> tuple[Geography | None, tuple[str, ...]]:
    """The geography and the files it rests on; None, with a warning, where there is no delineation."""
    try:
        geography, used = open_geography(inputs.shelf, counties=inputs.counties, zips=inputs.zips, areas=inputs.areas)
    except NotFound:
        if inputs.zips is not None or inputs.areas is not None:
            raise
        problems.add(NO_GEOGRAPHY, "")
        return None, ("no county delineation",)
    problems.extend(used.warnings)
    return geography, used.files


@contextmanager
def episode_folders(
    inputs: EligibilityInputs,
    out: Path,
    *,
    year: int,
    now: Callable[[], dt.datetime],
    engine_name: str,
    memory_bytes: int | None,
    threads: int | None,
    spill_folder: Path | None,
    progress: Callable[[str], None],
) -> Iterator[dict[str, Path]]:
    """Each cohort's run of `openasm episodes`: those given, and those computed now, which are gone at the end."""
    folders = dict(inputs.episodes)
    codes = {cohort: path for cohort in COHORTS if cohort not in folders and (path := _codes(inputs, cohort))}
    if not folders and not codes:
        raise WrongUsage(
            "Episodes decide who takes part: give a folder of `openasm episodes` (--episodes-hf, --episodes-lbp) or CMS's codes "
            "lists (--codes-hf, --codes-lbp)."
        )
    if not codes:
        yield folders
        return
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.episodes-", dir=out.parent))
    try:
        for cohort, path in codes.items():
            progress(f"episodes: {cohort}")
            folders[cohort] = temporary / cohort
            run_episodes(
                inputs.claims,
                folders[cohort],
                cohort=cohort,
                codes_file=path,
                year=year,
                now=now,
                engine_name=engine_name,
                memory_bytes=memory_bytes,
                threads=threads,
                spill_folder=spill_folder,
            )
        yield folders
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _codes(inputs: EligibilityInputs, cohort: str) -> Path | None:
    """A cohort's codes list: given, else the library's; for made-up claims the demonstration's, unless episodes were given."""
    if cohort in inputs.codes:
        return inputs.codes[cohort]
    if inputs.codes or inputs.episodes:
        return None  # asked for one cohort alone
    try:
        return newest(inputs.shelf, CODES_KEYS[cohort])[0]
    except NotFound:
        return demonstration_workbook(cohort) if _made_up(inputs.claims) else None


def _made_up(claims: Path) -> bool:
    try:
        return json.loads((claims / "claims.json").read_text(encoding="utf-8")).get("synthetic") is True
    except (OSError, ValueError, AttributeError):
        return False  # whatever is wrong with it is said when the claims are opened


def library_records(
    inputs: EligibilityInputs | RosterInputs, *, with_geography: bool = True
) -> list[dict[str, object]]:
    """List, geography, roster and answers as they were read, with their hashes and, from the library, their vintages."""
    records: list[dict[str, object]] = []
    for key, title, given in (
        ("participants", "participant list", inputs.participants),
        ("counties", "county delineation", inputs.counties),
        ("zips", "ZIP crosswalk", inputs.zips),
        ("areas", "mandatory areas", inputs.areas),
    ):
        if key != "participants" and not with_geography:
            continue
        if given is not None:
            records.append(_record(title, given))
            continue
        try:
            path, kept = newest(inputs.shelf, key)
        except NotFound:
            continue
        records.append(_record(title, path) | {"vintage": kept.vintage, "added": kept.added})
    for title, extra in (("roster", inputs.roster), ("answers", inputs.answers)):
        if extra is not None and extra.is_file():
            records.append(_record(title, extra))
    return records


def file_records(inputs: EligibilityInputs, folders: Mapping[str, Path]) -> list[dict[str, object]]:
    """Every file read, with its hash and, from the library, its vintage."""
    records = library_records(inputs)
    claims = inputs.claims / "claims.json"
    if claims.is_file():
        records.append(_record("claims", claims))
    records += [
        _record(name, folder / "patients" / f"{name}.parquet") | {"cohort": cohort}
        for cohort, folder in sorted(folders.items())
        for name in ("episodes", "attribution")
    ]
    return records


def _record(title: str, path: Path) -> dict[str, object]:
    return {"table": title, "name": path.name, "bytes": path.stat().st_size, "sha256": file_hash(path)}
