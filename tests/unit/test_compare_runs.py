"""Comparisons of runs in which exactly one cause changed: that cause carries everything."""

from __future__ import annotations

import csv
import json
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.archive.comparison import Comparison, Split, rounded_parts
from openasm.base.errors import InputRefused, NotFound
from openasm.cli.compare import lines_of
from openasm.runs.comparison.compare import compare_runs
from openasm.runs.scoring.run import score_folder
from tests.builders.compared_runs import NOW, RISK_OF_TEN, everybody, run_of
from tests.builders.score_folders import Rows, cohort_rows, npi, tin

QUANTITIES = ("final_score", "factor", "dollars")


def splits(comparison: Comparison, quantity: str) -> dict[str, Split]:
    return {
        each.npi: getattr(each, quantity) for each in comparison.participants if getattr(each, quantity) is not None
    }


def assert_sums(comparison: Comparison) -> None:
    for each in comparison.participants:
        for quantity in QUANTITIES:
            split = getattr(each, quantity)
            if split is None:
                continue
            assert sum(split.parts.values()) == split.change
            assert split.before + split.change == split.after
            assert split.data + split.rules + split.program == split.change
    for cohort in comparison.cohorts:
        assert sum(cohort.dollars.parts.values()) == cohort.dollars.change


def only(split: Split, part: str) -> bool:
    """Whether one part carries the whole change, which is not nothing."""
    return split.change != 0 and all((value == split.change) == (name == part) for name, value in split.parts.items())


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    one, other = (run_of(tmp_path, name, everybody()) for name in ("one", "other"))
    comparison = compare_runs(one, other)
    assert_sums(comparison)
    assert all(
        value == 0
        for quantity in QUANTITIES
        for split in splits(comparison, quantity).values()
        for value in (*split.parts.values(), split.together)
    )
    assert comparison.inputs == comparison.rules == comparison.one_run_only == ()
    assert "No final score and no payment changed." in lines_of(comparison)


def test_ones_own_rows_carry_ones_own_change_and_are_peers_to_the_others(tmp_path: Path) -> None:
    rows = everybody()
    first = run_of(tmp_path, "first", rows)
    rows["quality"][0] |= {"met": 99, "not_met": 1}
    rows["cost"][0]["score"] = 9000
    second = run_of(tmp_path, "second", rows)
    comparison = compare_runs(first, second)
    assert_sums(comparison)
    dollars = splits(comparison, "dollars")
    assert only(dollars[npi(1)], "own")
    assert only(splits(comparison, "final_score")[npi(1)], "own")
    others = [split for key, split in dollars.items() if key != npi(1)]
    assert any(split.change for split in others)
    assert all(only(split, "peers") or split.change == 0 for split in others)
    assert [(each.table, each.measure, each.changed) for each in comparison.inputs] == [
        ("quality", "008", 1),
        ("cost", "COST_HF_1", 1),
    ]


def test_a_rule_value_alone_carries_everything(tmp_path: Path) -> None:
    first = run_of(tmp_path, "first", everybody())
    second = run_of(tmp_path, "second", everybody(), overlay=RISK_OF_TEN)
    comparison = compare_runs(first, second)
    assert_sums(comparison)
    assert all(only(split, "rules") for split in splits(comparison, "dollars").values())
    assert all(split.change == 0 for split in splits(comparison, "final_score").values())
    [rule] = comparison.rules
    assert (rule.name, rule.before, rule.after, rule.citation_after) == ("payment.risk_level", "0.09", "0.1", "a test")
    assert rule.citation_before


def test_another_cost_benchmark_is_a_rule(tmp_path: Path) -> None:
    first = run_of(tmp_path, "first", everybody())
    score_folder(
        tmp_path / "first-inputs", tmp_path / "second", year=2027, now=NOW, cost_benchmark="mips-2025", report=False
    )
    comparison = compare_runs(first, tmp_path / "second")
    assert_sums(comparison)
    changed = [split for split in splits(comparison, "final_score").values() if split.change]
    assert changed
    assert all(only(split, "rules") for split in changed)
    assert [(each.name, each.before, each.after) for each in comparison.rules] == [
        ("cost benchmark", "pool", "mips-2025")
    ]


def test_another_program_is_the_program(tmp_path: Path) -> None:
    """What an earlier program would have given: its stored numbers are not what this one makes of its rows."""
    first = run_of(tmp_path, "first", everybody())
    second = shutil.copytree(first, tmp_path / "second")
    path = first / "scores" / "scores.csv"
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    rows[2]["final_score"] = str(float(rows[2]["final_score"]) - 1.25)
    rows[2]["payment_change_dollars"] = str(float(rows[2]["payment_change_dollars"]) - 100)
    rows[3]["final_score"] = repr(float(rows[3]["final_score"]) + 1e-11)  # another machine's last digit
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    comparison = compare_runs(first, second)
    assert_sums(comparison)
    changed = {key: split for key, split in splits(comparison, "final_score").items() if split.change}
    assert list(changed) == [rows[2]["npi"]]
    assert changed[rows[2]["npi"]].program == pytest.approx(1.25, abs=1e-8)
    assert only(changed[rows[2]["npi"]], "program")
    assert only(splits(comparison, "dollars")[rows[2]["npi"]], "program")


def test_everything_at_once_sums_and_turning_round_turns_the_signs(tmp_path: Path) -> None:
    first = run_of(tmp_path, "first", cohort_rows(60, seed=1))
    second = run_of(tmp_path, "second", cohort_rows(60, seed=2), overlay=RISK_OF_TEN)
    there, back = compare_runs(first, second, detail=100), compare_runs(second, first, detail=100)
    assert_sums(there)
    assert_sums(back)
    assert there.one_run_only
    for quantity in QUANTITIES:
        ways = (splits(there, quantity), splits(back, quantity))
        assert ways[0].keys() == ways[1].keys()
        assert ways[0]
        for key, split in ways[0].items():
            turned = ways[1][key]
            assert {name: -value for name, value in turned.parts.items()} == split.parts
    assert any(split.own and split.peers and split.rules for split in splits(there, "dollars").values())


def test_the_order_of_rows_is_irrelevant(tmp_path: Path) -> None:
    rows, changed = cohort_rows(40, seed=3), cohort_rows(40, seed=4)
    straight = compare_runs(run_of(tmp_path, "a", rows), run_of(tmp_path, "b", changed))
    for each in (rows, changed):
        for table in each.values():
            random.Random(9).shuffle(table)
    shuffled = compare_runs(run_of(tmp_path, "c", rows), run_of(tmp_path, "d", changed))
    assert shuffled.participants == straight.participants
    assert shuffled.inputs == straight.inputs


def test_the_hand_worked_case(tmp_path: Path) -> None:
    """The page's example: own data by hand among the peers of before and after, each under both rule sets."""
    rows = everybody()
    first = run_of(tmp_path, "first", rows)
    rows["quality"][0] |= {"met": 99, "not_met": 1}
    for row in rows["quality"][5:]:
        if row["measure"] == "008":
            row |= {"met": min(100, int(str(row["met"])) + 5), "not_met": 100 - min(100, int(str(row["met"])) + 5)}
    second = run_of(tmp_path, "second", rows, overlay=RISK_OF_TEN)
    [one] = compare_runs(first, second, tin=tin(1)).participants

    def dollars(name: str, own: str, peers: str, overlay: str) -> float:
        mixed: Rows = {table: [] for table in rows}
        for table in mixed:
            for whose, keep in ((own, True), (peers, False)):
                with (tmp_path / f"{whose}-inputs" / f"{table}.csv").open() as stream:
                    mixed[table] += [row for row in csv.DictReader(stream) if (row["tin"] == tin(1)) == keep]
        run = run_of(tmp_path, name, mixed, overlay=overlay)
        with (run / "scores" / "scores.csv").open() as stream:
            return next(float(row["payment_change_dollars"]) for row in csv.DictReader(stream) if row["tin"] == tin(1))

    value = {
        (own, peers, bool(overlay)): dollars(f"{own}{peers}{bool(overlay)}", own, peers, overlay)
        for own in ("first", "second")
        for peers in ("first", "second")
        for overlay in ("", RISK_OF_TEN)
    }
    own = sum(value["second", p, r] - value["first", p, r] for p in ("first", "second") for r in (False, True)) / 4
    rule = sum(value[d, d, True] - value[d, d, False] for d in ("first", "second")) / 2
    assert one.dollars.own == pytest.approx(own, abs=1e-4)
    assert one.dollars.rules == pytest.approx(rule, abs=1e-4)
    assert one.dollars.peers == pytest.approx(one.dollars.change - own - rule, abs=1e-4)
    assert one.dollars.together != 0


def test_participants_of_one_run_are_listed(tmp_path: Path) -> None:
    rows = everybody()
    first = run_of(tmp_path, "first", rows)
    gone, new = npi(30), npi(31)
    second = run_of(
        tmp_path,
        "second",
        {
            name: [{**row, **({"npi": new, "tin": tin(31)} if row["tin"] == tin(30) else {})} for row in table]
            if name != "attestations"
            else [{**row, "tin": tin(31) if row["tin"] == tin(30) else row["tin"]} for row in table]
            for name, table in rows.items()
        },
    )
    comparison = compare_runs(first, second)
    assert_sums(comparison)
    assert [(each.run, each.npi) for each in comparison.one_run_only] == [("first", gone), ("second", new)]
    assert {each.npi for each in comparison.participants} == {npi(number) for number in range(1, 30)}
    participants = next(each for each in comparison.inputs if each.table == "participants")
    assert (participants.added, participants.removed, participants.changed) == (1, 1, 0)


def test_a_score_that_is_missing_has_no_parts_but_its_dollars_do(tmp_path: Path) -> None:
    rows = everybody(25)
    first = run_of(tmp_path, "first", rows)
    without = {
        **rows,
        "quality": [row for row in rows["quality"] if row["tin"] != tin(1)]
        + [
            {**row, "eligible": 5} | ({"met": 5, "not_met": 0} if row["measure"] != "492" else {})
            for row in rows["quality"]
            if row["tin"] == tin(1)
        ],
        "cost": [row for row in rows["cost"] if row["tin"] != tin(1)],
    }
    second = run_of(tmp_path, "second", without)
    [one] = compare_runs(first, second, tin=tin(1)).participants
    assert one.final_score_after is None
    assert one.final_score is None
    assert only(one.dollars, "own")
    assert any("-> none" in line for line in lines_of(compare_runs(first, second, tin=tin(1))))


def test_many_participants_are_taken_apart_only_so_far(tmp_path: Path) -> None:
    first = run_of(tmp_path, "first", cohort_rows(40, seed=1))
    second = run_of(tmp_path, "second", cohort_rows(40, seed=2))
    some = compare_runs(first, second, detail=3)
    assert_sums(some)
    apart = [each for each in some.participants if each.dollars.own is not None]
    assert len(apart) == 3
    assert some.not_taken_apart == len(some.participants) - 3
    assert min(abs(each.dollars.change) for each in apart) >= max(
        abs(each.dollars.change) for each in some.participants if each.dollars.own is None
    )
    whole = {(each.cohort, each.npi): each for each in compare_runs(first, second, detail=1000).participants}
    assert all(each.dollars.data == whole[each.cohort, each.npi].dollars.data for each in some.participants)


def test_runs_of_two_years_compare(tmp_path: Path) -> None:
    rows = everybody()
    first = run_of(tmp_path, "first", rows)
    for row in rows["attestations"]:
        for end in ("start", "end"):
            if row.get(end):
                row[end] = str(row[end]).replace("2027", "2028")
    second = run_of(tmp_path, "second", rows, year=2028, assume=2027)
    comparison = compare_runs(first, second)
    assert_sums(comparison)
    assert any("2027 and 2028" in note for note in comparison.notes)
    for split in splits(comparison, "final_score").values():
        assert split.own == 0  # the same answers, a year later


def test_refused(tmp_path: Path) -> None:
    first = run_of(tmp_path, "first", everybody(3))
    with pytest.raises(NotFound, match="Neither run has a participant with TIN"):
        compare_runs(first, first, tin="000000000")
    other = shutil.copytree(first, tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text())
    next(each for each in manifest["parameters"] if each["name"] == "payment.risk_level")["value"] = "much"
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputRefused, match="X001"):
        compare_runs(first, other)
    mixed = shutil.copytree(first, tmp_path / "mixed")
    shutil.rmtree(mixed / "scores" / "inputs")
    shutil.copytree(run_of(tmp_path, "more", everybody(4)) / "scores" / "inputs", mixed / "scores" / "inputs")
    with pytest.raises(InputRefused, match="X002"):
        compare_runs(first, mixed)


AMOUNTS = st.integers(-(2**40), 2**40).map(lambda units: units / 2**18)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(AMOUNTS, st.lists(AMOUNTS | st.just(0.0), min_size=4, max_size=4), st.integers(0, 3))
def test_what_is_shown_adds_up(before: float, parts: list[float], places: int) -> None:
    own, peers, rules, program = parts
    split = Split(before, before + sum(parts), own + peers, own, peers, rules, program, 0.0)
    start, end, change, shown = rounded_parts(split, places=places)
    assert end - start == change == sum(shown.values())
    for name, value in split.parts.items():
        assert abs(shown[name] - value * 10**places) <= 2
        if value == 0:
            assert shown[name] == 0
