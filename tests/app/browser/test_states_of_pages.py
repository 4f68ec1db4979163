"""States that a visit alone does not meet: what is shown once, a run under way, what an error looks like."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpRequest

from openasm.app.feeds.running import hold, release
from openasm.app.look import errors
from tests.app.browser.conftest import Site, confirm


def test_a_refused_run_says_in_words_what_to_mend(site: Site, visit: Callable) -> None:
    page = visit("manager")
    page.goto(site.at(f"data/runs/{site.facts['feed_run']}/"))
    said = page.get_by_role("listitem").filter(has_text="P101").inner_text()
    assert "roster.csv, row 2, npi" in said
    assert "Correct the number in the roster" in said


def test_a_run_under_way_and_one_whose_process_is_gone(site: Site, visit: Callable, settle: Callable) -> None:
    folder = site.data / "work" / site.facts["keys"]["packing"] / site.facts["running_run"]
    page, address = visit("packer"), site.at(f"data/runs/{site.facts['running_run']}/", "packing")
    handle = hold(folder)  # as its process would
    try:
        page.goto(address)
        assert page.get_by_role("status").filter(has_text="Quality measures").is_visible()
        assert page.get_by_role("progressbar").is_visible()
        settle(page, "data-run-running")
    finally:
        release(handle)
    page.goto(address)
    assert page.get_by_role("button", name="Go on").is_visible()
    settle(page, "data-run-stopped")


def test_what_if_without_the_kept_copy_of_the_run(site: Site, visit: Callable, settle: Callable) -> None:
    runs, page = site.data / "runs", visit("other manager")
    runs.rename(site.data / "runs-elsewhere")
    try:
        page.goto(site.at("what-if/", "other"))
        assert page.get_by_role("heading", name="This run cannot be moved").is_visible()
        settle(page, "what-if-cannot")
    finally:
        (site.data / "runs-elsewhere").rename(runs)


def test_what_is_shown_once(site: Site, visit: Callable, settle: Callable) -> None:
    nurse = visit("nurse")
    nurse.goto(site.at("calendar/"))
    nurse.get_by_role("button", name="Make an address").click()
    nurse.get_by_role("heading", name="Your calendar address").wait_for()
    settle(nurse, "calendar-address")
    manager = visit("manager")
    manager.goto(f"{site.address}/account/tokens/")
    confirm(manager)
    manager.get_by_label("What it is for").fill("for the picture")
    manager.locator("input[name=scopes]").first.check()
    manager.get_by_role("button", name="Make it").click()
    confirm(manager)
    manager.get_by_role("heading", name="Your new token").wait_for()
    settle(manager, "token-new")
    operator = visit("operator")
    operator.goto(f"{site.address}/installation/hooks/")
    confirm(operator)
    operator.get_by_label("Which EHR").fill("Demonstration EHR two")
    operator.get_by_role("button", name="Make its secret").click()
    confirm(operator)
    operator.get_by_role("heading", name="The new secret").wait_for()
    settle(operator, "ehr-connection-new")


def test_a_form_that_was_open_too_long(site: Site, visit: Callable, settle: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("calendar/"))
    page.evaluate("document.querySelectorAll('main input[name=csrfmiddlewaretoken]').forEach(each => each.remove())")
    page.locator("main form button").first.click()
    page.get_by_role("heading", name="This form is no longer valid").wait_for()
    settle(page, "form-expired")


@pytest.mark.parametrize(
    ("answer", "picture"),
    [
        (errors.failed, "something-broke"),
        (errors.unavailable, "database-unavailable"),
        (errors.too_often, "too-many-tries"),
    ],
)
def test_errors_of_the_server(answer: Callable, picture: str, site: Site, visit: Callable, settle: Callable) -> None:
    """A server cannot be broken on request: what it would send is put into the browser in its place."""
    request = HttpRequest()
    request.number = "0123456789abcdef"
    sent = answer(request)
    page = visit(None)
    page.route(
        "**/broken/", lambda route: route.fulfill(status=sent.status_code, body=sent.content, content_type="text/html")
    )
    page.goto(f"{site.address}/broken/")
    assert page.locator("h1").inner_text()
    assert page.get_by_role("link", name="Go to the start").is_visible()
    settle(page, picture)
