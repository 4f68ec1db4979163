"""The plain chain on the worked cases of the definition and at its edges."""

from __future__ import annotations

import datetime as dt
import doctest
from dataclasses import replace
from fractions import Fraction
from types import ModuleType

import pytest

from openasm.episodes import days, hcc, plain
from openasm.episodes.days import date_of, day_number
from openasm.episodes.plain import Diagnosis, Episode, Facts, Line, Qualifying
from openasm.episodes.specifications import (
    codes_list,
    construction,
    service_rules,
    service_windows,
    workbook,
)
from tests.builders.episode_claims import demonstration, enrolled, living, visits

CATEGORIES = hcc.condition_categories("CMS-HCC Model V24", 2026)
START = day_number(dt.date(2026, 6, 1))
EPISODE = Episode("id", "P", "000000001", START, START + 364)
EVERYTHING = enrolled("P", dt.date(2025, 1, 1), dt.date(2028, 12, 1))


@pytest.mark.parametrize(
    "module", [plain, days, hcc, construction, codes_list, service_rules, service_windows, workbook]
)
def test_examples_in_docstrings(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([100, 150, 480, 900], [(100, 464), (465, 844)]),
        ([100, 150, 480, 900, 1080], [(100, 464), (465, 844), (900, 1444)]),
        ([100, 150, 480, 900, 1081], [(100, 464), (465, 844)]),
    ],
)
def test_worked_heart_failure(lines: list[int], expected: list[tuple[int, int]]) -> None:
    found = [
        piece
        for window in plain.windows([(day, True, True) for day in lines], confirm_days=180, window_days=365)
        for piece in plain.cut(*window, episode_days=365, data_end=2_000)
    ]
    assert found == expected


def test_a_line_on_the_last_day_of_a_window_extends_it_and_a_day_later_does_not() -> None:
    def ends(day: int) -> list[tuple[int, int]]:
        return plain.windows(
            [(0, True, False), (10, False, True), (day, False, True)], confirm_days=60, window_days=120
        )

    assert ends(129) == [(0, 248)]
    assert ends(130) == [(0, 129)]


def test_lines_before_the_first_confirmed_trigger_open_nothing() -> None:
    both = [(0, False, True), (50, True, True), (110, False, True)]
    assert plain.windows(both, confirm_days=60, window_days=120) == [(50, 229)]


def test_a_confirming_line_of_its_own_role_confirms_but_does_not_trigger() -> None:
    assert plain.windows([(0, False, True), (5, False, True)], confirm_days=60, window_days=120) == []
    assert plain.windows([(0, True, False), (5, True, False)], confirm_days=60, window_days=120) == []


def test_the_table_of_attribution() -> None:
    def line(npi: str, day: int, number: int) -> Qualifying:
        return Qualifying("000000001", "P", START + day, f"c{number}", 1, npi, True, True)

    on_days = [("A", 5), ("A", 6), ("A", 7), ("B", 0), ("B", 30), ("B", 60), ("C", 1), ("C", 2), ("C", 3), ("C", 4)]
    lines = [line(npi, day, number) for number, (npi, day) in enumerate(on_days)] + [line("C", -365, 99)]
    found = plain.attribution(EPISODE, lines, npi_share=Fraction(3, 10), prior_care_days=365)
    assert [(each.npi, each.qualifying_lines, each.all_lines, each.reason) for each in found] == [
        ("A", 3, 10, "no_prior_care"),
        ("B", 3, 10, "attributed"),
        ("C", 4, 10, "attributed"),
    ]
    one_day_earlier = [*lines[:-1], line("C", -366, 99)]
    found = plain.attribution(EPISODE, one_day_earlier, npi_share=Fraction(3, 10), prior_care_days=365)
    assert found[2].reason == "no_prior_care"


def test_thirty_percent_is_enough_and_less_is_not() -> None:
    def reason(of_ten: int) -> str:
        lines = [
            Qualifying("000000001", "P", START, f"c{number}", 1, "A" if number < of_ten else None, True, True)
            for number in range(10)
        ]
        return plain.attribution(EPISODE, lines, npi_share=Fraction(3, 10), prior_care_days=365)[0].reason

    assert (reason(3), reason(2)) == ("attributed", "share_too_small")


def test_the_table_of_services() -> None:
    codes, _ = demonstration("heart_failure")
    lines = [
        Line("P", "visit", 1, "professional", START, 8_000, "99213"),
        Line("P", "other", 1, "professional", START, 9_000, "99213"),
        Line("P", "stay", 1, "inpatient", START, 900_000, drg="291"),
        Line("P", "stay", 2, "inpatient", START, 0, drg="291"),
        Line("P", "pills", 1, "drug", START, 700, ndc="00000000001"),
    ]
    headers = [
        Diagnosis("P", "visit", 1, "E119"),
        Diagnosis("P", "visit", 2, "I5022"),
        Diagnosis("P", "other", 1, "E119"),
        Diagnosis("P", "stay", 1, "I5023"),
    ]
    found = plain.assigned_services(Facts(lines, headers, [], [], 0), codes)
    assert sorted((each.claim_id, each.place, each.cents) for each in found) == [
        ("pills", 1, 700),
        ("stay", -1, 900_000),
        ("visit", 1, 8_000),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"birth": None}, "no_birth_date"),
        ({"birth": dt.date(2008, 6, 2)}, "under_age"),
        ({"birth": dt.date(2008, 6, 1)}, None),
        ({"death": date_of(START + 364)}, "death"),
        ({"death": date_of(START)}, "death"),
        ({"death": date_of(START + 365)}, None),
        ({"county_fips": "72001"}, "residence"),
        ({"county_fips": "11001"}, None),
        ({"county_fips": None}, None),
    ],
)
def test_standard_exclusions_of_the_person(change: dict[str, object], reason: str | None) -> None:
    _, constants = demonstration("heart_failure")
    person = replace(living("P"), **change)
    months = {month.month: month for month in EVERYTHING}
    assert plain.standard_exclusion(EPISODE, person, months, constants) == reason


@pytest.mark.parametrize(
    ("month", "flag", "reason"),
    [
        (dt.date(2026, 2, 1), "part_b", "not_in_parts_a_and_b"),  # 120 days before 1 June is 1 February
        (dt.date(2026, 1, 1), "part_b", None),
        (dt.date(2027, 5, 1), "part_a", "not_in_parts_a_and_b"),
        (dt.date(2027, 6, 1), "part_a", None),
        (dt.date(2026, 2, 1), "part_c", "part_c"),
        (dt.date(2026, 1, 1), "part_c", None),
    ],
)
def test_standard_exclusions_of_enrollment(month: dt.date, flag: str, reason: str | None) -> None:
    _, constants = demonstration("heart_failure")
    number = month.year * 12 + month.month - 1
    months = {each.month: each for each in EVERYTHING}
    months[number] = replace(months[number], **{flag: flag == "part_c"})
    assert plain.standard_exclusion(EPISODE, living("P"), months, constants) == reason
    del months[number]
    missing = plain.standard_exclusion(EPISODE, living("P"), months, constants)
    assert missing == ("not_in_parts_a_and_b" if reason else None)


def test_the_first_exclusion_in_order_is_named() -> None:
    _, constants = demonstration("heart_failure")
    person = replace(living("P"), birth=dt.date(2015, 1, 1), death=date_of(START), county_fips="72001")
    assert plain.standard_exclusion(EPISODE, person, {}, constants) == "under_age"


def test_a_line_serves_the_episodes_of_two_tins_but_counts_once_in_each() -> None:
    codes, constants = demonstration("heart_failure", minimum_model_episodes=10)
    first = day_number(dt.date(2026, 3, 2))
    one, one_headers = visits("P", [first, first + 30], tin="000000001", npi="A")
    two, two_headers = visits("P", [first, first + 30], tin="000000002", npi="B")
    stay = Line("P", "stay", 1, "inpatient", first + 60, 1_000_000, drg="291")
    facts = Facts(
        [*one, *two, stay],
        [*one_headers, *two_headers, Diagnosis("P", "stay", 1, "I5022")],
        EVERYTHING,
        [living("P")],
        day_number(dt.date(2028, 12, 31)),
    )
    result = plain.cost_measure(facts, codes, constants, categories=CATEGORIES, year=2027)
    assert [(each.tin, each.observed_cents, each.excluded_reason) for each in result.episodes] == [
        ("000000001", 1_000_000, None),
        ("000000002", 1_000_000, None),
    ]
    assert [(each.tin, each.npi, each.episodes) for each in result.scores] == [
        ("000000001", "", 1),
        ("000000001", "A", 1),
        ("000000002", "", 1),
        ("000000002", "B", 1),
    ]


def test_hierarchies_and_interactions() -> None:
    codes, constants = demonstration("heart_failure")
    names = {"E1122", "E119", "I5022", "N184"}  # 18 (hides 19), 85, 137
    headers = [Diagnosis("P", "c", place, code) for place, code in enumerate(sorted(names), start=1)]
    facts = Facts([Line("P", "c", 1, "outpatient", START - 1)], headers, [], [], 0)

    def found(start: int) -> frozenset[str]:
        return plain.risk_variables(
            replace(EPISODE, start=start),
            person=living("P", dt.date(1940, 1, 1)),
            months={},
            claims=plain.claims_of(facts),
            codes=codes,
            construction=constants,
            categories=CATEGORIES,
        )

    assert found(START) == {"age_85_89", "HCC18", "HCC85", "HCC137", "DIABETES_CHF", "HCC85_gRenal_V24"}
    assert found(START + 119) == found(START)
    assert found(START + 120) == {"age_85_89"}
    assert found(START - 1) == {"age_85_89"}
