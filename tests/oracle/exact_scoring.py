"""A second implementation of scoring and payment, for tests only: lists, loops and exact fractions.

Written from the words of the working rule (42 CFR 512.725 to 512.750 as the project reads them), sharing no code and no
parameter with the package. Slow and obvious on purpose. Roots and the logistic curve have sixty digits; everything that is
decided (edges, roundings, medians) is decided on exact numbers, by comparing squares where a standard deviation is in it.

Readings taken where the words leave something open:

Quality
 1. The claims measure (492) has no data completeness: the test is not applied and the value is empty.
 2. Pool: first the rates that meet completeness and case minimum, then one of them a participant, the individual one
    where there is one. (An individual row that fails does not keep the TIN's row out.)
 3. A TIN-level row stands for each participant of the TIN whose cohort has the measure, and so enters the pool once for
    each of them.
 4. A rate below the pool's worst (possible for a row that did not enter the pool) gets t = 0, so never below 1 point; the
    same where the first edge equals the pool's worst.
 5. A row's own status stays `excluded`, also where another row of the measure counts; `not_used` is a row that is not
    excluded and did not have the most points. It shows the points it would have had.
 6. A required measure without a row has one line, status `zero`, 0 points (the claims measure: `excluded`).
 7. Minimum submission looks at every row, of either level and collection type; a row of which nobody was eligible has no
    completeness and does not count.
 8. Edges of inverse measures are those of the negated rate, ascending.
Cost
 9. `mips-2024` and `mips-2025` replace M + kS by the published cut points; no pool is then formed (its size is 0).
Attestations
10. "Within the year": the part of the attested period that lies in the performance year is counted.
11. Proportions: PI_EP_1, PI_HIE_1, PI_HIE_4, PI_PEA_1; the others are yes or no. Exclusions exist for PI_EP_1, PI_EP_2,
    PI_HIE_1, PI_HIE_4, PI_PHCDRR_1, PI_PHCDRR_3. Bonus: a yes to any of PI_PHCDRR_2, _4, _5, _6.
12. A proportion is reported when numerator and denominator are there, the denominator is above 0 and the answer is not
    `no`. Numerator 0 is reported and earns 0.
13. Moved points: EP_2 to EP_1; EP_1 (with what it received) to HIE, half to each of HIE_1 and HIE_4, whole to HIE_5 or
    HIE_6; an excluded HIE_1 or HIE_4 gives what it holds to PEA. One public health measure excluded moves nothing.
14. Of several satisfied HIE options the one with the best score counts.
15. A proportion's points are rounded after the moves, each measure by itself.
Final score
16. A failed minimum submission comes before "neither scored": the final score is 0. Complex-patient and small-practice
    adjustments are then shown as 0; improvement and interoperability as they are.
17. Complex patients: "the cohort" is every participant of the cohort in the list.
Payment
18. Where nobody with a positive score was paid anything, no scaling factor exists and a positive score's factor is 0.
19. Without a final score: transformed score empty, factor 0, multiplier 1, 0 dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.exact_arithmetic import logistic, mean, median, sample_variance, square_root
from tests.oracle.exact_cost import (
    COST_MEASURE,
    COST_MULTIPLES,
    CUT_POINTS,
    cost_points_from_edges,
    cost_points_from_pool,
    cost_row,
)
from tests.oracle.exact_interoperability import interoperability_score
from tests.oracle.exact_quality import (
    CASES,
    MEASURES,
    SMALLEST_POOL,
    decile_edges,
    minimum_submitted,
    pools_of,
    score_measure,
)

Row = dict[str, str]

RISK = {
    2027: Fraction(9, 100),
    2028: Fraction(9, 100),
    2029: Fraction(10, 100),
    2030: Fraction(11, 100),
    2031: Fraction(12, 100),
}
REDISTRIBUTED = Fraction(85, 100)


@dataclass
class Answer:
    """What the files hold: one mapping a line, numbers as fractions, empty as None."""

    scores: list[dict[str, Any]] = field(default_factory=list)
    measures: list[dict[str, Any]] = field(default_factory=list)
    benchmarks: list[dict[str, Any]] = field(default_factory=list)


# --- attestations ------------------------------------------------------------------------------------------------------


def days_in_year(row: Row | None, year: int) -> int:
    """Continuous days of the row's period that lie in the year, both ends counted; 0 without a period."""
    if row is None or not row["start"] or not row["end"]:
        return 0
    start = max(date.fromisoformat(row["start"]), date(year, 1, 1))
    end = min(date.fromisoformat(row["end"]), date(year, 12, 31))
    return max(0, (end - start).days + 1)


def improvement_adjustment(items: dict[str, Row], year: int) -> Fraction:
    attested = 0
    for item in ("IA_1", "IA_2"):
        row = items.get(item)
        if row is not None and row["answer"] == "yes" and days_in_year(row, year) >= 90:
            attested = attested + 1
    return Fraction({2: 0, 1: -10, 0: -20}[attested])


def interoperability_adjustment(items: dict[str, Row], year: int) -> Fraction:
    cehrt = items.get("CEHRT")
    if cehrt is None or cehrt["answer"] != "yes" or days_in_year(cehrt, year) < 180:
        return Fraction(-10)
    return -10 * (1 - Fraction(interoperability_score(items), 100))


# --- final score -------------------------------------------------------------------------------------------------------


def complex_component(value: str, everyone: list[str]) -> Fraction:
    if not value:
        return Fraction(0)
    present = [Fraction(text) for text in everyone if text]
    variance = sample_variance(present)
    if variance == 0 or Fraction(value) < median(present):
        return Fraction(0)
    z = (Fraction(value) - mean(present)) / square_root(variance)
    return max(Fraction(0), Fraction(3, 2) + 4 * z)


def small_practice(participant: Row) -> Fraction:
    clinicians = int(participant["clinicians_in_tin"])
    if clinicians == 1:
        return Fraction(15)
    return Fraction(10) if clinicians <= 15 else Fraction(0)


# --- all together ------------------------------------------------------------------------------------------------------


def score(
    *,
    participants: list[Row],
    quality: list[Row],
    cost: list[Row],
    attestations: list[Row],
    year: int = 2027,
    cost_benchmark: str = "pool",
) -> Answer:
    """The whole of scores.csv, measure_scores.csv and benchmarks.csv from the rows of an input folder, as text."""
    answer = Answer()
    for cohort in MEASURES:
        members = [participant for participant in participants if participant["cohort"] == cohort]
        lines = score_cohort(cohort, members, quality, cost, attestations, year, cost_benchmark, answer)
        transform(lines)
        pay(lines, RISK[year])
        answer.scores.extend(lines)
    return answer


def score_cohort(
    cohort: str,
    members: list[Row],
    quality: list[Row],
    cost: list[Row],
    attestations: list[Row],
    year: int,
    cost_benchmark: str,
    answer: Answer,
) -> list[dict[str, Any]]:
    pools = pools_of(cohort, members, quality)
    for (measure, collection_type), pool in pools.items():
        edges = decile_edges(pool) if len(pool) >= SMALLEST_POOL else None
        answer.benchmarks.append(
            {
                "cohort": cohort,
                "measure": measure,
                "collection_type": collection_type,
                "pool_size": len(pool),
                "edges": edges,
            }
        )
    cost_pool = []
    for participant in members:
        row = cost_row(participant, cohort, cost)
        if row is not None and int(row["episodes"]) >= CASES:
            cost_pool.append(Fraction(row["score"]))
    deviation = square_root(sample_variance(cost_pool))
    cost_usable = len(cost_pool) >= SMALLEST_POOL and deviation != 0
    published = CUT_POINTS.get((cost_benchmark, cohort))
    cost_edges: list[Fraction] | None = None
    if published is not None:
        cost_edges = [Fraction(text) for text in published.split()]
    elif cost_usable:
        cost_edges = [median(cost_pool) + multiple * deviation for multiple in COST_MULTIPLES]
    answer.benchmarks.append(
        {
            "cohort": cohort,
            "measure": COST_MEASURE[cohort],
            "collection_type": "",
            "pool_size": 0 if published is not None else len(cost_pool),
            "edges": cost_edges,
        }
    )
    lines = []
    for participant in members:
        total, scored = Fraction(0), 0
        for measure in MEASURES[cohort]:
            measure_lines = score_measure(participant, measure, quality, pools)
            answer.measures.extend(measure_lines)
            for line in measure_lines:
                if line["status"] in ("scored", "zero"):
                    total, scored = total + line["points"], scored + 1
        quality_score = total / (10 * scored) if scored > 0 else None

        cost_score = None
        row = cost_row(participant, cohort, cost)
        if row is not None and int(row["episodes"]) >= CASES:
            if published is not None and cost_edges is not None:
                cost_score = cost_points_from_edges(Fraction(row["score"]), cost_edges) / 10
            elif cost_usable:
                cost_score = cost_points_from_pool(Fraction(row["score"]), cost_pool) / 10

        items = {row["item"]: row for row in attestations if row["tin"] == participant["tin"]}
        improvement = improvement_adjustment(items, year)
        interoperability = interoperability_adjustment(items, year)
        hcc = complex_component(participant["hcc_mean"], [member["hcc_mean"] for member in members])
        dual = complex_component(participant["dual_share"], [member["dual_share"] for member in members])
        complex_patients = min(Fraction(10), hcc + dual)
        small = small_practice(participant)

        final: Fraction | None
        if not minimum_submitted(participant, cohort, quality):
            status, final, complex_patients, small = "minimum_not_met", Fraction(0), Fraction(0), Fraction(0)
        elif quality_score is None and cost_score is None:
            status, final = "not_scored", None
        else:
            status = "scored"
            if quality_score is None:
                weighted = cost_score
            elif cost_score is None:
                weighted = quality_score
            else:
                weighted = quality_score / 2 + cost_score / 2
            assert weighted is not None
            final = 100 * weighted + improvement + interoperability + complex_patients + small
            final = min(Fraction(100), max(Fraction(0), final))
        lines.append(
            {
                "performance_year": year,
                "tin": participant["tin"],
                "npi": participant["npi"],
                "cohort": cohort,
                "quality_score": quality_score,
                "cost_score": cost_score,
                "improvement_adjustment": improvement,
                "interoperability_adjustment": interoperability,
                "complex_patient_adjustment": complex_patients,
                "small_practice_adjustment": small,
                "final_score": final,
                "part_b_paid": Fraction(participant["part_b_paid"]),
                "status": status,
            }
        )
    return lines


def transform(lines: list[dict[str, Any]], midpoint: Fraction = Fraction(50)) -> None:
    """Fill in the transformed scores."""
    for line in lines:
        final = line["final_score"]
        line["transformed_score"] = None
        if final is not None:
            line["transformed_score"] = Fraction(0) if final == 0 else logistic((final - midpoint) / 10)


def pay(lines: list[dict[str, Any]], risk: Fraction) -> None:
    """Fill in the payment columns of one cohort's lines, whose scores are transformed."""
    paid, weighted = Fraction(0), Fraction(0)
    for line in lines:
        if line["final_score"] is not None:
            paid = paid + line["part_b_paid"]
            weighted = weighted + line["transformed_score"] * line["part_b_paid"]
    scaling = REDISTRIBUTED * paid / weighted if weighted > 0 else None
    for line in lines:
        if line["final_score"] is None:
            factor = Fraction(0)
        elif line["final_score"] == 0:
            factor = -risk
        elif scaling is None:
            factor = Fraction(0)
        else:
            factor = min(risk, risk * line["transformed_score"] * scaling - risk)
        line["scaling_factor"] = scaling
        line["payment_adjustment_factor"] = factor
        line["payment_multiplier"] = 1 + factor
        line["payment_change_dollars"] = factor * line["part_b_paid"]
