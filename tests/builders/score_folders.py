"""Folders of score inputs for tests: plainly fictional practices, from a seed, of any size."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from openasm.base.identity import npi_check_digit

HEADERS = {
    "participants": [
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
    ],
    "quality": [
        "tin",
        "npi",
        "measure",
        "collection_type",
        "eligible",
        "met",
        "not_met",
        "exclusions",
        "exceptions",
        "rate",
    ],
    "cost": ["tin", "npi", "measure", "episodes", "score"],
    "attestations": ["tin", "item", "answer", "numerator", "denominator", "start", "end"],
}
MEASURES = {
    "heart_failure": {
        "492": ["claims"],
        "008": ["ecqm", "cqm"],
        "005": ["ecqm"],
        "236": ["ecqm", "cqm"],
        "377": ["ecqm"],
    },
    "low_back_pain": {"238": ["ecqm"], "134": ["ecqm", "cqm"], "128": ["cqm"], "220": ["cqm"]},
}
COST = {"heart_failure": ("COST_HF_1", 14000, 3800), "low_back_pain": ("COST_LBP_1", 1900, 600)}
Rows = dict[str, list[dict[str, object]]]


def npi(number: int) -> str:
    """The number-th fictional NPI."""
    first = f"2{number:08d}"
    return first + str(npi_check_digit(first))


def tin(number: int) -> str:
    """The number-th fictional TIN."""
    return f"{900_000_000 + number:09d}"


def attested(practice: str, *, year: int = 2027, part: tuple[int, int] = (80, 100)) -> list[dict[str, object]]:
    """Everything attested by a practice, proportions at `part`."""
    dates = {"start": f"{year}-01-01", "end": f"{year}-12-31"}
    rows: list[dict[str, object]] = [
        {"tin": practice, "item": item, "answer": "yes", **dates} for item in ("IA_1", "IA_2", "CEHRT")
    ]
    rows += [
        {"tin": practice, "item": item, "answer": "yes", "numerator": part[0], "denominator": part[1]}
        for item in ("PI_EP_1", "PI_HIE_1", "PI_HIE_4", "PI_PEA_1")
    ]
    rows += [
        {"tin": practice, "item": item, "answer": "yes"}
        for item in (
            *("PI_EP_2", "PI_PHCDRR_1", "PI_PHCDRR_3", "PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1"),
        )
    ]
    return rows


def cohort_rows(participants: int = 60, *, seed: int = 1, year: int = 2027) -> Rows:
    """Both cohorts with about half of `participants` each; small and large practices, missing and thin data."""
    draw = random.Random(seed)
    rows: Rows = {name: [] for name in HEADERS}
    number = 0
    practice = 0
    while number < participants:
        practice += 1
        here = tin(practice)
        size = draw.choice([1, 1, 2, 4, 9, 15, 16, 40])
        members = min(size, draw.randint(1, 4), participants - number)
        tin_level = 1 < size <= 15 and draw.random() < 0.3
        cohorts: set[str] = set()
        for _ in range(members):
            number += 1
            someone = npi(number)
            mine = ["heart_failure"] if number % 2 else ["low_back_pain"]
            if number % 11 == 0:
                mine = ["heart_failure", "low_back_pain"]
            for cohort in mine:
                cohorts.add(cohort)
                rows["participants"].append(_participant(draw, here, someone, cohort, size))
                rows["quality"] += _quality(draw, here, someone, cohort, skip=tin_level)
                if draw.random() < 0.95:
                    measure, middle, spread = COST[cohort]
                    score = max(1.0, draw.gauss(middle, spread))
                    entry = {"tin": here, "npi": someone, "measure": measure, "episodes": draw.randint(15, 90)}
                    rows["cost"].append({**entry, "score": f"{score:.2f}"})
        if tin_level:
            for cohort in sorted(cohorts):
                rows["quality"] += _quality(draw, here, "", cohort, skip=False)
        rows["attestations"] += _attestations(draw, here, year)
    return rows


def _participant(draw: random.Random, here: str, someone: str, cohort: str, size: int) -> dict[str, object]:
    return {
        "tin": here,
        "npi": someone,
        "cohort": cohort,
        "name": f"Test Clinician {int(someone[1:9])}",
        "organization": f"Test Practice {int(here) - 900_000_000}",
        "state": draw.choice(["TX", "CA", "FL"]),
        "clinicians_in_tin": size,
        "part_b_paid": f"{draw.uniform(20_000, 900_000):.2f}",
        "hcc_mean": "" if draw.random() < 0.05 else f"{draw.uniform(0.7, 2.4):.3f}",
        "dual_share": "" if draw.random() < 0.05 else f"{draw.uniform(0, 0.6):.3f}",
    }


def _quality(draw: random.Random, here: str, someone: str, cohort: str, *, skip: bool) -> list[dict[str, object]]:
    rows = []
    for measure, types in MEASURES[cohort].items():
        for collection_type in types:
            if draw.random() < (0.8 if skip else 0.12):
                continue
            row: dict[str, object] = {
                **{"tin": here, "npi": someone, "measure": measure, "collection_type": collection_type, "rate": ""},
            }
            eligible = draw.choice([0, 18, 25, 60, 200])
            if collection_type == "claims":
                rate = f"{draw.uniform(40, 90):.2f}" if eligible else ""
                rows.append({**row, "eligible": eligible, "met": "", "rate": rate})
                continue
            reported = round(eligible * draw.choice([0.6, 0.75, 0.9, 1.0]))
            apart = draw.randint(0, reported // 10)
            met = draw.randint(0, reported - apart)
            row |= {"eligible": eligible, "met": met, "not_met": reported - apart - met}
            rows.append({**row, "exclusions": apart // 2, "exceptions": apart - apart // 2})
    return rows


def _attestations(draw: random.Random, here: str, year: int) -> list[dict[str, object]]:
    if draw.random() < 0.1:
        return []
    rows = attested(here, year=year, part=(draw.randint(0, 100), 100))
    if draw.random() < 0.3:
        rows = [row for row in rows if row["item"] != draw.choice(["IA_1", "IA_2", "PI_PPHI_1"])]
    if draw.random() < 0.3:
        for row in rows:
            if row["item"] in ("PI_EP_1", "PI_EP_2", "PI_PHCDRR_1"):
                row |= {"answer": "excluded", "numerator": "", "denominator": ""}
    return rows


def write_folder(folder: Path, rows: Rows) -> Path:
    """Write the rows as the four CSV files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in HEADERS.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, header, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[name])
    return folder
