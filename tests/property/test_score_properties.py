"""Properties of scoring: what must never matter, and bounds that always hold."""

from __future__ import annotations

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.runs.scoring.inputs import ScoreInputs, read_inputs, sorted_inputs
from openasm.runs.scoring.measure_table import measure_table
from openasm.runs.scoring.score import score_cohorts
from openasm.runs.scoring.tables import score_tables
from tests.builders.score_folders import cohort_rows, write_folder

RULES = rules_for(2027)
CASES = settings(max_examples=12, deadline=None, derandomize=True)


def inputs_of(tmp_path_factory: object, seed: int, participants: int = 60) -> ScoreInputs:
    folder = tmp_path_factory.mktemp("inputs")  # type: ignore[attr-defined]
    return read_inputs(write_folder(folder, cohort_rows(participants, seed=seed)), rules=RULES, problems=Problems())


def tables(inputs: ScoreInputs) -> dict[str, object]:
    result = score_cohorts(inputs, RULES)
    return {**score_tables(result, inputs), "measure_scores": measure_table(result)}


@CASES
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_never_matters(seed: int, tmp_path_factory: object) -> None:
    rows = cohort_rows(60, seed=seed)
    mixed = {name: random.Random(seed).sample(entries, len(entries)) for name, entries in rows.items()}
    found = []
    for each in (rows, mixed):
        folder = write_folder(tmp_path_factory.mktemp("inputs"), each)  # type: ignore[attr-defined]
        found.append(tables(read_inputs(folder, rules=RULES, problems=Problems())))
    assert found[0] == found[1]


@CASES
@given(seed=st.integers(0, 10_000))
def test_cohorts_scored_apart_give_what_they_give_together(seed: int, tmp_path_factory: object) -> None:
    inputs = inputs_of(tmp_path_factory, seed)
    together = score_tables(score_cohorts(inputs, RULES), inputs)["scores"]
    apart: dict[str, list[object]] = {name: [] for name in together}
    for cohort in ("heart_failure", "low_back_pain"):
        part = sorted_inputs(
            participants=[each for each in inputs.participants if each.cohort == cohort],
            quality=inputs.quality,
            cost=inputs.cost,
            attestations=inputs.attestations,
        )
        for name, values in score_tables(score_cohorts(part, RULES), part)["scores"].items():
            apart[name].extend(values)
    assert apart == together


@CASES
@given(seed=st.integers(0, 10_000))
def test_bounds_and_the_sum_of_dollars(seed: int, tmp_path_factory: object) -> None:
    inputs = inputs_of(tmp_path_factory, seed)
    risk, share = RULES["payment.risk_level"].number, RULES["payment.redistributed_share"].number
    for each in score_cohorts(inputs, RULES).cohorts:
        scored = [value for value in each.final_score.tolist() if not math.isnan(value)]
        assert all(0 <= value <= 100 for value in scored)
        assert all(-risk <= value <= risk for value in each.payment.factor.tolist())
        base = sum(
            float(someone.part_b_paid)
            for someone, value in zip(each.participants, each.final_score.tolist(), strict=True)
            if not math.isnan(value)
        )
        if not math.isnan(float(each.payment.scaling_factor)):
            change = float(each.payment.change_dollars.sum()) + float(each.payment.undistributed_dollars)
            assert math.isclose(change, -(1 - share) * risk * base, rel_tol=1e-9)
