"""The score stage: inputs to a run folder."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.archive.run import read_run
from openasm.base.errors import InputRefused, NotFound, RuleUnpublished, WrongUsage
from openasm.runs.scoring.run import ScoreSummary, score_folder
from tests.builders.score_folders import HEADERS, Rows, attested, cohort_rows, npi, tin, write_folder

NOW = dt.datetime(2028, 1, 5, 12, 0, tzinfo=dt.UTC)
SCORES = (
    "performance_year,tin,npi,cohort,quality_score,cost_score,improvement_adjustment,interoperability_adjustment,"
    "complex_patient_adjustment,small_practice_adjustment,final_score,transformed_score,scaling_factor,"
    "payment_adjustment_factor,payment_multiplier,part_b_paid,payment_change_dollars,status"
)
MEASURE_SCORES = "tin,npi,measure,collection_type,level,rate,completeness,points,status,reason"
BENCHMARKS = "cohort,measure,collection_type,pool_size,e1,e2,e3,e4,e5,e6,e7,e8,e9"


def scored(rows: Rows, folder: Path, **options: object) -> ScoreSummary:
    inputs = write_folder(folder / "inputs", rows)
    return score_folder(inputs, folder / "run", year=2027, now=NOW, report=False, **options)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "run" / "scores" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def bytes_of(scores: Path) -> dict[str, str]:
    return {
        path.relative_to(scores).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in scores.rglob("*")
        if path.is_file()
    }


def nothing() -> Rows:
    return {name: [] for name in HEADERS}


def member(cohort: str, practice: str, number: int, **other: object) -> dict[str, object]:
    row: dict[str, object] = {"tin": practice, "npi": npi(number), "cohort": cohort, "clinicians_in_tin": 30}
    return {**row, "part_b_paid": "100000", **other}


def counts(practice: str, someone: str, measure: str, met: int, of: int = 100, kind: str = "ecqm") -> dict[str, object]:
    row: dict[str, object] = {"tin": practice, "npi": someone, "measure": measure, "collection_type": kind}
    return {**row, "eligible": of, "met": met, "not_met": of - met, "exclusions": 0, "exceptions": 0}


def twenty_one(measure: str = "236") -> Rows:
    """Twenty-one heart failure participants in one large practice, one measure each at 40%, 42%, ..., 80%."""
    rows = nothing()
    for number in range(21):
        rows["participants"].append(member("heart_failure", tin(1), number))
        rows["quality"].append(counts(tin(1), npi(number), measure, 40 + 2 * number))
    return rows


def test_the_files_have_the_documented_columns(tmp_path: Path) -> None:
    scored(cohort_rows(60), tmp_path)
    scores = tmp_path / "run" / "scores"
    assert (scores / "scores.csv").read_text().splitlines()[0] == SCORES
    assert (scores / "measure_scores.csv").read_text().splitlines()[0].startswith(MEASURE_SCORES)
    assert (scores / "benchmarks.csv").read_text().splitlines()[0].startswith(BENCHMARKS)
    parquet = pq.read_table(scores / "scores.parquet")
    assert ",".join(parquet.column_names) == SCORES
    written = [None if not each["final_score"] else float(each["final_score"]) for each in table(tmp_path, "scores")]
    assert parquet["final_score"].to_pylist() == written


def test_every_participant_has_one_row_in_order(tmp_path: Path) -> None:
    rows = cohort_rows(60)
    scored(rows, tmp_path)
    keys = [(each["cohort"], each["tin"], each["npi"]) for each in table(tmp_path, "scores")]
    assert keys == sorted((str(each["cohort"]), str(each["tin"]), str(each["npi"])) for each in rows["participants"])


def test_equal_inputs_give_equal_bytes_and_parquet_equals_csv(tmp_path: Path) -> None:
    rows = cohort_rows(60)
    scored(rows, tmp_path / "one")
    scored(rows, tmp_path / "two")
    inputs = tmp_path / "three" / "inputs"
    inputs.mkdir(parents=True)
    for name, header in HEADERS.items():
        types = {"clinicians_in_tin": int, "eligible": int, "episodes": int, "part_b_paid": float, "dual_share": float}
        columns = {
            column: [
                None if row.get(column, "") == "" else types.get(column, str)(row[column])  # type: ignore[operator]
                for row in rows[name]
            ]
            for column in header
        }
        pq.write_table(pa.table(columns), inputs / f"{name}.parquet")
    score_folder(inputs, tmp_path / "three" / "run", year=2027, now=NOW, report=False)
    one = bytes_of(tmp_path / "one" / "run" / "scores")
    assert bytes_of(tmp_path / "two" / "run" / "scores") == one
    three = bytes_of(tmp_path / "three" / "run" / "scores")
    assert {name for name in one if one[name] != three[name]} <= {"inputs/participants.csv"}  # 250000.00 reads 250000.0


def test_a_run_can_be_scored_again_from_its_own_copies(tmp_path: Path) -> None:
    scored(cohort_rows(80), tmp_path)
    first = tmp_path / "run" / "scores"
    score_folder(first / "inputs", tmp_path / "again", year=2027, now=NOW, report=False)
    assert bytes_of(tmp_path / "again" / "scores") == bytes_of(first)


def test_nobody_submitted_anything(tmp_path: Path) -> None:
    rows = nothing()
    rows["participants"] = [member("heart_failure", tin(1), 1), member("low_back_pain", tin(2), 2)]
    summary = scored(rows, tmp_path)
    for each in table(tmp_path, "scores"):
        assert each["status"] == "zero_minimum_submission"
        assert (each["final_score"], each["payment_adjustment_factor"]) == ("0.0", "-0.09")
        assert (each["payment_change_dollars"], each["cost_score"]) == ("-9000.0", "")
    reasons = {each["measure"]: (each["status"], each["reason"]) for each in table(tmp_path, "measure_scores")}
    assert reasons["236"] == ("zero", "required measure that was not submitted: 0 points, and it counts")
    assert reasons["492"] == ("excluded", "no row: the measure is left out")
    assert reasons["COST_HF_1"] == ("excluded", "no score of COST_HF_1: the category is not scored")
    assert [each.statuses["zero_minimum_submission"] for each in summary.cohorts] == [1, 1]


def test_points_follow_the_pool_and_missing_measures_count_zero(tmp_path: Path) -> None:
    scored(twenty_one(), tmp_path)
    rows = [each for each in table(tmp_path, "measure_scores") if each["measure"] == "236"]
    # Rates 40, 42, ..., 80: the deciles are 44, 48, ..., 76; a rate on an edge opens the next decile.
    assert [each["points"] for each in rows[:5]] == ["1.0", "1.5", "2.0", "2.5", "3.0"]
    assert [each["points"] for each in rows[-3:]] == ["10.0", "10.0", "10.0"]
    assert {each["reason"] for each in rows} == {"points by decile of 21 rates"}
    first = table(tmp_path, "scores")[0]
    assert float(first["quality_score"]) == pytest.approx(1.0 / 40)  # 492 left out, three measures not submitted


@pytest.mark.parametrize(("size", "status"), [(19, "excluded"), (20, "scored"), (21, "scored")])
def test_the_smallest_pool(size: int, status: str, tmp_path: Path) -> None:
    rows = twenty_one()
    rows["quality"] = rows["quality"][:size]
    scored(rows, tmp_path)
    first = next(each for each in table(tmp_path, "measure_scores") if each["measure"] == "236")
    assert first["status"] == status
    if status == "excluded":
        assert first["reason"] == "no benchmark: 19 rates in the pool, 20 needed: the measure is left out"


def test_one_npi_under_two_tins_and_in_both_cohorts(tmp_path: Path) -> None:
    rows = twenty_one()
    someone = npi(3)
    rows["participants"] += [
        member("low_back_pain", tin(1), 3),
        member("heart_failure", tin(2), 3, clinicians_in_tin=1),
    ]
    rows["quality"] += [counts(tin(1), someone, "134", 30), counts(tin(2), someone, "236", 79)]
    scored(rows, tmp_path)
    mine = [each for each in table(tmp_path, "scores") if each["npi"] == someone]
    assert [(each["cohort"], each["tin"]) for each in mine] == [
        ("heart_failure", tin(1)),
        ("heart_failure", tin(2)),
        ("low_back_pain", tin(1)),
    ]
    assert [each["small_practice_adjustment"] for each in mine] == ["0.0", "15.0", "0.0"]
    rates = {(each["tin"], each["measure"]): each["rate"] for each in table(tmp_path, "measure_scores") if each["rate"]}
    assert rates[(tin(1), "134")] == "0.3"
    assert rates[(tin(2), "236")] == "0.79"


def test_a_tin_level_row_counts_for_everyone_in_the_small_practice(tmp_path: Path) -> None:
    rows = twenty_one()
    rows["participants"] += [member("heart_failure", tin(5), number, clinicians_in_tin=15) for number in (50, 51)]
    rows["quality"] += [counts(tin(5), "", "236", 70), counts(tin(5), npi(51), "236", 80)]
    scored(rows, tmp_path)
    mine = [each for each in table(tmp_path, "measure_scores") if each["tin"] == tin(5) and each["measure"] == "236"]
    assert [(each["npi"], each["level"], each["status"]) for each in mine] == [
        (npi(50), "tin", "scored"),
        (npi(51), "individual", "scored"),
        (npi(51), "tin", "not_used"),
    ]
    assert mine[2]["reason"].startswith("another row of this measure counts; this one would earn ")


def test_published_cut_points_and_their_note(tmp_path: Path) -> None:
    rows = twenty_one()
    for number, score in enumerate(("13637.80", "8001.84", "11759.15", "15516.45", "23970.38")):
        entry = {"tin": tin(1), "npi": npi(number), "measure": "COST_HF_1", "episodes": 20, "score": score}
        rows["cost"].append(entry)
    scored(rows, tmp_path, cost_benchmark="mips-2024")
    points = [each["points"] for each in table(tmp_path, "measure_scores") if each["measure"] == "COST_HF_1"]
    assert points[:6] == ["7.5", "10.0", "7.9", "6.9", "1.0", ""]
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert "published MIPS 2024 cut points" in manifest["notes"][0]
    assert manifest["settings"] == {"cost_benchmark": "mips-2024", "assume_year": None, "participants_only": False}
    cost = next(each for each in table(tmp_path, "benchmarks") if each["measure"] == "COST_HF_1")
    assert (cost["source"], cost["e1"], cost["e10"]) == ("mips-2024", "8001.85", "23970.38")


def test_everything_attested_costs_nothing(tmp_path: Path) -> None:
    rows = twenty_one()
    rows["attestations"] = attested(tin(1), part=(100, 100))
    scored(rows, tmp_path)
    first = table(tmp_path, "scores")[0]
    assert (first["improvement_adjustment"], first["interoperability_adjustment"]) == ("0.0", "0.0")


def test_the_manifest_names_inputs_rules_and_warnings(tmp_path: Path) -> None:
    rows = twenty_one()
    rows["attestations"] = attested(tin(1))
    rows["quality"][0]["rate"] = "0.4"
    rows["cost"] = [{"tin": tin(1), "npi": "", "measure": "COST_HF_1", "episodes": 400, "score": "12000"}]
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        "section: payment\ntitle: Mine\nparameters:\n  redistributed_share:\n    values:\n"
        "      - {years: [2027], value: 0.9, citation: my reading}\n"
    )
    scored(rows, tmp_path, overlays=[overlay])
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    quality = (tmp_path / "inputs" / "quality.csv").read_bytes()
    recorded = {each["table"]: each for each in manifest["inputs"]}
    assert recorded["quality"] == {
        **{"table": "quality", "name": "quality.csv", "rows": 21, "bytes": len(quality)},
        "sha256": hashlib.sha256(quality).hexdigest(),
    }
    assert [(each["code"], each["row"]) for each in manifest["problems"]] == [("S208", 1), ("S304", None)]
    share = next(each for each in manifest["parameters"] if each["name"] == "payment.redistributed_share")
    assert (share["value"], share["citation"], share["status"]) == (0.9, "my reading", "user")
    assert manifest["overlays"][0]["name"] == "mine.yaml"
    assert (manifest["year"], manifest["payment_year"], manifest["started"]) == (2027, 2029, "2028-01-05T12:00:00Z")
    assert manifest["counts"]["unconfirmed_parameters"] == len(manifest["unconfirmed"]) > 0
    for each in manifest["outputs"]:
        content = (tmp_path / "run" / each["name"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
    scores = table(tmp_path, "scores")
    transformed = math.fsum(float(each["transformed_score"]) for each in scores)
    assert float(scores[0]["scaling_factor"]) == pytest.approx(0.9 * 21 / transformed)


def test_an_unpublished_year_needs_an_assumption_that_is_noted(tmp_path: Path) -> None:
    inputs = write_folder(tmp_path / "inputs", twenty_one())
    with pytest.raises(RuleUnpublished, match="2028"):
        score_folder(inputs, tmp_path / "run", year=2028, now=NOW, report=False)
    assert not (tmp_path / "run").exists()
    score_folder(inputs, tmp_path / "run", year=2028, now=NOW, assume_year=2027, report=False)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["notes"][0].startswith("A what-if: ")
    borrowed = [each for each in manifest["parameters"] if each["assumed_from_year"] == 2027]
    assert borrowed
    assert {each["confirmed"] for each in borrowed} == {False}


def test_wrong_calls(tmp_path: Path) -> None:
    inputs = write_folder(tmp_path / "inputs", twenty_one())
    with pytest.raises(NotFound, match="no folder nowhere"):
        score_folder(tmp_path / "nowhere", tmp_path / "run", year=2027, now=NOW, report=False)
    with pytest.raises(WrongUsage, match="one of pool, mips-2024, mips-2025"):
        score_folder(inputs, tmp_path / "run", year=2027, now=NOW, cost_benchmark="mips-2026", report=False)
    score_folder(inputs, tmp_path / "run", year=2027, now=NOW, report=False)
    with pytest.raises(WrongUsage, match="already holds a run"):
        score_folder(inputs, tmp_path / "run", year=2027, now=NOW, report=False)
    score_folder(inputs, tmp_path / "run", year=2027, now=NOW, replace=True, report=False)
    with pytest.raises(WrongUsage, match="holds other files"):
        score_folder(inputs, inputs, year=2027, now=NOW, replace=True, report=False)


def test_reading_a_run(tmp_path: Path) -> None:
    scored(twenty_one(), tmp_path)
    run = read_run(tmp_path / "run")
    assert (run.year, run.payment_year) == (2027, 2029)
    assert run.parameter("payment.risk_level").value == 0.09
    scores = run.table("scores")
    assert len(scores) == 21
    assert scores.texts("tin")[0] == tin(1)
    assert math.isnan(scores.numbers("cost_score")[0])
    assert scores.integers("performance_year")[0] == 2027
    with pytest.raises(NotFound, match="no table nothing"):
        run.table("nothing")
    with pytest.raises(NotFound, match=r"scores.csv has no column nothing"):
        scores.texts("nothing")
    with pytest.raises(NotFound, match="no rule value named x"):
        run.parameter("x")
    with pytest.raises(NotFound, match="There is no run nowhere"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(InputRefused, match="S901 inputs: the folder is not a run"):
        read_run(tmp_path / "inputs")
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 1', '"format_version": 99'))
    with pytest.raises(InputRefused, match="S902 run"):
        read_run(tmp_path / "run")
    manifest.write_text("{")
    with pytest.raises(InputRefused, match="S901 run"):
        read_run(tmp_path / "run")


def test_the_report_is_part_of_the_run_and_of_its_manifest(tmp_path: Path) -> None:
    inputs = write_folder(tmp_path / "inputs", twenty_one())
    score_folder(inputs, tmp_path / "run", year=2027, now=NOW)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert "report.html" in {each["name"] for each in manifest["outputs"]}
    assert "manifest.json" not in {each["name"] for each in manifest["outputs"]}
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
