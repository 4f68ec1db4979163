"""Clocks, caps and the readiness plan: leap years, year ends, 89 to 91 and 179 to 181 days, amounts to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.regulation.attestations import AttestationRow, attestations_of
from openasm.regulation.improvement import attested_activities
from openasm.regulation.rulebook import rule_book, rules_for
from openasm.submission.arrangements import TERM_WORDS, check_arrangement
from openasm.submission.clocks import activity_clock, interoperability_clock, latest_start, period_clock
from openasm.submission.incentive_ledger import Incentive, before_giving
from openasm.submission.readiness import PracticeFacts, readiness_plan

RULES = rules_for(2027)
QUIET = settings(max_examples=200, deadline=None, derandomize=True)
YEARS = st.integers(2027, 2031)  # 2028 is a leap year
DAY = dt.timedelta(days=1)


@given(YEARS, st.integers(1, 365))
@QUIET
def test_the_latest_start_is_the_last_that_fits(year: int, needed: int) -> None:
    start = latest_start(year, needed)
    assert (dt.date(year, 12, 31) - start).days + 1 == needed
    assert start.year == year


@pytest.mark.parametrize(
    ("year", "ninety", "half"), [(2027, (10, 3), (7, 5)), (2028, (10, 3), (7, 5)), (2029, (10, 3), (7, 5))]
)
def test_the_last_days_of_the_rule(year: int, ninety: tuple[int, int], half: tuple[int, int]) -> None:
    assert latest_start(year, 90) == dt.date(year, *ninety)
    assert latest_start(year, 180) == dt.date(year, *half)


def test_a_whole_year_fits_and_a_day_more_does_not() -> None:
    assert latest_start(2028, 366) == dt.date(2028, 1, 1)
    for year, needed in ((2027, 366), (2028, 367), (2027, 0)):
        with pytest.raises(ValueError, match="fits"):
            latest_start(year, needed)


@pytest.mark.parametrize(("days", "reached"), [(89, False), (90, True), (91, True)])
@pytest.mark.parametrize("start", [dt.date(2027, 1, 1), dt.date(2027, 2, 20), dt.date(2027, 10, 1)])
def test_ninety_days_count_both_ends(days: int, reached: bool, start: dt.date) -> None:
    today = start + (days - 1) * DAY
    clock = activity_clock(start, today=today, rules=RULES)
    assert (clock.days, clock.reached, clock.days_left) == (days, reached, max(0, 90 - days))
    assert clock.reached_on == start + 89 * DAY


@pytest.mark.parametrize(("days", "reached"), [(179, False), (180, True), (181, True)])
def test_a_hundred_and_eighty_days_count_both_ends(days: int, reached: bool) -> None:
    start = dt.date(2027, 7, 1)
    clock = interoperability_clock(start, today=start + (days - 1) * DAY, rules=RULES)
    assert (clock.days, clock.reached) == (days, reached)


def test_february_of_a_leap_year_has_a_day_more() -> None:
    for year, last in ((2027, dt.date(2027, 3, 31)), (2028, dt.date(2028, 3, 30))):
        clock = period_clock(dt.date(year, 1, 1), today=last, year=year, needed=90)
        assert clock.reached_on == last
        assert clock.reached


@given(
    YEARS,
    st.dates(dt.date(2026, 6, 1), dt.date(2032, 6, 30)),
    st.one_of(st.none(), st.dates(dt.date(2026, 6, 1), dt.date(2032, 6, 30))),
    st.dates(dt.date(2026, 1, 1), dt.date(2032, 12, 31)),
    st.sampled_from([90, 180]),
)
@QUIET
def test_the_clock_counts_like_a_calendar(
    year: int, start: dt.date, end: dt.date | None, today: dt.date, needed: int
) -> None:
    clock = period_clock(start, today=today, year=year, needed=needed, end=end)
    last = dt.date(9999, 1, 1) if end is None else end
    days = [day for day in _days_of(year) if start <= day <= last]
    assert clock.days == sum(day <= today for day in days)
    assert clock.days_left == max(0, needed - clock.days)
    assert clock.reached_on == (days[needed - 1] if len(days) >= needed else None)
    if clock.reached:
        assert clock.reached_on is not None
        assert clock.reached_on <= today
        assert not clock.lost
    if clock.lost:
        assert today > latest_start(year, needed)


def _days_of(year: int) -> list[dt.date]:
    first = dt.date(year, 1, 1)
    return [first + place * DAY for place in range((dt.date(year, 12, 31) - first).days + 1)]


@given(st.dates(dt.date(2026, 12, 1), dt.date(2028, 1, 31)), st.integers(0, 200))
@QUIET
def test_the_clock_and_the_score_agree(start: dt.date, length: int) -> None:
    end = start + length * DAY
    row = AttestationRow("900000001", "IA_1", "yes", start=start, end=end)
    scored = bool(attested_activities(attestations_of([row], ["900000001"]), tins=1, rules=RULES)[0, 0])
    clock = activity_clock(start, today=dt.date(2028, 6, 1), rules=RULES, end=end)
    assert clock.reached == scored


AMOUNTS = st.lists(st.tuples(st.dates(dt.date(2027, 1, 1), dt.date(2029, 12, 31)), st.integers(1, 60_000)), max_size=8)


@given(AMOUNTS, st.dates(dt.date(2027, 1, 1), dt.date(2029, 12, 31)), st.integers(1, 120_000))
@QUIET
def test_caps_are_kept_to_the_cent_under_both_readings(
    given_before: Sequence[tuple[dt.date, int]], day: dt.date, cents: int
) -> None:
    before = [Incentive(when, amount) for when, amount in given_before]
    check = before_giving(before, Incentive(day, cents), rules=RULES)
    lifetime = sum(amount for _, amount in given_before) + cents
    of_year = sum(amount for when, amount in given_before if when.year == day.year) + cents
    assert (check.lifetime_cents, check.year_cents, check.cap_cents) == (lifetime, of_year, 100_000)
    assert check.over_cap_for_life == (lifetime > 100_000)
    assert check.over_cap_of_year == (of_year > 100_000)
    assert check.readings_differ == (lifetime > 100_000 >= of_year)
    assert check.allowed == (lifetime <= 100_000)
    assert check.left_cents == max(0, 100_000 - lifetime)
    annual = RULES.with_value("incentives.cap_period", "annual", citation="a test")
    assert before_giving(before, Incentive(day, cents), rules=annual).allowed == (of_year <= 100_000)


@pytest.mark.parametrize(("cents", "allowed"), [(99_999, True), (100_000, True), (100_001, False)])
def test_the_cap_itself_may_be_given(cents: int, allowed: bool) -> None:
    assert before_giving([], Incentive(dt.date(2027, 1, 1), cents), rules=RULES).allowed == allowed


@pytest.mark.parametrize(("cents", "stays"), [(7_499, False), (7_500, False), (7_501, True)])
def test_technology_above_the_limit_stays_the_participants(cents: int, stays: bool) -> None:
    day = dt.date(2028, 2, 29)
    check = before_giving([], Incentive(day, cents, technology=True), rules=RULES)
    assert check.stays_property == stays
    assert not before_giving([], Incentive(day, cents), rules=RULES).stays_property
    assert check.keep_until == dt.date(2034, 2, 28)


@pytest.mark.parametrize("wrong", ["in_kind", "asm_beneficiary", "connected_to_care"])
def test_what_may_not_be_given_is_said_before(wrong: str) -> None:
    check = before_giving([], Incentive(dt.date(2027, 5, 1), 100, **{wrong: False}), rules=RULES)  # type: ignore[arg-type]
    assert len(check.reasons) == 1
    assert not before_giving([], Incentive(dt.date(2027, 5, 1), 100, tied_to_provider=True), rules=RULES).allowed
    with pytest.raises(ValueError, match="one cent"):
        Incentive(dt.date(2027, 5, 1), 0)


def test_every_term_of_an_arrangement_has_words_and_counts() -> None:
    assert tuple(TERM_WORDS) == RULES["incentives.arrangement_terms"].texts
    everything = dict.fromkeys(TERM_WORDS, True)
    signed = (dt.date(2027, 9, 1), dt.date(2027, 10, 3))
    dates = {"signed": signed, "effective": dt.date(2027, 9, 1), "today": dt.date(2027, 12, 31)}
    good = check_arrangement(everything, rules=RULES, **dates)  # type: ignore[arg-type]
    assert (good.complete, good.clock.start, good.clock.days, good.clock.reached) == (True, signed[1], 90, True)
    for term in TERM_WORDS:
        lacking = check_arrangement({**everything, term: False}, rules=RULES, **dates)  # type: ignore[arg-type]
        assert lacking.missing == (term,)
        assert not lacking.complete
        assert lacking.clock.lost
    one = check_arrangement(everything, rules=RULES, **{**dates, "signed": signed[:1]})  # type: ignore[arg-type]
    assert one.clock.days == 0
    too_much = check_arrangement(everything, rules=RULES, paid_cents=101, adjustment_cents=(200, -100), **dates)  # type: ignore[arg-type]
    assert not too_much.complete
    assert check_arrangement(everything, rules=RULES, paid_cents=100, adjustment_cents=(200, -100), **dates).complete  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from(["heart_failure", "low_back_pain"]), min_size=1, max_size=2, unique=True),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sets(st.sampled_from(["claims", "records"])),
)
@QUIET
def test_the_plan_is_dated_cited_and_tailored(
    cohorts: list[str], participants: int, others: int, data: set[str]
) -> None:
    facts = PracticeFacts("900000001", tuple(cohorts), participants, participants + others - 1, data=frozenset(data))
    plan = readiness_plan(facts, rules=RULES)
    keys = [task.key for task in plan]
    assert len(set(keys)) == len(keys)
    assert [task.due for task in plan] == sorted(task.due for task in plan)
    for task in plan:
        assert task.why
        assert task.citation
        assert task.evidence
        assert task.last is None or task.due <= task.last <= dt.date(2028, 3, 31)
    assert ("level" in keys) == (facts.clinicians_in_tin <= 15)
    assert {f"measures_{cohort}" for cohort in cohorts} == {key for key in keys if key.startswith("measures_")}
    assert ("records_feed" in keys) == ("records" not in data)
    assert ("claims_feed" in keys) == ("claims" not in data)
    assert [task.key for task in plan if task.all] == ["submission"]


def test_states_of_a_task() -> None:
    facts = PracticeFacts("900000001", ("heart_failure",), 1, 1, done=frozenset({"participation"}))
    plan = {task.key: task for task in readiness_plan(facts, rules=RULES)}
    signed = plan["arrangement_signed"]
    assert (signed.due, signed.last, signed.points) == (dt.date(2027, 9, 19), dt.date(2027, 10, 3), 10.0)
    days = {
        dt.date(2027, 9, 4): "open",
        dt.date(2027, 9, 5): "soon",
        dt.date(2027, 9, 19): "soon",
        dt.date(2027, 9, 20): "late",
    }
    days |= {dt.date(2027, 10, 3): "late", dt.date(2027, 10, 4): "missed"}
    assert {day: signed.state(day) for day in days} == days
    assert plan["participation"].state(dt.date(2031, 1, 1)) == "done"
    assert plan["attestation"].points == 30.0
    assert np.isclose(plan["technology"].points, 10.0)
    assert rule_book()
