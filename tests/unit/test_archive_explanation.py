"""Explanations: every printed line of arithmetic is redone from the printed numbers alone."""

from __future__ import annotations

import ast
import datetime as dt
import json
import math
import operator
from collections.abc import Callable
from pathlib import Path

import pytest

from openasm.archive.explanation import Explanation, explain_participant
from openasm.archive.run import Run, read_run
from openasm.archive.trail import digits
from openasm.base.errors import NotFound
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, npi, tin, write_folder

NOW = dt.datetime(2028, 1, 5, tzinfo=dt.UTC)
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "exp": math.exp}


def redone(filled: str) -> float:
    """The value of a printed line, as a pocket calculator would give it."""

    def value(node: ast.expr) -> float:
        match node:
            case ast.BinOp(left, kind, right):
                return _OPERATORS[type(kind)](value(left), value(right))
            case ast.UnaryOp(ast.USub(), operand):
                return -value(operand)
            case ast.Constant(number):
                return float(number)
            case ast.Call(ast.Name(name), arguments):
                return _FUNCTIONS[name](*(value(each) for each in arguments))
        raise AssertionError(f"not simple arithmetic: {filled}")

    return value(ast.parse(filled.replace(" x ", " * "), mode="eval").body)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("explanation")
    inputs = write_folder(folder / "inputs", cohort_rows(140, seed=5))
    score_folder(inputs, folder / "run", year=2027, now=NOW, report=False)
    return read_run(folder / "run")


@pytest.fixture(scope="module")
def explanations(run: Run) -> list[Explanation]:
    keys = dict.fromkeys(zip(run.table("scores").texts("tin"), run.table("scores").texts("npi"), strict=True))
    return [each for tin_, npi_ in keys for each in explain_participant(run, tin=tin_, npi=npi_)]


def test_every_participant_is_explained_once_a_cohort(run: Run, explanations: list[Explanation]) -> None:
    assert len(explanations) == len(run.table("scores"))
    both = [each for each in explanations if each.npi == npi(11)]
    assert [each.cohort for each in both] == ["heart_failure", "low_back_pain"]


def test_printed_numbers_can_be_redone(explanations: list[Explanation]) -> None:
    lines = 0
    for explanation in explanations:
        for step in explanation.steps:
            for each in step.calculations:
                if each.filled:
                    lines += 1
                    assert redone(each.filled) == pytest.approx(float(digits(each.result)), rel=2e-7, abs=2e-7), each
    assert lines > 2000


def test_the_steps_end_in_the_numbers_of_the_score(explanations: list[Explanation]) -> None:
    for explanation in explanations:
        numbers = explanation.numbers
        results = {(step.section, step.title.split(":")[0].split(" 0.")[0]): step.result for step in explanation.steps}
        final = next(step for step in explanation.steps if step.section == "final_score")
        assert final.result == (float(numbers["final_score"]) if numbers["final_score"] else None)
        assert explanation.steps[-1].result == pytest.approx(float(numbers["payment_change_dollars"]))
        assert results[("improvement", "Improvement activities")] == float(numbers["improvement_adjustment"])


def test_partial_points_are_the_printed_part_rounded_half_up(explanations: list[Explanation]) -> None:
    seen = 0
    for explanation in explanations:
        for step in explanation.steps:
            parts = [each for each in step.calculations if each.name.startswith("part of")]
            points = [each for each in step.calculations if each.name == "points"]
            for part, point in zip(parts, points, strict=False):
                if part.filled:
                    seen += 1
                    whole = float(part.name.split()[-1])
                    assert point.result == pytest.approx(whole + min(0.9, math.floor(part.result * 10 + 0.5) / 10))
    assert seen > 200


def test_pi_points_add_up_to_the_score(explanations: list[Explanation]) -> None:
    for explanation in explanations:
        step = next(each for each in explanation.steps if each.section == "interoperability")
        named = {each.name: each for each in step.calculations}
        if "score" in named:
            assert redone(named["score"].filled) == named["score"].result


def test_the_text_cites_and_marks_what_is_unconfirmed(explanations: list[Explanation]) -> None:
    text = explanations[0].as_text()
    assert text.startswith(f"TIN {tin(1)}, NPI {explanations[0].npi}, heart failure cohort (Test Clinician ")
    for section in ("QUALITY (42 CFR 512.725)", "COST (42 CFR 512.730)", "FINAL SCORE (42 CFR 512.745)"):
        assert section in text
    assert "PAYMENT (42 CFR 512.750)" in text
    for rule in explanations[0].unconfirmed:
        assert rule.status in ("secondary", "analog", "assumed")
        assert f"?] {rule.title}: "[:60] in text.replace("\n      ", " ")
    assert f"RULE VALUES ({len(explanations[0].unconfirmed)} of " in text


def test_the_record_is_json_and_complete(explanations: list[Explanation]) -> None:
    record = json.loads(json.dumps(explanations[0].as_record(), allow_nan=False))
    assert record["numbers"]["status"] == record["status"]
    assert {"quality", "cost", "improvement", "interoperability", "final_score", "payment"} <= {
        step["section"] for step in record["steps"]
    }
    assert all(rule["citation"] for step in record["steps"] for rule in step["rules"])


def test_every_status_occurs_and_reads_well(tmp_path: Path) -> None:
    rows = cohort_rows(30, seed=2)
    someone = {"cohort": "heart_failure", "clinicians_in_tin": 20, "part_b_paid": "1000"}
    rows["participants"] += [
        {"tin": tin(800), "npi": npi(900), **someone},
        {"tin": tin(801), "npi": npi(901), **someone},
    ]
    row = {"collection_type": "ecqm", "eligible": 0, "met": 0, "not_met": 0, "exclusions": 0, "exceptions": 0}
    score_folder(write_folder(tmp_path / "inputs", rows), tmp_path / "run", year=2027, now=NOW, report=False)
    run = read_run(tmp_path / "run")
    nothing = explain_participant(run, tin=tin(800), npi=npi(900))[0]
    assert nothing.status == "zero_minimum_submission"
    assert "The minimum submission is not met: the final score is 0." in " ".join(nothing.as_text().split())
    # Five measures with nothing eligible: with the minimum waived there would be no score at all.
    rows["quality"] += [{"tin": tin(800), "npi": npi(900), "measure": m, **row} for m in ("008", "005", "236", "377")]
    overlay = tmp_path / "waived.yaml"
    overlay.write_text(
        "section: quality\ntitle: Waived\nparameters:\n  minimum_submission_measures:\n    values:\n"
        "      - {years: [2027], value: 0, citation: a what-if}\n"
    )
    inputs = write_folder(tmp_path / "inputs", rows)
    score_folder(inputs, tmp_path / "run2", year=2027, now=NOW, overlays=[overlay], report=False)
    none = explain_participant(read_run(tmp_path / "run2"), tin=tin(800), npi=npi(900))[0]
    assert none.status == "no_final_score"
    assert "Without a final score the factor is 0" in " ".join(none.as_text().split())
    assert none.steps[-1].result == 0


def test_advice_for_somebody_who_is_not_there(run: Run) -> None:
    with pytest.raises(NotFound, match=r"This NPI is in it under TIN 9"):
        explain_participant(run, tin=tin(999), npi=npi(1))
    with pytest.raises(NotFound, match=r"This TIN is in it with NPI 2"):
        explain_participant(run, tin=tin(1), npi=npi(999))
    with pytest.raises(NotFound, match=r"scores/scores.csv"):
        explain_participant(run, tin=tin(999), npi=npi(999))
    first = run.table("scores").row(0)
    with pytest.raises(NotFound, match="but in heart_failure"):
        explain_participant(run, tin=first["tin"], npi=first["npi"], cohort="low_back_pain")
