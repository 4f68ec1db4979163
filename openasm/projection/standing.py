"""Where the known participants of one cohort stand: what a run holds about them, ready to be drawn again.

A *row* is one submitted quality measure of one participant; a row reported for a whole TIN stands once for each of the
TIN's participants and keeps one *source*, so that chance treats them alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openasm.archive.run import Run
from openasm.archive.tables import RunTable
from openasm.base.errors import InputRefused, NotFound
from openasm.base.parameters import Rules
from openasm.base.problems import Problem, declare
from openasm.regulation.quality import COLLECTION_TYPES, QualityRows, measures_of
from openasm.regulation.ratios import Ratios

Numbers = NDArray[Any]  # float64 or float32; NaN where there is no value
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

INPUT_DIFFERS = declare(
    "J002",
    "the run's inputs and scores do not fit together",
    expected="every participant of inputs/participants.csv in scores/scores.csv",
    next_step="Score the inputs again with `openasm score`; a run's files are not meant to be edited.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The known participants of one cohort, shape (participants,), and their quality rows, shape (rows,).

    part_b: dollars; improvement, interoperability: points on the final score (0 to -20, 0 to -10); met: cases of each row
    that met the measure, as in `rows` unless a what-if moved them (then not whole); admissions: given rate of the claims
    measure, NaN elsewhere; cost: dollars, NaN without a score.
    """

    cohort: str
    tins: tuple[str, ...]
    npis: tuple[str, ...]
    names: tuple[str, ...]
    clinicians: Places
    part_b: Numbers
    risk_scores: tuple[Fraction | None, ...]
    dual_shares: tuple[Fraction | None, ...]
    improvement: Numbers
    interoperability: Numbers
    rows: QualityRows
    met: Numbers
    admissions: Numbers
    source: Places
    cost: Numbers
    episodes: Places

    def __len__(self) -> int:
        return len(self.npis)

    @property
    def sources(self) -> int:
        """How many separate quality reports the rows come from."""
        return int(self.source.max(initial=-1)) + 1

    def only(self, places: Places) -> Standing:
        """The participants at some places, in that order."""
        new_place = np.full(len(self), -1, dtype=np.int64)
        new_place[places] = np.arange(len(places))
        kept = np.flatnonzero(new_place[self.rows.participant] >= 0) if len(self.rows) else np.array([], dtype=np.int64)
        rows = rows_at(self.rows, kept)
        rows = replace(rows, participant=new_place[rows.participant])
        return Standing(
            cohort=self.cohort,
            tins=tuple(self.tins[place] for place in places),
            npis=tuple(self.npis[place] for place in places),
            names=tuple(self.names[place] for place in places),
            clinicians=self.clinicians[places],
            part_b=self.part_b[places],
            risk_scores=tuple(self.risk_scores[place] for place in places),
            dual_shares=tuple(self.dual_shares[place] for place in places),
            improvement=self.improvement[places],
            interoperability=self.interoperability[places],
            rows=rows,
            met=self.met[kept],
            admissions=self.admissions[kept],
            source=np.unique(self.source[kept], return_inverse=True)[1].ravel().astype(np.int64),
            cost=self.cost[places],
            episodes=self.episodes[places],
        )


def rows_at(rows: QualityRows, places: Places) -> QualityRows:
    """Some of the rows, in the order given."""
    return QualityRows(**{field.name: getattr(rows, field.name)[places] for field in fields(QualityRows)})


def standings_of(run: Run, rules: Rules) -> tuple[Standing, ...]:
    """The known participants of each cohort of a run that has any, sorted by TIN and NPI.

    Raises InputRefused when a table is damaged or does not fit the others, NotFound when one is missing.
    """
    participants = run.table("inputs/participants")
    quality = run.table("inputs/quality")
    cost = run.table("inputs/cost")
    scores = run.table("scores")
    try:
        found = tuple(
            _standing(cohort, members, quality, cost, scores, rules)
            for cohort in sorted(set(participants.texts("cohort")))
            if (members := sorted(participants.where(cohort=cohort), key=lambda row: (row["tin"], row["npi"])))
        )
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise InputRefused([Problem(INPUT_DIFFERS, participants.name, found=type(error).__name__)]) from None
    if not found:
        raise NotFound("The run holds no participants, so there is nothing to project.")
    return found


def _standing(
    cohort: str,
    members: Sequence[Mapping[str, str]],
    quality: RunTable,
    cost: RunTable,
    scores: RunTable,
    rules: Rules,
) -> Standing:
    keys = [(row["tin"], row["npi"]) for row in members]
    scored = {(row["tin"], row["npi"]): row for row in scores.where(cohort=cohort)}
    costs = {(row["tin"], row["npi"]): row for row in cost.rows() if row["measure"] == _cost_measure(cohort, rules)}
    rows, source = quality_rows(quality.rows(), keys, measures_of(cohort, rules))
    return Standing(
        cohort=cohort,
        tins=tuple(key[0] for key in keys),
        npis=tuple(key[1] for key in keys),
        names=tuple(row["name"] for row in members),
        clinicians=np.array([int(row["clinicians_in_tin"]) for row in members], dtype=np.int64),
        part_b=np.array([float(row["part_b_paid"]) for row in members]),
        risk_scores=tuple(_exact(row["hcc_mean"]) for row in members),
        dual_shares=tuple(_exact(row["dual_share"]) for row in members),
        improvement=np.array([float(scored[key]["improvement_adjustment"]) for key in keys]),
        interoperability=np.array([float(scored[key]["interoperability_adjustment"]) for key in keys]),
        rows=rows,
        met=rows.met.astype(np.float64),
        admissions=rows.claims_rate.value,
        source=source,
        cost=np.array([_number(costs[key]["score"]) if key in costs else np.nan for key in keys]),
        episodes=np.array([int(costs[key]["episodes"]) if key in costs else 0 for key in keys], dtype=np.int64),
    )


def quality_rows(
    table: Iterable[Mapping[str, str]], keys: Sequence[tuple[str, str]], measures: Sequence[str]
) -> tuple[QualityRows, Places]:
    """The rows about some participants, a TIN-level row once for each, with the source of each row.

    table: rows of quality.csv as text; keys: TIN and NPI of each participant.
    """
    by_key = {key: place for place, key in enumerate(keys)}
    by_tin: dict[str, list[int]] = {}
    for place, (tin, _) in enumerate(keys):
        by_tin.setdefault(tin, []).append(place)
    measure_place = {measure: place for place, measure in enumerate(measures)}
    about: list[tuple[tuple[int, int, bool, int], int, Mapping[str, str]]] = []
    for number, row in enumerate(table):
        if row["measure"] not in measure_place:
            continue  # the other cohort's
        if row["npi"]:
            key = (row["tin"], row["npi"])
            concerned = [by_key[key]] if key in by_key else []
        else:
            concerned = by_tin.get(row["tin"], [])
        kind = COLLECTION_TYPES.index(row["collection_type"])
        measure = measure_place[row["measure"]]
        about.extend(((measure, kind, not row["npi"], place), number, row) for place in concerned)
    about.sort(key=lambda each: each[0])

    def column(name: str) -> Places:
        return np.array([int(row[name] or 0) for _, _, row in about], dtype=np.int64)

    rates = [_exact(row["rate"]) if row["collection_type"] == "claims" else None for _, _, row in about]
    rows = QualityRows(
        participant=np.array([key[3] for key, _, _ in about], dtype=np.int64),
        measure=np.array([key[0] for key, _, _ in about], dtype=np.int64),
        collection_type=np.array([key[1] for key, _, _ in about], dtype=np.int64),
        tin_level=np.array([key[2] for key, _, _ in about], dtype=np.bool_),
        eligible=column("eligible"),
        met=column("met"),
        not_met=column("not_met"),
        exclusions=column("exclusions"),
        exceptions=column("exceptions"),
        claims_rate=Ratios.of_fractions(rates),
    )
    numbers = np.array([number for _, number, _ in about], dtype=np.int64)
    return rows, np.unique(numbers, return_inverse=True)[1].ravel().astype(np.int64)


def _cost_measure(cohort: str, rules: Rules) -> str:
    return str(rules["cost.measures"].table[cohort])


def _exact(text: str) -> Fraction | None:
    return Fraction(text) if text else None


def _number(text: str) -> float:
    return float(text) if text else float("nan")
