"""What a practice's choice of level is worth: the run scored again with clinicians' results, with the practice's, and with both.

The whole cohort is scored each time, as a practice's rows also move the benchmarks that it is measured by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from openasm.archive.run import Run
from openasm.archive.tables import Cell, table_of, write_csv
from openasm.base.errors import NotFound
from openasm.base.parameters import Rules
from openasm.base.problems import Problems
from openasm.regulation.final_score import is_small_practice
from openasm.runs.scoring.inputs import QualityRow, ScoreInputs, read_inputs
from openasm.runs.scoring.score import score_cohorts
from openasm.submission.gathering import check_same_rules

LEVELS = ("individual", "tin", "both")


@dataclass(frozen=True, slots=True)
class LevelOutcome:
    """One participant under one choice. quality_score: 0-1, final_score: points; None where there is none.

    minimum_met: whether the minimum submission is met; change_dollars: change of payments a year, exact to the run's own rounding.
    """

    npi: str
    cohort: str
    level: str
    quality_score: float | None
    minimum_met: bool
    final_score: float | None
    payment_adjustment_factor: float
    change_dollars: float


@dataclass(frozen=True, slots=True)
class LevelChoice:
    """The outcomes of a practice under each choice it has, and the one with most dollars (first of equals in the order of LEVELS)."""

    tin: str
    levels: tuple[str, ...]
    outcomes: tuple[LevelOutcome, ...]
    best: str

    def dollars(self, level: str) -> float:
        """Change of payments of all participants of the practice under one choice."""
        return math.fsum(each.change_dollars for each in self.outcomes if each.level == level)


def compare_levels(run: Run, tin: str, *, rules: Rules) -> LevelChoice:
    """Score a run again for each level at which a practice may hand in quality (42 CFR 512.720).

    rules: those the run was scored with; WrongUsage when they differ. NotFound for a TIN the run does not have.
    Only a small practice has the choice; a larger one gets its clinicians' results alone.
    """
    return _compared(run, _inputs_of(run, rules), tin, rules=rules)


def _inputs_of(run: Run, rules: Rules) -> ScoreInputs:
    check_same_rules(run, rules)
    return read_inputs(run.path / "scores" / "inputs", rules=rules, problems=Problems())


def _compared(run: Run, inputs: ScoreInputs, tin: str, *, rules: Rules) -> LevelChoice:
    """The choice of a practice; `inputs` are the run's. Its participants' cohorts alone are scored: no cohort moves the other."""
    members = [each for each in inputs.participants if each.tin == tin]
    if not members:
        raise NotFound(f"The run has no participant with TIN {tin}.")
    levels = _choices(inputs.quality, tin, small=bool(is_small_practice(np.array(members[0].clinicians_in_tin), rules)))
    cohorts = {each.cohort for each in members}
    inputs = replace(inputs, participants=tuple(each for each in inputs.participants if each.cohort in cohorts))
    benchmark = str(run.manifest["settings"]["cost_benchmark"])
    outcomes = [
        outcome for level in levels for outcome in _outcomes(inputs, tin, level, rules=rules, cost_benchmark=benchmark)
    ]
    totals = {level: math.fsum(each.change_dollars for each in outcomes if each.level == level) for level in levels}
    best = max(levels, key=lambda level: (totals[level], -LEVELS.index(level)))
    return LevelChoice(tin, levels, tuple(outcomes), best)


LEVEL_COLUMNS = (
    *("tin", "npi", "cohort", "level", "best", "quality_score", "minimum_met", "final_score"),
    *("payment_adjustment_factor", "change_dollars"),
)


def write_level_choices(run: Run, tins: Sequence[str], path: Path, *, rules: Rules) -> int:
    """Write `level_choice.csv` of those of some practices that have a choice; returns how many these are. rules: as `compare_levels`."""
    people = run.table("inputs/participants")
    clinicians = dict(zip(people.texts("tin"), people.texts("clinicians_in_tin"), strict=True))
    small = [
        tin for tin in tins if tin in clinicians and bool(is_small_practice(np.array(int(clinicians[tin])), rules))
    ]
    inputs = _inputs_of(run, rules) if small else None
    choices = [
        choice
        for tin in small
        if inputs is not None and len((choice := _compared(run, inputs, tin, rules=rules)).levels) > 1
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            *(choice.tin, each.npi, each.cohort, each.level, each.level == choice.best, each.quality_score),
            *(each.minimum_met, each.final_score, each.payment_adjustment_factor, each.change_dollars),
        )
        for choice in choices
        for each in choice.outcomes
    ]
    write_csv(path, table_of(LEVEL_COLUMNS, rows))
    return len(choices)


def _choices(rows: Sequence[QualityRow], tin: str, *, small: bool) -> tuple[str, ...]:
    submitted = [row for row in rows if row.tin == tin and row.collection_type != "claims"]
    own, whole = any(row.npi for row in submitted), any(row.npi is None for row in submitted)
    if not (small and whole):
        return ("individual",)
    return LEVELS if own else ("tin",)


def _outcomes(inputs: ScoreInputs, tin: str, level: str, *, rules: Rules, cost_benchmark: str) -> list[LevelOutcome]:
    result = score_cohorts(
        replace(inputs, quality=tuple(row for row in inputs.quality if _handed_in(row, tin, level))),
        rules,
        cost_benchmark=cost_benchmark,
    )
    return [
        LevelOutcome(
            participant.npi,
            cohort.cohort,
            level,
            _number(cohort.quality.category_score[place]),
            bool(cohort.quality.minimum_submission_met[place]),
            _number(cohort.final_score[place]),
            float(cohort.payment.factor[place]),
            float(cohort.payment.change_dollars[place]),
        )
        for cohort in result.cohorts
        for place, participant in enumerate(cohort.participants)
        if participant.tin == tin
    ]


def _handed_in(row: QualityRow, tin: str, level: str) -> bool:
    """Whether a row counts under a choice; other practices and measures from claims always do."""
    if row.tin != tin or row.collection_type == "claims" or level == "both":
        return True
    return (row.npi is None) == (level == "tin")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
