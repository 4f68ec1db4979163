"""Who is in: look-ups over 10,000 participants, and eligibility over claim lines beside one reading of the same columns.

The size comes from the environment: OPENASM_BENCH_BENEFICIARIES (default 55,000 people, about ten million lines in three years). The
episodes it counts are made up beside the claims (the first 20 patients of every clinician and cohort), so that only eligibility
itself is measured. OPENASM_BENCH_FOLDER keeps the synthetic region for the next time.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import os
import tempfile
from pathlib import Path

import narwhals as nw
import pyarrow.parquet as pq

from benchmarks.measure import Row, measured
from openasm.base.identity import npi_check_digit
from openasm.claims.folder import Claims, open_claims, table_path
from openasm.participants.counting import Counted, EpisodeFrames, count, professional_lines
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, judge, worth_judging
from openasm.participants.participant_list import ListedClinician, ParticipantList, YearStatus
from openasm.regulation.participation import specialty_codes
from openasm.regulation.rulebook import rules_for
from openasm.runs.synthesis import synthetic_region
from openasm.tables.engine import Engine, open_engine

PARTICIPANTS = 10_000
SEED, YEAR = 11, 2025
BENEFICIARIES_A_PARTICIPANT = 83
LOOKUP_LIMIT = 0.020
MEMORY_LIMIT_MB = 10 * 1024
COHORTS = ("heart_failure", "low_back_pain")
_FIRST = ("ada", "bert", "cilla", "dora", "emil", "fritz", "gerda", "hanna", "ivo", "jonas")
_SYLLABLES = (
    "al",
    "ba",
    "cor",
    "del",
    "em",
    "fa",
    "gri",
    "hol",
    "ist",
    "kel",
    "lor",
    "men",
    "nor",
    "pel",
    "ros",
    "tor",
)


def run() -> list[Row]:
    """Look-ups by NPI and by misspelt name; eligibility over a region's claims."""
    return [*_lookups(), _eligibility()]


def _lookups() -> list[Row]:
    listed = made_up_list(PARTICIPANTS)
    directory = Directory(listed)
    clinicians = listed.clinicians
    npi, name = clinicians[7_321].npi, clinicians[7_321].name
    misspelt = name[:3] + name[4:]
    scan = measured(lambda: [each for each in clinicians if misspelt in each.name or misspelt in each.organization])
    what = f"{PARTICIPANTS:,} participants"
    rows = []
    for title, work in (
        ("look-up by NPI", lambda: directory.by_npi(npi)),
        ("look-up by misspelt name", lambda: directory.by_name(misspelt)),
        ("look-up by practice", lambda: directory.by_organization("demonstration practice 77")),
    ):
        rows.append(
            Row(
                name=title,
                what=what,
                took=measured(work, repeat=20),
                reference="a scan of the list for an exact substring",
                reference_took=scan,
                limit_seconds=LOOKUP_LIMIT,
                note="in process; the index is built once",
            )
        )
    rows.append(
        Row(
            name="index",
            what=f"{what}, built once",
            took=measured(lambda: Directory(listed)),
            note="bound by splitting names and entering every prefix",
        )
    )
    return rows


def made_up_list(size: int) -> ParticipantList:
    """A list of so many people; nobody in it exists."""
    names = itertools.product(_SYLLABLES, _SYLLABLES, _SYLLABLES, _FIRST)
    years = (YearStatus(True, False), *(YearStatus(None, None),) * 4)
    clinicians = []
    for number, (one, two, three, first) in zip(range(size), names, strict=False):
        body = f"2999{number:05d}"
        cohort = COHORTS[number % 2]
        organization = f"DEMONSTRATION PRACTICE {number % 2600} LLC"
        npi = f"{body}{npi_check_digit(body)}"
        clinicians.append(
            ListedClinician(npi, first.upper(), f"{one}{two}{three}test".upper(), "TX", cohort, organization, years)
        )
    return ParticipantList("made up", "list.csv", "", tuple(clinicians))


def _eligibility() -> Row:
    size = int(os.environ.get("OPENASM_BENCH_BENEFICIARIES", "55000"))
    kept = os.environ.get("OPENASM_BENCH_FOLDER")
    with tempfile.TemporaryDirectory(prefix="openasm-bench-") as temporary:
        region = _region(Path(kept) if kept else Path(temporary), size)
        claims_folder = region / "tables"
        memory = int(float(os.environ.get("OPENASM_BENCH_MEMORY_GB", "8")) * 1024**3)
        with open_engine(memory_bytes=memory, spill_folder=Path(temporary)) as engine:
            claims = open_claims(claims_folder, engine)
            frames = _episodes(region, claims, engine)
            reference = measured(lambda: _read_and_group(claims, engine), repeat=2)
            took = measured(lambda: _judged(claims, frames, engine), repeat=2)
        lines = _lines(claims_folder)
    return Row(
        name="eligibility",
        what=f"{lines:,} lines of {size:,} people",
        took=took,
        reference="DuckDB reads and groups the same columns once",
        reference_took=reference,
        limit_mb=MEMORY_LIMIT_MB,
        note="claims are read twice: for specialties, and for the services of attributed episodes",
    )


def _region(folder: Path, beneficiaries: int) -> Path:
    """A synthetic region of about so many people, made unless it is there already."""
    region = folder / f"region-{SEED}-{beneficiaries}-{YEAR}"
    if not (region / "tables").is_dir():
        participants = max(1, beneficiaries // BENEFICIARIES_A_PARTICIPANT)
        synthetic_region(SEED, region, participants=participants, beneficiaries=beneficiaries, years=(YEAR - 2, YEAR))
    return region


def _episodes(region: Path, claims: Claims, engine: Engine) -> list[EpisodeFrames]:
    """An episode of the whole data year for up to 20 patients of every clinician of a cohort's specialties."""
    start, end = dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31)
    seen = professional_lines(claims.claim_lines).filter(
        (nw.col("from_date") >= nw.lit(start)) & (nw.col("from_date") <= nw.lit(end))
    )
    with (region / "clinicians.csv").open(encoding="utf-8", newline="") as stream:
        cohort_of = {(row["tin"], row["npi"]): row["cohort"] for row in csv.DictReader(stream)}
    patients: dict[tuple[str, str], list[str]] = {}
    for row in engine.to_arrow(seen.select("tin", "npi", "beneficiary").unique()).to_pylist():
        if cohort_of.get((row["tin"], row["npi"])):
            patients.setdefault((row["tin"], row["npi"]), []).append(row["beneficiary"])
    frames = []
    for cohort in COHORTS:
        rows = [
            (f"{tin}-{npi}-{person}", person, tin, npi)
            for (tin, npi), people in sorted(patients.items())
            if cohort_of[tin, npi] == cohort
            for person in sorted(people)[:20]
        ]
        keys, people, tins, npis = (list(column) for column in zip(*rows, strict=True))
        text, day = nw.String(), nw.Date()
        episodes = engine.from_rows(
            {
                "cohort": [cohort] * len(rows),
                "episode_id": keys,
                "beneficiary": people,
                "tin": tins,
                "start_date": [start] * len(rows),
                "end_date": [end] * len(rows),
                "excluded_reason": [None] * len(rows),
            },
            {"cohort": text, "episode_id": text, "beneficiary": text, "tin": text, "start_date": day, "end_date": day}
            | {"excluded_reason": text},
        )
        attribution = engine.from_rows(
            {"episode_id": keys, "tin": tins, "npi": npis, "attributed": [True] * len(rows)},
            {"episode_id": text, "tin": text, "npi": text, "attributed": nw.Boolean()},
        )
        frames.append(EpisodeFrames(cohort, engine.held(episodes), engine.held(attribution)))
    return frames


def _judged(claims: Claims, frames: list[EpisodeFrames], engine: Engine) -> Counted:
    rules = rules_for(YEAR + 2)
    specialties = {code for cohort in COHORTS for code in specialty_codes(cohort, rules)}
    counted = count(claims, frames, engine, year=YEAR, specialties=specialties)
    pairs = {cohort: worth_judging(counted, cohort, rules) for cohort in COHORTS}
    judge(counted, pairs, coverage=Coverage(True, True, True), geography=None, rules=rules)
    return counted


def _read_and_group(claims: Claims, engine: Engine) -> None:
    """What any program must do at least: read the columns of the professional lines and group them."""
    lines = professional_lines(claims.claim_lines)
    engine.to_arrow(
        lines.group_by("specialty").agg(
            *(nw.col(name).max() for name in ("beneficiary", "from_date", "tin", "npi", "service_zip"))
        )
    )


def _lines(claims_folder: Path) -> int:
    path = table_path(claims_folder, "claim_lines")
    if path is None:
        raise FileNotFoundError("claim_lines")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return sum(pq.ParquetFile(file).metadata.num_rows for file in files)
