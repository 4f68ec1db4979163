"""What both runs say of one participant: steps of the score and measures, side by side."""

from __future__ import annotations

from openasm.archive.comparison import MeasureChange, StepChange
from openasm.archive.run import Run
from openasm.runs.comparison.scoring import Key

STEPS = (
    "quality_score",
    "cost_score",
    "improvement_adjustment",
    "interoperability_adjustment",
    "complex_patient_adjustment",
    "small_practice_adjustment",
)


def stored_row(run: Run, key: Key) -> dict[str, str]:
    """The participant's row of `scores`."""
    cohort, tin, npi = key
    return run.participants(tin=tin, npi=npi, cohort=cohort)[0]


def name_of(run: Run, key: Key) -> str:
    """The participant's name as the run's inputs have it; empty where they have none."""
    cohort, tin, npi = key
    rows = run.table("inputs/participants").where(tin=tin, npi=npi, cohort=cohort)
    return rows[0]["name"] if rows else ""


def step_changes(before: dict[str, str], after: dict[str, str]) -> list[StepChange]:
    """Category scores and adjustments side by side, from rows of `scores`."""
    return [StepChange(name, _number(before[name]), _number(after[name])) for name in STEPS]


def measure_changes(before: Run, after: Run, key: Key) -> list[MeasureChange]:
    """Each measure of one participant in both runs, with the medians of its benchmarks."""
    cohort, tin, npi = key
    found = []
    tables = [
        {
            (row["measure"], row["collection_type"], row["level"]): row
            for row in run.table("measure_scores").where(tin=tin, npi=npi, cohort=cohort)
        }
        for run in (before, after)
    ]
    for place in dict.fromkeys((*tables[0], *tables[1])):
        old, new = (table.get(place, {}) for table in tables)
        measure, collection_type, level = place
        found.append(
            MeasureChange(
                measure,
                collection_type,
                _number(old.get("rate", "")),
                _number(new.get("rate", "")),
                _number(old.get("points", "")),
                _number(new.get("points", "")),
                _median(before, cohort, measure, collection_type),
                _median(after, cohort, measure, collection_type),
                old.get("status", ""),
                new.get("status", ""),
                level,
            )
        )
    return found


def _median(run: Run, cohort: str, measure: str, collection_type: str) -> float | None:
    rows = run.table("benchmarks").where(cohort=cohort, measure=measure, collection_type=collection_type)
    return _number(rows[0]["median"]) if rows else None


def _number(text: str) -> float | None:
    return float(text) if text else None
