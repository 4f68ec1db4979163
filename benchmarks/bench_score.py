"""Scoring both cohorts: 8,600 participants with 60,000 measure rows, from files to files."""

from __future__ import annotations

import csv
import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Row, measured, measured_command
from openasm.base.identity import npi_check_digit
from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.runs.scoring.inputs import read_inputs
from openasm.runs.scoring.score import score_cohorts

PARTICIPANTS = 8_600
MEASURE_ROWS = 60_000
SIZE = "8,600 participants, 60,000 measure rows"
TYPES = {
    "heart_failure": {"492": ["claims"], "008": ["ecqm", "cqm"], "005": ["ecqm", "cqm"], "236": ["ecqm", "cqm"]}
    | {"377": ["ecqm"]},
    "low_back_pain": {"238": ["ecqm", "cqm"], "134": ["ecqm", "cqm"], "128": ["ecqm", "cqm"], "220": ["cqm"]},
}
YES = ["PI_EP_2", "PI_PHCDRR_1", "PI_PHCDRR_3", "PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1"]


def write_inputs(folder: Path, *, size: int = PARTICIPANTS) -> None:
    """A made-up cohort of the size of the model, the same every time."""
    chance = random.Random(512)
    participants, quality, cost, attestations = [], [], [], []
    tin = clinicians = 0
    left = 0
    for number in range(size):
        if left == 0:
            tin, clinicians = tin + 1, chance.choice([1, 1, 2, 5, 15, 16, 40, 300])
            left = chance.randint(1, clinicians)
        left -= 1
        first_nine = f"{100_000_000 + number:09d}"
        key = [f"{tin:09d}", first_nine + str(npi_check_digit(first_nine))]
        cohort = "heart_failure" if number < 3_400 else "low_back_pain"
        paid = f"{chance.lognormvariate(11, 1):.2f}"
        mix = [f"{max(0.2, chance.gauss(1.4, 0.3)):.4f}", f"{chance.betavariate(2, 6):.4f}"]
        participants.append(
            [*key, cohort, f"Test Clinician {number}", "Test Practice", "ZZ", str(clinicians), paid, *mix]
        )
        for measure, types in TYPES[cohort].items():
            for collection_type in types:
                eligible = chance.randint(10, 600)
                met = chance.randint(0, eligible)
                counts = [met, eligible - met, 0, 0] if collection_type != "claims" else ["", "", "", ""]
                rate = f"{chance.uniform(5, 60):.3f}" if collection_type == "claims" else ""
                quality.append([*key, measure, collection_type, eligible, *counts, rate])
        episodes = chance.randint(5, 300)
        measure = "COST_HF_1" if cohort == "heart_failure" else "COST_LBP_1"
        cost.append([*key, measure, episodes, f"{max(100.0, chance.gauss(14_000, 3_500)):.2f}"])
    chance.shuffle(quality)
    for number in range(1, tin + 1):
        practice = f"{number:09d}"
        dated = ["IA_1", "IA_2", "CEHRT"]
        attestations += [[practice, item, "yes", "", "", "2027-01-01", "2027-12-31"] for item in dated]
        attestations += [[practice, item, "yes", "", "", "", ""] for item in YES]
        proportions = ["PI_EP_1", "PI_HIE_1", "PI_HIE_4", "PI_PEA_1"]
        attestations += [[practice, item, "", str(chance.randint(0, 500)), "500", "", ""] for item in proportions]
    columns = {
        "participants": "tin npi cohort name organization state clinicians_in_tin part_b_paid hcc_mean dual_share",
        "quality": "tin npi measure collection_type eligible met not_met exclusions exceptions rate",
        "cost": "tin npi measure episodes score",
        "attestations": "tin item answer numerator denominator start end",
    }
    rows = {"participants": participants, "quality": quality[:MEASURE_ROWS], "cost": cost, "attestations": attestations}
    for name, header in columns.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header.split(), *rows[name]])


def csv_pass(folder: Path) -> list[list[str]]:
    """Every field of the four files as text, and no more."""
    rows: list[list[str]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.reader(file)
    return rows


def sorted_rates(columns: list[np.ndarray]) -> list[np.ndarray]:
    """The least that scoring must do: sort every pool once and place every rate among nine edges."""
    return [np.searchsorted(np.quantile(np.sort(rates), np.arange(1, 10) / 10), rates) for rates in columns]


def run() -> list[Row]:
    """Reading, computing, and the whole command."""
    rules = rules_for(2027)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "inputs"
        folder.mkdir()
        write_inputs(folder)
        inputs = read_inputs(folder, rules=rules, problems=Problems())
        pools: dict[tuple[str, str], list[float]] = {}
        for row in inputs.quality:
            if row.met + row.not_met >= 20:
                pools.setdefault((row.measure, row.collection_type), []).append(row.met / (row.met + row.not_met))
        columns = [np.array(rates) for rates in pools.values()]
        out = Path(scratch) / "run"

        def command() -> list[str | Path]:
            return [Path(sys.executable).with_name("openasm"), "score", folder, "--year", "2027", "--out", out]

        def whole() -> None:
            shutil.rmtree(out, ignore_errors=True)
            measured_command(command(), repeat=1)

        import_time = measured_command([sys.executable, "-c", "import openasm.runs.scoring.score"], repeat=5)
        numpy_import = measured_command([sys.executable, "-c", "import numpy"], repeat=5)
        reading = measured(lambda: read_inputs(folder, rules=rules, problems=Problems()), repeat=3)
        plain_reading = measured(lambda: csv_pass(folder), repeat=3)
        computing = measured(lambda: score_cohorts(inputs, rules), repeat=5)
        sorting = measured(lambda: sorted_rates(columns), repeat=5)
        return [
            Row(
                name="import",
                what="openasm.runs.scoring.score in a fresh interpreter",
                took=import_time,
                reference="import numpy",
                reference_took=numpy_import,
            ),
            Row(
                name="read and check",
                what=SIZE + ", with cost and attestations: CSV to checked, exact rows",
                took=reading,
                reference="csv.reader over the same files, nothing checked",
                reference_took=plain_reading,
                note="bound by one Python object a field: each is checked and numbers are kept exact",
            ),
            Row(
                name="compute",
                what=SIZE + ": points, final scores, payments",
                took=computing,
                reference="numpy: sort each pool, nine quantiles, place each rate",
                reference_took=sorting,
                limit_seconds=1.0,
                note="bound by bringing rows to participants in Python and by exact fractions at edges",
            ),
            Row(
                name="openasm score",
                what="the whole command: start, read, compute, explain, write the run folder",
                took=measured(whole, repeat=2),
                note="bound by reading, and by writing tables twice (CSV and Parquet) with the report",
            ),
        ]
