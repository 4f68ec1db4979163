"""Given and computed rows together: never two rows about the same thing, and never a silent choice between them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from openasm.base.errors import InputRefused
from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.runs.chain.joined_inputs import COLUMNS, Sources, join_inputs
from openasm.runs.demonstration.cohort import made_up_npi

RULES = rules_for(2027)
OWN, PEER = "000000001", "000000002"
ONE, TWO, THREE = made_up_npi(1), made_up_npi(2), made_up_npi(3)


def write(path: Path, table: str, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [each.name for each in COLUMNS[table]], restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def person(tin: str, npi: str, cohort: str = "heart_failure") -> dict[str, object]:
    return {"tin": tin, "npi": npi, "cohort": cohort, "clinicians_in_tin": 3, "part_b_paid": "1000"}


def cost(tin: str, npi: str, score: str, measure: str = "COST_HF_1") -> dict[str, object]:
    return {"tin": tin, "npi": npi, "measure": measure, "episodes": 30, "score": score}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    peers = tmp_path / "peers"
    write(peers / "participants.csv", "participants", [person(PEER, TWO), person(OWN, ONE)])
    write(peers / "cost.csv", "cost", [cost(PEER, TWO, "9000"), cost(OWN, ONE, "8000")])
    write(
        tmp_path / "own" / "cost.csv", "cost", [cost(OWN, ONE, "7000"), cost(PEER, TWO, "5000"), cost(OWN, "", "6000")]
    )
    return tmp_path


def joined(folder: Path, problems: Problems, **more: object) -> list[tuple[str, str]]:
    sources = Sources(
        **{"peers": folder / "peers", "computed": {"cost": [folder / "own" / "cost.csv"]}, "own_tins": (OWN,), **more}
    )
    join_inputs(sources, folder / "out", rules=RULES, problems=problems)
    with (folder / "out" / "cost.csv").open(encoding="utf-8", newline="") as stream:
        return [(row["npi"], row["score"]) for row in csv.DictReader(stream)]


def test_both_rows_are_refused_by_name_and_nothing_is_written(folder: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        joined(folder, Problems())
    (problem,) = refused.value.problems
    assert (problem.kind.code, problem.file, problem.row) == ("N020", "cost.csv", 2)
    assert OWN in problem.found
    assert not (folder / "out").exists()


@pytest.mark.parametrize(("which", "score"), [("computed", "7000"), ("given", "8000")])
def test_one_counts_when_the_configuration_says_which(folder: Path, which: str, score: str) -> None:
    problems = Problems()
    found = joined(folder, problems, when_both=which)
    assert sorted(found) == sorted([(TWO, "9000"), (ONE, score)])
    assert [(each.kind.code, each.count) for each in problems] == [("N021", 1)]


def test_everybodys_rows_count_where_nobody_is_named(folder: Path) -> None:
    assert sorted(joined(folder, Problems(), own_tins=(), when_both="computed")) == [(ONE, "7000"), (TWO, "5000")]


def test_rows_about_nobody_are_left_out_and_counted(folder: Path) -> None:
    write(
        folder / "own" / "cost.csv", "cost", [cost(OWN, THREE, "1"), cost(OWN, ONE, "2", "COST_LBP_1")]
    )  # one is no participant, the other takes part in the other cohort
    problems = Problems()
    assert joined(folder, problems) == [(TWO, "9000"), (ONE, "8000")]
    assert [(each.kind.code, each.count) for each in problems] == [("N022", 2)]


def test_no_computed_row_of_ones_own_is_said(folder: Path) -> None:
    problems = Problems()
    joined(folder, problems, own_tins=("000000009",))
    assert [each.kind.code for each in problems] == ["N024"]


def test_a_participant_given_twice_is_refused(folder: Path) -> None:
    own = write(folder / "own" / "people.csv", "participants", [person(OWN, ONE)])
    with pytest.raises(InputRefused) as refused:
        joined(folder, Problems(), participants=own)
    assert [(each.kind.code, each.file, each.row) for each in refused.value.problems if each.kind.code == "N023"] == [
        ("N023", "people.csv", 1)
    ]


def test_attestations_of_both_are_one_table(folder: Path) -> None:
    def row(tin: str, item: str, answer: str) -> dict[str, object]:
        return {"tin": tin, "item": item, "answer": answer, "start": "2027-01-01", "end": "2027-12-31"}

    write(folder / "peers" / "attestations.csv", "attestations", [row(PEER, "IA_1", "yes"), row(OWN, "IA_1", "no")])
    own = write(folder / "own" / "attestations.csv", "attestations", [row(OWN, "IA_1", "yes"), row(OWN, "IA_2", "yes")])
    problems = Problems()
    joined(folder, problems, attestations=own, when_both="computed")
    with (folder / "out" / "attestations.csv").open(encoding="utf-8", newline="") as stream:
        found = [(each["tin"], each["item"], each["answer"]) for each in csv.DictReader(stream)]
    assert found == [(PEER, "IA_1", "yes"), (OWN, "IA_1", "yes"), (OWN, "IA_2", "yes")]


def test_problems_of_a_given_file_name_its_own_row(folder: Path) -> None:
    write(folder / "peers" / "cost.csv", "cost", [cost(PEER, TWO, "9000"), cost(OWN, "123", "8000")])
    with pytest.raises(InputRefused) as refused:
        joined(folder, Problems())
    assert [(each.file, each.row, each.column) for each in refused.value.problems] == [("cost.csv", 2, "npi")]
