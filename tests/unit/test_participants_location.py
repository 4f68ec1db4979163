"""The area of attributed episodes: ZIPs that span areas, unknown ones, Connecticut, ties, lists that are not whole."""

from __future__ import annotations

import pytest

from openasm.participants.counting import Places
from openasm.participants.geography import Placed
from openasm.participants.location import LocationTest, location_test
from openasm.regulation.rulebook import rules_for
from tests.builders.eligibility_claims import geography

RULES = rules_for(2027)
YES, NO, DEPENDS, CANNOT_TELL = Placed.YES, Placed.NO, Placed.DEPENDS, Placed.CANNOT_TELL


def located(
    by_zip: dict[str, int], *, without_zip: int = 0, complete: bool = True, gaps: tuple[str, ...] = ()
) -> LocationTest:
    places = Places(by_zip, 0, without_zip)
    return location_test(places, geography(complete=complete), gaps=gaps, near=2, rules=RULES)


@pytest.mark.parametrize(
    ("by_zip", "answer", "area"),
    [
        ({"10001": 20}, YES, "11111"),
        ({"20002": 20}, NO, "22222"),
        ({"30003": 20}, YES, "33334"),  # a division, not its CBSA
        ({"90009": 20}, NO, ""),  # outside every area
        ({"10001": 11, "20002": 9}, YES, "11111"),
        ({"10001": 9, "20002": 11}, NO, "22222"),
        ({"10001": 10, "20002": 10}, YES, "11111"),  # a tie: the lowest code
        ({"10001": 10, "90009": 10}, YES, "11111"),  # a tie with no area: the code
        ({"12012": 20}, DEPENDS, "11111"),  # spans a mandatory area and another
        ({"12012": 20, "10001": 1}, DEPENDS, "11111"),
        ({"12012": 5, "10001": 15}, YES, "11111"),  # even all of the doubtful ones change nothing
        ({"12012": 5, "20002": 15}, NO, "22222"),
        ({"12012": 10, "20002": 10}, DEPENDS, "11111"),
        ({"06001": 20}, CANNOT_TELL, ""),  # old counties of Connecticut
        ({"06001": 5, "10001": 15}, YES, "11111"),
        ({"06001": 15, "20002": 5}, CANNOT_TELL, "22222"),
        ({"77777": 20}, CANNOT_TELL, ""),  # no file holds the ZIP
        ({"77777": 9, "20002": 11}, NO, "22222"),
        ({"77777": 11, "20002": 9}, CANNOT_TELL, "22222"),
        ({"77777": 10, "20002": 10}, CANNOT_TELL, "22222"),  # could all lie in an area of a lower code
    ],
)  # fmt: skip
def test_answers(by_zip: dict[str, int], answer: Placed, area: str) -> None:
    found = located(by_zip)
    assert (found.answer, found.area) == (answer, area)
    assert found.of_episodes == sum(by_zip.values())


def test_numbers_lead_and_ties() -> None:
    found = located({"10001": 11, "20002": 9})
    assert (found.episodes, found.lead, found.tie, found.near, found.sure) == (11, 2, False, True, True)
    tie = located({"10001": 10, "20002": 10})
    assert (tie.tie, tie.near) == (True, True)
    assert "a tie with another area" in tie.words
    spanning = located({"12012": 20})
    assert not spanning.sure
    assert {(each.code, each.surely, each.at_most) for each in spanning.areas} == {("11111", 0, 20), ("22222", 0, 20)}


def test_episodes_without_a_zip_may_lie_anywhere() -> None:
    assert located({"20002": 9}, without_zip=11).answer is CANNOT_TELL
    few = located({"20002": 11}, without_zip=9)
    assert (few.answer, few.unknown, few.of_episodes) == (NO, 9, 20)
    assert located({}, without_zip=3).answer is CANNOT_TELL
    assert located({}).answer is CANNOT_TELL


def test_never_a_no_from_a_list_that_is_not_whole_or_claims_with_gaps() -> None:
    assert located({"20002": 20}, complete=False).answer is CANNOT_TELL
    assert located({"10001": 20}, complete=False).answer is YES
    assert located({"20002": 20}, gaps=("claims of one organization",)).answer is CANNOT_TELL
    assert located({"10001": 20}, gaps=("claims of one organization",)).answer is YES
    assert located({"90009": 20}, complete=False).answer is NO  # in no area at all


def test_without_geography_nothing_is_told() -> None:
    found = location_test(Places({"10001": 3}), None, gaps=(), near=2, rules=RULES)
    assert (found.answer, found.words) == (CANNOT_TELL, "no county delineation is loaded")


def test_a_rule_value_may_take_whole_cbsas() -> None:
    rules = RULES.with_value("participation.area_unit", "cbsa", citation="what if")
    places = geography(areas=("33333",))
    found = location_test(Places({"30003": 20}), places, gaps=(), near=2, rules=rules)
    assert (found.answer, found.area, found.title) == (YES, "33333", "Area 33333")
