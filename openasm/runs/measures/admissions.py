"""`openasm admissions`: the observed rate beside measure 492 from a CLAIMS folder, as a run folder."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.base.files import written_whole
from openasm.base.problems import Problem, Problems
from openasm.claims.folder import open_claims
from openasm.quality.admissions import LABEL, Observed, admission_rules, observed_admissions, read_admission_codes
from openasm.runs.measures.measure_run import MeasureRun, write_measure_run, write_score_input
from openasm.tables.engine import open_engine

MEASURE = "492"


@dataclass(frozen=True, slots=True)
class AdmissionsSummary:
    """A finished run. observed: everybody first, then practices and clinicians."""

    out: Path
    year: int
    observed: tuple[Observed, ...]
    problems: tuple[Problem, ...]


def run_admissions(
    claims: Path,
    out: Path,
    *,
    codes_file: Path,
    year: int,
    now: Callable[[], dt.datetime],
    engine_name: str = "duckdb",
    memory_bytes: int | None = None,
    threads: int | None = None,
    spill_folder: Path | None = None,
    replace: bool = False,
) -> AdmissionsSummary:
    """Count, and write scores/admissions.csv and scores/score_input.csv (claims rows of quality.csv). InputRefused with everything that
    is wrong; then nothing is written."""
    started = now()
    problems = Problems()
    rules = admission_rules()
    codes = read_admission_codes(codes_file, problems)
    problems.refuse_errors()
    how: dict[str, Any] = {"memory_bytes": memory_bytes, "threads": threads, "spill_folder": spill_folder}
    with open_engine(engine_name, **how) as engine:
        opened = open_claims(claims, engine)
        observed = observed_admissions(opened, engine, codes, year=year, rules=rules, problems=problems)
    problems.refuse_errors()
    write_measure_run(
        out,
        MeasureRun(
            command="admissions",
            year=year,
            table="codes",
            file=codes_file,
            settings={"measure": MEASURE, "what": LABEL},
            counts={"rows": len(observed)},
            notes=[f"Measure {MEASURE}: {LABEL}."],
            parameters=tuple(rules),
        ),
        lambda folder: _write(folder, observed),
        problems=problems,
        started=started,
        now=now,
        replace=replace,
    )
    return AdmissionsSummary(out, year, tuple(observed), tuple(problems))


def _write(folder: Path, observed: list[Observed]) -> None:
    with written_whole(folder / "scores" / "admissions.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("tin", "npi", "measure", "beneficiaries", "person_years", "admissions", "rate", "what"))
        for each in observed:
            rate = "" if each.rate is None else repr(float(each.rate))
            counts = (each.beneficiaries, repr(float(each.person_years)), each.admissions, rate)
            writer.writerow((each.tin, each.npi, MEASURE, *counts, LABEL))
    write_score_input(
        folder,
        (
            {"tin": each.tin, "npi": each.npi, "measure": MEASURE, "collection_type": "claims"}
            | {"eligible": each.beneficiaries, "rate": f"{float(each.rate):.6f}"}
            for each in observed
            if each.npi and each.rate is not None
        ),
    )
