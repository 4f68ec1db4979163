"""`openasm admissions`: the observed rate beside measure 492 from a CLAIMS folder, as a run folder."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openasm import __version__
from openasm.archive.folder import new_run
from openasm.archive.manifest import Provenance, file_hash, write_manifest
from openasm.base.files import written_whole
from openasm.base.problems import Problem, Problems
from openasm.claims.folder import open_claims
from openasm.quality.admissions import LABEL, Observed, admission_rules, observed_admissions, read_admission_codes
from openasm.runs.score_inputs import QUALITY_COLUMNS
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
    replace: bool = False,
) -> AdmissionsSummary:
    """Count, and write scores/admissions.csv and scores/score_input.csv (claims rows of quality.csv). InputRefused with everything that
    is wrong; then nothing is written."""
    started = now()
    problems = Problems()
    rules = admission_rules()
    codes = read_admission_codes(codes_file, problems)
    problems.refuse_errors()
    with open_engine(engine_name) as engine:
        opened = open_claims(claims, engine)
        observed = observed_admissions(opened, engine, codes, year=year, rules=rules, problems=problems)
    problems.refuse_errors()
    with new_run(out, replace=replace) as folder:
        _write(folder, observed)
        write_manifest(
            folder,
            provenance=Provenance(
                version=__version__,
                command="admissions",
                name=out.name,
                year=year,
                inputs=[
                    {
                        "table": "codes",
                        "name": codes_file.name,
                        "sha256": file_hash(codes_file),
                        "bytes": codes_file.stat().st_size,
                    }
                ],
                overlays=(),
                settings={"measure": MEASURE, "what": LABEL},
                started=started,
                ended=now(),
            ),
            parameters=list(rules),
            counts={"rows": len(observed)},
            problems=problems,
            notes=[f"Measure {MEASURE}: {LABEL}."],
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
    with written_whole(folder / "scores" / "score_input.csv") as stream:
        table = csv.DictWriter(stream, [column.name for column in QUALITY_COLUMNS], lineterminator="\n", restval="")
        table.writeheader()
        for each in observed:
            if each.npi and each.rate is not None:
                row = {"tin": each.tin, "npi": each.npi, "measure": MEASURE, "collection_type": "claims"}
                table.writerow(row | {"eligible": each.beneficiaries, "rate": f"{float(each.rate):.6f}"})
