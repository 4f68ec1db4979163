"""Scoring again what two runs were made from: one run's rows under the other's rule values, one's own rows among the other's peers.

Values are put on a fine binary grid as they come out, so that differences and averages of them are exact in floating point.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from openasm.archive.run import Run
from openasm.base.errors import InputRefused
from openasm.base.parameters import Evidence, Rules, ValueType, value_from_plain
from openasm.base.problems import Problem, Problems, declare
from openasm.regulation.attestations import AttestationRow
from openasm.regulation.quality import measures_of
from openasm.regulation.rulebook import rule_book
from openasm.runs.scoring.inputs import ScoreInputs, read_inputs, sorted_inputs
from openasm.runs.scoring.score import score_cohorts

Key = tuple[str, str, str]  # cohort, TIN, NPI

# Multiples of these powers of two: finer than any result is read, coarse enough for exact sums of quarters in 53 bits.
SCORE_GRID, FACTOR_GRID, DOLLAR_GRID = 2.0**30, 2.0**40, 2.0**18

RULES_UNUSABLE = declare(
    "X001",
    "the run's manifest holds a rule value that cannot be used",
    expected="the values as `openasm score` wrote them",
    next_step="Give a run folder whose manifest nobody has changed.",
)
ROWS_OF_ANOTHER = declare(
    "X002",
    "the run's scores and its inputs do not belong together",
    expected="scores/inputs with the participants of scores/scores.csv",
    next_step="Give a run folder whose files nobody has changed.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One participant under one set of rows and rules. final_score: points, None where there is none; dollars a year."""

    final_score: float | None
    factor: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs, made ready: its rows, its rules, and what it says itself."""

    run: Run
    inputs: ScoreInputs
    rules: Rules
    cost_benchmark: str
    stored: Mapping[Key, Outcome]

    def same_rules(self, other: Side) -> bool:
        """Whether scoring under either side's rules is the same."""
        values = ({each.name: each.value for each in side.rules} for side in (self, other))
        first, second = values
        return first == second and self.rules.year == other.rules.year and self.cost_benchmark == other.cost_benchmark


def side_of(run: Run) -> Side:
    """Read what a run was scored from.

    Raises NotFound for a run without scores, InputRefused where its rows or rule values are not usable any more.
    """
    run.table("scores")  # says what is missing where the folder is a run of another kind
    rules = rules_used(run)
    inputs = read_inputs(run.path / "scores" / "inputs", rules=rules, problems=Problems())
    stored = stored_outcomes(run)
    if stored.keys() != {(each.cohort, each.tin, each.npi) for each in inputs.participants}:
        raise InputRefused([Problem(ROWS_OF_ANOTHER, run.path.name, found="other participants in its inputs")])
    return Side(run, inputs, rules, cost_benchmark_of(run), stored)


def rules_used(run: Run) -> Rules:
    """Every rule value as the run's manifest holds it; values it does not name are this program's.

    Raises InputRefused (X001) for a value that does not have the form of its parameter.
    """
    known = rule_book().for_year(run.year, assume_year=min(rule_book().entries[0].years))
    values = dict(known.parameters)
    refused = []
    for name, used in run.parameters.items():
        parameter = values.get(name)
        if parameter is None:
            continue  # a later or earlier program's: what it changes shows as a change of the program
        try:
            value = value_from_plain(used.value, parameter.type)
            changed = replace(
                parameter,
                value=value,
                citation=used.citation,
                edition=used.edition,
                status=Evidence(used.status),
                assumed_from_year=used.assumed_from_year,
            )
        except (TypeError, ValueError):
            refused.append(Problem(RULES_UNUSABLE, "manifest.json", column=name))
            continue
        if not _fits(changed.value, parameter.type):
            refused.append(Problem(RULES_UNUSABLE, "manifest.json", column=name))
        values[name] = changed
    if refused:
        raise InputRefused(refused)
    return Rules(run.year, values)


def _fits(value: object, kind: ValueType) -> bool:
    expected: Mapping[ValueType, type | tuple[type, ...]] = {
        ValueType.BOOLEAN: bool,
        ValueType.TEXT: str,
        ValueType.NUMBERS: tuple,
        ValueType.TEXTS: tuple,
        ValueType.TABLE: Mapping,
    }
    if kind in expected:
        return isinstance(value, expected[kind])
    return not isinstance(value, bool | str | tuple | Mapping)


def cost_benchmark_of(run: Run) -> str:
    """What the run compared cost with; a configured run keeps it in its section of score inputs."""
    settings = run.manifest.get("settings", {})
    section = settings.get("score_inputs")
    within = section if isinstance(section, Mapping) else settings
    return str(within.get("cost_benchmark") or "pool")


def stored_outcomes(run: Run) -> dict[Key, Outcome]:
    """What the run's own scores say of each participant."""
    scores = run.table("scores")
    keys = zip(scores.texts("cohort"), scores.texts("tin"), scores.texts("npi"), strict=True)
    numbers = (scores.numbers(name) for name in ("final_score", "payment_adjustment_factor", "payment_change_dollars"))
    return {key: _outcome(*values) for key, *values in zip(keys, *numbers, strict=True)}


def scored(inputs: ScoreInputs, side: Side) -> dict[Key, Outcome]:
    """Rows scored under a side's rules. Periods of attestations move to the side's year, day by day, where they are another's."""
    result = score_cohorts(_in_year(inputs, side.rules.year), side.rules, cost_benchmark=side.cost_benchmark)
    return {
        (cohort.cohort, one.tin, one.npi): _outcome(final, factor, dollars)
        for cohort in result.cohorts
        for one, final, factor, dollars in zip(
            cohort.participants,
            cohort.final_score.tolist(),
            cohort.payment.factor.tolist(),
            cohort.payment.change_dollars.tolist(),
            strict=True,
        )
    }


def _outcome(final: float, factor: float, dollars: float) -> Outcome:
    return Outcome(
        None if math.isnan(final) else _on_grid(final, SCORE_GRID),
        _on_grid(factor, FACTOR_GRID),
        _on_grid(dollars, DOLLAR_GRID),
    )


def _on_grid(value: float, grid: float) -> float:
    return 0.0 if math.isnan(value) else round(value * grid) / grid


def _in_year(inputs: ScoreInputs, year: int) -> ScoreInputs:
    if all(day is None or day.year == year for row in inputs.attestations for day in (row.start, row.end)):
        return inputs
    return replace(inputs, attestations=tuple(_moved(row, year) for row in inputs.attestations))


def _moved(row: AttestationRow, year: int) -> AttestationRow:
    return replace(row, start=_same_day(row.start, year), end=_same_day(row.end, year))


def _same_day(day: dt.date | None, year: int) -> dt.date | None:
    if day is None or day.year == year:
        return day
    return day.replace(year=year, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=year)


@dataclass(frozen=True, slots=True)
class CohortRows:
    """The rows of one cohort in both runs, and which of them differ."""

    cohort: str
    first: ScoreInputs
    second: ScoreInputs
    differing: Counter[tuple[str, str]]  # TIN and NPI (empty: of the whole TIN) -> rows added, removed or changed

    def own_rows_changed(self, key: Key) -> bool:
        """Whether a row of the participant, or of its practice as a whole, differs."""
        return self._own(key) > 0

    def others_changed(self, key: Key) -> bool:
        """Whether anybody else's row differs."""
        return self.differing.total() > self._own(key)

    def _own(self, key: Key) -> int:
        _, tin, npi = key
        return self.differing[tin, npi] + self.differing[tin, ""]

    def exchanged(self, key: Key, *, own_of_second: bool) -> ScoreInputs:
        """One participant's own rows, with its practice's, among the other run's peers."""
        own, peers = (self.second, self.first) if own_of_second else (self.first, self.second)
        return sorted_inputs(
            **{
                name: [
                    *(row for row in getattr(peers, name) if not _is_own(row, key)),
                    *(row for row in getattr(own, name) if _is_own(row, key)),
                ]
                for name in ("participants", "quality", "cost", "attestations")
            }
        )


def _is_own(row: object, key: Key) -> bool:
    return getattr(row, "tin") == key[1] and (getattr(row, "npi", None) or key[2]) == key[2]  # noqa: B009


def cohort_rows(first: Side, second: Side, cohort: str) -> CohortRows:
    """The rows that can bear on one cohort's scores, under either side's rules."""
    measures = {measure for side in (first, second) for measure in measures_of(cohort, side.rules)}
    rows = [_of_cohort(side.inputs, cohort, measures) for side in (first, second)]
    differing: Counter[tuple[str, str]] = Counter()
    for name in ("participants", "quality", "cost", "attestations"):
        before, after = (set(getattr(each, name)) for each in rows)
        keys = {tuple(_row_key(row)) for row in before ^ after}
        differing.update((str(key[0]), str(key[1])) for key in keys)
    return CohortRows(cohort, rows[0], rows[1], differing)


def _of_cohort(inputs: ScoreInputs, cohort: str, measures: set[str]) -> ScoreInputs:
    members = [row for row in inputs.participants if row.cohort == cohort]
    keys = {(row.tin, row.npi) for row in members}
    tins = {row.tin for row in members}
    return ScoreInputs(
        tuple(members),
        tuple(
            row
            for row in inputs.quality
            if row.measure in measures and ((row.tin, row.npi) in keys if row.npi else row.tin in tins)
        ),
        tuple(row for row in inputs.cost if (row.tin, row.npi) in keys),
        tuple(row for row in inputs.attestations if row.tin in tins),
    )


def _row_key(row: object) -> tuple[object, ...]:
    names = ("tin", "npi", "measure", "collection_type", "item")
    return tuple(getattr(row, name, "") or "" for name in names)
