"""Times: precision, zones, and what is surely so."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from openasm.clinical import dosing
from openasm.clinical.facts import prevalence
from openasm.clinical.moments import (
    ALWAYS,
    FOREVER,
    NEVER,
    UNKNOWN,
    Moment,
    NotATime,
    Span,
    age_is_known_to_reach,
    before,
    before_day,
    day_number,
    just_before,
    moment,
    on_or_before,
    on_or_before_day,
    overlaps,
    overlaps_after_days,
    overlaps_before_days,
    overlaps_days,
    plus_days,
    plus_months,
    within,
    within_days,
)


def span(start: str, end: str) -> Span:
    return Span(moment(start), moment(end))


YEAR = span("2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z")


def test_by_day_uses_the_date_as_written_in_any_zone() -> None:
    late = span("2026-12-31T22:00:00.000-05:00", "2026-12-31T22:30:00.000-05:00")  # already 2027 in UTC
    assert within_days(late, YEAR)
    assert not within(late, YEAR)
    early = span("2025-12-31T22:00:00.000-05:00", "2025-12-31T22:30:00.000-05:00")  # already 2026 in UTC
    assert not within_days(early, YEAR)
    assert within(early, YEAR)


@pytest.mark.parametrize("text", ["2026-06-30", "2026-06", "2026"])
def test_a_date_without_time_is_unknown_at_the_edge(text: str) -> None:
    edge = moment("2026-06-30T12:00:00.000Z")
    assert not before(moment(text), edge)
    assert not before(edge, moment(text))
    assert not on_or_before(moment("2026-06-30"), moment("2026-06-30T23:59:59.999Z"))


def test_a_partial_date_decides_where_its_missing_part_does_not() -> None:
    assert before(moment("2026-05"), moment("2026-06"))
    assert before_day(moment("2026-05"), moment("2026-06-01"))
    assert not on_or_before_day(moment("2026-06-01"), moment("2026-06"))
    assert on_or_before(moment("2026-06-30"), moment("2026-06-30"))
    assert not on_or_before_day(moment("2026-06"), moment("2026-06"))


def test_whole_months_do_not_lie_in_a_year_they_touch_the_edge_of() -> None:
    assert not within_days(span("2026-12", "2026-12"), YEAR)
    assert within_days(span("2026-11", "2026-11"), YEAR)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260101",
        "2026-13-01",
        "2026-02-30",
        "2026-01-01T25:00:00Z",
        "0000",
        "2026-1-1",
        "x" * 40,
        "2026-01-01 10:00",
    ],
)
def test_what_is_no_fhir_date_is_refused(text: str) -> None:
    with pytest.raises(NotATime):
        moment(text)


def test_overlaps_before_and_after() -> None:
    visit = span("2026-03-01T10:00:00.000Z", "2026-03-01T11:00:00.000Z")
    lasting = span("2026-01-01T00:00:00.000Z", "2026-03-02T00:00:00.000Z")
    same_end = span("2026-01-01T00:00:00.000Z", "2026-03-01T23:00:00.000Z")
    assert overlaps_after_days(lasting, visit)
    assert not overlaps_after_days(same_end, visit)
    assert overlaps_before_days(lasting, visit)
    assert not overlaps_before_days(visit, visit)
    assert overlaps_days(same_end, visit)


def test_of_the_unknown_nothing_is_sure() -> None:
    for one, other in ((NEVER, YEAR), (YEAR, NEVER), (NEVER, NEVER)):
        assert not overlaps(one, other)
        assert not overlaps_days(one, other)
        assert not within_days(one, other)
    assert not on_or_before(UNKNOWN, UNKNOWN)


def test_a_period_without_start_surely_touches_what_its_end_lies_in() -> None:
    ended = dosing.period({"end": "2026-03-01T10:00:00.000Z"})
    assert overlaps_days(ended, YEAR)
    assert not within_days(ended, YEAR)
    assert ended.known_start == UNKNOWN


def test_prevalence() -> None:
    onset = span("2025-05-01T00:00:00.000Z", "2025-05-01T00:00:00.000Z")
    abated = span("2026-02-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
    assert prevalence(onset, None, active=True) == Span(onset.start, FOREVER)
    assert prevalence(onset, None, active=False) == NEVER
    assert prevalence(onset, abated, active=False) == Span(onset.start, abated.end)
    assert prevalence(None, None, active=True) == Span(ALWAYS, FOREVER)
    assert prevalence(None, None, active=True).known_start == UNKNOWN
    assert prevalence(None, abated, active=True).known_start == ALWAYS
    assert prevalence(dosing.period({"end": "2020-01-01"}), None, active=True) == Span(ALWAYS, FOREVER)


def test_months_keep_the_day_or_take_the_last() -> None:
    assert plus_months(moment("2026-05-31T08:00:00.000Z"), -3).text == "2026-02-28"
    assert plus_months(moment("2024-02-29"), 12).text == "2025-02-28"
    assert plus_months(moment("2026-05"), 2).text == "2026-07"
    assert plus_days(moment("2026-12-31"), 1).text == "2027-01-01"
    assert just_before(moment("2026-03-01T00:00:00.000-05:00")).text == "2026-02-28"
    assert just_before(moment("2026-03-01")).text == "2026-02-28"


@pytest.mark.parametrize(
    ("birth", "day", "years", "reached"),
    [
        ("2008-12-31", date(2026, 12, 31), 18, True),
        ("2009-01-01", date(2026, 12, 31), 18, False),
        ("2008-02-29", date(2026, 2, 28), 18, False),
        ("2008-02-29", date(2026, 3, 1), 18, True),
        ("2008", date(2026, 12, 31), 18, True),
        ("2008", date(2026, 12, 30), 18, False),
    ],
)
def test_ages(birth: str, day: date, years: int, reached: bool) -> None:
    assert age_is_known_to_reach(moment(birth), day_number(day), years) is reached


def test_an_unknown_birth_date_reaches_no_age() -> None:
    assert not age_is_known_to_reach(UNKNOWN, day_number(date(2026, 1, 1)), 18)


def order(**elements: object) -> dict[str, object]:
    return dict(elements)


AUTHORED: Moment = moment("2026-03-01T09:00:00.000Z")


@pytest.mark.parametrize(
    ("request_", "days", "covered"),
    [
        ({"dispenseRequest": {"expectedSupplyDuration": {"value": 30, "code": "d"}}}, 30, "2026-03-01 to 2026-03-30"),
        (
            {"dispenseRequest": {"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 2}},
            90,
            "2026-03-01 to 2026-05-29",
        ),
        ({"dispenseRequest": {"expectedSupplyDuration": {"value": 2, "code": "wk"}}}, 2, "2026-03-01 to 2026-03-14"),
        (
            {
                "dispenseRequest": {"quantity": {"value": 45}},
                "dosageInstruction": [
                    {
                        "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
                        "doseAndRate": [{"doseQuantity": {"value": 0.5}}],
                    }
                ],
            },
            30,
            "2026-03-01 to 2026-03-30",
        ),
        (
            {
                "dispenseRequest": {"quantity": {"value": 10}},
                "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 1}}]}],
            },
            None,
            None,
        ),
        (
            {
                "dosageInstruction": [
                    {"timing": {"repeat": {"boundsPeriod": {"start": "2026-02-01", "end": "2026-02-11"}}}}
                ]
            },
            None,
            "2026-02-01 to 2026-02-11",
        ),
        ({}, None, None),
    ],
)
def test_days_supplied_and_covered(request_: dict[str, object], days: int | None, covered: str | None) -> None:
    supplied, cover = dosing.supply(request_, AUTHORED)
    assert supplied == (None if days is None else Fraction(days))
    assert (None if cover is None else cover.text) == covered


def test_dosage_bounds_count_from_the_order() -> None:
    bounds = dosing.dosage_bounds(
        [
            {"timing": {"repeat": {"boundsDuration": {"value": 10, "code": "d"}}}},
            {
                "timing": {
                    "repeat": {"boundsRange": {"low": {"value": 1, "code": "d"}, "high": {"value": 3, "code": "d"}}}
                }
            },
            {"text": "as needed"},
        ],
        AUTHORED,
    )
    assert [each.text for each in bounds] == ["2026-03-01 to 2026-03-11", "2026-03-02 to 2026-03-04"]
