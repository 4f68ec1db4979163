"""The worklist: order, windows, for whom, and what a closed gap is worth, worked out again by hand."""

from __future__ import annotations

import csv
import datetime as dt
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openasm.base.errors import NotFound, WrongUsage
from openasm.base.problems import Problems
from openasm.cli.quality import app
from openasm.quality.attribution import AttributedCounts, Clinician, CountKey
from openasm.quality.demonstration import write_demo_patients, write_demo_value_sets
from openasm.quality.populations import Tally
from openasm.quality.specification import measure_ids, specification_for
from openasm.quality.worklist import OpenGap, days_left, order_key, window
from openasm.regulation.published import published_quality_benchmark
from openasm.regulation.rulebook import rules_for
from openasm.runs.demonstration.cohort import made_up_npi
from openasm.runs.measures.gap_worth import worth_for_patients, worth_of_gaps
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, write_folder


def gap(due: str, *, earliest: str = "", kind: str = "care") -> OpenGap:
    return OpenGap(
        "CMS90",
        1,
        "p",
        kind,
        "x",
        date.fromisoformat(earliest) if earliest else None,
        date.fromisoformat(due) if due else None,
    )


def test_windows_that_close_soonest_come_first() -> None:
    day = date(2026, 6, 15)
    in_order = [
        gap("2026-06-15"),
        gap("2026-06-20"),
        gap("2026-06-20", kind="documentation"),
        gap("2026-06-20", kind="data"),
        gap("2026-12-31"),
        gap("2026-12-01", earliest="2026-06-16"),
        gap("2026-11-01", earliest="2026-07-01"),
        gap("2026-06-14"),
        gap(""),
    ]
    assert sorted(in_order[4:] + in_order[:4], key=lambda each: order_key(each, day)) == in_order
    assert [window(each, day).value for each in in_order] == ["open"] * 5 + ["later"] * 2 + ["closed", "lost"]
    assert [days_left(each, day) for each in in_order] == [0, 5, 5, 5, 199, 169, 139, None, None]
    assert len({len(order_key(each, at)) for each in in_order for at in (day, None)}) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("worklist")
    write_demo_value_sets(path / "value_sets")
    write_demo_patients(path / "records", 3, 70, 2026, performers=[made_up_npi(1), made_up_npi(2)])
    return path


def run(folder: Path, out: Path, *options: str) -> str:
    arguments = [str(folder / "records"), "--value-sets", str(folder / "value_sets"), "--year", "2026", "--jobs", "1"]
    result = CliRunner().invoke(
        app, [*arguments, "--out", str(out), *options], catch_exceptions=False, standalone_mode=False
    )
    if result.exception is not None:
        raise result.exception
    return result.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_worklist_holds_every_gap_once_in_order(folder: Path, tmp_path: Path) -> None:
    text = run(folder, tmp_path / "run", "--tin", "000000077", "--as-of", "2026-07-10")
    listed = rows(tmp_path / "run" / "patients" / "worklist.csv")
    names = ("measure", "group", "patient", "kind", "missing", "earliest")
    gaps = rows(tmp_path / "run" / "patients" / "gaps.csv")
    assert sorted((*(each[name] for name in names), each["due"]) for each in listed) == sorted(
        (*(each[name] for name in names), each["by_when"]) for each in gaps
    )
    order = {"open": 0, "later": 1, "closed": 2, "lost": 3}
    assert [order[each["window"]] for each in listed] == sorted(order[each["window"]] for each in listed)
    open_days = [each["due"] for each in listed if each["window"] == "open"]
    assert open_days == sorted(open_days)
    assert open_days[0] >= "2026-07-10"
    assert {each["window"] for each in listed} >= {"open", "closed", "lost"}
    assert {each["counts_for"] for each in listed} == {"000000077/"}
    assert (tmp_path / "run" / "patients" / "worklist.csv").stat().st_mode & 0o077 == 0
    assert f"{len(open_days)} open" in text
    run(folder, tmp_path / "plain")
    assert {each["window"] for each in rows(tmp_path / "plain" / "patients" / "worklist.csv")} == {"open", "lost"}


def test_for_whom_a_gap_counts(folder: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(f"tin,npi\n000000077,{made_up_npi(1)}\n", encoding="utf-8")
    run(folder, tmp_path / "run", "--roster", str(roster))
    seen = {(row["measure"], row["patient"]) for row in rows(tmp_path / "run" / "patients" / "attribution.csv")}
    for each in rows(tmp_path / "run" / "patients" / "worklist.csv"):
        expected = f"000000077/ 000000077/{made_up_npi(1)}" if (each["measure"], each["patient"]) in seen else ""
        assert each["counts_for"] == expected


@pytest.fixture(scope="module")
def score_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty made-up participants, scored."""
    path = tmp_path_factory.mktemp("score")
    write_folder(path / "inputs", cohort_rows(60))
    score_folder(path / "inputs", path / "run", year=2027, now=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    return path / "run"


def test_worth_is_points_by_deciles_times_weight(score_run: Path) -> None:
    specifications = {"CMS165": specification_for("CMS165", 2026)}
    table = rows(score_run / "scores" / "scores.csv")
    who = next(row for row in table if row["cohort"] == "heart_failure")
    tally = Tally(eligible=100, met=50, exclusions=0, exceptions=0)
    counts = AttributedCounts({CountKey(who["tin"], who["npi"], "CMS165", 1): tally})
    problems = Problems()
    (worth,) = worth_of_gaps(score_run, counts, specifications, problems)
    assert [problem.kind.code for problem in problems] == ["Q133"]  # not projected
    assert (worth.open_cases, worth.level, worth.dollars_all) == (50, "individual", None)
    assert worth.points_all == 10.0
    assert worth.points_now <= worth.points_one <= worth.points_all
    edges = [
        float(row[f"e{place}"])
        for row in rows(score_run / "scores" / "benchmarks.csv")
        if row["measure"] == "236" and row["collection_type"] == "ecqm" and row["e1"]
        for place in range(1, 10)
    ]
    if edges:
        assert worth.benchmark == "pool of the run"
        assert int(worth.points_now) == sum(edge <= 0.5 for edge in edges) + 1
    else:
        published = published_quality_benchmark("236", "ecqm", 2026, rules_for(2027))
        assert int(worth.points_now) == sum(edge / 100 <= 0.5 for edge in published.deciles) + 1
    counting = sum(
        row["status"] in ("scored", "zero")
        for row in rows(score_run / "scores" / "measure_scores.csv")
        if (row["tin"], row["npi"]) == (who["tin"], who["npi"]) and not row["measure"].startswith("COST")
    )
    weight = 0.5 if who["cost_score"] else 1.0
    assert worth.final_score_all == pytest.approx((10 - worth.points_now) * 100 * weight / (10 * counting))
    value = worth_for_patients([worth], {"CMS165": "236"})
    mine = frozenset((Clinician(who["tin"], who["npi"]),))
    assert value("CMS165", mine) == (pytest.approx(worth.final_score_all / 50), None)
    assert value("CMS165", frozenset((Clinician("999999999", ""),))) == (0, None)


@pytest.fixture(scope="module")
def large_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Participants enough for pools of their own, scored."""
    path = tmp_path_factory.mktemp("large")
    write_folder(path / "inputs", cohort_rows(240))
    score_folder(path / "inputs", path / "run", year=2027, now=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    return path / "run"


def test_a_scored_cohort_gives_pool_points_and_the_worth_of_each_gap(
    folder: Path, large_run: Path, tmp_path: Path
) -> None:
    """By the command: points against the cohort's own benchmarks beside MIPS's, labelled; worth on the lines that can be closed."""
    tin = next(row["tin"] for row in rows(large_run / "scores" / "scores.csv") if row["cohort"] == "heart_failure")
    run(folder, tmp_path / "run", "--tin", tin, "--worth", str(large_run), "--as-of", "2026-07-10")
    pools = {
        row["measure"]: (int(row["pool_size"]), [float(row[f"e{place}"]) for place in range(1, 10)])
        for row in rows(large_run / "scores" / "benchmarks.csv")
        if row["collection_type"] == "ecqm" and row["e1"]
    }
    ids = {each: specification_for(each, 2026).quality_id for each in measure_ids()}
    checked = 0
    for row in rows(tmp_path / "run" / "scores" / "quality_by_clinician.csv"):
        size, edges = pools.get(ids[row["measure"]], (0, []))
        if not edges or row["group"] != "1":
            assert (row["pool_points_ecqm"], row["pool_benchmark_ecqm"]) == ("", "")
            continue
        assert row["pool_benchmark_ecqm"] == f"pool of {size}, ecqm"
        assert row["mips_benchmark_ecqm"].startswith("MIPS 20")
        if row["pool_points_ecqm"]:
            better = (lambda edge, rate: edge >= rate) if edges[0] > edges[-1] else (lambda edge, rate: edge <= rate)
            reached = sum(better(edge, float(row["rate"])) for edge in edges)
            assert int(float(row["pool_points_ecqm"])) == reached + 1
            checked += 1
    assert checked
    worth = {row["measure"]: row for row in rows(tmp_path / "run" / "scores" / "gap_worth.csv") if row["tin"] == tin}
    listed = rows(tmp_path / "run" / "patients" / "worklist.csv")
    for row in listed:
        value = worth.get(ids[row["measure"]])
        closable = row["window"] in ("open", "later") and row["group"] == "1"
        if closable and value is not None and int(value["open_cases"]):
            per_case = float(value["final_score_all"]) / int(value["open_cases"])
            assert float(row["final_score_points"]) == pytest.approx(per_case, abs=6e-5)
        elif not closable:
            assert (row["final_score_points"], row["dollars"]) == ("", "")
    assert any(row["final_score_points"] not in ("", "0.0000") for row in listed)


def test_nobody_of_the_run(score_run: Path) -> None:
    counts = AttributedCounts({CountKey("999999999", "", "CMS165", 1): Tally(100, 50, 0, 0)})
    problems = Problems()
    assert worth_of_gaps(score_run, counts, {"CMS165": specification_for("CMS165", 2026)}, problems) == []
    assert {problem.kind.code for problem in problems} == {"Q133", "Q134"}


def test_bad_options(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage):
        run(folder, tmp_path / "run", "--as-of", "June")
    with pytest.raises(WrongUsage):
        run(folder, tmp_path / "run", "--worth", str(tmp_path))
    with pytest.raises(NotFound):
        run(folder, tmp_path / "run", "--tin", "000000077", "--worth", str(tmp_path / "absent"))
    assert not (tmp_path / "run").exists()
