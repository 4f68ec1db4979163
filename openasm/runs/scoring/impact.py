"""What changed rules would do: a run's own inputs scored anew under overlay files laid over the run's rule values.

anew = score_anew(read_run(Path("run")), overlays=[Path("softer-curve.yaml")])
anew.changed.numbers("payment_change_dollars")   # in the order of scores.csv
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm.archive.run import Run
from openasm.archive.tables import RunTable, Table, cell_text
from openasm.base import files
from openasm.base.files import Column, read_table
from openasm.base.parameters import Evidence, Rules, plain_value
from openasm.base.problems import Problems, declare
from openasm.regulation.rulebook import rules_for
from openasm.runs.comparison.scoring import side_of
from openasm.runs.scoring.run import parameters_used
from openasm.runs.scoring.score import score_cohorts
from openasm.runs.scoring.tables import score_tables

TWO_SPECIALTIES = declare(
    "D101",
    "a clinician has two specialties under one TIN",
    expected="one specialty_code for each TIN and NPI",
    next_step="Keep the row with the specialty that the clinician's claims show most often.",
)
SPECIALTY_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("specialty_code", files.text, may_be_empty=True),
)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule value the overlays change: as in the run, and as scored anew. used: whether scores rest on it at all."""

    name: str
    title: str
    unit: str
    before: object
    after: object
    citation: str
    used: bool


@dataclass(frozen=True, slots=True)
class ScoredAnew:
    """Two tables like scores.csv, with the same participants in the same order.

    base: as the run says, or, where this program makes something else of its inputs (`drifted` participants), as this program
    scores them, so that the difference to `changed` is the rules' alone.
    """

    base: RunTable
    changed: RunTable
    rules: Rules
    changes: tuple[RuleChange, ...]
    drifted: int


def score_anew(run: Run, *, overlays: Sequence[Path]) -> ScoredAnew:
    """Score a run's inputs under its own rule values with the overlays on top.

    Raises NotFound for a run without scores, InputRefused for an overlay that cannot be used or a run whose files were changed.
    """
    side = side_of(run)
    rules, changes = _overlaid(run, side.rules, overlays)
    base, stored = (
        _scores(score_tables(score_cohorts(side.inputs, side.rules, cost_benchmark=side.cost_benchmark), side.inputs)),
        run.table("scores"),
    )
    drifted = sum(mine != theirs for mine, theirs in zip(base.rows(), _same_columns(stored, base).rows(), strict=True))
    result = score_cohorts(side.inputs, rules, cost_benchmark=side.cost_benchmark)
    return ScoredAnew(
        base=base if drifted else stored,
        changed=_scores(score_tables(result, side.inputs)),
        rules=rules,
        changes=changes,
        drifted=drifted,
    )


def _overlaid(run: Run, own: Rules, overlays: Sequence[Path]) -> tuple[Rules, tuple[RuleChange, ...]]:
    """The run's values with the overlays' on top. Only what the files themselves say is taken, not the packaged rest."""
    assumed = next((each.assumed_from_year for each in run.parameters.values() if each.assumed_from_year), None)
    given = rules_for(run.year, overlays=overlays, assume_year=assumed)
    packaged = rules_for(run.year, assume_year=assumed)
    values = dict(own.parameters)
    changes = []
    scoring = {each.name for each in parameters_used(own)}
    for each in given:
        if each.status is not Evidence.USER or each == packaged[each.name]:
            continue
        before = values[each.name]
        values[each.name] = each
        if before.value != each.value:
            changes.append(
                RuleChange(
                    name=each.name,
                    title=each.title,
                    unit=each.unit,
                    before=plain_value(before.value),
                    after=plain_value(each.value),
                    citation=each.citation,
                    used=each.name in scoring,
                )
            )
    return Rules(own.year, values), tuple(changes)


def _scores(tables: Mapping[str, Table]) -> RunTable:
    columns = tables["scores"]
    return RunTable(
        "scores.csv", {name: tuple(cell_text(value) for value in values) for name, values in columns.items()}
    )


def _same_columns(table: RunTable, like: RunTable) -> RunTable:
    """A stored table with the columns this program writes; one it lacks counts as empty."""
    empty = ("",) * len(table)
    return RunTable(table.name, {name: table.columns.get(name, empty) for name in like.columns})


def specialties_of(run: Run, file: Path | None = None) -> dict[tuple[str, str], str]:
    """Specialty codes by TIN and NPI: from a file, else from the run's eligibility.csv, else none.

    file: columns tin, npi, specialty_code, as in the eligibility.csv of `openasm eligibility`; others are not read. Raises
    InputRefused for a file that cannot be read, and for two codes of one clinician (D101).
    """
    if file is None:
        if not run.has_table("eligibility"):
            return {}
        file = run.path / "scores" / "eligibility.csv"
    problems = Problems()
    table = read_table(file, SPECIALTY_COLUMNS, problems)
    found: dict[tuple[str, str], str] = {}
    rows = zip(*(table.columns[column.name] for column in SPECIALTY_COLUMNS), table.row_numbers, strict=True)
    for tin, npi, code, row in rows:
        if code and found.setdefault((tin, npi), code) != code:
            problems.add(TWO_SPECIALTIES, file.name, row=row, column="specialty_code", found=f"also {found[tin, npi]}")
    problems.refuse_errors()
    return found
