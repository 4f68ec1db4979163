"""Every address that answers GET is on the browser's tour, or is no page; pictures have names of their own."""

from __future__ import annotations

from collections import Counter

from tests.app.access_table import ACCESS
from tests.app.browser.tour import NOT_PAGES, TOUR


def test_every_page_is_on_the_tour() -> None:
    answering = {name for name, entry in ACCESS.items() if entry.get != 405}
    assert set(TOUR) | set(NOT_PAGES) == answering
    assert set(TOUR) & set(NOT_PAGES) == set()


def test_pictures_have_names_of_their_own() -> None:
    counted = Counter(visit.picture for visits in TOUR.values() for visit in visits)
    assert [name for name, count in counted.items() if count > 1] == []
