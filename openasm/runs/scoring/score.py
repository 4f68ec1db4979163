"""Final scores and payment adjustments of both cohorts: typed rows in, arrays out; no files, no clock.

    result = score_cohorts(read_inputs(folder, rules=rules, problems=Problems()), rules)
    result.cohorts[0].final_score          # (participants,), NaN: no final score
    result.cohorts[0].payment.factor       # (participants,)

    score_cohorts(inputs: ScoreInputs, rules: Rules, *, cost_benchmark: str = "pool") -> ScoreResult

Every formula is the regulation's; this module only brings rows to participants and keeps every step for the record.
Participants come sorted by cohort, TIN and NPI, so the order of input rows changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openasm.base.errors import WrongUsage
from openasm.base.parameters import Rules
from openasm.regulation.arrays import BoolArray, FloatArray, IntArray
from openasm.regulation.attestations import Attestations, attestations_of
from openasm.regulation.cost import CostResult, cost_measure_of, score_cost
from openasm.regulation.final_score import (
    category_weights,
    complex_patient_adjustment,
    final_score,
    indicator_points,
    small_practice_adjustment,
)
from openasm.regulation.improvement import attested_activities, improvement_adjustment
from openasm.regulation.interoperability import InteroperabilityResult, score_interoperability
from openasm.regulation.payment import Payment, payment
from openasm.regulation.quality import COLLECTION_TYPES, QualityResult, QualityRows, measures_of, score_quality
from openasm.regulation.ratios import Ratios
from openasm.runs.scoring.inputs import COHORTS, CostRow, Participant, QualityRow, ScoreInputs

COST_BENCHMARKS = ("pool", "mips-2024", "mips-2025")


@dataclass(frozen=True, slots=True, eq=False)
class PracticeResult:
    """What is decided per TIN, shape (tins,); `activities` is (activities, tins) in the order of the rule."""

    tins: tuple[str, ...]
    attestations: Attestations
    activities: BoolArray
    improvement: FloatArray  # points on the final score
    interoperability: InteroperabilityResult


@dataclass(frozen=True, slots=True, eq=False)
class CohortResult:
    """One cohort, every step. Arrays are (participants,) in the order of `participants` unless said otherwise."""

    cohort: str
    participants: tuple[Participant, ...]
    submitted: tuple[QualityRow, ...]  # the rows behind `quality`'s (rows,) arrays; a TIN-level row once a participant
    row_participant: IntArray  # (rows,) place in `participants`
    quality: QualityResult
    cost_rows: tuple[CostRow | None, ...]
    cost: CostResult
    practice: IntArray  # place in PracticeResult.tins
    improvement: FloatArray
    interoperability: FloatArray
    complex_patient: FloatArray
    hcc_points: FloatArray  # what the HCC risk score earns, before the maximum of both
    dual_points: FloatArray  # what the dual-eligible share earns, before the maximum of both
    small_practice: FloatArray
    quality_weight: FloatArray  # in force: the other category's as well where that one is not scored
    cost_weight: FloatArray
    final_score: FloatArray  # NaN: no final score
    payment: Payment


@dataclass(frozen=True, slots=True, eq=False)
class ScoreResult:
    """Both cohorts (those with participants) and the practices, under one set of rules."""

    rules: Rules
    cost_benchmark: str
    practices: PracticeResult
    cohorts: tuple[CohortResult, ...]


def score_cohorts(inputs: ScoreInputs, rules: Rules, *, cost_benchmark: str = "pool") -> ScoreResult:
    """Score every participant of both cohorts (42 CFR 512.725-512.750).

    cost_benchmark: `pool` (the cohort itself), or `mips-2024` / `mips-2025` for CMS's published MIPS cut points.
    Raises WrongUsage for another word.
    """
    if cost_benchmark not in COST_BENCHMARKS:
        raise WrongUsage(f"The cost benchmark is one of {', '.join(COST_BENCHMARKS)}.")
    practices = _practices(inputs, rules)
    cohorts = tuple(
        _cohort(cohort, members, inputs, practices, rules=rules, cost_benchmark=cost_benchmark)
        for cohort in COHORTS
        if (members := tuple(each for each in inputs.participants if each.cohort == cohort))
    )
    return ScoreResult(rules, cost_benchmark, practices, cohorts)


def _practices(inputs: ScoreInputs, rules: Rules) -> PracticeResult:
    tins = tuple(sorted({each.tin for each in inputs.participants}))
    attestations = attestations_of(inputs.attestations, tins)
    activities = attested_activities(attestations, tins=len(tins), rules=rules)
    return PracticeResult(
        tins,
        attestations,
        activities,
        improvement_adjustment(activities.sum(axis=0).astype(np.int64), rules),
        score_interoperability(attestations, tins=len(tins), rules=rules),
    )


def _cohort(
    cohort: str,
    members: tuple[Participant, ...],
    inputs: ScoreInputs,
    practices: PracticeResult,
    *,
    rules: Rules,
    cost_benchmark: str,
) -> CohortResult:
    submitted, rows = _quality_rows(cohort, members, inputs.quality, rules)
    quality = score_quality(rows, cohort=cohort, participants=len(members), rules=rules)
    cost_rows = _cost_rows(cohort, members, inputs.cost, rules)
    cost = score_cost(
        Ratios.of_fractions([row.score if row else None for row in cost_rows]),
        np.array([row.episodes if row else 0 for row in cost_rows], dtype=np.int64),
        cohort=cohort,
        rules=rules,
        benchmark=cost_benchmark,
    )
    place = {tin: number for number, tin in enumerate(practices.tins)}
    practice = np.array([place[each.tin] for each in members], dtype=np.int64)
    improvement = practices.improvement[practice]
    interoperability = practices.interoperability.adjustment[practice]
    hcc = Ratios.of_fractions([each.hcc_mean for each in members])
    dual = Ratios.of_fractions([each.dual_share for each in members])
    complex_patient = complex_patient_adjustment(hcc, dual, rules)
    small_practice = small_practice_adjustment(
        np.array([each.clinicians_in_tin for each in members], dtype=np.int64), rules
    )
    quality_weight, cost_weight = category_weights(quality.category_score, cost.category_score, rules)
    final = final_score(
        quality.category_score,
        cost.category_score,
        improvement=improvement,
        interoperability=interoperability,
        complex_patient=complex_patient,
        small_practice=small_practice,
        minimum_submission_met=quality.minimum_submission_met,
        rules=rules,
    )
    return CohortResult(
        cohort=cohort,
        participants=members,
        submitted=submitted,
        row_participant=rows.participant,
        quality=quality,
        cost_rows=cost_rows,
        cost=cost,
        practice=practice,
        improvement=improvement,
        interoperability=interoperability,
        complex_patient=_bonus(complex_patient, quality),
        hcc_points=_bonus(indicator_points(hcc, rules), quality),
        dual_points=_bonus(indicator_points(dual, rules), quality),
        small_practice=_bonus(small_practice, quality),
        quality_weight=quality_weight,
        cost_weight=cost_weight,
        final_score=final,
        payment=payment(final, np.array([float(each.part_b_paid) for each in members]), rules),
    )


def _bonus(points: FloatArray, quality: QualityResult) -> FloatArray:
    """Points that are added to the final score: none where the minimum submission failed (42 CFR 512.745)."""
    return np.where(quality.minimum_submission_met, points, 0.0)


def _quality_rows(
    cohort: str, members: Sequence[Participant], quality: Sequence[QualityRow], rules: Rules
) -> tuple[tuple[QualityRow, ...], QualityRows]:
    """The cohort's rows, one for each participant they are about, sorted by participant, measure, type and level."""
    measures = {measure: place for place, measure in enumerate(measures_of(cohort, rules))}
    types = {name: place for place, name in enumerate(COLLECTION_TYPES)}
    by_key, by_tin = _places(members)
    concerned: list[int] = []
    rows: list[QualityRow] = []
    for row in quality:
        if row.measure not in measures:
            continue  # the other cohort's
        if row.npi is not None:
            participant = by_key.get((row.tin, row.npi))
            if participant is not None:
                concerned.append(participant)
                rows.append(row)
        else:
            practice = by_tin.get(row.tin, [])
            concerned += practice
            rows += [row] * len(practice)

    def integers(values: Sequence[int]) -> IntArray:
        return np.array(values, dtype=np.int64)

    participant_of = integers(concerned)
    measure_of = integers([measures[row.measure] for row in rows])
    type_of = integers([types[row.collection_type] for row in rows])
    tin_level = np.array([row.npi is None for row in rows], dtype=np.bool_)
    order = np.lexsort((tin_level, type_of, measure_of, participant_of))
    submitted = tuple(rows[place] for place in order.tolist())
    return submitted, QualityRows(
        participant=participant_of[order],
        measure=measure_of[order],
        collection_type=type_of[order],
        tin_level=tin_level[order],
        eligible=integers([row.eligible for row in submitted]),
        met=integers([row.met for row in submitted]),
        not_met=integers([row.not_met for row in submitted]),
        exclusions=integers([row.exclusions for row in submitted]),
        exceptions=integers([row.exceptions for row in submitted]),
        claims_rate=Ratios.of_fractions([row.rate if row.collection_type == "claims" else None for row in submitted]),
    )


def _cost_rows(
    cohort: str, members: Sequence[Participant], cost: Sequence[CostRow], rules: Rules
) -> tuple[CostRow | None, ...]:
    measure = cost_measure_of(cohort, rules)
    by_key = {(row.tin, row.npi): row for row in cost if row.measure == measure}
    return tuple(by_key.get((each.tin, each.npi)) for each in members)


def _places(members: Sequence[Participant]) -> tuple[Mapping[tuple[str, str], int], Mapping[str, list[int]]]:
    """Places of participants by TIN and NPI, and by TIN."""
    by_key: dict[tuple[str, str], int] = {}
    by_tin: dict[str, list[int]] = {}
    for place, each in enumerate(members):
        by_key[each.tin, each.npi] = place
        by_tin.setdefault(each.tin, []).append(place)
    return by_key, by_tin
