"""Run folders for the workbench's tests: a small one with everything a page can show, and a large one for the benchmark.

Written as the commands write them, by the archive's own functions; every identifier is made up.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from openasm.archive.manifest import Provenance, write_manifest
from openasm.archive.tables import table_of, write_csv

TINS = ("900000001", "900000002")
NPIS = ("2999000013", "2999000021", "2999000039", "2999000047")
CANARY_NAMES = tuple(f"CANARYPATIENT{number:03d}ZZ" for number in range(8))
YEAR = 2027
_MOMENT = dt.datetime(2027, 11, 1, 6, 30, tzinfo=dt.UTC)

SCORES = (
    *("performance_year", "tin", "npi", "cohort", "quality_score", "cost_score", "improvement_adjustment"),
    *("interoperability_adjustment", "complex_patient_adjustment", "small_practice_adjustment", "final_score"),
    *("transformed_score", "scaling_factor", "payment_adjustment_factor", "payment_multiplier", "part_b_paid"),
    *("payment_change_dollars", "status"),
)
CATEGORIES = (
    *("tin", "npi", "cohort", "quality_points", "quality_measures_counted", "minimum_submission_met", "cost_points"),
    *("activities_attested", "interoperability_score", "hcc_points", "dual_points", "quality_weight", "cost_weight"),
    "uncapped_factor",
)
MEASURES = (
    *(
        "tin",
        "npi",
        "measure",
        "collection_type",
        "level",
        "rate",
        "completeness",
        "points",
        "status",
        "reason",
        "cohort",
    ),
    *("eligible", "met", "not_met", "exclusions", "exceptions", "in_pool", "finding"),
)
BENCHMARKS = (
    *(
        "cohort",
        "measure",
        "collection_type",
        "pool_size",
        *(f"e{place}" for place in range(1, 11)),
        "source",
        "inverse",
    ),
    *("worst", "median", "standard_deviation"),
)
WORKLIST = (
    *("window", "by_when", "days_left", "earliest", "kind", "measure", "group", "patient", "missing"),
    *("counts_for", "final_score_points", "dollars"),
)


LEVELS = (
    *("tin", "npi", "cohort", "level", "best", "quality_score", "minimum_met", "final_score"),
    *("payment_adjustment_factor", "change_dollars"),
)


def _levels() -> list[tuple[Any, ...]]:
    """Elm's choice: the practice as a whole is best."""
    people = [(NPIS[0], "heart_failure"), (NPIS[1], "heart_failure"), (NPIS[2], "low_back_pain")]
    found = {"individual": (60.0, -1000.0, True), "tin": (70.5, 250.25, True), "both": (None, 0.0, False)}
    return [
        (TINS[0], npi, cohort, level, level == "tin", None if score is None else 0.5, met, score, 0.01, dollars)
        for level, (score, dollars, met) in found.items()
        for npi, cohort in people
    ]


def write_small_run(folder: Path, *, shift: float = 0.0) -> Path:
    """Two practices, five participants, eight patients. shift: moves every score, for a second run that differs."""
    people = [
        (TINS[0], NPIS[0], "heart_failure", "Test Clinician 1", 71.5 + shift, -2079.04),
        (TINS[0], NPIS[1], "heart_failure", "=Test Clinician 2", 64.25 + shift, -5059.0),
        (TINS[0], NPIS[2], "low_back_pain", "Test Clinician 3", 88.0 + shift, 3120.5),
        (TINS[1], NPIS[2], "low_back_pain", "Test Clinician 3", 80.0 + shift, 1200.0),
        (TINS[1], NPIS[3], "heart_failure", "Test Clinician 4", None, 0.0),
    ]
    scores = folder / "scores"
    _csv(
        scores / "scores.csv",
        SCORES,
        (
            (
                *(YEAR, tin, npi, cohort, 0.56 if score else None, 0.77 if score else None, -10.0, -0.1, 4.4, 10.0),
                *(score, 0.889, 1.06, change / 400_000, 1 + change / 400_000, 400_000.0, change),
                "scored" if score else "no_final_score",
            )
            for tin, npi, cohort, _, score, change in people
        ),
    )
    _csv(
        scores / "categories.csv",
        CATEGORIES,
        (
            (tin, npi, cohort, 28.0, 5, bool(score), 7.7, 1 if tin == TINS[0] else 2, 99.0, 3.2, 1.1, 0.5, 0.5, -0.005)
            for tin, npi, cohort, _, score, _ in people
        ),
    )
    _csv(
        scores / "measure_scores.csv",
        MEASURES,
        (
            (
                tin,
                npi,
                measure,
                kind,
                "individual",
                0.89,
                1.0,
                5.2,
                "scored",
                "points by decile",
                cohort,
                100,
                80,
                10,
                5,
                5,
                True,
                "scored",
            )
            for tin, npi, cohort, *_ in people
            for measure, kind in (("005", "ecqm"), ("492", "claims"))
        ),
    )
    _csv(
        scores / "benchmarks.csv",
        BENCHMARKS,
        [
            (
                "heart_failure",
                "005",
                "ecqm",
                1600,
                *(0.8 + 0.02 * place for place in range(9)),
                None,
                "pool",
                False,
                0.5,
                0.88,
                None,
            )
        ],
    )
    _csv(
        scores / "cohorts.csv",
        ("cohort", "participants", "median_final_score", "risk_level", "midpoint"),
        [("heart_failure", 2610, 71.4, 0.09, 50.0), ("low_back_pain", 4027, 70.5, 0.09, 50.0)],
    )
    _csv(
        scores / "practices.csv",
        (
            "tin",
            "clinicians_in_tin",
            "activities_attested",
            "improvement_adjustment",
            "interoperability_score",
            "interoperability_adjustment",
        ),
        [(TINS[0], 14, 1, -10.0, 99.0, -0.1), (TINS[1], 3, 2, 0.0, 100.0, 0.0)],
    )
    _csv(
        scores / "practice_items.csv",
        ("tin", "kind", "item", "met", "earned", "available"),
        [(tin, "activity", item, met, None, None) for tin in TINS for item, met in (("IA_1", True), ("IA_2", False))],
    )
    _csv(
        scores / "cost_categories.csv",
        ("cohort", "tin", "npi", "category", "episodes", "services", "dollars_a_year", "peers_dollars_a_year"),
        [
            ("heart_failure", TINS[0], "", "Inpatient", 40, 12, 5123.45, 4100.0),
            ("heart_failure", TINS[0], NPIS[0], "Imaging", 20, 31, 512.0, None),
        ],
    )
    _csv(scores / "level_choice.csv", LEVELS, _levels())
    _csv(
        scores / "inputs" / "participants.csv",
        (
            "tin",
            "npi",
            "cohort",
            "name",
            "organization",
            "state",
            "clinicians_in_tin",
            "part_b_paid",
            "hcc_mean",
            "dual_share",
        ),
        [
            (
                tin,
                npi,
                cohort,
                name,
                "Elm Heart and Spine" if tin == TINS[0] else "Oak Spine Clinic",
                "TX",
                14,
                400000,
                1.5,
                0.2,
            )
            for tin, npi, cohort, name, *_ in people
        ],
    )
    _patients(folder / "patients")
    now = _MOMENT + dt.timedelta(days=7 if shift else 0)
    write_manifest(
        folder,
        provenance=Provenance(
            version="0.1.0",
            command="run",
            name="Nightly run",
            year=YEAR,
            inputs=(),
            overlays=(),
            settings={},
            started=now,
            ended=now,
        ),
        parameters=(),
        counts={},
        problems=(),
        notes=("Made up for tests.",),
    )
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["problems"] = [
        {
            **{
                "code": "C101",
                "severity": "warning",
                "file": "claims.csv",
                "row": 4,
                "column": "npi",
                "title": "a made-up warning",
            },
            **{"found": "x", "expected": "y", "citation": "", "next_step": "Look at it.", "count": 3},
        }
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _patients(folder: Path) -> None:
    first, second = f"{TINS[0]}/{NPIS[0]}", f"{TINS[0]}/{NPIS[1]}"
    gaps = [
        (
            "open",
            "2027-12-31",
            "60",
            "",
            "care",
            "CMS135",
            1,
            CANARY_NAMES[0],
            "an ACE inhibitor ordered",
            first,
            "0.0500",
            "12.50",
        ),
        (
            "open",
            "2027-11-20",
            "19",
            "",
            "documentation",
            "CMS135",
            1,
            CANARY_NAMES[0],
            "a reason recorded",
            first,
            "",
            "",
        ),
        (
            "later",
            "2027-12-31",
            "60",
            "2027-12-01",
            "care",
            "CMS144",
            1,
            CANARY_NAMES[1],
            "a beta blocker",
            f"{first} {second}",
            "",
            "",
        ),
        ("lost", "", "", "", "care", "CMS2", 1, CANARY_NAMES[2], "a follow-up, in time", second, "", ""),
        ("open", "2027-12-31", "60", "", "care", "CMS2", 1, CANARY_NAMES[3], "a screening", f"{TINS[1]}/", "", ""),
        (
            "open",
            "2027-12-31",
            "60",
            "",
            "care",
            "CMS2",
            1,
            CANARY_NAMES[4],
            "a screening",
            "900000009/2999000055",
            "",
            "",
        ),
    ]
    _csv(folder / "worklist.csv", WORKLIST, gaps)
    start, end = dt.date(2026, 5, 1), dt.date(2027, 4, 30)
    episodes = [
        (
            "heart_failure",
            "e1",
            CANARY_NAMES[5],
            TINS[0],
            start,
            end,
            365,
            1_234_500,
            1_234_500,
            1_000_000,
            1.2345,
            None,
            "all",
        ),
        (
            "heart_failure",
            "e2",
            CANARY_NAMES[6],
            TINS[0],
            start,
            end,
            365,
            400_000,
            400_000,
            None,
            None,
            "too short",
            "",
        ),
        ("low_back_pain", "e3", CANARY_NAMES[7], TINS[1], start, end, 365, 90_000, 90_000, 100_000, 0.9, None, ""),
    ]
    names = (
        *("cohort", "episode_id", "beneficiary", "tin", "start_date", "end_date", "days", "observed_cents"),
        *("annualized_cents", "expected_cents", "ratio", "excluded_reason", "subgroup"),
    )
    write_parquet(folder / "episodes.parquet", names, episodes)
    attribution = [("e1", NPIS[0], True), ("e1", NPIS[1], False), ("e2", NPIS[1], True), ("e3", NPIS[2], True)]
    write_parquet(folder / "attribution.parquet", ("episode_id", "npi", "attributed"), attribution)
    costs = [("e1", "Inpatient", 1_000_000), ("e1", "Imaging", 234_500), ("e3", "Imaging", 90_000)]
    write_parquet(folder / "episode_costs.parquet", ("episode_id", "category", "cents"), costs)
    services = [("e1", dt.date(2026, 5, 2), "inpatient", "Inpatient", "291", NPIS[0], 1_000_000)]
    columns = ("episode_id", "date", "setting", "category", "code", "npi", "cents")
    write_parquet(folder / "timeline.parquet", columns, services)
    _primary_care(folder)


def _primary_care(folder: Path) -> None:
    seen, visited = dt.date(2027, 6, 1), dt.date(2027, 5, 3)
    doctor = ("900000021", "2999000054", 3, visited)
    people = [
        (TINS[0], CANARY_NAMES[5], "heart_failure", NPIS[0], seen, *doctor, visited, "claims", "G0136", False),
        (TINS[0], CANARY_NAMES[6], "heart_failure", NPIS[1], None, *doctor, visited, "records", "96777-8", True),
        (TINS[0], CANARY_NAMES[0], "low_back_pain", NPIS[2], seen, *(None,) * 8),
        (TINS[1], CANARY_NAMES[7], "low_back_pain", NPIS[2], seen, *(None,) * 8),
    ]
    names = (
        *("tin", "beneficiary", "cohorts", "npis", "last_seen", "primary_tin", "primary_npi", "visit_days"),
        *("last_visit", "screened_on", "screening_source", "screening_code", "screening_certain"),
    )
    write_parquet(folder / "asm_beneficiaries.parquet", names, people)
    visits = [
        (TINS[0], CANARY_NAMES[5], 1, *doctor),
        (TINS[0], CANARY_NAMES[5], 2, "900000022", "2999000062", 1, visited),
        (TINS[0], CANARY_NAMES[6], 1, *doctor),
    ]
    columns = ("tin", "beneficiary", "place", "primary_tin", "primary_npi", "visit_days", "last_visit")
    write_parquet(folder / "primary_care.parquet", columns, visits)


def write_parquet(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows as a Parquet file."""
    columns = list(zip(*rows, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: list(values) for name, values in zip(names, columns, strict=True)}), path)


def _csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, table_of(names, rows))
