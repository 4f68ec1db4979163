"""Who is in: look-ups over 10,000 participants, and eligibility over claim lines beside one reading of the same columns.

The size comes from the environment: OPENASM_BENCH_BENEFICIARIES (default 55,000 people, about ten million lines in three years; 550,000
for the whole model) and OPENASM_BENCH_MEMORY_GB (default 8, what the engine may use). The episodes are those the region was made
with, so that only eligibility itself is measured; the chain that finds them has a benchmark of its own. A ten times smaller region
shows the growth. OPENASM_BENCH_FOLDER keeps the synthetic regions for the next time.
"""

from __future__ import annotations

import csv
import itertools
import os
import tempfile
from pathlib import Path

import narwhals as nw

from benchmarks.measure import Row, Took, measured
from benchmarks.regions import LAST_YEAR, claim_lines, region
from openasm.base.identity import npi_check_digit
from openasm.claims.folder import Claims, open_claims
from openasm.participants.counting import EpisodeFrames, count, professional_lines
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, Eligibility, judge, worth_judging
from openasm.participants.geography import County, Geography, ZipPart
from openasm.participants.participant_list import ListedClinician, ParticipantList, YearStatus
from openasm.regulation.participation import specialty_codes
from openasm.regulation.rulebook import rules_for
from openasm.tables.engine import Engine, open_engine

PARTICIPANTS = 10_000
LOOKUP_LIMIT = 0.020
MEMORY_LIMIT_MB = 10 * 1024
GROWTH_LIMIT = 11
MANY_LINES = 50_000_000
"""From here on each is measured once: minutes hide the noise that repetitions are for."""
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
    return [*_lookups(), *_eligibility()]


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


def _eligibility() -> list[Row]:
    size = int(os.environ.get("OPENASM_BENCH_BENEFICIARIES", "55000"))
    kept = os.environ.get("OPENASM_BENCH_FOLDER")
    with tempfile.TemporaryDirectory(prefix="openasm-bench-") as temporary:
        folder = Path(kept) if kept else Path(temporary)
        small, _, small_lines = _measured(region(folder, size // 10), Path(temporary))
        took, reference, lines = _measured(region(folder, size), Path(temporary))
    return [
        Row(
            name="eligibility",
            what=f"{lines:,} lines of {size:,} people",
            took=took,
            reference="DuckDB reads and groups the same columns once",
            reference_took=reference,
            limit_mb=MEMORY_LIMIT_MB,
            note="claims are read twice: for specialties, and for the services of attributed episodes",
        ),
        Row(
            name="eligibility, growth",
            what=f"from {small_lines:,} to {lines:,} lines",
            took=took,
            reference="the same on the smaller region",
            reference_took=small,
            limit_seconds=small.seconds * GROWTH_LIMIT * lines / small_lines / 10,
            note=f"promise: at most {GROWTH_LIMIT} times the time for ten times the lines, as for the episode chain",
        ),
    ]


def _measured(folder: Path, spill: Path) -> tuple[Took, Took, int]:
    """Eligibility, the reference and the claim lines of one region."""
    claims_folder = folder / "tables"
    memory = int(float(os.environ.get("OPENASM_BENCH_MEMORY_GB", "8")) * 1024**3)
    lines = claim_lines(claims_folder)
    with open_engine(memory_bytes=memory, spill_folder=spill) as engine:
        claims = open_claims(claims_folder, engine)
        frames = _episodes(folder, engine)
        geography = _geography(folder)
        repeat = 3 if lines < MANY_LINES else 1
        reference = measured(lambda: _read_and_group(claims, engine), repeat=repeat)
        took = measured(lambda: _judged(claims, frames, geography, engine), repeat=repeat)
    return took, reference, lines


def _geography(folder: Path) -> Geography:
    """Every ZIP code of the region's sites in a county of its own, every other county's area on the list."""
    with (folder / "clinicians.csv").open(encoding="utf-8", newline="") as stream:
        zips = sorted({row["zip"] for row in csv.DictReader(stream)})
    counties, parts = [], []
    for number, code in enumerate(zips):
        fips, cbsa = f"{number:05d}", f"{20_000 + number // 3}"
        counties.append(County(fips, f"County {number}", "TX", cbsa, f"Area {cbsa}", "", "", metropolitan=True))
        parts.append(ZipPart(code, fips, 1.0))
    areas = {each.cbsa for each in counties[::2]}
    return Geography(counties=counties, zips=parts, areas=areas, areas_complete=True)


def _episodes(folder: Path, engine: Engine) -> list[EpisodeFrames]:
    """The episodes the region was made with, as `openasm episodes` would hand them over for the data year."""
    planned = engine.read_parquet(folder / "truth" / "episodes").filter(nw.col("year") == LAST_YEAR)
    held_by = engine.read_parquet(folder / "truth" / "attribution")
    frames = []
    for cohort in COHORTS:
        episodes = planned.filter(nw.col("cohort") == cohort).select(
            "cohort",
            nw.col("episode").alias("episode_id"),
            "beneficiary",
            "tin",
            "start_date",
            "end_date",
            "excluded_reason",
        )
        attribution = held_by.select(nw.col("episode").alias("episode_id"), "tin", "npi", "attributed")
        mine = attribution.join(episodes.select("episode_id"), on="episode_id", how="semi")
        frames.append(EpisodeFrames(cohort, engine.held(episodes), engine.held(mine)))
    return frames


def _judged(
    claims: Claims, frames: list[EpisodeFrames], geography: Geography, engine: Engine
) -> tuple[Eligibility, ...]:
    rules = rules_for(LAST_YEAR + 2, assume_year=2027)
    specialties = {code for cohort in COHORTS for code in specialty_codes(cohort, rules)}
    counted = count(claims, frames, engine, year=LAST_YEAR, specialties=specialties)
    pairs = {cohort: worth_judging(counted, cohort, rules) for cohort in COHORTS}
    return judge(counted, pairs, coverage=Coverage(True, True, True), geography=geography, rules=rules)


def _read_and_group(claims: Claims, engine: Engine) -> None:
    """What any program must do at least: read the columns of the professional lines and group them."""
    lines = professional_lines(claims.claim_lines)
    engine.to_arrow(
        lines.group_by("specialty").agg(
            *(nw.col(name).max() for name in ("beneficiary", "from_date", "tin", "npi", "service_zip"))
        )
    )
