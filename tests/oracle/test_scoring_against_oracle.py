"""`openasm score` against the second implementation in exact fractions, on made-up cohorts that look for trouble."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from openasm.base.parameters import Rules
from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.runs.scoring.inputs import read_inputs
from openasm.runs.scoring.measure_table import measure_table
from openasm.runs.scoring.score import ScoreResult, score_cohorts
from openasm.runs.scoring.tables import score_tables
from tests.oracle.cohorts import Folder, Plan, folder_of, plans
from tests.oracle.exact_quality import INVERSE
from tests.oracle.exact_scoring import Answer, score

NUMBERS = (
    "quality_score",
    "cost_score",
    "improvement_adjustment",
    "interoperability_adjustment",
    "complex_patient_adjustment",
    "small_practice_adjustment",
    "final_score",
    "transformed_score",
    "scaling_factor",
    "payment_adjustment_factor",
    "payment_multiplier",
    "part_b_paid",
    "payment_change_dollars",
)
STATUS = {"scored": "scored", "minimum_not_met": "zero_minimum_submission", "not_scored": "no_final_score"}
SAMPLE = Plan(21, 20, "mixed", "tenths", "edges", "some_empty", "cents", "any", "gaps", True, 1)
# Sums that are exactly 0 and in floats a little more: the difference between a factor of -r and one above it.
CLIFF = Plan(21, 21, "solo", "tenths", "absent", "empty", "cents", "to_zero", "full", False, 989)


def differs(found: float | None, exact: Fraction | None) -> bool:
    """Whether a number is further than 1e-9 (of amounts above 1: of the amount) from the exact one."""
    if found is None or exact is None or math.isnan(found):
        return not (found is None and exact is None)
    return abs(Fraction(found) - exact) > Fraction(1, 10**9) * max(1, abs(exact))


def rows_of(table: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def differences(scores: list[dict[str, Any]], measures: list[dict[str, Any]], exact: Answer) -> list[str]:
    """Every disagreement, in words."""
    found: list[str] = []
    ours = {(line["tin"], line["npi"], line["cohort"]): line for line in scores}
    theirs = {(line["tin"], line["npi"], line["cohort"]): line for line in exact.scores}
    assert len(ours) == len(scores)
    found += [f"participant {key} is on one side only" for key in ours.keys() ^ theirs.keys()]
    for key in ours.keys() & theirs.keys():
        for name in NUMBERS:
            if differs(ours[key][name], theirs[key][name]):
                exactly = theirs[key][name]
                found.append(f"{key} {name}: {ours[key][name]} for {None if exactly is None else float(exactly)}")
        status = STATUS[theirs[key]["status"]]
        if status == "scored" and theirs[key]["final_score"] == 0:
            status = "zero"
        if ours[key]["status"] != status:
            found.append(f"{key} status: {ours[key]['status']} for {theirs[key]['status']}")
        if int(ours[key]["performance_year"]) != theirs[key]["performance_year"]:
            found.append(f"{key} performance_year")

    def measure_key(line: Mapping[str, Any]) -> tuple[str, ...]:
        submitted = line["measure"] in theirs_submitted.get((line["tin"], line["npi"]), ())
        of_row = (line["collection_type"], line["level"]) if submitted else ("", "")
        return (line["tin"], line["npi"], line["measure"], *of_row)

    theirs_submitted: dict[tuple[str, str], set[str]] = {}
    for line in exact.measures:
        if line["level"]:
            theirs_submitted.setdefault((line["tin"], line["npi"]), set()).add(line["measure"])
    quality = [line for line in measures if not line["measure"].startswith("COST_")]
    lines = {measure_key(line): line for line in quality}
    exact_lines = {measure_key(line): line for line in exact.measures}
    assert len(lines) == len(quality)
    found += [f"measure line {key} is on one side only" for key in lines.keys() ^ exact_lines.keys()]
    for key in lines.keys() & exact_lines.keys():
        if lines[key]["status"] != exact_lines[key]["status"]:
            found.append(f"{key} status: {lines[key]['status']} for {exact_lines[key]['status']}")
            continue
        for name in ("rate", "completeness", "points"):
            expected = exact_lines[key][name]
            if name == "points" and exact_lines[key]["status"] == "not_used":
                expected = None  # the file leaves them empty; `would_be_points` compares them
            if differs(lines[key][name], expected):
                found.append(f"{key} {name}: {lines[key][name]} for {None if expected is None else float(expected)}")
    return found


def benchmark_differences(benchmarks: list[dict[str, Any]], exact: Answer) -> list[str]:
    found: list[str] = []
    ours = {(line["cohort"], line["measure"], line["collection_type"]): line for line in benchmarks}
    for line in exact.benchmarks:
        cost = line["measure"].startswith("COST_")
        mine = ours.pop((line["cohort"], line["measure"], "claims" if cost else line["collection_type"]), None)
        if mine is None:
            if line["pool_size"]:
                found.append(f"no benchmark line {line}")
            continue
        if int(mine["pool_size"]) != line["pool_size"]:
            found.append(f"pool_size: {mine} for {line['pool_size']}")
        sign = -1 if line["measure"] in INVERSE else 1  # edges are written as rates of the measure
        for number in range(1, 11):
            edges = line["edges"] or []
            exactly = sign * edges[number - 1] if number <= len(edges) else None
            if differs(mine[f"e{number}"], exactly):
                found.append(f"e{number}: {mine} for {exactly}")
    found += [f"benchmark of nobody: {line}" for line in ours.values() if int(line["pool_size"])]
    return found


def would_be_points(result: ScoreResult, exact: Answer) -> list[str]:
    """Differences in the points of every row that could have counted, counted or not."""
    exact_points = {}
    for line in exact.measures:
        if line["level"]:
            exact_points[line["tin"], line["npi"], line["measure"], line["collection_type"], line["level"]] = line[
                "points"
            ]
    found: list[str] = []
    for cohort in result.cohorts:
        for place, row in enumerate(cohort.submitted):
            someone = cohort.participants[int(cohort.row_participant[place])]
            level = "tin" if row.npi is None else "individual"
            key = (someone.tin, someone.npi, row.measure, row.collection_type, level)
            points = float(cohort.quality.row_points[place])
            if differs(None if math.isnan(points) else points, exact_points[key]):
                found.append(f"{key}: {points} points for {exact_points[key]}")
    return found


def disagreements(folder: Folder, rules: Rules, *, cost_benchmark: str = "pool") -> list[str]:
    """What the two implementations say differently about a folder, through the files and the pure function."""
    with tempfile.TemporaryDirectory() as scratch:
        folder.write(Path(scratch))
        problems = Problems()
        inputs = read_inputs(Path(scratch), rules=rules, problems=problems)
        problems.refuse_errors()
    result = score_cohorts(inputs, rules, cost_benchmark=cost_benchmark)
    exact = score(**folder.rows(), cost_benchmark=cost_benchmark)
    tables = score_tables(result, inputs)
    found = differences(rows_of(tables["scores"]), rows_of(measure_table(result)), exact)
    return found + benchmark_differences(rows_of(tables["benchmarks"]), exact) + would_be_points(result, exact)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plan=plans())
@example(plan=SAMPLE)
@example(plan=CLIFF)
def test_both_implementations_agree(plan: Plan) -> None:
    assert disagreements(folder_of(plan), rules_for(2027)) == []


@pytest.mark.parametrize("cost_benchmark", ["mips-2024", "mips-2025"])
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plan=plans())
@example(plan=SAMPLE)
def test_both_implementations_agree_on_published_cut_points(plan: Plan, cost_benchmark: str) -> None:
    assert disagreements(folder_of(plan), rules_for(2027), cost_benchmark=cost_benchmark) == []


def read_csv(path: Path) -> list[dict[str, Any]]:
    numeric = {*NUMBERS, "rate", "completeness", "points", *(f"e{number}" for number in range(1, 11))}
    with path.open(encoding="utf-8", newline="") as file:
        lines: list[dict[str, Any]] = list(csv.DictReader(file))
    for line in lines:
        for name in numeric & line.keys():
            line[name] = float(line[name]) if line[name] else None
    return lines


def test_the_command_writes_what_the_oracle_says(tmp_path: Path) -> None:
    folder = folder_of(SAMPLE)
    folder.write(tmp_path / "inputs")
    command = [sys.executable, "-c", "from openasm.cli.main import main; main()", "score", str(tmp_path / "inputs")]
    command += ["--year", "2027", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    exact = score(**folder.rows())
    scores = tmp_path / "run" / "scores"
    found = differences(read_csv(scores / "scores.csv"), read_csv(scores / "measure_scores.csv"), exact)
    assert found + benchmark_differences(read_csv(scores / "benchmarks.csv"), exact) == []
