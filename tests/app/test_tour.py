"""Every address that answers GET is on the browser's tour, or is no page; pictures have names of their own."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from openasm.app.look.navigation import ENTRIES
from tests.app.access_table import ACCESS
from tests.app.browser.tour import JOURNEYS, NOT_PAGES, TOUR

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "screenshots"


def test_every_page_is_on_the_tour() -> None:
    answering = {name for name, entry in ACCESS.items() if entry.get != 405}
    assert set(TOUR) | set(NOT_PAGES) == answering
    assert set(TOUR) & set(NOT_PAGES) == set()


def test_pictures_have_names_of_their_own() -> None:
    counted = Counter(visit.picture for visits in TOUR.values() for visit in visits)
    assert [name for name, count in counted.items() if count > 1] == []


def test_every_page_has_its_picture_and_every_picture_its_page() -> None:
    drawn = {path.stem for path in PICTURES.glob("*.png")}
    expected = {
        f"{visit.picture}{'-' if variant else ''}{variant}"
        for visits in TOUR.values()
        for visit in visits
        for variant in ("", *visit.also)
    }
    assert expected - drawn == set(), "make test-browser SCREENSHOTS=docs/screenshots"
    assert drawn - expected - set(JOURNEYS) == set()


def test_pictures_stay_small() -> None:
    sizes = {path.name: path.stat().st_size for path in PICTURES.glob("*.png")}
    assert [name for name, size in sizes.items() if size > 600_000] == []
    assert sum(sizes.values()) < 30_000_000


def test_the_page_of_pictures_names_pictures_that_are_there_and_says_what_they_show() -> None:
    page = (ROOT / "docs" / "how-to" / "workbench-in-pictures.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[([^\]]*)\]\(\.\./screenshots/([^)]+)\)", page)
    assert [name for words, name in shown if len(words) < 12 or not (PICTURES / name).is_file()] == []
    names = [name for _, name in shown]
    assert sorted(names) == sorted(path.name for path in PICTURES.glob("*.png")), "each picture is shown, and once"
    # with that every address that gives a page stands in the documentation
    assert [name for name, visits in TOUR.items() if not {f"{each.picture}.png" for each in visits} & set(names)] == []


def test_pages_that_no_entry_of_the_navigation_leads_to_are_named_in_the_how_tos() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "how-to").glob("*.md"))
    assert [
        name
        for name in ("*Closed work*", "*Attributed patients*", "*system*", "*Shared beneficiaries*")
        if name not in text
    ] == []
    assert [entry.title for entry in ENTRIES if entry.title not in text] == []
