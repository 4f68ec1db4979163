"""The score stage: a folder of inputs to a run folder, whole or not at all."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from openasm import __version__
from openasm.archive.folder import check_target, new_run
from openasm.archive.manifest import Provenance, file_hash, write_manifest
from openasm.archive.tables import write_csv, write_parquet
from openasm.base.files import written_whole
from openasm.base.parameters import Parameter, Rules
from openasm.base.problems import Problem, Problems
from openasm.base.years import payment_year
from openasm.regulation import cost, final_score, improvement, interoperability, payment, quality
from openasm.regulation.rulebook import rules_for
from openasm.runs.scoring.inputs import ScoreInputs, read_inputs
from openasm.runs.scoring.measure_table import measure_table
from openasm.runs.scoring.score import CohortResult, ScoreResult, score_cohorts
from openasm.runs.scoring.tables import score_tables
from openasm.runs.scoring.words import STATUS_TEXT, score_status


@dataclass(frozen=True, slots=True)
class CohortSummary:
    """One cohort in a few numbers. Scores are points of the final score, money is dollars a year."""

    cohort: str
    participants: int
    statuses: dict[str, int]
    median_final_score: float | None
    gaining: int
    losing: int
    part_b_paid: float
    payment_change_dollars: float
    scaling_factor: float | None


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What the stage did. compute_seconds: from parsed rows to results; seconds: everything."""

    year: int
    payment_year: int
    out: str
    cohorts: tuple[CohortSummary, ...]
    unconfirmed: int
    warnings: tuple[Problem, ...]
    compute_seconds: float
    seconds: float


def score_folder(
    source: Path,
    out: Path,
    *,
    year: int,
    now: dt.datetime,
    overlays: Sequence[Path] = (),
    cost_benchmark: str = "pool",
    assume_year: int | None = None,
    participants_only: bool = False,
    replace: bool = False,
    report: bool = True,
) -> ScoreSummary:
    """Read the inputs of a folder, score them, write a run folder with its report.

    now: the moment the work starts, with a time zone. participants_only: rows about nobody in participants are left out with
    a warning, instead of being refused. replace: an earlier run at `out` may be replaced.
    report: draw report.html as well (a few seconds).
    Raises WrongUsage for an `out` that may not be written, InputRefused, RuleUnpublished, NotFound; then nothing is written.
    """
    clock = time.perf_counter()
    check_target(out, replace=replace)
    rules = rules_for(year, overlays=overlays, assume_year=assume_year)
    problems = Problems()
    inputs = read_inputs(source, rules=rules, problems=problems, participants_only=participants_only)
    begun = time.perf_counter()
    result = score_cohorts(inputs, rules, cost_benchmark=cost_benchmark)
    compute_seconds = time.perf_counter() - begun
    cohorts = tuple(_summary(each) for each in result.cohorts)
    parameters = parameters_used(rules)
    with new_run(out, replace=replace) as folder:
        write_scores(folder, result, inputs)

        def manifest() -> None:
            write_manifest(
                folder,
                provenance=Provenance(
                    version=__version__,
                    command="score",
                    name=out.name,
                    year=year,
                    inputs=[asdict(each) for each in inputs.files],
                    overlays=[{"name": path.name, "sha256": file_hash(path)} for path in overlays],
                    settings={
                        "cost_benchmark": cost_benchmark,
                        "assume_year": assume_year,
                        "participants_only": participants_only,
                    },
                    started=now,
                    ended=now + dt.timedelta(seconds=time.perf_counter() - clock),
                ),
                parameters=parameters,
                counts=_counts(inputs, cohorts),
                problems=problems.warnings,
                notes=_notes(result, assume_year),
            )

        manifest()
        if report:
            write_report(folder)
            manifest()  # once more, with the report among the files
    return ScoreSummary(
        year,
        payment_year(year),
        out.name,
        cohorts,
        sum(not each.confirmed for each in parameters),
        tuple(problems.warnings),
        compute_seconds,
        time.perf_counter() - clock,
    )


def write_scores(folder: Path, result: ScoreResult, inputs: ScoreInputs) -> None:
    """Write the tables of `scores/`: equal inputs give equal bytes."""
    tables = {**score_tables(result, inputs), "measure_scores": measure_table(result)}
    for name, columns in tables.items():
        write_csv(folder / "scores" / f"{name}.csv", columns)
    write_parquet(folder / "scores" / "scores.parquet", tables["scores"])


def write_report(folder: Path) -> None:
    """Write report.html from the run's own files."""
    from openasm.report.html import render_run  # draws charts: heavy, and not needed before

    with written_whole(folder / "report.html") as stream:
        stream.write(render_run(folder))


def parameters_used(rules: Rules) -> tuple[Parameter, ...]:
    """The rule values that scores rest on, in the order of the rule."""
    names = (
        name
        for module in (quality, cost, improvement, interoperability, final_score, payment)
        for name in module.PARAMETERS
    )
    return tuple(rules[name] for name in dict.fromkeys(names))


def _summary(each: CohortResult) -> CohortSummary:
    final = each.final_score
    scored = final[~np.isnan(final)]
    factor = each.payment.factor
    statuses = dict.fromkeys(STATUS_TEXT, 0)
    for status in score_status(final.tolist(), each.quality.minimum_submission_met.tolist()):
        statuses[status] += 1
    scaling = float(each.payment.scaling_factor)
    return CohortSummary(
        each.cohort,
        len(final),
        statuses,
        float(np.median(scored)) if len(scored) else None,
        int((factor > 0).sum()),
        int((factor < 0).sum()),
        float(sum(one.part_b_paid for one in each.participants)),
        float(each.payment.change_dollars.sum()),
        None if np.isnan(scaling) else scaling,
    )


def _counts(inputs: ScoreInputs, cohorts: Sequence[CohortSummary]) -> dict[str, object]:
    return {
        "participants": len(inputs.participants),
        "quality_rows": len(inputs.quality),
        "cost_rows": len(inputs.cost),
        "attestation_rows": len(inputs.attestations),
        "cohorts": {each.cohort: {"participants": each.participants, "statuses": each.statuses} for each in cohorts},
    }


def _notes(result: ScoreResult, assume_year: int | None) -> list[str]:
    """What a reader of the numbers must know, in sentences."""
    notes = []
    if result.cost_benchmark != "pool":
        year = result.cost_benchmark.removeprefix("mips-")
        notes.append(
            f"Cost was scored against CMS's published MIPS {year} cut points, not against this cohort: a what-if, since "
            "ASM sets its own benchmarks."
        )
    borrowed = [each.name for each in parameters_used(result.rules) if each.assumed_from_year is not None]
    if assume_year is not None and borrowed:
        notes.append(
            f"A what-if: {len(borrowed)} rule values of {result.rules.year} are not published and were taken from "
            f"{assume_year}: {', '.join(borrowed)}."
        )
    return notes
