"""`openasm functional-status`: measure 220 from treatment episodes, as a run folder."""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from openasm.base.files import written_whole
from openasm.base.problems import Problem, Problems
from openasm.quality.functional_status_change import (
    Episode,
    FunctionalCounts,
    functional_counts,
    read_treatment_episodes,
    result_of,
)
from openasm.runs.measures.measure_run import MeasureRun, write_measure_run, write_score_input

MEASURE = "220"
EPISODES_HEADER = (
    *("episode", "patient", "tin", "npi", "instrument", "instrument_version", "mode", "intake_date", "discharge_date"),
    *("intake_score", "discharge_score", "change", "predicted_change", "residual", "result"),
)


@dataclass(frozen=True, slots=True)
class FunctionalStatusSummary:
    """A finished run: counts by practice and clinician."""

    out: Path
    year: int
    counts: tuple[FunctionalCounts, ...]
    problems: tuple[Problem, ...]


def run_functional_status(
    file: Path, out: Path, *, year: int, now: Callable[[], dt.datetime], replace: bool = False
) -> FunctionalStatusSummary:
    """Count the episodes discharged in a year; write patients/treatment_episodes.csv, scores/functional_status.csv and
    scores/score_input.csv (cqm rows of quality.csv). InputRefused with everything that is wrong; then nothing is written."""
    started = now()
    problems = Problems()
    episodes = read_treatment_episodes(file, problems)
    problems.refuse_errors()
    counts = functional_counts(episodes, year)

    def write(folder: Path) -> None:
        _write_episodes(folder, episodes, year)
        _write_counts(folder, counts)

    write_measure_run(
        out,
        MeasureRun(
            command="functional-status",
            year=year,
            table="treatment_episodes",
            file=file,
            settings={"measure": MEASURE},
            counts={"episodes": len(episodes)},
            notes=["Scores and predicted changes are the instrument owner's; residuals alone were worked out."],
        ),
        write,
        problems=problems,
        started=started,
        now=now,
        replace=replace,
    )
    return FunctionalStatusSummary(out, year, tuple(counts), tuple(problems))


def _write_episodes(folder: Path, episodes: list[Episode], year: int) -> None:
    patients = folder / "patients"
    patients.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(patients, 0o700)
    with written_whole(patients / "treatment_episodes.csv", private=True) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(EPISODES_HEADER)
        for each in episodes:
            numbers = (each.intake_score, each.discharge_score, each.change, each.predicted_change, each.residual)
            who = (each.episode, each.patient, each.tin, each.npi)
            how = (each.instrument, each.instrument_version or "", each.mode or "")
            writer.writerow(
                (
                    *(*who, *how, each.intake_date, each.discharge_date or ""),
                    *(_decimal(number) for number in numbers),
                    result_of(each, year).value,
                )
            )


def _write_counts(folder: Path, counts: list[FunctionalCounts]) -> None:
    with written_whole(folder / "scores" / "functional_status.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("tin", "npi", "measure", "eligible", "met", "not_met", "rate", "completeness"))
        for each in counts:
            shares = ("" if share is None else repr(float(share)) for share in (each.tally.rate, each.completeness))
            writer.writerow((each.tin, each.npi, MEASURE, each.eligible, each.met, each.not_met, *shares))
    write_score_input(
        folder,
        (
            {"tin": each.tin, "npi": each.npi, "measure": MEASURE, "collection_type": "cqm"}
            | {"eligible": each.eligible, "met": each.met, "not_met": each.not_met, "exclusions": 0, "exceptions": 0}
            for each in counts
            if each.npi
        ),
    )


def _decimal(number: Fraction | None) -> str:
    return "" if number is None else repr(float(number))
