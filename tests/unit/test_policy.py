"""The policy view: its sums are the run's own, and what changed rules would do is what scoring under them does."""

from __future__ import annotations

import csv
import datetime as dt
import doctest
import importlib
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

from openasm.archive.run import read_run
from openasm.archive.tables import RunTable
from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.cli.policy import app
from openasm.report.groups import NOT_KNOWN, QUINTILES, by_dual_share
from openasm.report.policy import GAIN, LOSS, STANDINGS, PolicyView, percentile, policy_view
from openasm.report.policy_files import FORMATS, render, write_policy
from openasm.report.text import dollars, factor, points
from openasm.runs.scoring.impact import TWO_SPECIALTIES, score_anew, specialties_of
from openasm.runs.scoring.run import score_folder
from tests.builders.report_pages import check_page, page_words
from tests.builders.score_folders import cohort_rows, write_folder

NOW = dt.datetime(2028, 4, 1, tzinfo=dt.UTC)
GENTLER = """section: payment
parameters:
  transform_slope:
    values:
      - years: [2027]
        value: 0.03
        citation: what-if, a gentler curve
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    write_folder(folder / "inputs", cohort_rows(160, seed=9))
    score_folder(folder / "inputs", folder / "run", year=2027, now=NOW, report=False)
    (folder / "gentler.yaml").write_text(GENTLER)
    return folder / "run"


@pytest.fixture(scope="module")
def overlay(run: Path) -> Path:
    return run.parent / "gentler.yaml"


@pytest.fixture(scope="module")
def view(run: Path, overlay: Path) -> PolicyView:
    opened = read_run(run)
    anew = score_anew(opened, overlays=[overlay])
    specialties = {
        (row["tin"], row["npi"]): "06" for row in opened.table("scores").rows() if row["cohort"] == "heart_failure"
    }
    return policy_view(
        opened, base=anew.base, changed=anew.changed, changed_rules=anew.changes, specialties=specialties
    )


def rows(run: Path, table: str) -> list[dict[str, str]]:
    with (run / "scores" / f"{table}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def number(row: dict[str, str], column: str) -> float:
    return float(row[column]) if row[column] else 0.0


@pytest.mark.parametrize("name", ["policy", "titles", "drawings", "groups"])
def test_examples_in_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"openasm.report.{name}")).failed == 0


def test_every_group_is_the_sum_of_its_rows_in_the_runs_files(run: Path, view: PolicyView) -> None:
    attributes = {(row["tin"], row["npi"], row["cohort"]): row for row in rows(run, "inputs/participants")}
    for cohort in ("heart_failure", "low_back_pain"):
        mine = [row for row in rows(run, "scores") if row["cohort"] == cohort]
        states = view.table(cohort, "State")
        assert states.groups[0].label == "All"
        for group in states.groups:
            members = [
                row
                for row in mine
                if group.label == "All"
                or (attributes[row["tin"], row["npi"], cohort]["state"] or NOT_KNOWN) == group.label
            ]
            factors = [number(row, "payment_adjustment_factor") for row in members]
            scores = [float(row["final_score"]) for row in members if row["final_score"]]
            assert group.participants == len(members)
            assert group.before.dollars == math.fsum(number(row, "payment_change_dollars") for row in members)
            assert group.part_b_paid == math.fsum(float(row["part_b_paid"]) for row in members)
            assert group.before.mean_factor == math.fsum(factors) / len(members)
            assert group.before.mean_score == (math.fsum(scores) / len(scores) if scores else None)
            assert group.before.share_gaining == sum(value > 0 for value in factors) / len(members)
            assert group.before.share_cut == sum(value < 0 for value in factors) / len(members)


def test_groups_of_every_kind_hold_everybody_once(view: PolicyView) -> None:
    assert {table.kind for table in view.tables} == {
        "Practice size",
        "State",
        "Share of dual-eligible patients",
        "Specialty",
    }
    for table in view.tables:
        everybody, *parts = table.groups
        assert everybody.participants == sum(part.participants for part in parts)
        assert everybody.before.dollars == pytest.approx(math.fsum(part.before.dollars for part in parts), abs=1e-6)
        assert everybody.to_cut == sum(part.to_cut for part in parts)
        assert everybody.to_gain == sum(part.to_gain for part in parts)
    assert [group.label for group in view.table("heart_failure", "Specialty").groups][1] == "06 Cardiology"
    with pytest.raises(KeyError, match="Colour"):
        view.table("heart_failure", "Colour")


def test_changed_rules_give_what_scoring_the_inputs_under_them_gives(run: Path, overlay: Path, tmp_path: Path) -> None:
    score_folder(run / "scores" / "inputs", tmp_path / "run", year=2027, now=NOW, overlays=[overlay], report=False)
    anew = score_anew(read_run(run), overlays=[overlay])
    assert anew.drifted == 0
    assert list(anew.base.rows()) == rows(run, "scores")
    assert list(anew.changed.rows()) == rows(tmp_path / "run", "scores")
    assert [(each.name, each.before, each.after, each.used) for each in anew.changes] == [
        ("payment.transform_slope", 0.1, 0.03, True)
    ]


def test_changes_lie_over_the_rules_the_run_was_made_under(run: Path, overlay: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(GENTLER.replace("transform_slope", "redistributed_share").replace("0.03", "0.8"))
    inputs = run / "scores" / "inputs"
    score_folder(inputs, tmp_path / "mine", year=2027, now=NOW, overlays=[own], report=False)
    score_folder(inputs, tmp_path / "both", year=2027, now=NOW, overlays=[own, overlay], report=False)
    anew = score_anew(read_run(tmp_path / "mine"), overlays=[overlay])
    assert list(anew.changed.rows()) == rows(tmp_path / "both", "scores")
    assert [each.name for each in anew.changes] == ["payment.transform_slope"]
    assert score_anew(read_run(tmp_path / "mine"), overlays=[own]).changes == ()


def test_who_moves_is_counted_once_and_named(view: PolicyView) -> None:
    for cohort in ("heart_failure", "low_back_pain"):
        people = [who for who in view.people if who.cohort == cohort]
        counted = Counter((who.before.standing, who.after.standing) for who in people if who.after)
        moves = [move for move in view.moves if move.cohort == cohort]
        assert len(moves) == len(STANDINGS) ** 2
        assert {(move.before, move.after): move.participants for move in moves if move.participants} == counted
        assert math.fsum(move.dollars_after for move in moves) == pytest.approx(
            math.fsum(who.after.dollars for who in people if who.after), abs=1e-6
        )
    lost, won = view.movers(GAIN, LOSS), view.movers(LOSS, GAIN)
    assert lost or won
    assert all(who.after and who.before.dollars > 0 > who.after.dollars for who in lost)
    assert sum(table.groups[0].to_cut for table in view.tables if table.kind == "State") >= len(lost)
    gaps = [abs(who.after.dollars - who.before.dollars) for who in (*lost,) if who.after]
    assert gaps == sorted(gaps, reverse=True)


def test_distributions_hold_everybody(run: Path, view: PolicyView) -> None:
    for each in view.distributions:
        mine = [row for row in rows(run, "scores") if row["cohort"] == each.cohort]
        for one in (each.before, each.after):
            assert one is not None
            assert sum(one.factors.counts) == len(mine)
            assert sum(one.scores.counts) == sum(number(row, "final_score") > 0 for row in mine)
        factors = sorted(number(row, "payment_adjustment_factor") for row in mine)
        assert each.before.factor_percentiles[2] == percentile(factors, 50)
        below = sum(value < 0 for value in factors)
        half = len(each.before.factors.counts) // 2
        assert sum(each.before.factors.counts[:half]) == below


def test_fifths_never_part_equal_shares() -> None:
    people = [{"cohort": "heart_failure", "dual_share": share} for share in ("0.1",) * 6 + ("0.2", "0.3", "0.4", "")]
    grouping = by_dual_share(people)
    labels = [grouping.label_of(each) for each in people]
    assert labels == [QUINTILES[0]] * 6 + [QUINTILES[3], QUINTILES[3], QUINTILES[4], NOT_KNOWN]


def test_page_workbook_and_json_say_the_same(view: PolicyView, tmp_path: Path) -> None:
    page = render(view)
    check_page(page)
    said = page_words(page)
    assert "What changed rules would do" in said
    assert "Made-up data" in said
    for table in view.tables:
        for group in table.groups:
            assert group.label in said
            assert group.after is not None
            for text in (
                points(group.before.mean_score),
                factor(group.after.mean_factor),
                dollars(group.before.dollars),
                dollars(group.after.dollars),
                dollars(group.after.dollars - group.before.dollars),
            ):
                assert text in said
    write_policy(view, tmp_path / "policy.json", form="json")
    record = json.loads((tmp_path / "policy.json").read_text())
    assert (record["format"], record["format_version"]) == ("openasm-policy", 1)
    assert record["people"][0]["after"]["dollars"] == view.people[0].after.dollars  # type: ignore[union-attr]
    write_policy(view, tmp_path / "policy.xlsx", form="xlsx")
    book = openpyxl.load_workbook(tmp_path / "policy.xlsx")

    def column(sheet: str, heading: str) -> list[Any]:
        place = [cell.value for cell in book[sheet][2]].index(heading)
        return [line[place] for line in book[sheet].iter_rows(min_row=3, values_only=True)]

    groups = [group for table in view.tables for group in table.groups]
    assert column("Groups", "Participants") == [group.participants for group in groups]
    assert column("Groups", "Dollars, changed rules") == pytest.approx(
        [group.after.dollars for group in groups if group.after], rel=1e-14
    )
    assert column("Participants", "NPI") == [who.npi for who in view.people]
    assert column("Participants", "Dollars") == pytest.approx([who.before.dollars for who in view.people], rel=1e-14)
    assert column("Who moves", "Participants") == [move.participants for move in view.moves]
    again = tmp_path / "again.xlsx"
    write_policy(view, again, form="xlsx")
    assert again.read_bytes() == (tmp_path / "policy.xlsx").read_bytes()
    with pytest.raises(WrongUsage, match="docx"):
        write_policy(view, tmp_path / "policy.docx", form="docx")


def test_a_run_alone_is_shown_without_a_comparison(run: Path) -> None:
    alone = policy_view(read_run(run))
    assert not alone.compared
    assert alone.moves == ()
    page = render(alone)
    check_page(page)
    assert "Who gains and who loses" in page
    assert "Specialties are not known" in page
    opened = read_run(run)
    fewer = RunTable("x", {name: values[1:] for name, values in opened.table("scores").columns.items()})
    with pytest.raises(ValueError, match="different participants"):
        policy_view(opened, changed=fewer)


def test_a_run_that_another_program_scored_is_compared_with_what_this_one_makes_of_it(
    run: Path, overlay: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    path = copy / "scores" / "scores.csv"
    table = rows(run, "scores")
    table[0]["final_score"] = "1.5"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    anew = score_anew(read_run(copy), overlays=[overlay])
    assert anew.drifted == 1
    assert list(anew.base.rows()) == rows(run, "scores")


def test_specialties_come_from_a_file_or_the_run(run: Path, tmp_path: Path) -> None:
    someone = rows(run, "scores")[0]
    file = tmp_path / "specialties.csv"
    line = f"{someone['tin']},{someone['npi']},72,x\n"
    file.write_text("tin,npi,specialty_code,more\n" + line + line)  # the same twice, as for both cohorts
    opened = read_run(run)
    assert specialties_of(opened) == {}
    assert specialties_of(opened, file) == {(someone["tin"], someone["npi"]): "72"}
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.copy(file, copy / "scores" / "eligibility.csv")
    assert specialties_of(read_run(copy)) == {(someone["tin"], someone["npi"]): "72"}
    file.write_text("tin,npi,specialty_code\n" + line.removesuffix(",x\n") + "\n" + line.replace("72,x", "06"))
    with pytest.raises(InputRefused) as refused:
        specialties_of(opened, file)
    assert [problem.kind for problem in refused.value.problems] == [TWO_SPECIALTIES]


def test_the_command_writes_each_form_and_says_what_to_do_next(run: Path, overlay: Path, tmp_path: Path) -> None:
    for form in FORMATS:
        target = tmp_path / f"policy.{form}"
        done = CliRunner().invoke(app, [str(run), "--rules", str(overlay), "--format", form, "--out", str(target)])
        assert done.exit_code == 0, done.output
        assert target.stat().st_size > 1000
        assert "payment.transform_slope: 0.1 becomes 0.03" in done.output
        assert "from gain to cut" in done.output
    done = CliRunner().invoke(app, [str(run), "--json"])
    assert json.loads(done.output)["format"] == "openasm-policy"
    assert not (run / "policy.html").exists()
    done = CliRunner().invoke(app, [str(run), "--out", str(tmp_path / "x.html")])
    assert "--rules FILE.yaml" in done.output
    assert isinstance(CliRunner().invoke(app, [str(run), "--format", "docx"]).exception, WrongUsage)
    assert isinstance(CliRunner().invoke(app, [str(tmp_path / "none")]).exception, NotFound)


def test_an_unusable_overlay_is_refused_and_nothing_is_written(run: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(GENTLER.replace("transform_slope", "no_such_rule"))
    done = CliRunner().invoke(app, [str(run), "--rules", str(bad), "--out", str(tmp_path / "x.html")])
    assert isinstance(done.exception, InputRefused)
    assert not (tmp_path / "x.html").exists()
