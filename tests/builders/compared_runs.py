"""Runs to compare: one heart failure clinician a TIN, all measures reported, so that one thing at a time can change."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import Rows, attested, npi, tin, write_folder

NOW = dt.datetime(2028, 4, 1, tzinfo=dt.UTC)


def everybody(count: int = 30) -> Rows:
    """One heart failure clinician a TIN, all measures reported, so that benchmarks have pools."""
    draw = random.Random(5)
    rows: Rows = {"participants": [], "quality": [], "cost": [], "attestations": []}
    for number in range(1, count + 1):
        who = {"tin": tin(number), "npi": npi(number)}
        rows["participants"].append(
            {
                **who,
                "cohort": "heart_failure",
                "name": f"Test Clinician {number}",
                "organization": "Test Practice",
                "state": "TX",
                "clinicians_in_tin": 20,
                "part_b_paid": 100_000 + 1000 * number,
                "hcc_mean": "1.5",
                "dual_share": "0.2",
            }
        )
        for measure, kind in (("008", "ecqm"), ("005", "ecqm"), ("236", "ecqm"), ("377", "ecqm")):
            met = draw.randint(20, 95)
            counts = {"eligible": 100, "met": met, "not_met": 100 - met, "exclusions": 0, "exceptions": 0, "rate": ""}
            rows["quality"].append({**who, "measure": measure, "collection_type": kind, **counts})
        rows["quality"].append(
            {
                **who,
                "measure": "492",
                "collection_type": "claims",
                "eligible": 100,
                "met": "",
                "rate": f"{30 + number}.5",
            }
        )
        rows["cost"].append({**who, "measure": "COST_HF_1", "episodes": 40, "score": 10_000 + draw.randint(0, 9000)})
        rows["attestations"] += attested(tin(number))
    return rows


def run_of(
    folder: Path, name: str, rows: Rows, *, overlay: str = "", year: int = 2027, assume: int | None = None
) -> Path:
    source = write_folder(folder / f"{name}-inputs", rows)
    overlays = []
    if overlay:
        overlays = [folder / f"{name}.yaml"]
        overlays[0].write_text(overlay)
    score_folder(source, folder / name, year=year, now=NOW, overlays=overlays, assume_year=assume, report=False)
    return folder / name


RISK_OF_TEN = """
section: payment
parameters:
  risk_level:
    values: [{years: [2027], value: 0.1, citation: a test}]
"""
