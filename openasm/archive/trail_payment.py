"""The trail of the final score (42 CFR 512.745) and the payment adjustment (512.750)."""

from __future__ import annotations

from collections.abc import Mapping

from openasm.archive.run import Run
from openasm.archive.trail import Calculation, Step, digits, in_brackets, signed

Row = Mapping[str, str]

_ADJUSTMENTS = (
    "improvement_adjustment",
    "interoperability_adjustment",
    "complex_patient_adjustment",
    "small_practice_adjustment",
)


def final_score_step(run: Run, participant: Row) -> Step:
    """Categories by weight plus adjustments, clipped."""
    status = participant["status"]
    if status == "no_final_score":
        rule = run.parameter("final_score.no_category_scored")
        words = "Neither quality nor cost is scored: there is no final score, and payments stay as they are."
        return Step("final_score", "Final score: none", (words,), (), (rule,))
    if status == "zero_minimum_submission":
        rule = run.parameter("final_score.minimum_submission_failed_score")
        words = "The minimum submission is not met: the final score is 0 whatever else was earned, without bonuses."
        return Step("final_score", "Final score: 0", (words,), (), (rule,), 0.0)
    sentences: list[str] = []
    names = ["quality.weight", "cost.weight", "final_score.form", "final_score.lowest", "final_score.highest"]
    parts = []
    for category in ("quality", "cost"):
        if participant[f"{category}_score"]:
            score, weight = float(participant[f"{category}_score"]), float(participant[f"{category}_weight"])
            parts.append(f"{digits(weight)} x {digits(score)}")
        else:
            sentences.append(f"{category.capitalize()} is not scored; the other category takes its weight.")
            names.append("final_score.one_category_scored")
    lowest = digits(float(run.parameter("final_score.lowest").value))
    highest = digits(float(run.parameter("final_score.highest").value))
    adjustments = " ".join(signed(float(participant[name])) for name in _ADJUSTMENTS)
    final = float(participant["final_score"])
    calculation = Calculation(
        "final score",
        "100 x (weights x category scores) + improvement + interoperability + complex patients + small practice, "
        f"from {lowest} to {highest}",
        f"max({lowest}, min({highest}, 100 x ({' + '.join(parts)}) {adjustments}))",
        final,
    )
    rules = tuple(run.parameter(name) for name in (*names, "final_score.rounding"))
    return Step("final_score", f"Final score: {digits(final)}", tuple(sentences), (calculation,), rules, final)


def payment_steps(run: Run, participant: Row) -> list[Step]:
    """Transformed score, scaling factor, factor and dollars."""
    if participant["status"] == "no_final_score":
        words = "Without a final score the factor is 0: nothing changes."
        rule = run.parameter("final_score.no_category_scored")
        return [Step("payment", "Payment: factor 0, multiplier 1", (words,), (), (rule,), 0.0)]
    cohort = run.table("cohorts").where(cohort=participant["cohort"])[0]
    return [
        _transform_step(run, participant, cohort),
        _scaling_step(run, cohort),
        _factor_step(run, participant, cohort),
        _dollars_step(run, participant),
    ]


def _transform_step(run: Run, participant: Row, cohort: Row) -> Step:
    final, transformed = float(participant["final_score"]), float(participant["transformed_score"])
    names = ("payment.transform", "payment.transform_slope", "payment.transform_midpoint_choice")
    rules = tuple(run.parameter(name) for name in (*names, "payment.transform_midpoint"))
    if final == 0:
        return Step("payment", "Transformed score: 0", ("A final score of 0 is transformed to 0.",), (), rules, 0.0)
    slope, midpoint = float(run.parameter("payment.transform_slope").value), float(cohort["midpoint"])
    calculation = Calculation(
        "transformed score",
        "1 / (1 + exp(-slope x (final score - midpoint)))",
        f"1 / (1 + exp({in_brackets(-slope)} x ({digits(final)} - {digits(midpoint)})))",
        transformed,
    )
    return Step("payment", f"Transformed score: {digits(transformed)}", (), (calculation,), rules, transformed)


def _scaling_step(run: Run, cohort: Row) -> Step:
    share, paid = float(run.parameter("payment.redistributed_share").value), float(cohort["part_b_in_pool"])
    risk, weighted = float(cohort["risk_level"]), float(cohort["transformed_part_b"])
    calculations = [
        Calculation(
            "incentive pool",
            "risk level x share redistributed x Part B paid to participants with a final score",
            f"{digits(risk)} x {digits(share)} x {digits(paid)}",
            float(cohort["pool_dollars"]),
        )
    ]
    words = f"Over the {cohort['with_final_score']} participants of the cohort with a final score; the same for all of them."
    scaling = float(cohort["scaling_factor"]) if cohort["scaling_factor"] else None
    if scaling is not None:
        calculations.append(
            Calculation(
                "scaling factor",
                "share redistributed x Part B / sum of (transformed score x Part B)",
                f"{digits(share)} x {digits(paid)} / {digits(weighted)}",
                scaling,
            )
        )
    else:
        words += " Nobody with payments scores above 0, so there is nobody to distribute to and no scaling factor."
    names = ("redistributed_share", "pool_base", "scaling", "risk_level")
    rules = tuple(run.parameter(f"payment.{name}") for name in names)
    title = "Scaling factor: none" if scaling is None else f"Scaling factor: {digits(scaling)}"
    return Step("payment", title, (words,), tuple(calculations), rules, scaling)


def _factor_step(run: Run, participant: Row, cohort: Row) -> Step:
    risk, factor = float(cohort["risk_level"]), float(participant["payment_adjustment_factor"])
    uncapped = float(participant["uncapped_factor"])
    words: tuple[str, ...] = ()
    if float(participant["final_score"]) == 0:
        words = ("With a final score of 0 the factor is minus the risk level.",)
        calculations = [Calculation("factor", "-risk level", f"0 - {digits(risk)}", factor)]
        names = ["risk_level", "factor_at_zero", "rounding"]
    elif not participant["scaling_factor"]:
        words = ("Without a scaling factor a final score above 0 keeps its payments: the factor is 0.",)
        calculations = []
        names = ["factor_above_zero", "scaling"]
    else:
        transformed, scaling = float(participant["transformed_score"]), float(participant["scaling_factor"])
        calculations = [
            Calculation(
                "factor before the cap",
                "risk level x transformed score x scaling factor - risk level",
                f"{digits(risk)} x {digits(transformed)} x {digits(scaling)} - {digits(risk)}",
                uncapped,
            )
        ]
        if run.parameter("payment.positive_factor_cap").value == "none":
            words = ("There is no cap on positive factors.",)
        else:
            filled = f"min({digits(uncapped)}, {digits(risk)})"
            calculations.append(Calculation("factor", "at most the risk level", filled, factor))
        names = ["risk_level", "factor_above_zero", "positive_factor_cap", "rounding"]
    rules = tuple(run.parameter(f"payment.{name}") for name in names)
    return Step("payment", f"Adjustment factor: {digits(factor)}", words, tuple(calculations), rules, factor)


def _dollars_step(run: Run, participant: Row) -> Step:
    factor, paid = float(participant["payment_adjustment_factor"]), float(participant["part_b_paid"])
    multiplier, change = float(participant["payment_multiplier"]), float(participant["payment_change_dollars"])
    calculations = (
        Calculation("multiplier", "1 + factor", f"1 {signed(factor)}", multiplier),
        Calculation(
            "change in dollars a year", "factor x Part B paid", f"{in_brackets(factor)} x {digits(paid)}", change
        ),
    )
    words = "Were the payments of the payment year those given; the multiplier applies to every Part B covered professional "
    words += "service of this TIN and NPI."
    rule = (run.parameter("payment.multiplier"),)
    return Step(
        "payment", f"Multiplier {digits(multiplier)}: {change:+,.2f} dollars", (words,), calculations, rule, change
    )
