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
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import narwhals as nw

from benchmarks.measure import Row, Took, measured
from benchmarks.regions import LAST_YEAR, claim_lines, region
from openasm.base.identity import npi_check_digit
from openasm.claims.folder import Claims, open_claims
from openasm.participants.counting import EpisodeFrames, count, professional_lines
from openasm.participants.county_maps import county_map_page, county_places
from openasm.participants.county_shapes import county_shapes
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, Eligibility, judge, worth_judging
from openasm.participants.geography import County, Geography, ZipPart
from openasm.participants.participant_list import ListedClinician, ParticipantList, YearStatus
from openasm.regulation.participation import clinic_codes, specialty_codes
from openasm.regulation.rulebook import rules_for
from openasm.tables.engine import Engine, open_engine

PARTICIPANTS = 10_000
QUERIES = 500
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
    """Look-ups by NPI, name, practice and place; the map; eligibility over a region's claims."""
    return [*_lookups(), *_places(), *_eligibility()]


def _lookups() -> list[Row]:
    listed = made_up_list(PARTICIPANTS)
    directory = Directory(listed)
    asked = listed.clinicians[:: PARTICIPANTS // QUERIES]
    misspelt = [each.name[:3] + each.name[4:] for each in asked]
    swapped = [f"{each.last_name}, {each.first_name}" for each in asked]

    def scan(text: str) -> object:
        return [each for each in listed.clinicians if text in each.name or text in each.organization]

    scanned = _slowest_but_one_in_twenty(scan, misspelt)
    rows = [
        Row(
            name=title,
            what=f"{PARTICIPANTS:,} participants, {QUERIES} different queries, 95th percentile",
            took=_slowest_but_one_in_twenty(work, queries),
            reference="a scan of the list for an exact substring",
            reference_took=scanned,
            limit_seconds=LOOKUP_LIMIT,
            note="in process; the index is built once",
        )
        for title, work, queries in (
            ("look-up by NPI", directory.by_npi, [each.npi for each in asked]),
            ("look-up by name", directory.by_name, swapped),
            ("look-up by misspelt name", directory.by_name, misspelt),
            ("look-up by practice", directory.by_organization, [each.organization for each in asked]),
        )
    ]
    index = measured(lambda: Directory(listed))
    note = "bound by splitting names and entering every prefix"
    return [*rows, Row(name="index", what=f"{PARTICIPANTS:,} participants, built once", took=index, note=note)]


def _slowest_but_one_in_twenty(work: Callable[[str], object], queries: Sequence[str]) -> Took:
    """The time that 95 of 100 queries do not exceed, each asked once and fresh."""
    took = []
    for query in queries:
        wall, cpu = time.perf_counter(), time.process_time()
        work(query)
        took.append((time.perf_counter() - wall, time.process_time() - cpu))
    seconds, cpu_seconds = sorted(took)[len(took) * 95 // 100]
    return Took(seconds, cpu_seconds, None)


def _places() -> list[Row]:
    """A crosswalk as large as the Census's (33,800 ZIP codes, a third of them in two counties) on the counties of the map."""
    codes = list(county_shapes())
    counties = [
        County(
            fips,
            f"County {fips}",
            "Test State",
            f"{10_000 + place // 2}",
            f"Area {place // 2}",
            "",
            "",
            metropolitan=True,
        )
        for place, fips in enumerate(codes[:1_915])
    ]
    zips = [f"{10_000 + number}" for number in range(33_800)]
    parts = [
        ZipPart(code, codes[(place + more) % len(codes)], 0.5 if place % 3 == 0 else 1.0)
        for place, code in enumerate(zips)
        for more in range(2 if place % 3 == 0 else 1)
    ]
    areas = sorted({each.cbsa for each in counties})[::4]

    def built() -> Geography:
        return Geography(counties=counties, zips=parts, areas=areas, areas_complete=True)

    geography = built()
    places = county_places(geography)
    what = f"{len(zips):,} ZIP codes, {len(counties):,} counties in areas"
    return [
        Row(
            name="look-up by ZIP",
            what=f"{what}, {QUERIES} different queries, 95th percentile",
            took=_slowest_but_one_in_twenty(geography.zip, zips[:: len(zips) // QUERIES][:QUERIES]),
            limit_seconds=LOOKUP_LIMIT,
            note="in process; the geography is built once",
        ),
        Row(name="geography", what=f"{what}, built once", took=measured(built)),
        Row(
            name="map by county",
            what=f"{len(places):,} counties, page with its table",
            took=measured(lambda: county_map_page(county_places(geography), title="Areas", source="made up")),
            note="bound by writing outlines as text",
        ),
    ]


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
            note="claims are read three times: for specialties, for bills of clinics, and for the services of attributed episodes",
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
    counted = count(claims, frames, engine, year=LAST_YEAR, specialties=specialties, clinics=clinic_codes(rules))
    pairs = {cohort: worth_judging(counted, cohort, rules) for cohort in COHORTS}
    return judge(counted, pairs, coverage=Coverage(True, True, True), geography=geography, rules=rules)


def _read_and_group(claims: Claims, engine: Engine) -> None:
    """What any program must do at least: read the columns of the professional and the outpatient lines and group them."""
    lines = professional_lines(claims.claim_lines)
    engine.to_arrow(
        lines.group_by("specialty").agg(
            *(
                nw.col(name).max()
                for name in ("beneficiary", "from_date", "tin", "npi", "place_of_service", "service_zip")
            )
        )
    )
    clinics = claims.claim_lines.filter(nw.col("setting") == "outpatient")
    engine.to_arrow(
        clinics.group_by("revenue_center").agg(
            *(nw.col(name).max() for name in ("beneficiary", "from_date", "npi", "hcpcs"))
        )
    )
