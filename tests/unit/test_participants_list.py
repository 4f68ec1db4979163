"""The participant list: read, counted, compared; rosters placed; contacts checked."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from openasm.base.problems import Problems
from openasm.participants.directory import Directory
from openasm.participants.participant_list import (
    by_state,
    check_totals,
    compare_lists,
    read_participant_list,
    totals,
)
from openasm.participants.registration import contacts, write_contacts
from openasm.participants.roster import (
    Question,
    RosterEntry,
    Standing,
    answers_of,
    by_system,
    kept_worksheet,
    place_roster,
    read_roster,
    read_worksheet,
    write_worksheet,
)
from tests.builders.participant_lists import clinician, listed, npi

SAMPLE = Path(__file__).parents[2].parent / "shared" / "data" / "participants"
HEADER = "NPI,FIRST_NAME,LAST_NAME,STATE,ASM_COHORT,ORGANIZATION_LEGAL_NAME,ASM_CY27_PARTICIPANT,ASM_CY27_SMALLPRACTICE"


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample list beside the project is absent")
def test_the_sample_in_cms_layout_is_counted_right() -> None:
    problems = Problems()
    sample = read_participant_list(SAMPLE / "synthetic_sample.csv", problems)
    assert problems.errors == []
    with (SAMPLE / "synthetic_sample_totals.csv").open() as stream:
        expected = {row["metric"]: int(row["value"]) for row in csv.DictReader(stream)}
    found = totals(sample)
    assert found == {
        "rows": expected["rows"],
        "distinct NPIs": expected["distinct_npi"],
        "heart failure": expected["rows_heart_failure"],
        "low back pain": expected["rows_low_back_pain"],
        "small practice": expected["rows_small_practice_yes"],
        "states": expected["states"],
        "organizations": expected["distinct_organisations"],
        "without organization": expected["rows_without_organisation"],
    }


def test_nulls_as_words_or_blanks_and_eight_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        f"{HEADER}\n{npi(1)},ADA,ALDERTEST,TX,Heart Failure,Null,Yes,Null\n{npi(1)},ADA,ALDERTEST,TX,Heart Failure,,Yes,\n"
    )
    problems = Problems()
    read = read_participant_list(path, problems)
    assert [problem.kind.code for problem in problems] == ["P003", "P005"]
    assert [(each.organization, each.in_year(2027).small_practice) for each in read.clinicians] == [("", None)]
    assert read.clinicians[0].in_year(2031).participant is None


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2999000010,A,B,TX,Heart Failure,X,Yes,No", "F016"),
        (f"{npi(1)},A,B,TX,Heartfailure,X,Yes,No", "P002"),
        (f"{npi(1)},A,B,TX,Heart Failure,X,Y,No", "P001"),
        (f"{npi(1)},A,,TX,Heart Failure,X,Yes,No", "F010"),
    ],
)
def test_bad_rows(tmp_path: Path, row: str, code: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}\n{row}\n")
    problems = Problems()
    read_participant_list(path, problems)
    assert [problem.kind.code for problem in problems] == [code]


def test_a_total_that_differs_is_a_warning_that_says_what() -> None:
    problems = Problems()
    check_totals(listed([clinician(1)]), {"rows": 6637, "heart failure": 1}, problems)
    assert [problem.as_text()[:70] for problem in problems.warnings] == [
        "P004 list.csv, column rows: a total differs from the one reported for "
    ]
    assert "Found 1. Expected 6,637 as reported." in problems.warnings[0].as_text()


def test_two_versions_compared() -> None:
    before = listed(
        [
            clinician(1),
            clinician(2, "Beno", "Birchtest", organization="Old Test Group"),
            clinician(3, "Cleo", "Cedartest", small=True),
            clinician(4, "Dario", "Elmtest", organization="SAME TEST GROUP, LLC"),
            clinician(4, "Dario", "Elmtest", organization="Second Test Group"),
        ]
    )
    after = listed(
        [
            clinician(4, "Dario", "Elmtest", organization="Second Test Group"),
            clinician(4, "Dario", "Elmtest", organization="Same Test Group LLC"),
            clinician(2, "Beno", "Birchtest", organization="New Test Group"),
            clinician(3, "Cleo", "Cedartest", small=False),
            clinician(5, "Eda", "Firtest"),
        ]
    )
    changes = [(each.kind, each.name, each.before, each.after) for each in compare_lists(before, after)]
    assert changes == [
        ("added", "Eda Firtest", "", "Made Up Heart Group PLLC"),
        ("organization", "Beno Birchtest", "Old Test Group", "New Test Group"),
        ("removed", "Ada Aldertest", "Made Up Heart Group PLLC", ""),
        ("small practice", "Cleo Cedartest", "2027 yes", "2027 no"),
    ]
    assert compare_lists(before, before) == ()


def test_states_most_first() -> None:
    rows = by_state(
        listed([clinician(1), clinician(2, state="CA"), clinician(3, state="CA", cohort="low_back_pain", small=True)])
    )
    assert [(each.state, each.all, each.heart_failure, each.small_practice) for each in rows] == [
        ("CA", 2, 1, 1),
        ("TX", 1, 1, 0),
    ]


ROSTER = (
    RosterEntry("000000001", npi(1), "Ada Aldertest", "Made Up Heart Group, P.L.L.C.", email="ada@practice.example"),
    RosterEntry("000000001", npi(2), "Beno Birchtest", "Made Up Heart Group", email="ADA@practice.example"),
    RosterEntry("000000001", npi(3), "Cleo Cedartest", "Made Up Heart Group"),
    RosterEntry("000000002", npi(1), "Ada Aldertest", "Made Up Spine Group"),
    RosterEntry("000000002", npi(4), "Quite Other", "Made Up Spine Group", email="not an address"),
)
LIST = listed(
    [
        clinician(1),
        clinician(2, "Beno", "Birchtest", organization="Far Away Test Clinic"),
        clinician(4, "Dario", "Elmtest", organization="MADE UP SPINE GROUP INC", cohort="low_back_pain"),
    ]
)


def test_a_roster_is_placed_without_claiming_what_the_list_cannot_tell() -> None:
    placements, questions = place_roster(ROSTER, Directory(LIST))
    assert [(each.entry.tin[-1], each.entry.npi, each.standing) for each in placements] == [
        ("1", npi(1), Standing.IN_TIN_OPEN),  # the NPI works under two TINs
        ("1", npi(2), Standing.ELSEWHERE),
        ("1", npi(3), Standing.NOT_LISTED),
        ("2", npi(1), Standing.ELSEWHERE),
        ("2", npi(4), Standing.IN),
    ]
    assert [(question.tin[-1], question.npi, question.listed_organization) for question in questions] == [
        ("1", npi(1), "Made Up Heart Group PLLC"),
        ("1", npi(2), "Far Away Test Clinic"),
        ("2", npi(1), "Made Up Heart Group PLLC"),
    ]
    by_person = {(each.entry.tin, each.entry.npi): each for each in placements}
    assert "Partners under this TIN are in ASM" in by_person["000000001", npi(3)].follows
    assert "check the NPI" in by_person["000000002", npi(4)].follows


def test_answers_are_kept_and_settle_the_question(tmp_path: Path) -> None:
    _, questions = place_roster(ROSTER, Directory(LIST))
    answered = [
        Question(**{**{name: getattr(each, name) for name in each.__dataclass_fields__}, "answer": answer})
        for each, answer in zip(questions, ("yes", "", "no"), strict=True)
    ]
    write_worksheet(answered, tmp_path / "questions.csv")
    problems = Problems()
    worksheet = read_worksheet(tmp_path / "questions.csv", problems)
    assert list(problems) == []
    assert worksheet == tuple(answered)
    placements, still_open = place_roster(ROSTER, Directory(LIST), answers=answers_of(worksheet))
    assert [each.standing for each in placements if each.entry.npi == npi(1)] == [
        Standing.ANSWERED,
        Standing.ANSWERED_NOT,
    ]
    assert [each.npi for each in still_open] == [npi(2)]
    later = kept_worksheet(still_open, worksheet)
    assert [(each.npi, each.answer) for each in later] == [(npi(2), ""), (npi(1), "yes"), (npi(1), "no")]
    smaller, _ = place_roster(ROSTER[:1], Directory(LIST), answers=answers_of(later))
    assert smaller[0].standing is Standing.ANSWERED
    assert kept_worksheet((), later) == later[1:]  # answers about others are kept for the next list


def test_systems_count_each_clinician_once() -> None:
    placements, _ = place_roster(
        [RosterEntry(e.tin, e.npi, e.name, e.organization, "Test System") for e in ROSTER], Directory(LIST)
    )
    assert [
        (each.system, each.tins, each.clinicians, each.participants, each.open_questions)
        for each in by_system(placements)
    ] == [("Test System", ("000000001", "000000002"), 4, 2, 2)]


def test_contacts_need_an_address_of_their_own(tmp_path: Path) -> None:
    placements, _ = place_roster(ROSTER, Directory(LIST))
    problems = Problems()
    rows = contacts(placements, problems)
    assert [(row.npi, row.email) for row in rows] == [
        (npi(1), "ada@practice.example"),
        (npi(2), "ADA@practice.example"),
        (npi(4), ""),
    ]
    assert [(problem.kind.code, problem.found) for problem in problems] == [
        ("P006", f"NPI {npi(4)}"),
        ("P007", f"NPIs {npi(1)}, {npi(2)}"),
    ]
    write_contacts(rows, tmp_path / "contacts.csv")
    assert (tmp_path / "contacts.csv").read_text().splitlines()[0] == "npi,name,tins,email"


def test_a_participant_without_an_address_is_named_and_still_listed(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(
        "tin,npi,name,email\n"
        f"000000001,{npi(1)},Ada Aldertest,\n"
        f"000000002,{npi(1)},Ada Aldertest, \n"
        f"000000001,{npi(2)},Beno Birchtest,beno@practice.example\n"
    )
    problems = Problems()
    placements, _ = place_roster(read_roster(path, problems), Directory(LIST))
    assert list(problems) == []
    rows = contacts(placements, problems, file=path.name)
    (problem,) = problems.warnings
    assert (problem.kind.code, problem.where) == ("P008", "roster.csv, column email")
    assert problem.found == f"NPI {npi(1)}"
    assert "has no e-mail address" in problem.as_text()
    assert problems.errors == []
    assert [(row.npi, row.tins, row.email) for row in rows] == [
        (npi(1), ("000000001", "000000002"), ""),
        (npi(2), ("000000001",), "beno@practice.example"),
    ]


def test_a_roster_file(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(f"tin,npi,name,sites\n000000001,{npi(1)},Ada Aldertest,77001; 77002\n000000001,{npi(1)},Ada,\n")
    problems = Problems()
    entries = read_roster(path, problems)
    assert [problem.kind.code for problem in problems] == ["F018"]
    assert entries[0].sites == ("77001", "77002")
