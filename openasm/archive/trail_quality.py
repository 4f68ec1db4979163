"""The trail of the quality category (42 CFR 512.725)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from openasm.archive.run import Run
from openasm.archive.trail import Calculation, Step, digits

Row = Mapping[str, str]

_COLLECTED = {"ecqm": "eCQM", "cqm": "CQM"}


def quality_steps(run: Run, participant: Row) -> list[Step]:
    """A step for each measure row, then the category and the minimum submission."""
    key = {name: participant[name] for name in ("tin", "npi", "cohort")}
    cost_measure = run.parameter("cost.measures").value[participant["cohort"]]
    rows = [row for row in run.table("measure_scores").where(**key) if row["measure"] != cost_measure]
    steps = [_measure_step(run, row) for row in rows]
    steps.append(_category_step(run, participant, rows))
    steps.append(_minimum_step(run, participant, rows))
    return steps


def _measure_step(run: Run, row: Row) -> Step:
    how = f" by {_COLLECTED.get(row['collection_type'], row['collection_type'])}" if row["collection_type"] else ""
    level = ", reported for the whole TIN" if row["level"] == "tin" else ""
    calculations: list[Calculation] = []
    names = ["quality.collection_types"]
    if row["eligible"]:
        calculations, tested = _tests(row)
        names += tested
    points = row["points"]
    if row["finding"] == "scored":
        calculations += _point_calculations(run, row)
        names += ["quality.benchmark_pool", "quality.smallest_pool", "quality.decile_method"]
        names += ["quality.partial_points_cap", "quality.partial_points_rounding"]
    if row["finding"] in ("not_submitted", "not_calculated"):
        names.append("quality.not_submitted")
    if row["finding"] == "no_benchmark":
        names += ["quality.smallest_pool", "quality.without_benchmark"]
    if row["status"] == "not_used":
        names += ["quality.row_choice", "quality.row_choice_ties"]
    outcome = {"scored": "counts", "zero": "counts with 0 points", "excluded": "is left out", "not_used": "is not used"}
    earned = f": {digits(float(points))} points" if points else f" {outcome[row['status']]}"
    return Step(
        "quality",
        f"Measure {row['measure']}{how}{level}{earned}",
        (f"Status {row['status']}: {row['reason']}.",),
        tuple(calculations),
        tuple(run.parameter(name) for name in dict.fromkeys(names)),
        float(points) if points else None,
    )


def _tests(row: Row) -> tuple[list[Calculation], list[str]]:
    """Completeness, cases and rate of a row, as far as they were worked out."""
    eligible = int(row["eligible"])
    if row["collection_type"] == "claims":
        return [], ["quality.case_minimum"]
    met, not_met = int(row["met"]), int(row["not_met"])
    calculations = []
    if eligible:
        reported = f"({met} + {not_met} + {row['exclusions']} + {row['exceptions']}) / {eligible}"
        calculations.append(
            Calculation(
                "completeness",
                "(met + not met + exclusions + exceptions) / eligible",
                reported,
                float(row["completeness"]),
            )
        )
    calculations.append(Calculation("cases", "met + not met", f"{met} + {not_met}", float(met + not_met)))
    if row["rate"]:
        calculations.append(
            Calculation("rate", "met / (met + not met)", f"{met} / ({met} + {not_met})", float(row["rate"]))
        )
    return calculations, ["quality.data_completeness", "quality.case_minimum"]


def _point_calculations(run: Run, row: Row) -> list[Calculation]:
    """Where the rate lies among the decile edges, and the points this gives."""
    benchmark = _benchmark(run, row)
    sign = -1.0 if benchmark["inverse"] == "yes" else 1.0
    rate = sign * float(row["rate"])
    edges = [sign * float(benchmark[f"e{number}"]) for number in range(1, 10)]
    passed = sum(edge <= rate for edge in edges)
    pool = f"{benchmark['pool_size']} rates"
    direction = "rate" if sign > 0 else "rate (less is better)"
    if passed == 9:
        formula = f"the {direction} {digits(sign * rate)} reaches the 9th edge {digits(sign * edges[8])} of {pool}"
        return [Calculation("points", formula, "", 10.0)]
    low = sign * float(benchmark["worst"]) if passed == 0 else edges[passed - 1]
    high = edges[passed]
    decile = passed + 1
    name = f"part of decile {decile}"
    if high <= low or rate <= low:
        within = 0.0
        calculations = [Calculation(name, f"the {direction} lies at the decile's lower edge", "", 0.0)]
    else:
        # Written in the measure's own direction, so that the numbers are the ones people know.
        within = (rate - low) / (high - low)
        top, start, end = digits(sign * rate), digits(sign * low), digits(sign * high)
        filled = f"({top} - {start}) / ({end} - {start})"
        formula = f"(rate - decile's start) / (decile's end - decile's start), of {pool}"
        calculations = [Calculation(name, formula, filled, within)]
    cap = float(run.parameter("quality.partial_points_cap").value)
    points = float(row["points"]) if row["points"] else decile + min(cap, tenths(within))
    partial = round(points - decile, 10)
    formula = f"decile + that part, rounded half up to one decimal and at most {digits(cap)}"
    calculations.append(Calculation("points", formula, f"{decile} + {digits(partial)}", points))
    return calculations


def tenths(value: float) -> float:
    """Rounded half up to one decimal.

    >>> tenths(0.25), tenths(0.24)
    (0.3, 0.2)
    """
    return math.floor(value * 10 + 0.5) / 10


def _benchmark(run: Run, row: Row) -> dict[str, Any]:
    found = run.table("benchmarks").where(
        cohort=row["cohort"], measure=row["measure"], collection_type=row["collection_type"]
    )
    return found[0]


def _category_step(run: Run, participant: Row, rows: list[dict[str, str]]) -> Step:
    counted = [float(row["points"]) for row in rows if row["status"] in ("scored", "zero")]
    names = ("quality.category_score", "quality.maximum_points")
    rules = tuple(run.parameter(name) for name in names)
    if not counted:
        return Step("quality", "Quality category: not scored", ("No measure counts.",), (), rules)
    most = float(run.parameter("quality.maximum_points").value)
    score = float(participant["quality_score"])
    filled = f"({' + '.join(digits(each) for each in counted)}) / ({digits(most)} x {len(counted)})"
    calculation = Calculation("quality score", f"sum of points / ({digits(most)} x measures counted)", filled, score)
    return Step("quality", f"Quality category: {digits(score)} of 1", (), (calculation,), rules, score)


def _minimum_step(run: Run, participant: Row, rows: list[dict[str, str]]) -> Step:
    needed = run.parameter("quality.minimum_submission_measures")
    completeness = run.parameter("quality.minimum_submission_completeness")
    enough = sorted(
        {
            row["measure"]
            for row in rows
            if row["collection_type"] != "claims"
            and row["completeness"]
            and float(row["completeness"]) >= float(completeness.value)
        }
    )
    met = participant["status"] != "zero_minimum_submission"
    if participant["minimum_submission_met"] in ("yes", "no"):
        met = participant["minimum_submission_met"] == "yes"
    which = f"measure {', '.join(enough)}" if enough else "no measure"
    words = (
        f"Submitted with a completeness of at least {digits(float(completeness.value))}, claims measures aside: {which}; "
        f"{needed.value} needed. "
        + ("The minimum submission is met." if met else "The minimum submission is not met: the final score is 0."),
    )
    title = "Minimum submission: met" if met else "Minimum submission: not met"
    return Step("quality", title, words, (), (needed, completeness))
