"""The configuration of a run: TOML, every key known and checked, all mistakes at once.

    configuration = read_configuration(Path("practice.toml"), today=dt.date(2027, 6, 30))
    configuration.run.year

Keys are described in docs/reference/run-config.md. Paths are relative to the configuration's own folder.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openasm.base.errors import NotFound, why_unreadable
from openasm.base.problems import Problems
from openasm.runs.chain import configuration_problems as found
from openasm.runs.chain.configuration_keys import SECTIONS, Reading, value_of

__all__ = ["Configuration", "read_configuration"]


@dataclass(frozen=True, slots=True)
class RunSection:
    """What the run is, and how the work is done. memory: bytes; jobs: 0 takes one for each processor."""

    year: int
    name: str = ""
    cost_year: int = 0
    records_year: int = 0
    assume_year: int | None = None
    engine: str = "duckdb"
    memory: int | None = None
    jobs: int = 0
    spill: Path | None = None
    store: Path | None = None
    keep_days: int = 7


@dataclass(frozen=True, slots=True)
class ClaimsSection:
    """Deliveries of claims, or one loaded CLAIMS folder."""

    format: str = ""
    sources: tuple[Path, ...] = ()
    data_end: dt.date | None = None
    cclf_version: str = "v38"
    hold: str = ""


@dataclass(frozen=True, slots=True)
class RecordsSection:
    """Records of patients and what to make of them. as_of: None for the whole year."""

    source: Path | None = None
    value_sets: Path | None = None
    measures: tuple[str, ...] = ()
    attribution: Path | None = None
    tin: str = ""
    as_of: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ParticipantsSection:
    """CMS's list, the roster and the geography; what is None comes from the library, where it holds it."""

    list: Path | None = None
    vintage: str = ""
    roster: Path | None = None
    answers: Path | None = None
    counties: Path | None = None
    zips: Path | None = None
    areas: Path | None = None
    official_files: Path | None = None


@dataclass(frozen=True, slots=True)
class AdmissionsSection:
    """Observed admissions beside measure 492. codes: file of its codes, None for no such stage; year: at risk; in_scores: as its rows."""

    codes: Path | None = None
    year: int = 0
    in_scores: bool = False


@dataclass(frozen=True, slots=True)
class ScoreInputsSection:
    """The cohort around one's own practices, and whose computed rows count."""

    peers: Path | None = None
    participants: Path | None = None
    own_tins: tuple[str, ...] = ()
    computed_for: str = "own"
    when_both: str = "refuse"
    cost_benchmark: str = "pool"


@dataclass(frozen=True, slots=True)
class CodesSection:
    """Codes lists by cohort; `Path("demonstration")` stands for the made-up one."""

    heart_failure: Path | None = None
    low_back_pain: Path | None = None
    overlays: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectionSection:
    """How the projection is drawn."""

    draws: int = 2000
    seed: int = 2027
    tins: tuple[str, ...] = ()
    off: bool = False


@dataclass(frozen=True, slots=True)
class ReportSection:
    """Which reports, and whose practices are shown one by one."""

    forms: tuple[str, ...] = ("html", "xlsx")
    tins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A checked configuration. file: where it stands; text: as read."""

    file: Path
    text: str
    run: RunSection
    claims: ClaimsSection = field(default_factory=ClaimsSection)
    records: RecordsSection = field(default_factory=RecordsSection)
    participants: ParticipantsSection = field(default_factory=ParticipantsSection)
    admissions: AdmissionsSection = field(default_factory=AdmissionsSection)
    attestations: Path | None = None
    score_inputs: ScoreInputsSection = field(default_factory=ScoreInputsSection)
    overlays: tuple[Path, ...] = ()
    codes: CodesSection = field(default_factory=CodesSection)
    projection: ProjectionSection = field(default_factory=ProjectionSection)
    report: ReportSection = field(default_factory=ReportSection)
    previous: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The run's name: as given, else the file's without its ending."""
        return self.run.name or self.file.stem


def read_configuration(file: Path, *, today: dt.date) -> Configuration:
    """Read and check a configuration; today: what `as_of = "today"` means.

    Raises NotFound without such a file, InputRefused with everything that is wrong with it (N001 to N011).
    """
    problems = Problems()
    values, document, text = _values(file, problems, today=today)
    run = values.get("run", {})
    if "year" not in run and not problems.errors:
        problems.add(
            found.KEY_MISSING, file.name, column="run.year", expected="the performance year, as in year = 2027"
        )
    _check_together(document, file.name, problems)
    problems.refuse_errors()
    year = run["year"]
    return Configuration(
        file=file,
        text=text,
        run=RunSection(**({"cost_year": year, "records_year": year} | run)),
        claims=ClaimsSection(**values.get("claims", {})),
        records=RecordsSection(**values.get("records", {})),
        participants=ParticipantsSection(**values.get("participants", {})),
        admissions=_admissions(values),
        attestations=values.get("attestations", {}).get("file"),
        score_inputs=ScoreInputsSection(**values.get("score_inputs", {})),
        overlays=values.get("rules", {}).get("overlays", ()),
        codes=CodesSection(**values.get("codes", {})),
        projection=ProjectionSection(**values.get("projection", {})),
        report=ReportSection(**values.get("report", {})),
        previous=values.get("previous", {}).get("runs", ()),
    )


def _admissions(values: Mapping[str, Mapping[str, Any]]) -> AdmissionsSection:
    """The section, its year that of the records where nothing else is said."""
    run = values["run"]
    return AdmissionsSection(**({"year": run.get("records_year", run["year"])} | dict(values.get("admissions", {}))))


def _values(
    file: Path, problems: Problems, *, today: dt.date
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]], str]:
    """Sections with parsed values, the same as they stand, and the text; what is wrong goes to `problems`."""
    if not file.exists():
        raise NotFound(f"There is no configuration {file.name}.")
    try:
        text = file.read_bytes().decode("utf-8")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        problems.add(found.NOT_TOML, file.name, row=int(place[1]) if place else None, found=str(error))
        problems.refuse_errors()
        raise
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        problems.add(found.NOT_TOML, file.name, found=why_unreadable(error))
        problems.refuse_errors()
        raise
    reading = Reading(file.absolute().parent, today)
    values: dict[str, dict[str, Any]] = {}
    for section, content in document.items():
        if section not in SECTIONS:
            problems.add(found.UNKNOWN_SECTION, file.name, column=section, expected=f"one of {', '.join(SECTIONS)}")
        elif not isinstance(content, dict):
            problems.add(found.WRONG_KIND, file.name, column=section, expected=f"a section [{section}]")
        else:
            values[section] = _section(section, content, reading, file.name, problems)
    return values, {name: content for name, content in document.items() if isinstance(content, dict)}, text


def _section(
    section: str, content: Mapping[str, Any], reading: Reading, file: str, problems: Problems
) -> dict[str, Any]:
    keys = SECTIONS[section]
    values: dict[str, Any] = {}
    for name, raw in content.items():
        column = f"{section}.{name}"
        if name not in keys:
            problems.add(found.UNKNOWN_KEY, file, column=column, expected=f"one of {', '.join(keys)}")
            continue
        before = len(problems.errors)
        value = value_of(keys[name], raw, reading, file=file, column=column, problems=problems)
        if len(problems.errors) == before:
            values[name] = value
    return values


def _check_together(values: Mapping[str, Mapping[str, Any]], file: str, problems: Problems) -> None:
    """Keys that need or bar each other."""

    def has(section: str, key: str) -> bool:
        return bool(values.get(section, {}).get(key))

    def refuse(column: str, words: str) -> None:
        problems.add(found.NOT_TOGETHER, file, column=column, expected=words)

    claims = values.get("claims", {})
    for one, other in (("format", "sources"), ("sources", "format")):
        if has("claims", one) and not has("claims", other):
            refuse(f"claims.{one}", f"claims.{other} beside it")
    if claims.get("format") == "loaded" and len(claims.get("sources", ())) > 1:
        refuse("claims.sources", "one folder, as its format is loaded; load the deliveries together")
    if claims.get("format") == "loaded" and "data_end" in claims:
        refuse("claims.data_end", "nothing here, as the loaded folder says it itself")
    for one, other in (("source", "value_sets"), ("value_sets", "source")):
        if has("records", one) and not has("records", other):
            refuse(f"records.{one}", f"records.{other} beside it")
    if has("records", "attribution") and has("records", "tin"):
        refuse("records.tin", "either tin, for a source that is one practice's, or attribution")
    if "admissions" in values and not has("admissions", "codes"):
        refuse("admissions.codes", "the file of codes, without which nothing is counted")
    if has("admissions", "codes") and not has("claims", "sources"):
        refuse("admissions.codes", "claims.sources beside it, in which admissions are found")
    if has("participants", "answers") and not has("participants", "roster"):
        refuse("participants.answers", "participants.roster beside it, whose TINs the answers are about")
    if has("participants", "vintage") and has("participants", "list"):
        refuse("participants.vintage", "either list, a file, or vintage, of the library's list")
    scored = has("score_inputs", "peers") or has("score_inputs", "participants")
    if has("attestations", "file") and not scored:
        refuse("attestations.file", "score_inputs.peers or score_inputs.participants, without which nobody is scored")
    if not (has("claims", "sources") or has("records", "source") or scored) and not problems.errors:
        problems.add(found.NOTHING_TO_DO, file)
