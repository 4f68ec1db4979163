"""The trail of the adjustments: improvement activities, Promoting Interoperability, complex patients, small practices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from openasm.archive.run import Run
from openasm.archive.trail import Calculation, Step, digits, in_brackets, signed

Row = Mapping[str, str]


def improvement_step(run: Run, participant: Row) -> Step:
    """42 CFR 512.735: each activity's period, and the points off."""
    tin = participant["tin"]
    rows = {row["item"]: row for row in run.table("inputs/attestations").where(tin=tin)}
    least = int(run.parameter("improvement.period_days").value)
    words: list[str] = []
    calculations: list[Calculation] = []
    counted = 0
    for item in run.table("practice_items").where(tin=tin, kind="activity"):
        name, met = item["item"], item["met"] == "yes"
        counted += met
        row = rows.get(name)
        if row is None or row["answer"] != "yes":
            answer = "no row" if row is None else f"answer {row['answer'] or 'empty'}"
            words.append(f"{name}: {answer}, not attested.")
            continue
        calculations += _days(name, row)
        verdict = "attested" if met else "not long enough, not attested"
        words.append(f"{name}: yes for {_period(row)}; {least} days in a row are needed: {verdict}.")
    points = float(participant["improvement_adjustment"])
    words.append(f"{counted} attested, for every participant of the TIN: {digits(points)} points.")
    names = ("improvement.activities", "improvement.period_days", "improvement.points_by_activities_attested")
    return Step(
        "improvement",
        f"Improvement activities: {digits(points)} points",
        tuple(words),
        tuple(calculations),
        tuple(run.parameter(name) for name in (*names, "improvement.attested_per")),
        points,
    )


def interoperability_step(run: Run, participant: Row) -> Step:
    """42 CFR 512.740: requirements, points, score and what it takes off."""
    tin = participant["tin"]
    items = run.table("practice_items").where(tin=tin)
    rows = {row["item"]: row for row in run.table("inputs/attestations").where(tin=tin)}
    missing = [item["item"] for item in items if item["kind"] == "requirement" and item["met"] != "yes"]
    technology = str(run.parameter("interoperability.certified_technology").value)
    calculations = _days(technology, rows[technology]) if technology in rows else []
    score = float(participant["interoperability_score"])
    words = [f"{name}: {_answer(row)}." for name, row in rows.items() if not name.startswith("IA_")]
    if missing:
        zero = digits(float(run.parameter("interoperability.incomplete_score").value))
        words.append(f"Required but not met: {', '.join(missing)}. The score is therefore {zero}.")
    else:
        words.append("Everything required is reported or excluded.")
        calculations += _points(run, items, rows, score)
    cap = digits(float(run.parameter("interoperability.score_cap").value))
    most = float(run.parameter("interoperability.largest_deduction").value)
    adjustment = float(participant["interoperability_adjustment"])
    calculations.append(
        Calculation(
            "adjustment",
            f"largest deduction x (1 - score / {cap})",
            f"{in_brackets(most)} x (1 - {digits(score)} / {cap})",
            adjustment,
        )
    )
    names = ["period_days", "certified_technology", "required_measures", "exchange_options", "required_attestations"]
    names += ["points", "proportion_rounding", "least_points_with_numerator", "moves", "bonus_points", "score_cap"]
    names += ["incomplete_score", "largest_deduction", "adjustment_form"]
    return Step(
        "interoperability",
        f"Promoting Interoperability: score {digits(score)} of {cap}, {digits(adjustment)} points",
        tuple(words),
        tuple(calculations),
        tuple(run.parameter(f"interoperability.{name}") for name in names),
        adjustment,
    )


def _points(run: Run, items: list[dict[str, str]], rows: Mapping[str, Row], score: float) -> list[Calculation]:
    calculations = []
    earned_points = []
    for item in items:
        if item["kind"] != "points" or not item["earned"]:
            continue
        earned = float(item["earned"])
        available = float(item["available"]) if item["available"] else 0.0
        row = rows.get(item["item"])
        if earned == 0 and available == 0:
            continue
        earned_points.append(earned)
        if row and row["denominator"] and row["answer"] in ("", "yes"):
            filled = f"{digits(available)} x {row['numerator']} / {row['denominator']}"
            calculations.append(
                Calculation(
                    f"{item['item']} before rounding",
                    "points available x numerator / denominator",
                    filled,
                    available * int(row["numerator"]) / int(row["denominator"]),
                )
            )
        calculations.append(
            Calculation(item["item"], f"points earned of {digits(available)}", "", earned)
            if item["available"]
            else Calculation(item["item"], "points earned", "", earned)
        )
    cap = digits(float(run.parameter("interoperability.score_cap").value))
    total = " + ".join(digits(each) for each in earned_points) or "0"
    calculations.append(Calculation("score", f"sum of points, at most {cap}", f"min({cap}, {total})", score))
    return calculations


def _days(name: str, row: Row) -> list[Calculation]:
    if not (row["start"] and row["end"]):
        return []
    start, end = dt.date.fromisoformat(row["start"]), dt.date.fromisoformat(row["end"])
    days = (end - start).days + 1
    formula = f"end - start + 1, {start.isoformat()} to {end.isoformat()}"
    return [Calculation(f"days of {name}", formula, "", float(days))]


def _period(row: Row) -> str:
    return f"{row['start']} to {row['end']}" if row["start"] and row["end"] else "a period without dates"


def _answer(row: Row) -> str:
    counts = f", {row['numerator']} of {row['denominator']}" if row["denominator"] else ""
    dates = f", {row['start']} to {row['end']}" if row["start"] else ""
    return f"{row['answer'] or 'no answer'}{counts}{dates}"


def complex_patient_step(run: Run, participant: Row) -> Step:
    """42 CFR 512.745, after 414.1380(c)(3): HCC risk score and dual-eligible share against the cohort."""
    if participant["status"] == "zero_minimum_submission":
        return _no_bonus(run, "complex_patients", "Complex patients")
    cohort = run.table("cohorts").where(cohort=participant["cohort"])[0]
    person = run.table("inputs/participants").where(
        tin=participant["tin"], npi=participant["npi"], cohort=participant["cohort"]
    )[0]
    words: list[str] = []
    calculations: list[Calculation] = []
    indicators = (
        ("HCC risk score", "hcc", person["hcc_mean"], float(participant["hcc_points"])),
        ("dual-eligible share", "dual", person["dual_share"], float(participant["dual_points"])),
    )
    for title, name, value, points in indicators:
        words.append(_indicator_words(title, name, value, cohort))
        if points > 0 or (value and cohort[f"{name}_median"] and float(value) >= float(cohort[f"{name}_median"])):
            calculations += _indicator(run, title, name, float(value), points, cohort)
    maximum = digits(float(run.parameter("final_score.complex_patient_maximum").value))
    total = float(participant["complex_patient_adjustment"])
    filled = f"min({maximum}, {digits(indicators[0][3])} + {digits(indicators[1][3])})"
    calculations.append(Calculation("adjustment", f"sum of both, at most {maximum}", filled, total))
    names = ("base", "slope", "threshold", "maximum")
    return Step(
        "complex_patients",
        f"Complex patients: {digits(total)} points",
        tuple(words),
        tuple(calculations),
        tuple(run.parameter(f"final_score.complex_patient_{name}") for name in names),
        total,
    )


def _indicator_words(title: str, name: str, value: str, cohort: Row) -> str:
    if not value:
        return f"No {title} was given: no points for it."
    middle, count = cohort[f"{name}_median"], cohort[f"{name}_values"]
    side = "reaches" if float(value) >= float(middle) else "is below"
    outcome = "" if side == "reaches" else ": no points for it"
    return f"The {title} {value} {side} the cohort's median {digits(float(middle))} of {count} values{outcome}."


def _indicator(run: Run, title: str, name: str, value: float, points: float, cohort: Row) -> list[Calculation]:
    average, spread = float(cohort[f"{name}_average"]), float(cohort[f"{name}_standard_deviation"])
    if spread == 0:
        return [Calculation(f"points for the {title}", "all values of the cohort are equal", "", 0.0)]
    base = float(run.parameter("final_score.complex_patient_base").value)
    slope = float(run.parameter("final_score.complex_patient_slope").value)
    z = (value - average) / spread
    return [
        Calculation(
            f"z of the {title}",
            "(value - cohort's mean) / cohort's standard deviation",
            f"({digits(value)} - {digits(average)}) / {digits(spread)}",
            z,
        ),
        Calculation(
            f"points for the {title}",
            f"{digits(base)} + {digits(slope)} x z, at least 0",
            f"max(0, {digits(base)} {signed(slope)} x {in_brackets(z)})",
            points,
        ),
    ]


def _no_bonus(run: Run, section: str, title: str) -> Step:
    """A bonus that is lost with the minimum submission."""
    rule = run.parameter("final_score.minimum_submission_failed_score")
    words = "The minimum submission is not met: no bonus is added."
    return Step(section, f"{title}: 0 points", (words,), (), (rule,), 0.0)


def small_practice_step(run: Run, participant: Row) -> Step:
    """42 CFR 512.745: the practice's size."""
    if participant["status"] == "zero_minimum_submission":
        return _no_bonus(run, "small_practice", "Small practice")
    clinicians = run.table("practices").where(tin=participant["tin"])[0]["clinicians_in_tin"]
    points = float(participant["small_practice_adjustment"])
    most = run.parameter("final_score.small_practice_clinicians").value
    if clinicians == "1":
        size = "a solo practice"
    elif int(clinicians) <= int(most):
        size = f"a small practice (up to {most})"
    else:
        size = f"not a small practice (up to {most})"
    names = ("small_practice_clinicians", "small_practice_points", "solo_practice_points")
    return Step(
        "small_practice",
        f"Small practice: {digits(points)} points",
        (f"The TIN has {clinicians} clinician{'s' if clinicians != '1' else ''}: {size}.",),
        (),
        tuple(run.parameter(f"final_score.{name}") for name in names),
        points,
    )
