"""The packaged values, the user's on top, and years without values."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pytest

from openasm.base.errors import InputRefused, NotFound, RuleUnpublished
from openasm.base.parameters import (
    Evidence,
    Parameter,
    ValueType,
    load_overlays,
    load_rule_book,
    plain_value,
    stamp,
    unpublished_names,
)
from openasm.regulation.choices import chosen
from openasm.regulation.rulebook import book_with, rule_book, rules_for, rules_of

OVERLAY = """\
section: payment
parameters:
  risk_level:
    values:
      - years: [2027]
        value: 0.085
        citation: letter of 3 May 2027
  transform_slope:
    title: Slope, as in the letter
    values:
      - years: [2027, 2028]
        value: 0.2
        citation: letter of 3 May 2027
        edition: first edition
        note: read twice
"""

PACKAGED = """\
section: made_up
title: Made-up values
parameters:
  share:
    title: A share
    unit: fraction
    type: number
    values:
      - {years: [2027], value: 0.25, citation: test, edition: test, status: cms}
      - {years: [2029], value: 1_000.5, citation: test, edition: test, status: analog}
  count:
    title: A count
    unit: things
    type: integer
    values:
      - {years: [2027, 2029], value: 1_000, citation: test, edition: test, status: codified}
  flag:
    title: A flag
    unit: yes or no
    type: boolean
    values:
      - {years: [2027, 2029], value: yes, citation: test, edition: test, status: codified}
  word:
    title: A word
    unit: choice
    type: text
    values:
      - {years: [2027, 2029], value: none, citation: test, edition: test, status: codified}
  words:
    title: Words
    unit: choices
    type: texts
    values:
      - {years: [2027, 2029], value: [a, b], citation: test, edition: test, status: codified}
  numbers:
    title: Numbers
    unit: things
    type: numbers
    values:
      - {years: [2027, 2029], value: [1, 0.5], citation: test, edition: test, status: codified}
  table:
    title: A table
    unit: things
    type: table
    values:
      - {years: [2027, 2029], value: {a: {b: [1, 0.5, x, true]}}, citation: test, edition: test, status: codified}
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(OVERLAY, encoding="utf-8")
    return path


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    path = tmp_path / "packaged.yaml"
    path.write_text(PACKAGED, encoding="utf-8")
    return path


def test_all_of_2027_is_there_and_states_its_source() -> None:
    rules = rules_for(2027)
    assert rules.year == 2027
    for parameter in rules:
        assert all((parameter.citation, parameter.edition, parameter.unit, parameter.title))
        assert parameter.confirmed == (parameter.status in (Evidence.CODIFIED, Evidence.CMS))


@pytest.mark.parametrize(
    ("year", "risk", "status"),
    [
        (2027, "9/100", "cms"),
        (2028, "9/100", "cms"),
        (2029, "10/100", "secondary"),
        (2030, "11/100", "secondary"),
        (2031, "12/100", "cms"),
    ],
)
def test_the_risk_level_rises_by_year(year: int, risk: str, status: str) -> None:
    [entry] = [entry for entry in rule_book().entries if entry.name == "payment.risk_level" and year in entry.years]
    assert entry.exact == Fraction(risk)
    assert entry.status == status


def test_a_later_year_is_unpublished_and_names_what_is_missing() -> None:
    with pytest.raises(
        RuleUnpublished,
        match=r"2028: participation\..* and \d+ more \(openasm rules --missing 2028\)\. Years with values: 2027\.",
    ):
        rules_for(2028)
    assert "payment.risk_level" not in unpublished_names(rule_book(), 2028)
    assert {"payment.redistributed_share", "cost.grid_multiples"} <= set(unpublished_names(rule_book(), 2028))
    assert unpublished_names(rule_book(), 2027) == ()


@pytest.mark.parametrize("year", [2026, 2032, 0])
def test_years_outside_the_model_are_unpublished_even_for_a_what_if(year: int) -> None:
    with pytest.raises(RuleUnpublished, match="runs from 2027 to 2031") as raised:
        rules_for(year, assume_year=2027)
    assert raised.value.exit_code == 4


def test_a_what_if_borrows_and_says_so() -> None:
    rules = rules_for(2029, assume_year=2027)
    assert rules["payment.risk_level"].exact == Fraction(1, 10)
    assert rules["payment.risk_level"].assumed_from_year is None
    borrowed = rules["participation.final_list_may_add"]
    assert borrowed.assumed_from_year == 2027
    assert borrowed.status == "cms"
    assert not borrowed.confirmed
    assert borrowed in rules.unconfirmed
    assert borrowed.as_record()["assumed_from_year"] == 2027


def test_borrowing_from_a_year_that_has_nothing_either() -> None:
    with pytest.raises(RuleUnpublished, match=r"performance year 2029: .* more \(openasm rules --missing 2029\)"):
        rules_for(2029, assume_year=2028)


def test_an_overlay_replaces_values_of_its_years_and_answers_for_them(overlay: Path) -> None:
    rules = rules_for(2027, overlays=[overlay])
    risk = rules["payment.risk_level"]
    assert risk.exact == Fraction(85, 1000)
    assert (risk.status, risk.confirmed, risk.citation) == (Evidence.USER, True, "letter of 3 May 2027")
    assert (risk.title, risk.unit, risk.edition) == (
        "Share of Part B payments at risk",
        "fraction",
        "supplied by the user",
    )
    assert (risk.source_file, risk.source_line) == ("mine.yaml", 5)
    slope = rules["payment.transform_slope"]
    assert (slope.title, slope.edition, slope.note) == ("Slope, as in the letter", "first edition", "read twice")
    assert rules_for(2027)["payment.risk_level"].exact == Fraction(9, 100)
    book = book_with([overlay])
    assert [entry.exact for entry in book.entries if entry.name == "payment.risk_level" and 2028 in entry.years] == [
        Fraction(9, 100)
    ]


def test_a_later_overlay_wins(overlay: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.yaml"
    later.write_text(OVERLAY.replace("0.085", "0.08"), encoding="utf-8")
    assert rules_for(2027, overlays=[overlay, later])["payment.risk_level"].number == 0.08
    assert rules_for(2027, overlays=[later, overlay])["payment.risk_level"].number == 0.085


def test_a_what_if_value_is_the_users() -> None:
    rules = rules_for(2027).with_value("payment.positive_factor_cap", "none", citation="what if there is no cap")
    assert rules["payment.positive_factor_cap"].text == "none"
    assert rules["payment.positive_factor_cap"].status is Evidence.USER
    assert chosen(rules, "payment.positive_factor_cap") == "none"
    with pytest.raises(InputRefused, match=r"R010 payment\.yaml, line \d+, payment\.positive_factor_cap"):
        chosen(rules.with_value("payment.positive_factor_cap", "None", citation="slip"), "payment.positive_factor_cap")


def test_an_unknown_name_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"payment\.luck"):
        rules_for(2027)["payment.luck"]
    with pytest.raises(NotFound):
        rules_for(2027).with_value("payment.luck", 1, citation="none")


def test_values_come_in_their_types_and_no_other(packaged: Path) -> None:
    rules = load_rule_book([packaged]).for_year(2027)
    assert rules["made_up.share"].exact == Fraction(1, 4)
    assert load_rule_book([packaged]).for_year(2029)["made_up.share"].exact == Fraction(2001, 2)
    assert rules["made_up.count"].integer == 1000
    assert rules["made_up.count"].number == 1000.0
    assert rules["made_up.flag"].flag is True
    assert rules["made_up.word"].text == "none"
    assert rules["made_up.words"].texts == ("a", "b")
    assert rules["made_up.numbers"].numbers == (1, Fraction(1, 2))
    assert rules["made_up.table"].table == {"a": {"b": (1, Fraction(1, 2), "x", True)}}
    wrong = {
        "exact": "word",
        "integer": "share",
        "text": "count",
        "flag": "word",
        "numbers": "words",
        "texts": "numbers",
        "table": "words",
    }
    for attribute, name in wrong.items():
        with pytest.raises(TypeError, match=f"made_up.{name}"):
            getattr(rules[f"made_up.{name}"], attribute)
    for attribute in ("exact", "integer"):
        with pytest.raises(TypeError):
            getattr(rules["made_up.flag"], attribute)


def test_records_hold_plain_json(packaged: Path) -> None:
    record = load_rule_book([packaged]).for_year(2027)["made_up.table"].as_record()
    assert record["value"] == {"a": {"b": [1, 0.5, "x", True]}}
    assert plain_value(Fraction(4, 2)) == 2
    assert record["years"] == [2027, 2029]


def test_the_same_year_in_two_packaged_files_overlaps(packaged: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(PACKAGED, encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        load_rule_book([packaged, again])
    assert {problem.kind.code for problem in refused.value.problems} == {"R005"}
    assert "also at packaged.yaml line 9" in refused.value.problems[0].found


def test_an_overlay_may_come_without_an_edition_of_text(tmp_path: Path) -> None:
    path = tmp_path / "listed.yaml"
    path.write_text(OVERLAY.replace("edition: first edition", "edition: [first]"), encoding="utf-8")
    book = load_overlays([path], rule_book())
    assert rules_of(book, 2027)["payment.transform_slope"].edition == "supplied by the user"


def test_a_huge_whole_number_stays_exact() -> None:
    parameter = Parameter(
        name="made_up.big",
        title="Big",
        unit="things",
        type=ValueType.INTEGER,
        value=10**30,
        years=(2027,),
        citation="test",
        edition="test",
        status=Evidence.USER,
    )
    assert parameter.exact == 10**30


def test_moments_are_stamped_in_utc() -> None:
    east = dt.timezone(dt.timedelta(hours=2))
    assert stamp(dt.datetime(2027, 1, 1, 1, 30, 15, 999, tzinfo=east)) == "2026-12-31T23:30:15Z"
