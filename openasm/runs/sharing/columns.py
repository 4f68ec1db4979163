"""What an export may hold, column by column. What does not stand here is left out, and named in the export's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Treatment(StrEnum):
    """What becomes of a column."""

    KEPT = "kept"  # numbers and coded words
    PATIENT = "patient"  # pseudonym of a person
    EPISODE = "episode"
    CLAIM = "claim"
    PRACTICE = "practice"  # TIN: pseudonym or kept, as asked
    CLINICIAN = "clinician"  # NPI: pseudonym or kept, as asked
    CLINICIANS = "clinicians"  # TIN/NPI pairs in one field
    DATE = "date moved"  # by the patient's own number of weeks
    BIRTH = "year of birth"
    AGE = "age, 90 for all above 89"


Columns = Mapping[str, Treatment]


def _kept(*names: str) -> dict[str, Treatment]:
    return dict.fromkeys(names, Treatment.KEPT)


_COUNTS = _kept("measure", "group", "eligible", "met", "not_met", "exclusions", "exceptions", "rate")
_WHO = {"tin": Treatment.PRACTICE, "npi": Treatment.CLINICIAN}
_PERSON = {"patient": Treatment.PATIENT, "birth_date": Treatment.BIRTH, "age": Treatment.AGE} | _kept("sex")
_POPULATIONS = _kept(
    *(
        "measure",
        "group",
        "initial_population",
        "denominator",
        "denominator_exclusion",
        "denominator_exception",
        "numerator",
    )
)
_EPISODES = {
    **_kept("rank", "cohort"),
    "episode_id": Treatment.EPISODE,
    "beneficiary": Treatment.PATIENT,
    "tin": Treatment.PRACTICE,
    "start_date": Treatment.DATE,
    "end_date": Treatment.DATE,
    **_kept("days", "observed_cents", "annualized_cents", "expected_cents", "ratio", "excluded_reason", "subgroup"),
    **_kept("winsorized_cents", "model"),
}
_VISITS = _PERSON | _kept("measure", "group", "visits") | {"npi": Treatment.CLINICIAN}

# The days of gaps are left out: most are the last day of the year, which would give away by how much a patient's dates moved.
PATIENT_TABLES: Mapping[str, Columns] = {
    "populations": _PERSON | _POPULATIONS,
    "gaps": _PERSON | _kept("measure", "group", "kind"),
    "worklist": _PERSON
    | _kept("window", "kind", "measure", "group", "final_score_points", "dollars")
    | {"counts_for": Treatment.CLINICIANS},
    "quality_visits": _VISITS,
    "episodes": _EPISODES,
    "costliest": _EPISODES,
    "attribution": {
        **_VISITS,  # `openasm quality` calls its visits so
        **_kept("cohort", "qualifying_lines", "share", "attributed", "reason"),
        "episode_id": Treatment.EPISODE,
        **_WHO,
    },
    "episode_costs": _kept("cohort", "category", "setting", "lines", "cents") | {"episode_id": Treatment.EPISODE},
}

SCORE_TABLES: Mapping[str, Columns] = {
    "scores": _WHO
    | _kept("performance_year", "cohort", "quality_score", "cost_score", "improvement_adjustment", "status")
    | _kept("interoperability_adjustment", "complex_patient_adjustment", "small_practice_adjustment", "final_score")
    | _kept("transformed_score", "scaling_factor", "payment_adjustment_factor", "payment_multiplier", "part_b_paid")
    | _kept("payment_change_dollars"),
    "measure_scores": _WHO
    | _COUNTS
    | _kept("collection_type", "level", "completeness", "points", "status", "cohort", "in_pool", "finding"),
    "benchmarks": _kept("cohort", "measure", "collection_type", "pool_size", "source", "inverse", "worst", "median")
    | _kept("standard_deviation", *(f"e{number}" for number in range(1, 11))),
    "cohorts": _kept("cohort", "participants", "with_final_score", "with_zero", "median_final_score", "risk_level")
    | _kept("midpoint", "part_b_in_pool", "pool_dollars", "scaling_factor", "net_dollars", "cost_benchmark"),
    "practices": _kept(
        "clinicians_in_tin", "activities_attested", "improvement_adjustment", "interoperability_adjustment"
    )
    | {"tin": Treatment.PRACTICE},
    "inputs/participants": _WHO | _kept("cohort", "clinicians_in_tin", "part_b_paid", "hcc_mean", "dual_share"),
    "inputs/quality": _WHO | _COUNTS | _kept("collection_type"),
    "inputs/cost": _WHO | _kept("measure", "episodes", "score"),
    "inputs/attestations": _kept("item", "answer", "numerator", "denominator", "start", "end")
    | {"tin": Treatment.PRACTICE},
    "quality": _COUNTS | _kept("quality_id", "version", "lower_is_better") | _WHO,
    "quality_by_clinician": _WHO
    | _COUNTS
    | _kept("completeness", "completeness_status", "case_minimum_status", "mips_points_ecqm", "mips_benchmark_ecqm")
    | _kept("mips_points_cqm", "mips_benchmark_cqm"),
    "score_input": _WHO | _COUNTS | _kept("collection_type"),
    "cost": _WHO | _kept("measure", "episodes", "score"),
    "cost_categories": _WHO
    | _kept("cohort", "category", "episodes", "services", "dollars_a_year", "peers_dollars_a_year"),
}
"""`categories` of `openasm episodes` is exported as cost_categories; that of `openasm score` holds steps and is left out."""
