"""Rule values that are choices: the words this program can compute with.

A file of the user's values may choose another of the words below; a word that is not there is refused rather than ignored.
"""

from __future__ import annotations

from collections.abc import Mapping

from openasm.base.errors import InputRefused
from openasm.base.parameters import Parameter, Rules
from openasm.base.problems import Problem, declare, shown

NOT_COMPUTED = declare(
    "R010",
    "this program cannot compute with that choice",
    expected="one of the words listed",
    next_step="Use one of the words listed, or ask for the choice to be added.",
)

# name -> words; the first is the packaged one
CHOICES: Mapping[str, tuple[str, ...]] = {
    "participation.specialty_rule": ("most_common_code_on_part_b_lines",),
    "participation.episodes_counted": ("after_exclusions", "before_exclusions"),
    "participation.service_location": ("most_common_area_of_attributed_episodes",),
    "participation.tie_rule": ("lowest_code_flagged",),
    "participation.clinic_clinicians": ("not_settled", "left_out", "take_part"),
    "participation.area_unit": ("metropolitan_division_else_cbsa", "cbsa"),
    "quality.benchmark_pool": ("participants_of_cohort_by_collection_type",),
    "quality.benchmark_period": ("performance_year",),
    "quality.without_benchmark": ("excluded",),
    "quality.decile_method": ("linear_between_order_statistics",),
    "quality.partial_points_rounding": ("half_up_to_one_decimal",),
    "quality.row_choice": ("most_points_of_rows_not_excluded",),
    "quality.tin_level_rows": ("small_practices_only", "any_practice"),
    "quality.category_score": ("points_over_points_available",),
    "cost.benchmark_pool": ("cohort_participants_meeting_case_minimum",),
    "cost.benchmark_center": ("median",),
    "cost.benchmark_spread": ("standard_deviation",),
    "cost.standard_deviation_divisor": ("n_minus_1", "n"),
    "cost.no_spread": ("not_scored",),
    "cost.partial_points_rounding": ("half_up_to_one_decimal",),
    "improvement.attested_per": ("tin",),
    "interoperability.reported_per": ("tin",),
    "interoperability.proportion_rounding": ("half_up_to_whole_point",),
    "interoperability.adjustment_form": ("linear",),
    "final_score.form": ("weighted_categories_plus_adjustments_clipped",),
    "final_score.one_category_scored": ("other_takes_its_weight",),
    "final_score.no_category_scored": ("no_final_score",),
    "final_score.complex_patient_threshold": ("cohort_median",),
    "final_score.rounding": ("none",),
    "payment.transform": ("logistic",),
    "payment.transform_midpoint_choice": ("fixed", "cohort_median"),
    "payment.pool_base": ("part_b_of_participants_with_final_score",),
    "payment.scaling": ("distributes_the_whole_pool",),
    "payment.factor_above_zero": ("risk_times_transformed_times_scaling_minus_risk",),
    "payment.factor_at_zero": ("minus_risk_level",),
    "payment.positive_factor_cap": ("risk_level", "none"),
    "payment.multiplier": ("one_plus_factor",),
    "payment.rounding": ("none",),
    "incentives.cap_period": ("lifetime", "annual"),
    "incentives.arrangement_payment_limit": ("sum_of_payment_adjustments",),
}


def chosen(rules: Rules, name: str) -> str:
    """The word in force for a choice; InputRefused when it is not among those that can be computed."""
    parameter = rules[name]
    problem = choice_problem(parameter)
    if problem is not None:
        raise InputRefused([problem])
    return parameter.text


def choice_problem(parameter: Parameter) -> Problem | None:
    """What is wrong with a choice, or None."""
    words = CHOICES.get(parameter.name)
    if words is None or parameter.value in words:
        return None
    return Problem(
        NOT_COMPUTED,
        parameter.source_file,
        parameter.source_line,
        parameter.name,
        shown(str(parameter.value)),
        f"one of {', '.join(words)}",
    )
