"""What people do on the first pages: sign in, choose, look, sort, save, invite, be refused; each page with axe and pictures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.app.browser.conftest import PASSWORD, Site, one_time_code, sign_in

# name of the picture -> (part, path); {key} is the practice's. A new page adds a line.
PAGES: dict[str, tuple[str | None, str]] = {
    "sign-in": (None, "/account/sign-in/"),
    "practice": ("manager", "/practices/{key}/"),
    "today": ("manager", "/practices/{key}/today/"),
    "today-clinician": ("clinician", "/practices/{key}/today/"),
    "measures": ("manager", "/practices/{key}/measures/"),
    "measure": ("manager", "/practices/{key}/measures/005/"),
    "worklist": ("nurse", "/practices/{key}/worklist/?window=all"),
    "worklist-closed": ("nurse", "/practices/{key}/worklist/history/"),
    "clinician": ("viewer", "/practices/{key}/clinicians/2999000013/"),
    "explanation": ("viewer", "/practices/{key}/clinicians/2999000013/explanation/"),
    "episodes": ("manager", "/practices/{key}/episodes/"),
    "attributed-patients": ("manager", "/practices/{key}/episodes/patients/"),
    "episode": ("manager", "/practices/{key}/episodes/1/"),
    "compare": ("viewer", "/practices/{key}/compare/"),
    "members": ("manager", "/practices/{key}/members/"),
    "audit": ("manager", "/practices/{key}/audit/"),
    "account": ("manager", "/account/"),
    "tokens": ("manager", "/account/tokens/"),
    "second-factor": ("manager", "/account/second-factor/"),
    "attestations": ("attester", "/practices/{key}/attestations/"),
    "readiness": ("nurse", "/practices/{key}/readiness/"),
    "readiness-task": ("nurse", "/practices/{key}/readiness/2027/tasks/registration/"),
    "arrangements": ("nurse", "/practices/{key}/arrangements/"),
    "arrangement": ("nurse", "/practices/{key}/arrangements/new/"),
    "incentives": ("nurse", "/practices/{key}/incentives/"),
    "requests": ("nurse", "/practices/{key}/requests/"),
    "submission": ("nurse", "/practices/{key}/submissions/"),
    "binder": ("nurse", "/practices/{key}/attestations/2027/binder/"),
    "installation": ("operator", "/installation/"),
    "audit-of-everything": ("operator", "/audit/"),
    "no-practice": ("outsider", "/"),
    "data": ("manager", "/practices/{key}/data/"),
    "data-problems": ("manager", "/practices/{key}/data/problems/"),
    "look-up": ("viewer", "/look-up/"),
    "look-up-setting": ("operator", "/look-up/setting/"),
    "what-if": ("viewer", "/practices/{key}/what-if/"),
    "not-found": ("outsider", "/practices/{key}/"),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_every_page_in_every_size(
    name: str, width: int, scheme: str, site: Site, visit: Callable, settle: Callable
) -> None:
    part, path = PAGES[name]
    page = visit(part, width=width, scheme=scheme)
    page.goto(site.address + path.format(key=site.key))
    size = "" if width > 600 else "-phone"
    settle(page, f"{name}{size}{'-dark' if scheme == 'dark' else ''}")


def test_a_manager_signs_in_with_the_keyboard_alone(site: Site, visit: Callable) -> None:
    page = visit(None)
    page.goto(site.address + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_label("Email").focus()
    page.keyboard.type("manager@example.test")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-factor/authenticate/**")
    page.locator("input[name=code]").focus()
    page.keyboard.type(one_time_code())
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/practices/{site.key}/")


def test_a_manager_sorts_filters_and_saves(site: Site, visit: Callable) -> None:
    page = visit(None)
    sign_in(page, site, "manager")
    page.get_by_role("link", name="Final score").click()
    assert page.locator("th[aria-sort=descending]").count() == 1
    names = page.locator("tbody th").all_inner_texts()
    assert names[0].startswith("Test Clinician 3")
    page.get_by_label("Cohort").select_option("heart_failure")
    page.get_by_role("button", name="Show").click()
    assert "sort=-final_score" in page.url
    assert page.locator(".table-card tbody tr").count() == 2
    page.get_by_role("link", name="Save as CSV").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Confirm").click()
    assert saved.value.suggested_filename.endswith(".csv")


def test_an_outsider_finds_nothing(site: Site, visit: Callable) -> None:
    page = visit("outsider")
    assert page.goto(f"{site.address}/practices/{site.key}/").status == 404
    assert page.goto(f"{site.address}/practices/{site.key}/audit/").status == 404


def test_a_viewer_sees_no_doors_that_are_closed(site: Site, visit: Callable) -> None:
    page = visit("viewer")
    page.goto(f"{site.address}/practices/{site.key}/")
    assert page.get_by_role("link", name="Members").count() == 0
    assert page.goto(f"{site.address}/practices/{site.key}/members/").status == 403


def test_a_manager_invites_and_the_invited_joins(site: Site, visit: Callable) -> None:
    page = visit("manager")
    page.goto(f"{site.address}/practices/{site.key}/members/")
    page.get_by_label("E-mail address").fill("invited@example.test")
    page.get_by_label("Editor:").check()
    page.get_by_role("button", name="Send the invitation").click()
    assert "invited@example.test as editor" in page.content()
    mails = sorted((site.data / "mail").glob("*.log"))
    link = next(line for line in mails[-1].read_text().splitlines() if "/invitation/" in line)
    other = visit(None)
    other.goto(link.strip())
    other.get_by_label("Your name").fill("Test Invited")
    other.get_by_label("Password", exact=True).fill("a long enough phrase")
    other.get_by_label("Password again").fill("a long enough phrase")
    other.get_by_role("button", name="Make my account").click()
    other.wait_for_url("**/second-factor/")
