"""The four tests on hand-made claims: margins, ties, gaps, several TINs, and what they come to beside the list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from openasm.base.errors import RuleUnpublished
from openasm.participants.counting import Counted, EpisodeCount, Places, count
from openasm.participants.directory import Directory
from openasm.participants.eligibility import Coverage, Eligibility, judge, worth_judging
from openasm.participants.findings import FOLLOWS, Finding, find
from openasm.participants.geography import Geography, Placed
from openasm.participants.model_years import mips_in_words, model_years
from openasm.participants.overlaps import OVERLAPS
from openasm.participants.participant_list import ListedClinician, YearStatus
from openasm.participants.roster import RosterEntry, place_roster
from openasm.regulation.participation import (
    clinic_codes,
    error_notice_answer,
    error_notice_deadline,
    reconsideration_deadline,
    specialty_codes,
)
from openasm.regulation.rulebook import rules_for
from openasm.tables.engine import Engine, open_engine
from tests.builders.eligibility_claims import (
    DAY,
    NPI,
    OTHER_NPI,
    OTHER_TIN,
    TIN,
    Held,
    Line,
    claims_of,
    episodes_of,
    geography,
)
from tests.builders.engines import SPARK
from tests.builders.participant_lists import listed

RULES = rules_for(2027)
WHOLE = Coverage(True, True, True)


@pytest.fixture(scope="module", params=["duckdb", SPARK])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        request.getfixturevalue("spark_session")
    with open_engine(request.param, memory_bytes=1024**3, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def duck() -> Iterator[Engine]:
    with open_engine(memory_bytes=512 * 1024**2, threads=1) as opened:
        yield opened


def held(number: int, **facts: object) -> list[Held]:
    return [Held(f"episode {place}", person=f"P{place}", **facts) for place in range(number)]


def visits(episodes: list[Held], zip_code: str | None = "10001", **facts: object) -> list[Line]:
    return [
        Line(**{"tin": each.tin, "npi": npi, "zip": zip_code, "person": each.person, **facts})
        for each in episodes
        for npi in each.npis
    ]


def counted(lines: list[Line], episodes: list[Held], engine: Engine, **more: object) -> Counted:
    return count(
        claims_of(lines, engine),
        [episodes_of(episodes, engine)],
        engine,
        year=2025,
        specialties=specialty_codes("heart_failure", RULES),
        **more,
    )


def judged(
    lines: list[Line],
    episodes: list[Held],
    engine: Engine,
    *,
    coverage: Coverage = WHOLE,
    places: Geography | None = None,
) -> dict[tuple[str, str], Eligibility]:
    found = counted(lines, episodes, engine)
    pairs = {"heart_failure": worth_judging(found, "heart_failure", RULES)}
    tests = judge(found, pairs, coverage=coverage, geography=places or geography(), rules=RULES)
    return {(each.tin, each.npi): each for each in tests}


def test_counting_on_both_engines(engine: Engine) -> None:
    episodes = [
        Held("one", person="A", npis=(NPI, OTHER_NPI)),
        Held("two", person="B", npis=(NPI,), not_held_by=(OTHER_NPI,), excluded="death"),
        Held("three", person="C", npis=(NPI,), start=dt.date(2025, 2, 1), end=dt.date(2025, 3, 1)),
    ]
    lines = [
        Line(person="A", zip="20002"),
        Line(person="A", zip="10001"),  # a tie with the line before: the lowest ZIP is taken
        Line(person="A", zip="30003", npi=OTHER_NPI),
        Line(person="A", zip="90009", tin=OTHER_TIN),  # the episode is another TIN's
        Line(person="B", zip="20002", specialty=None),
        Line(person="C", zip="20002", day=dt.date(2025, 1, 31)),  # the day before the episode
        Line(person="C", zip="30003", day=dt.date(2025, 3, 1)),
        Line(person="C", zip=None, day=dt.date(2025, 2, 2)),
        Line(person="A", day=dt.date(2024, 12, 31), specialty="11"),  # not in the data year
        Line(person="A", setting="outpatient", specialty="11", zip="90009"),
        Line(tin=None),
        Line(npi=None),
    ]
    found = counted(lines, episodes, engine)
    assert found.lines == {
        (TIN, NPI): {"06": 5, "": 1},
        (TIN, OTHER_NPI): {"06": 1},
        (OTHER_TIN, NPI): {"06": 1},
    }
    assert found.episodes["heart_failure"] == {(TIN, NPI): EpisodeCount(3, 2), (TIN, OTHER_NPI): EpisodeCount(1, 1)}
    assert found.places["heart_failure"] == {
        (TIN, NPI): Places({"10001": 1, "30003": 1}, tied=1),
        (TIN, OTHER_NPI): Places({"30003": 1}),
    }
    assert (found.professional_lines, found.without_tin_or_npi, found.pairs) == (10, 2, 3)
    every = counted(lines, episodes, engine, with_excluded=True).places["heart_failure"][TIN, NPI]
    assert every == Places({"10001": 1, "20002": 1, "30003": 1}, tied=1)


def test_claims_of_rural_and_health_center_clinics_are_told_apart_on_both_engines(engine: Engine) -> None:
    bill = {"setting": "outpatient", "tin": None, "specialty": None, "place": None}
    lines = [
        Line(place="50"),
        Line(place="72", tin=OTHER_TIN),
        Line(place="72", day=dt.date(2024, 12, 31)),  # not in the data year
        Line(place=None),
        Line(**bill, revenue_center="0521", hcpcs=None),
        Line(**bill, revenue_center="0521", hcpcs="99213"),  # the same day and patient
        Line(**bill, revenue_center="0521", hcpcs=None, person="B"),
        Line(**bill, revenue_center="0519", hcpcs="G0467", day=dt.date(2025, 12, 31)),
        Line(**bill, revenue_center="0510"),  # a hospital's clinic
        Line(**bill, revenue_center="0521", day=dt.date(2026, 1, 1)),
        Line(**{**bill, "npi": None}, revenue_center="0521"),
        Line(**{**bill, "npi": "2999000039"}, revenue_center="0521"),  # nobody who matters
        Line(revenue_center="0521"),  # a professional line has no revenue center
    ]
    found = counted(lines, [], engine, clinics=clinic_codes(RULES))
    assert found.at_clinics == {(TIN, NPI): 1, (OTHER_TIN, NPI): 1}
    assert found.clinic_days == {NPI: 3}
    assert found.lines == {(TIN, NPI): {"06": 3}, (OTHER_TIN, NPI): {"06": 1}}
    assert counted(lines, [], engine).at_clinics == {}
    assert counted(lines, [], engine).clinic_days == {}


@pytest.mark.parametrize(
    ("stated", "answer"),
    [("not_settled", Placed.CANNOT_TELL), ("left_out", Placed.NO), ("take_part", Placed.YES)],
)
def test_somebody_who_works_at_a_clinic_alone(duck: Engine, tmp_path: Path, stated: str, answer: Placed) -> None:
    overlay = tmp_path / "values.yaml"
    overlay.write_text(
        "section: participation\nparameters:\n  clinic_clinicians:\n    values:\n      - years: [2027]\n"
        f"        value: {stated}\n        citation: made up\n        edition: made up\n        status: assumed\n"
    )
    rules = rules_for(2027, overlays=(overlay,))
    episodes = held(20)
    alone = visits(episodes, place="50")
    for lines, expected in ((alone, answer), ([*alone, Line(place="11")], Placed.YES)):
        found = counted(lines, episodes, duck, clinics=clinic_codes(rules))
        (tests,) = judge(found, {"heart_failure": {(TIN, NPI)}}, coverage=WHOLE, geography=geography(), rules=rules)
        assert tests.fee_schedule.answer is expected
        assert tests.fee_schedule.at_clinics == 20
        assert "20 of them at a rural health clinic" in tests.fee_schedule.words
        assert tests.eligible is expected
    part = Coverage(False, True, True)
    found = counted(alone, episodes, duck, clinics=clinic_codes(rules))
    (tests,) = judge(found, {"heart_failure": {(TIN, NPI)}}, coverage=part, geography=geography(), rules=rules)
    assert tests.fee_schedule.answer is (Placed.YES if stated == "take_part" else Placed.CANNOT_TELL)


def test_only_those_who_matter_leave_the_engine(duck: Engine) -> None:
    lines = [Line(), Line(npi=OTHER_NPI, specialty="11"), Line(npi="2999000039", specialty="11")]
    assert set(counted(lines, [], duck).lines) == {(TIN, NPI)}
    assert set(counted(lines, [], duck, npis=[OTHER_NPI]).lines) == {(TIN, NPI), (TIN, OTHER_NPI)}


@pytest.mark.parametrize(
    ("number", "answer", "near"),
    [(17, Placed.NO, False), (18, Placed.NO, True), (19, Placed.NO, True), (20, Placed.YES, True), (21, Placed.YES, True),
     (22, Placed.YES, True), (23, Placed.YES, False)],
)  # fmt: skip
def test_margins_of_the_threshold(duck: Engine, number: int, answer: Placed, near: bool) -> None:
    episodes = held(number)
    tests = judged(visits(episodes), episodes, duck)[TIN, NPI]
    assert tests.episodes.answer is answer
    assert tests.episodes.margin == f"{number} of 20 episodes"
    assert ("episodes" in tests.near) is near
    assert tests.eligible is answer
    assert tests.failing == (() if answer is Placed.YES else ("episodes",))


def test_outliers_of_these_claims_count(duck: Engine) -> None:
    episodes = [*held(19), Held("outlier", person="X", excluded="outlier")]
    tests = judged(visits(episodes), episodes, duck)[TIN, NPI].episodes
    assert (tests.answer, tests.episodes, tests.attributed) == (Placed.YES, 20, 20)


def test_excluded_episodes_do_not_count_unless_the_rule_value_says_so(duck: Engine) -> None:
    episodes = [*held(19), Held("excluded", person="X", excluded="death")]
    tests = judged(visits(episodes), episodes, duck)[TIN, NPI].episodes
    assert (tests.answer, tests.episodes, tests.attributed) == (Placed.NO, 19, 20)
    assert "20 attributed, 19 after the measure's exclusions" in tests.words
    assert tests.near
    rules = RULES.with_value("participation.episodes_counted", "before_exclusions", citation="what if")
    found = counted(visits(episodes), episodes, duck, with_excluded=True)
    pairs = {"heart_failure": {(TIN, NPI)}}
    (other,) = judge(found, pairs, coverage=WHOLE, geography=geography(), rules=rules)
    assert (other.episodes.answer, other.episodes.episodes) == (Placed.YES, 20)
    assert other.location.of_episodes == 20


@pytest.mark.parametrize(
    "coverage", [Coverage(False, True, True), Coverage(True, False, True), Coverage(True, True, False)]
)
def test_too_few_is_no_no_where_claims_may_be_missing(duck: Engine, coverage: Coverage) -> None:
    episodes = held(19)
    tests = judged(visits(episodes), episodes, duck, coverage=coverage)[TIN, NPI]
    assert tests.episodes.answer is Placed.CANNOT_TELL
    assert tests.eligible is Placed.CANNOT_TELL
    assert all(gap in tests.episodes.words for gap in coverage.gaps)
    enough = held(20)
    assert judged(visits(enough), enough, duck, coverage=coverage)[TIN, NPI].episodes.answer is Placed.YES


def specialty(duck: Engine, *codes: str | None, coverage: Coverage = WHOLE):
    lines = [Line(specialty=code) for code in codes]
    return judged(lines, held(1), duck, coverage=coverage)[TIN, NPI].specialty


def test_specialty_by_most_common_code(duck: Engine) -> None:
    plain = specialty(duck, "06", "06", "11")
    assert (plain.answer, plain.code, plain.lines, plain.of_lines, plain.margin) == (Placed.YES, "06", 2, 3, 1)
    tie_in = specialty(duck, "06", "11")
    assert (tie_in.answer, tie_in.code, tie_in.tie, tie_in.margin) == (Placed.YES, "06", True, 0)
    tie_out = specialty(duck, "06", "05")  # for heart failure 05 is out of scope, and the lower code
    assert (tie_out.answer, tie_out.code, tie_out.tie) == (Placed.NO, "05", True)
    assert specialty(duck, None, None).answer is Placed.CANNOT_TELL
    assert specialty(duck, "06", "06", None).answer is Placed.YES
    assert specialty(duck, "06", None).answer is Placed.CANNOT_TELL
    assert specialty(duck, "11", "11", "06", None).answer is Placed.CANNOT_TELL
    assert specialty(duck, "11", "11", "11", "06", None).answer is Placed.NO
    assert specialty(duck, "11", coverage=Coverage(False, True, True)).answer is Placed.CANNOT_TELL
    assert specialty(duck, "11", coverage=Coverage(True, True, False)).answer is Placed.NO


def test_specialty_is_of_the_tin_and_the_other_tins_are_named(duck: Engine) -> None:
    lines = [Line(specialty="11"), *[Line(tin=OTHER_TIN)] * 3]
    found = judged(lines, held(1), duck)
    here = found[TIN, NPI].specialty
    assert (here.answer, here.code, here.everywhere) == (Placed.NO, "11", "06")
    assert "over all TINs of the clinician the most common code is 06" in here.words


def test_fee_schedule(duck: Engine) -> None:
    episodes = held(20)
    early = visits(episodes, day=dt.date(2024, 12, 31))
    assert judged(early, episodes, duck)[TIN, NPI].fee_schedule.answer is Placed.YES
    assert judged(early, episodes, duck)[TIN, NPI].specialty.answer is Placed.CANNOT_TELL
    found = counted([Line(npi=OTHER_NPI)], [], duck)
    pairs = {"heart_failure": {(TIN, NPI)}}
    (nothing,) = judge(found, pairs, coverage=WHOLE, geography=geography(), rules=RULES)
    assert nothing.fee_schedule.answer is Placed.NO
    (unknown,) = judge(found, pairs, coverage=Coverage(False, True, True), geography=geography(), rules=RULES)
    assert unknown.fee_schedule.answer is Placed.CANNOT_TELL


def listed_row(npi: str, *, participant: bool | None = True, cohort: str = "heart_failure") -> ListedClinician:
    years = (YearStatus(participant, False), *(YearStatus(None, None),) * 4)
    return ListedClinician(npi, "ADA", "TESTNAME", "TX", cohort, "MADE UP GROUP", years)


def findings(tests: list[Eligibility], *rows: ListedClinician, **more: object) -> list[Finding]:
    directory = Directory(listed(rows)) if rows or more.pop("with_list", False) else None
    return [each.finding for each in find(tests, directory=directory, performance_year=2027, **more)]


def test_findings_beside_the_list(duck: Engine) -> None:
    episodes = held(20)
    (meets,) = judged(visits(episodes), episodes, duck).values()
    few = held(19)
    (near,) = judged(visits(few), few, duck).values()
    fewer = held(5)
    (fails,) = judged(visits(fewer), fewer, duck).values()
    (unclear,) = judged(visits(episodes, zip_code=None), episodes, duck).values()
    row = listed_row(NPI)
    assert findings([meets]) == [Finding.MEETS]
    assert findings([fails]) == [Finding.FAILS]
    assert findings([unclear]) == [Finding.OPEN]
    assert findings([meets], row) == [Finding.LISTED_MEETS]
    assert findings([fails], row) == [Finding.LISTED_FAILS]
    assert findings([unclear], row) == [Finding.LISTED_OPEN]
    for other in ((listed_row(NPI, participant=False),), (listed_row(NPI, cohort="low_back_pain"),)):
        assert findings([meets], *other) == [Finding.LIKELY]
        assert findings([unclear], *other) == [Finding.POSSIBLE]
        assert findings([near], *other) == [Finding.CLOSE]
        assert findings([fails], *other) == [Finding.NOT_LISTED]
    assert set(FOLLOWS) == set(Finding)


def test_a_listing_is_not_an_error_when_another_tin_meets_the_tests(duck: Engine) -> None:
    episodes = [*held(20), *[Held(f"other {place}", person=f"Q{place}", tin=OTHER_TIN) for place in range(3)]]
    tests = list(judged(visits(episodes), episodes, duck).values())
    assert [each.tin for each in tests] == [TIN, OTHER_TIN]
    assert findings(tests, listed_row(NPI)) == [Finding.LISTED_MEETS, Finding.LISTED_ELSEWHERE]
    roster = [RosterEntry(TIN, NPI, "Ada Testname"), RosterEntry(OTHER_TIN, NPI, "Ada Testname")]
    answers = {(TIN, NPI, "heart_failure", "made up group"): "no"}
    placements, _ = place_roster(roster, Directory(listed([listed_row(NPI)])), answers=answers)
    answered = findings(tests, listed_row(NPI), placements=placements, roster=roster)
    assert answered == [Finding.LISTED_ELSEWHERE, Finding.LISTED_ELSEWHERE]


def test_year_by_year() -> None:
    years = model_years([listed_row(NPI)])
    assert [each.participant for each in years] == ["yes", *["not known yet"] * 4]
    assert [(each.data_year, each.payment_year) for each in years][:2] == [(2025, 2029), (2026, 2030)]
    assert years[0].deadline == dt.date(2028, 3, 31)
    assert "exempt from MIPS for 2027" in years[0].mips
    assert "do not give up MIPS reporting for 2028" in years[1].mips
    assert "MIPS applies for 2028" in mips_in_words(2028, "no", was_in=True)
    assert "assessed anew" in mips_in_words(2028, "no", was_in=True)
    assert model_years([]) == ()
    both = model_years([listed_row(NPI, participant=False), listed_row(NPI)])
    assert both[0].participant == "yes"


def test_overlaps_are_cited() -> None:
    assert all(each.citation and each.text.endswith((".", "here.")) for each in OVERLAPS)
    assert any("ACO" in each.program for each in OVERLAPS)


def test_the_notice_clock_is_a_placeholder_of_2027() -> None:
    received = dt.date(2026, 12, 1)
    due = error_notice_deadline(received, RULES)
    assert due == dt.date(2027, 1, 15)
    assert error_notice_answer(due, RULES) == dt.date(2027, 2, 14)
    assert reconsideration_deadline(dt.date(2027, 2, 14), RULES) == dt.date(2027, 2, 24)
    assert RULES["participation.error_notice_days"].status.value == "analog"
    with pytest.raises(RuleUnpublished):
        rules_for(2028)


def test_days_of_the_year_count_both_ends(duck: Engine) -> None:
    lines = [
        Line(day=dt.date(2025, 1, 1)),
        Line(day=dt.date(2025, 12, 31)),
        Line(day=dt.date(2026, 1, 1)),
        Line(day=DAY),
    ]
    assert counted(lines, [], duck).professional_lines == 3
