"""The demonstration: a made-up practice's records and thousands of made-up peers through the whole path.

    records -> quality measures -> points -> final scores -> payments -> projection -> report

Everything is computed by the same functions as for real data; only the data are made up.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.projection import Projection, write_projection
from openasm.archive.run import read_run
from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole
from openasm.projection.project import Request, project
from openasm.quality.demonstration import write_demo_patients, write_demo_value_sets
from openasm.quality.specification import measure_ids
from openasm.regulation.rulebook import rules_for
from openasm.report.files import write_report
from openasm.runs.clinicians import score_input_rows, scoring_rules
from openasm.runs.demo_cohort import PRACTICE, PRACTICE_TIN, DemoSize, made_up_npi, write_demo_inputs
from openasm.runs.quality import QualitySummary, run_quality
from openasm.runs.score_run import ScoreSummary, score_folder
from openasm.runs.whose_patients import WhosePatients

MARKER = "demonstration.json"
YEAR = 2027
PATIENTS = {"small": 120, "practice": 900}
DRAWS = {"small": 200, "practice": 1000}


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demonstration made. out: its folder; run, report: inside it; seconds: in all."""

    out: Path
    run: Path
    report: Path
    quality: QualitySummary
    score: ScoreSummary
    projection: Projection


def run_demo(
    out: Path,
    *,
    size_name: str,
    size: DemoSize,
    seed: int,
    now: Callable[[], dt.datetime],
    say: Callable[[str], None] = lambda _: None,
) -> Demonstration:
    """Make the data, run the path, write the report. An earlier demonstration at `out` is replaced whole.

    say: told each step as it begins. Raises WrongUsage when `out` holds anything but a demonstration; it is then untouched.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).is_file())):
        raise WrongUsage(f"{out.name} exists and is not a demonstration; give another folder with --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.absolute().parent))
    try:
        made = _fill(folder, size_name=size_name, size=size, seed=seed, now=now, say=say)
        with written_whole(folder / MARKER) as stream:
            json.dump({"size": size_name, "seed": seed, "note": "Made-up data; nobody in it exists."}, stream)
        folder.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    quality, score, projection = made
    return Demonstration(out, out / "run", out / "report.html", quality, score, projection)


def _fill(
    folder: Path,
    *,
    size_name: str,
    size: DemoSize,
    seed: int,
    now: Callable[[], dt.datetime],
    say: Callable[[str], None],
) -> tuple[QualitySummary, ScoreSummary, Projection]:
    say(f"Making up {PATIENTS[size_name]:,} patients of a practice")
    performers = [made_up_npi(each.number) for each in PRACTICE]
    write_demo_value_sets(folder / "value-sets")
    write_demo_patients(folder / "ehr", seed, PATIENTS[size_name], YEAR, performers=performers)
    say(f"Computing {len(measure_ids())} quality measures from their records")
    quality = run_quality(
        folder / "ehr",
        folder / "quality",
        value_sets=folder / "value-sets",
        year=YEAR,
        measures=measure_ids(),
        now=now,
        jobs=os.cpu_count() or 1,
        whose=WhosePatients(tin=PRACTICE_TIN),
    )
    say(f"Making up {size.heart_failure + size.low_back_pain:,} participants")
    rules = rules_for(YEAR)
    write_demo_inputs(folder / "inputs", seed=seed, size=size, rules=rules, practice_quality=practice_rows(quality))
    say("Scoring both cohorts")
    score = score_folder(folder / "inputs", folder / "run", year=YEAR, now=now())
    say(f"Simulating {DRAWS[size_name]:,} cohorts for the practice")
    projection = project(read_run(folder / "run"), Request(draws=DRAWS[size_name], seed=seed, tin=PRACTICE_TIN))
    write_projection(folder / "run", projection)
    say("Writing the report")
    for form in ("html", "xlsx"):
        write_report(folder / "run", form=form, tins=[PRACTICE_TIN], out=folder / f"report.{form}", run_name="demo/run")
    return quality, score, projection


def practice_rows(summary: QualitySummary) -> list[dict[str, str]]:
    """A practice's measured rates as rows of quality.csv; small practices may report for the whole TIN."""
    assert summary.by_clinician is not None
    assert summary.practices is not None
    quality_ids = {each.measure: each.quality_id for each in summary.specifications}
    return score_input_rows(summary.by_clinician, summary.practices, quality_ids, scoring_rules(summary.year))
