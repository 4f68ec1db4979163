"""Quality of the second implementation: from a row's counts to points (readings 1 to 8 of `exact_scoring`)."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from tests.oracle.exact_arithmetic import percentile, tenths

Row = dict[str, str]

MEASURES = {"heart_failure": ["492", "008", "005", "236", "377"], "low_back_pain": ["238", "134", "128", "220"]}
INVERSE = ["492", "238"]
CLAIMS_MEASURE = "492"
COMPLETENESS = Fraction(75, 100)
CASES = 20
SMALLEST_POOL = 20


def completeness_of(row: Row) -> Fraction | None:
    if row["measure"] == CLAIMS_MEASURE or int(row["eligible"]) == 0:
        return None
    reported = int(row["met"]) + int(row["not_met"]) + int(row["exclusions"]) + int(row["exceptions"])
    return Fraction(reported, int(row["eligible"]))


def rate_of(row: Row) -> Fraction | None:
    if row["measure"] == CLAIMS_MEASURE:
        return Fraction(row["rate"]) if row["rate"] else None
    scored = int(row["met"]) + int(row["not_met"])
    return Fraction(int(row["met"]), scored) if scored > 0 else None


def standing(row: Row) -> str:
    """Where a row stands before any benchmark: `excluded`, `zero` or `qualifies`, tests in the order of the rule."""
    if int(row["eligible"]) == 0:
        return "excluded"
    if row["measure"] == CLAIMS_MEASURE:
        return "qualifies" if int(row["eligible"]) >= CASES and rate_of(row) is not None else "excluded"
    completeness = completeness_of(row)
    assert completeness is not None
    if completeness < COMPLETENESS:
        return "zero"
    if int(row["met"]) + int(row["not_met"]) < CASES:
        return "excluded"
    return "qualifies"


def better_is_larger(measure: str, rate: Fraction) -> Fraction:
    return -rate if measure in INVERSE else rate


def decile_edges(pool: list[Fraction]) -> list[Fraction]:
    """e1..e9 of a pool in the direction in which better is larger."""
    return [percentile(pool, Fraction(tenth, 10)) for tenth in range(1, 10)]


def decile_points(x: Fraction, pool: list[Fraction]) -> Fraction:
    edges = decile_edges(pool)
    n = 0
    for edge in edges:
        if edge <= x:
            n = n + 1
    if n == 9:
        return Fraction(10)
    d = n + 1
    a = min(pool) if d == 1 else edges[d - 2]
    b = edges[d - 1]
    t = Fraction(0) if x <= a else (x - a) / (b - a)
    return d + tenths(t)


def rows_of(participant: Row, measure: str, quality: list[Row]) -> list[Row]:
    rows = []
    for row in quality:
        own = row["tin"] == participant["tin"] and row["npi"] in (participant["npi"], "")
        if own and row["measure"] == measure:
            rows.append(row)
    return rows


def pools_of(cohort: str, participants: list[Row], quality: list[Row]) -> dict[tuple[str, str], list[Fraction]]:
    """(measure, collection type) -> one rate a participant."""
    pools: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    for participant in participants:
        for measure in MEASURES[cohort]:
            for collection_type in ("ecqm", "cqm", "claims"):
                individual, practice = None, None
                for row in rows_of(participant, measure, quality):
                    if row["collection_type"] == collection_type and standing(row) == "qualifies":
                        rate = rate_of(row)
                        assert rate is not None
                        if row["npi"]:
                            individual = rate
                        else:
                            practice = rate
                chosen = individual if individual is not None else practice
                if chosen is not None:
                    pools[measure, collection_type].append(better_is_larger(measure, chosen))
    return dict(pools)


def score_measure(participant: Row, measure: str, quality: list[Row], pools: Any) -> list[dict[str, Any]]:
    """The lines of one measure of one participant; at most one is `scored`, or `zero`, with its points counted."""
    lines = []
    for row in rows_of(participant, measure, quality):
        status = standing(row)
        points = Fraction(0) if status == "zero" else None
        if status == "qualifies":
            pool = pools.get((measure, row["collection_type"]), [])
            if len(pool) < SMALLEST_POOL:
                status = "excluded"
            else:
                status = "scored"
                points = decile_points(better_is_larger(measure, rate_of(row)), pool)
        lines.append(
            {
                "tin": participant["tin"],
                "npi": participant["npi"],
                "measure": measure,
                "collection_type": row["collection_type"],
                "level": "individual" if row["npi"] else "tin",
                "rate": rate_of(row),
                "completeness": completeness_of(row),
                "points": points,
                "status": status,
            }
        )
    if not lines:
        missing = {
            "tin": participant["tin"],
            "npi": participant["npi"],
            "measure": measure,
            "collection_type": "",
            "level": "",
        }
        claims = measure == CLAIMS_MEASURE
        missing |= {"rate": None, "completeness": None, "points": None if claims else Fraction(0)}
        missing["status"] = "excluded" if claims else "zero"
        return [missing]
    best = None
    for line in lines:
        if line["status"] == "excluded":
            continue
        preference = (line["points"], line["collection_type"] == "ecqm", line["level"] == "individual")
        if best is None or preference > best[0]:
            best = (preference, line)
    for line in lines:
        if line["status"] != "excluded" and best is not None and line is not best[1]:
            line["status"] = "not_used"
    return lines


def minimum_submitted(participant: Row, cohort: str, quality: list[Row]) -> bool:
    for measure in MEASURES[cohort]:
        for row in rows_of(participant, measure, quality):
            completeness = completeness_of(row)
            if measure != CLAIMS_MEASURE and completeness is not None and completeness >= COMPLETENESS:
                return True
    return False
