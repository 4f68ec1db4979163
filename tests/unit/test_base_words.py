"""Identity, years, money and problems: the words every room uses."""

from __future__ import annotations

import datetime as dt
import doctest
import importlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openasm.base import identity, money, problems, years
from openasm.base.errors import InputRefused
from openasm.base.problems import Problems, Severity, declare


@pytest.mark.parametrize("name", ["identity", "years", "money", "problems", "files", "parameters"])
def test_examples_in_docstrings_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"openasm.base.{name}"))
    assert result.failed == 0


@given(st.integers(0, 999_999_999))
def test_one_digit_in_ten_completes_an_npi(first_nine: int) -> None:
    body = f"{first_nine:09d}"
    assert [digit for digit in "0123456789" if identity.is_npi(body + digit)] == [str(identity.npi_check_digit(body))]


@pytest.mark.parametrize("text", ["", "123456789", "12345678930", "1234567893 ", "１２３４５６７８９３", "123456789a"])
def test_what_is_not_an_npi(text: str) -> None:
    assert not identity.is_npi(text)


def test_keys_are_stable_and_pseudonyms_keyed() -> None:
    assert identity.stable_hash("a", "b") == identity.stable_hash("a", "b")
    assert identity.stable_hash("a", "b") != identity.stable_hash("ab", "")
    assert identity.pseudonym(b"one", "x") != identity.pseudonym(b"two", "x")
    assert identity.masked("1234") == "1234"


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (dt.date(2027, 1, 1), dt.date(2027, 3, 31), 90),
        (dt.date(2028, 1, 1), dt.date(2028, 3, 30), 90),  # leap year
        (dt.date(2027, 7, 5), dt.date(2027, 12, 31), 180),
        (dt.date(2027, 5, 2), dt.date(2027, 5, 1), 0),
    ],
)
def test_days_count_both_ends(start: dt.date, end: dt.date, days: int) -> None:
    assert years.days_inclusive(start, end) == days


def test_the_calendar_of_the_model() -> None:
    assert [years.payment_year(year) for year in years.PERFORMANCE_YEARS] == [2029, 2030, 2031, 2032, 2033]
    assert years.data_year(2027) == 2025
    assert years.submission_deadline(2031) == dt.date(2032, 3, 31)
    assert (years.first_day(2028), years.last_day(2028)) == (dt.date(2028, 1, 1), dt.date(2028, 12, 31))


@given(st.integers(-(10**15), 10**15))
def test_cents_survive_text(cents: int) -> None:
    assert money.cents_from_dollars(str(Decimal(cents) / 100)) == cents


@pytest.mark.parametrize("text", ["", "1.001", "NaN", "Infinity", "1,000", "$1", "1e-3"])
def test_what_is_not_money(text: str) -> None:
    with pytest.raises(ValueError, match="money"):
        money.cents_from_dollars(text)


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "$0.00"), (2.675, "$2.68"), (-0.004, "$0.00"), (1e6, "$1,000,000.00")]
)
def test_dollars_for_people(amount: float, text: str) -> None:
    assert money.dollars_text(amount) == text.replace("−$0.00", "$0.00")


def test_dollars_with_sign_and_without_cents() -> None:
    assert money.dollars_text(1234.5, sign=True, cents=False) == "+$1,235"


def test_problems_collect_and_refuse_once() -> None:
    kind = declare("Z901", "a test problem", expected="nothing", next_step="Do nothing.", citation="42 CFR 512.700")
    mild = declare("Z902", "a mild one", expected="better", next_step="Go on.", severity=Severity.WARNING)
    collected = Problems(per_kind=2)
    for row in range(4):
        collected.add(kind, "a.csv", row=row, column="x", found="'y'")
    collected.add(mild, "a.csv", count=3)
    assert len(collected) == 4
    assert [problem.count for problem in collected.errors] == [1, 1, 2]
    assert [problem.as_text() for problem in collected.warnings] == [
        "Z902 a.csv: a mild one (3 places). Expected better. Go on."
    ]
    with pytest.raises(InputRefused) as refused:
        collected.refuse_errors()
    assert len(refused.value.problems) == 3
    assert "[42 CFR 512.700]" in str(refused.value)
    other = Problems()
    other.extend(collected)
    assert [problem.as_record()["code"] for problem in other] == ["Z901", "Z901", "Z902", "Z901"]
    assert Problems().refuse_errors() is None


def test_a_code_is_declared_once() -> None:
    declare("Z903", "once", expected="-", next_step="-")
    with pytest.raises(ValueError, match="Z903"):
        declare("Z903", "twice", expected="-", next_step="-")
    assert problems.catalogue()["Z903"].title == "once"


def test_found_values_are_shortened() -> None:
    assert len(problems.shown("x" * 100)) == 40
    assert problems.shown(5) == "5"
