"""The choice of level in points and dollars: the run scored again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openasm.archive.run import Run, read_run
from openasm.archive.tables import read_csv
from openasm.base.errors import NotFound, WrongUsage
from openasm.regulation.rulebook import rules_for
from openasm.runs.handing_in.submission import compare_levels, write_level_choices
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, tin, write_folder
from tests.builders.submissions import NOW
from tests.unit.test_submission_package import openasm

RULES = rules_for(2027)
SMALL = 999


def scored(
    folder: Path, *, own_rate: int, whole_rate: int, size: int = 3, with_own: bool = True, with_whole: bool = True
) -> Run:
    """A cohort with one practice whose rates differ by level."""
    rows = cohort_rows(160, seed=5)
    here = tin(SMALL)
    someone = "2999000013"
    rows["participants"].append(
        {
            **{
                "tin": here,
                "npi": someone,
                "cohort": "heart_failure",
                "name": "Test Clinician",
                "organization": "Test Practice",
            },
            **{
                "state": "NY",
                "clinicians_in_tin": size,
                "part_b_paid": "100000.00",
                "hcc_mean": "1.2",
                "dual_share": "0.2",
            },
        }
    )
    for npi, rate, there in ((someone, own_rate, with_own), ("", whole_rate, with_whole)):
        if there:
            row = {"tin": here, "npi": npi, "measure": "005", "collection_type": "ecqm", "eligible": 100}
            rows["quality"].append({**row, "met": rate, "not_met": 100 - rate, "exclusions": 0, "exceptions": 0})
    rows["cost"].append({"tin": here, "npi": someone, "measure": "COST_HF_1", "episodes": 40, "score": "12000.00"})
    write_folder(folder / "inputs", rows)
    score_folder(folder / "inputs", folder / "run", year=2027, now=NOW, report=False)
    return read_run(folder / "run")


@pytest.mark.parametrize(("own", "whole", "best"), [(95, 30, "individual"), (30, 95, "tin")])
def test_the_better_level_is_named(own: int, whole: int, best: str, tmp_path: Path) -> None:
    run = scored(tmp_path, own_rate=own, whole_rate=whole)
    choice = compare_levels(run, tin(SMALL), rules=RULES)
    assert choice.levels == ("individual", "tin", "both")
    assert choice.best == best
    by_level = {each.level: each for each in choice.outcomes}
    first, second = by_level[best], by_level["tin" if best == "individual" else "individual"]
    assert first.quality_score is not None
    assert second.quality_score is not None
    assert first.quality_score > second.quality_score
    # Under the assumed rule the better row counts when both are handed in; that is what the run itself holds.
    stored = run.participants(tin=tin(SMALL), npi="2999000013")[0]
    assert by_level["both"].final_score == float(stored["final_score"])
    assert by_level["both"].change_dollars == float(stored["payment_change_dollars"])


def test_no_choice_without_the_practices_rows_or_with_a_large_practice(tmp_path: Path) -> None:
    run = scored(tmp_path / "a", own_rate=80, whole_rate=80, with_whole=False)
    assert compare_levels(run, tin(SMALL), rules=RULES).levels == ("individual",)
    run = scored(tmp_path / "b", own_rate=80, whole_rate=80, with_own=False)
    assert compare_levels(run, tin(SMALL), rules=RULES).levels == ("tin",)
    run = scored(tmp_path / "c", own_rate=80, whole_rate=80, size=16, with_whole=False)
    assert compare_levels(run, tin(SMALL), rules=RULES).levels == ("individual",)


def test_other_rules_and_unknown_practices_are_refused(tmp_path: Path) -> None:
    run = scored(tmp_path, own_rate=80, whole_rate=70)
    with pytest.raises(NotFound):
        compare_levels(run, tin(998_000), rules=RULES)
    other = RULES.with_value("quality.case_minimum", 30, citation="a test")
    with pytest.raises(WrongUsage, match=r"quality\.case_minimum"):
        compare_levels(run, tin(SMALL), rules=other)
    done = openasm("compare", run.path, "--tin", tin(SMALL))
    assert done.returncode == 0
    assert "clinician by clinician" in done.stdout
    assert "(best)" in done.stdout
    record = json.loads(openasm("compare", run.path, "--tin", tin(SMALL), "--json").stdout)
    assert record["best"] in record["levels"]


def test_the_choices_of_small_practices_are_a_table_of_the_run(tmp_path: Path) -> None:
    run = scored(tmp_path, own_rate=95, whole_rate=30)
    path = tmp_path / "level_choice.csv"
    assert write_level_choices(run, [tin(SMALL), "000000999"], path, rules=RULES) == 1
    rows = list(read_csv(path).rows())
    choice = compare_levels(run, tin(SMALL), rules=RULES)
    assert [(row["level"], row["best"], float(row["final_score"]), float(row["change_dollars"])) for row in rows] == [
        (each.level, "yes" if each.level == "individual" else "no", each.final_score, each.change_dollars)
        for each in choice.outcomes
    ]
    other = scored(tmp_path / "large", own_rate=95, whole_rate=30, size=16, with_whole=False)
    assert write_level_choices(other, [tin(SMALL)], tmp_path / "none.csv", rules=RULES) == 0
    assert list(read_csv(tmp_path / "none.csv").rows()) == []
