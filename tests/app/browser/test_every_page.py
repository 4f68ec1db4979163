"""Every page of the tour with axe, light at desktop width and dark at a phone's; pages on paper."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.app.browser.conftest import Site, confirm
from tests.app.browser.tour import ARGUMENTS, TOUR, Visit

ALL = [(name, each) for name, visits in TOUR.items() for each in visits]


def address_of(site: Site, name: str, visit: Visit) -> str:
    """Where a visit leads, with the furnished site's keys in the place of its arguments."""
    given: dict[str, object] = {}
    values = {**ARGUMENTS, **(visit.arguments or {})}
    for argument in arguments_of(name):
        value = site.facts["keys"][visit.at] if argument == "practice" else values[argument]
        given[argument] = site.facts.get(value, value) if isinstance(value, str) else value
    return site.address + reverse(name, kwargs=given) + visit.query


def arguments_of(name: str, resolver: URLResolver | None = None) -> list[str]:
    """The names of an address's arguments."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLPattern) and each.name == name:
            return list(each.pattern.converters or each.pattern.regex.groupindex)
        if isinstance(each, URLResolver) and any(arguments := arguments_of(name, each)):
            return arguments
    return []


@pytest.mark.parametrize(("name", "each"), ALL, ids=[each.picture for _, each in ALL])
def test_every_page_in_either_size(name: str, each: Visit, site: Site, window: Callable, settle: Callable) -> None:
    page = window(each.part, 1400)
    address = address_of(site, name, each)
    answer = page.goto(address)
    if "/account/confirm/" in page.url and name != "account_reauthenticate":
        confirm(page)
    else:
        assert answer.status == each.status
    assert page.url == address
    assert page.locator("h1").count() == 1
    settle(page, each.picture, each.also)


PRINTED = (
    "today",
    "practice",
    "clinician",
    "measures",
    "measure",
    "episodes",
    "episode",
    "what-if",
    "worklist",
    "readiness",
    "attestation-version",
    "binder",
    "submission",
    "explanation",
)


@pytest.mark.parametrize("picture", PRINTED)
def test_pages_on_paper_hold_no_navigation_and_cut_nothing(picture: str, site: Site, window: Callable) -> None:
    name, each = next(found for found in ALL if found[1].picture == picture)
    page = window(each.part, 1040)  # of a sheet across, as browsers lay it out
    page.goto(address_of(site, name, each))
    page.emulate_media(media="print", color_scheme="dark")
    for part in (".top", ".page-actions", "form button", ".foot form"):
        assert page.locator(part).count() == 0 or not page.locator(part).first.is_visible(), part
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1040
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".card, .scroll")].filter(each =>
            each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== "visible")
            .map(each => each.className + " " + (each.getAttribute("aria-label") || ""))"""
    )
    assert cut == []
