"""A made-up run folder of the size of the whole model: real scores of 6,600 participants, and patients' rows beside them.

    python -m benchmarks.load_run FOLDER

Scores and projection are made by the commands themselves from a made-up cohort; gaps and episodes are drawn in bulk with the columns that
the commands write, spread over practices by their clinicians. The same every time. OPENASM_BENCH_SHARE, as in 0.02, makes a smaller one.
"""

from __future__ import annotations

import csv
import datetime as dt
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.bench_score import write_inputs
from benchmarks.demonstrations import share
from benchmarks.measure import measured_command

PARTICIPANTS = round(6_600 * share())
EPISODES = round(600_000 * share())
GAPS = round(2_000_000 * share())
PATIENTS = round(450_000 * share())
DEAR = round(5_000 * share())  # episodes with a timeline
YEAR = 2027
MEASURES = ("CMS135", "CMS144", "CMS145", "CMS165", "CMS2", "CMS50")
CATEGORIES = ("Inpatient", "Imaging", "Medication", "Emergency", "Post-acute care", "Outpatient")
MISSING = tuple(f"made-up step {number} for measure {name}" for name in MEASURES for number in range(4))


def earlier_of(folder: Path) -> Path:
    """The run folder beside `folder` with the same scores, not yet projected and without patients."""
    return folder.with_name(f"{folder.name}-earlier")


def write_load_run(folder: Path) -> Path:
    """The run folder, at `folder`; an earlier one of the same participants beside it."""
    command = Path(sys.executable).with_name("openasm")
    with tempfile.TemporaryDirectory() as scratch:
        inputs = Path(scratch)
        write_inputs(inputs, size=PARTICIPANTS)
        for out in (earlier_of(folder), folder):
            measured_command([command, "score", inputs, "--year", str(YEAR), "--out", out], repeat=1)
    measured_command([command, "project", folder, "--draws", "100", "--seed", "1"], repeat=1)
    keys = _participants(folder / "scores" / "scores.csv")
    patients = folder / "patients"
    patients.mkdir(exist_ok=True)
    chance = np.random.default_rng(512)
    _worklist(patients, keys, chance)
    _episodes(patients, keys, chance)
    return folder


def _participants(path: Path) -> list[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return sorted((row["tin"], row["npi"], row["cohort"]) for row in csv.DictReader(stream))


def _drawn(values: Sequence[str], places: np.ndarray) -> pa.Array:
    return pa.array(values).take(pa.array(places))


def _patient_names(places: np.ndarray) -> pa.Array:
    return _drawn([f"load-{number:07d}" for number in range(PATIENTS)], places)


def _worklist(folder: Path, keys: Sequence[tuple[str, str, str]], chance: np.random.Generator) -> None:
    whom = chance.integers(0, len(keys), GAPS)
    missing = chance.integers(0, len(MISSING), GAPS)
    days = chance.integers(0, 200, GAPS)
    columns = {
        "window": _drawn(["open"], np.zeros(GAPS, np.int64)),
        "by_when": _drawn([(dt.date(YEAR, 6, 15) + dt.timedelta(days=day)).isoformat() for day in range(200)], days),
        "days_left": pa.array(days),
        "earliest": _drawn([""], np.zeros(GAPS, np.int64)),
        "kind": _drawn(["care", "documentation", "data"], chance.integers(0, 3, GAPS)),
        "measure": _drawn([MEASURES[place // 4] for place in range(len(MISSING))], missing),
        "group": pa.array(np.ones(GAPS, np.int64)),
        "patient": _patient_names((whom * 67 + chance.integers(0, 200, GAPS)) % PATIENTS),
        "missing": _drawn(MISSING, missing),
        "counts_for": _drawn([f"{tin}/ {tin}/{npi}" for tin, npi, _ in keys], whom),
        "final_score_points": pa.array(np.round(chance.random(GAPS) / 20, 4)),
        "dollars": pa.array(np.round(chance.random(GAPS) * 60, 2)),
    }
    pa_csv.write_csv(pa.table(columns), folder / "worklist.csv")


def _episodes(folder: Path, keys: Sequence[tuple[str, str, str]], chance: np.random.Generator) -> None:
    whom = chance.integers(0, len(keys), EPISODES)
    names = pa.array([f"episode-{number:07d}" for number in range(EPISODES)])
    cohorts, tins = _drawn([key[2] for key in keys], whom), _drawn([key[0] for key in keys], whom)
    cents = np.round(chance.lognormal(13.8, 0.9, EPISODES)).astype(np.int64)
    expected = np.round(cents * chance.uniform(0.6, 1.5, EPISODES)).astype(np.int64)
    begins = chance.integers(0, 300, EPISODES)
    calendar = [dt.date(YEAR - 1, 7, 1) + dt.timedelta(days=day) for day in range(700)]
    episodes = {
        "cohort": cohorts,
        "episode_id": names,
        "beneficiary": _patient_names((whom * 67 + chance.integers(0, 110, EPISODES)) % PATIENTS),
        "tin": tins,
        "start_date": pa.array(calendar).take(pa.array(begins)),
        "end_date": pa.array(calendar).take(pa.array(begins + 364)),
        "days": pa.array(np.full(EPISODES, 365)),
        "observed_cents": pa.array(cents),
        "annualized_cents": pa.array(cents),
        "expected_cents": pa.array(expected),
        "ratio": pa.array(cents / expected),
        "excluded_reason": pa.nulls(EPISODES, pa.string()),
        "subgroup": _drawn(["all"], np.zeros(EPISODES, np.int64)),
    }
    pq.write_table(pa.table(episodes), folder / "episodes.parquet")
    attributed = {
        "cohort": cohorts,
        "episode_id": names,
        "tin": tins,
        "npi": _drawn([key[1] for key in keys], whom),
        "attributed": pa.array(np.ones(EPISODES, bool)),
    }
    pq.write_table(pa.table(attributed), folder / "attribution.parquet")
    costs = {
        "episode_id": pa.concat_arrays([names, names]),
        "category": _drawn(CATEGORIES, chance.integers(0, len(CATEGORIES), 2 * EPISODES)),
        "cents": pa.array(np.concatenate([cents // 2, cents - cents // 2])),
    }
    pq.write_table(pa.table(costs), folder / "episode_costs.parquet")
    dear = np.argsort(-cents, kind="stable")[:DEAR].repeat(20)
    services = {
        "episode_id": names.take(pa.array(dear)),
        "date": pa.array(calendar).take(pa.array(begins[dear] + np.tile(np.arange(0, 360, 18), DEAR))),
        "setting": _drawn(["professional", "inpatient", "outpatient"], chance.integers(0, 3, len(dear))),
        "category": _drawn(CATEGORIES, chance.integers(0, len(CATEGORIES), len(dear))),
        "code": _drawn([""], np.zeros(len(dear), np.int64)),
        "npi": _drawn([key[1] for key in keys], whom[dear]),
        "cents": pa.array(cents[dear] // 20),
    }
    pq.write_table(pa.table(services), folder / "timeline.parquet")


if __name__ == "__main__":
    write_load_run(Path(sys.argv[1]))
