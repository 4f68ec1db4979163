"""On a telephone everything that decides something is inside the window, without scrolling sideways; what is printed says what was chosen."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

from tests.app.browser.conftest import Site
from tests.app.browser.test_every_page import ALL, address_of

# Of each picture's page: what has to be in the window, as selectors; each must be there at least once.
INSIDE = {
    "clinician": (
        "svg[aria-label^='From categories'] text.value",
        "svg[aria-label^='Payment change over'] rect",
        "svg[aria-label^='Payment change over'] text",
        "svg[aria-label^='Points of each measure'] text",
        "[aria-label='Range of results'] td",
        "[aria-label='What would help most'] td",
        "[aria-label='Measures against their benchmarks'] td",
    ),
    "practice": (
        "[aria-label=Clinicians] td",
        "[aria-label=Clinicians] svg",
        "svg[aria-label^='Payment change by'] text",
    ),
    "worklist": ("[aria-label=Cases] tbody th", "[aria-label=Cases] td", "[aria-label=Cases] .badge"),
    "what-if": ("[aria-label=Clinicians] td", "#answer .figure"),
    "episodes": ("[aria-label=Episodes] td", "[aria-label=Episodes] .badge"),
    "episode": ("svg[aria-label^='Services by day'] circle", "svg[aria-label^='Services by day'] text"),
    "today": ("main td", ".deadlines li"),
    "compare": ("main td", "main svg text"),
    "measures": ("main td", "main svg text"),
    "audit": ("[aria-label=Events] td",),
    "look-up-state": ("figure.map svg", "[aria-label=Participants] td"),
}
_OUTSIDE = """selector => {
    const seen = [...document.querySelectorAll(selector)].filter(each => each.checkVisibility());
    const out = seen.filter(each => { const box = each.getBoundingClientRect(); return box.left < -1 || box.right > innerWidth + 1; });
    return [seen.length, out.slice(0, 3).map(each => each.textContent.trim().slice(0, 60))];
}"""


def page_of(picture: str, site: Site, window: Callable, width: int) -> object:
    name, each = next(found for found in ALL if found[1].picture == picture)
    page = window(each.part, width)
    page.emulate_media(media="screen", color_scheme="light")
    page.goto(address_of(site, name, each))
    return page


@pytest.mark.parametrize("picture", INSIDE)
def test_what_decides_is_inside_the_window_of_a_telephone(picture: str, site: Site, window: Callable) -> None:
    page = page_of(picture, site, window, 390)
    for selector in INSIDE[picture]:
        seen, outside = page.evaluate(_OUTSIDE, selector)
        assert seen > 0, selector
        assert outside == [], selector


def test_a_card_names_each_of_its_values(site: Site, window: Callable) -> None:
    page = page_of("worklist", site, window, 390)
    names = (
        page.locator("[aria-label=Cases] tbody tr")
        .first.locator("td")
        .evaluate_all("all => all.map(each => each.dataset.label)")
    )
    assert {"Time left", "Worth", "Work"} <= set(names)
    assert (
        page.get_by_role("region", name="Cases").get_by_role("rowheader").count() > 0
    )  # still a table to screen readers
    page.set_viewport_size({"width": 1000, "height": 800})
    page.wait_for_function("!document.querySelector('.stacked')")
    page.set_viewport_size({"width": 390, "height": 900})


def test_the_open_area_is_in_sight(site: Site, window: Callable) -> None:
    page = page_of("members", site, window, 390)
    assert page.evaluate(_OUTSIDE, ".areas [aria-current]") == [1, []]
    assert page.evaluate("scrollY") == 0


def test_a_button_that_cannot_be_used_looks_so(site: Site, window: Callable) -> None:
    page = page_of("members", site, window, 1400)
    look = (
        "each => { const style = getComputedStyle(each); return [style.backgroundColor, style.color, style.cursor]; }"
    )
    button = page.locator("main button.button").first
    before = button.evaluate(look)
    button.evaluate("each => { each.disabled = true; }")
    after = button.evaluate(look)
    assert after[2] == "not-allowed"
    assert all(one != other for one, other in zip(before, after, strict=True))


def printed(page: object, folder: Path) -> list[str]:
    """The texts of the sheets that the page is printed on."""
    file = folder / "page.pdf"
    page.emulate_media(media="print")
    page.pdf(path=str(file), format="Letter")
    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout
    return text.removesuffix("\f").split("\f")


@pytest.mark.skipif(which("pdftotext") is None, reason="pdftotext is not installed")
@pytest.mark.parametrize(
    ("picture", "query", "words"),
    [
        ("what-if", "?cost=7&activities=1", ("Episode cost:", "7", "Improvement activities:", "One")),
        ("worklist", "?window=all&owner=none", ("Owner:", "Nobody yet", "Time:")),
        ("episodes", "", ("Standing:",)),
    ],
)
def test_what_was_chosen_is_printed(
    picture: str, query: str, words: tuple[str, ...], site: Site, window: Callable, tmp_path: Path
) -> None:
    page = page_of(picture, site, window, 1040)
    page.goto(page.url.partition("?")[0] + query)
    sheets = printed(page, tmp_path)
    for word in words:
        assert word in sheets[0], word
    assert "Work it out" not in sheets[0]
    assert len(sheets[0].split()) > 80, "the first sheet is nearly empty"
    assert len(sheets) == 1 or len(sheets[1].split()) > 40
