"""The working day: a manager reads and exports, a nurse works the list, a physician sees the own page, patients and what would help."""

from __future__ import annotations

from collections.abc import Callable

from tests.app.browser.conftest import Site, playwright
from tests.app.browser.furnish import PASSWORD


def open_area(page: object, area: str, entry: str) -> None:
    """Through the two rows of the navigation."""
    page.get_by_role("navigation", name="Practice").get_by_role("link", name=area, exact=True).click()
    page.get_by_role("list", name=area).get_by_role("link", name=entry, exact=True).click()


def test_a_manager_reads_sorts_filters_and_saves(site: Site, visit: Callable, ten_minutes_pass: Callable) -> None:
    page = visit("manager")
    page.goto(site.at("today/"))
    page.get_by_role("link", name="Results", exact=True).click()
    table = page.get_by_role("region", name="Clinicians")
    table.get_by_role("link", name="Final score").click()
    assert page.locator("th[aria-sort=descending]").count() == 1
    scores = [float(text) for text in table.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 7
    page.get_by_label("Name or NPI").fill(site.facts["npi"])
    page.get_by_role("button", name="Show").click()
    assert "sort=-final_score" in page.url
    assert table.locator("tbody tr").count() == 1
    ten_minutes_pass()
    page.get_by_role("link", name="Save as CSV").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Confirm").click()
    assert saved.value.suggested_filename.endswith(".csv")
    lines = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert site.facts["npi"] in lines[1]
    page.goto(site.at())
    open_area(page, "Results", "Compare")
    assert page.get_by_role("heading", level=1).is_visible()
    open_area(page, "Manage", "Audit")
    assert "exported" in page.locator("main").inner_text().lower()


def test_a_nurse_works_the_list(site: Site, visit: Callable, settle: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("today/"))
    page.get_by_role("link", name="Hand them out").click()
    page.get_by_label("Measure").first.select_option(index=1)
    page.get_by_role("button", name="Show").click()
    assert "measure=" in page.url
    cases = page.get_by_role("region", name="Cases")
    marks = cases.get_by_role("checkbox")
    whom = cases.locator("tbody th a").first.inner_text()
    marks.nth(0).check()
    marks.nth(1).check()
    change = page.get_by_role("group", name="Change the marked cases")
    change.get_by_label("Owner").select_option(label="Test Nurse")
    change.get_by_label("Status").select_option("working")
    change.get_by_role("button", name="Change").click()
    page.get_by_text("2 cases changed.").wait_for()
    # a patient, found by the identifier, without it in the address
    page.get_by_label("Identifier, exactly as in the records").fill(whom)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("heading", level=1, name=whom).wait_for()
    assert whom not in page.url
    case = page.locator(".case").filter(has=page.get_by_text("Owner: Test Nurse")).first
    case.get_by_label("Note").fill("Called; comes on Thursday.")
    case.get_by_role("button", name="Save").click()
    page.get_by_text("Called; comes on Thursday.").wait_for()
    settle(page, "patient-with-a-note")
    # a filter is kept, used and taken away
    page.goto(site.at("worklist/?owner=me&window=soon"))
    page.get_by_label("Name", exact=True).fill("Mine this month")
    page.get_by_role("button", name="Keep it").click()
    page.goto(site.at("worklist/"))
    page.get_by_role("list", name="Saved filters").get_by_role("link", name="Mine this month").click()
    assert "owner=me" in page.url
    page.get_by_role("button", name="Remove the filter Mine this month").click()
    page.wait_for_load_state()
    assert page.get_by_role("link", name="Mine this month").count() == 0


def test_a_nurse_works_the_list_by_keyboard(site: Site, visit: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("worklist/"))
    box = page.get_by_role("region", name="Cases").get_by_role("checkbox").nth(3)
    box.focus()
    page.keyboard.press("Space")
    assert box.is_checked()
    owner = page.get_by_role("group", name="Change the marked cases").get_by_label("Owner")
    owner.focus()
    page.keyboard.type("Test Nurse")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for _ in range(5):  # the parts of a date field
        if page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("1 case changed.").wait_for()


def test_a_physician_sees_the_own_page_patients_and_what_would_help(site: Site, visit: Callable) -> None:
    page = visit("clinician")
    page.goto(site.at("today/"))
    assert page.get_by_text("Your final score").is_visible()
    page.get_by_role("link", name="Worklist", exact=True).click()
    assert "those that count for you" in page.locator("main").inner_text()
    assert page.goto(site.at("audit/")).status == 403
    page.goto(site.at(f"clinicians/{site.facts['npi']}/"))
    page.get_by_role("link", name="Scorecard as PDF").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_download(timeout=60_000) as saved:
        page.get_by_role("button", name="Confirm").click()
    assert saved.value.path().read_bytes().startswith(b"%PDF-")
    page.goto(site.at(f"clinicians/{site.facts['npi']}/"))
    page.get_by_role("link", name="Explain every number").click()
    assert page.get_by_role("heading", name="How the numbers of").is_visible()
    open_area(page, "Results", "What-if")
    before = page.locator("#answer .figure").all_inner_texts()
    page.get_by_label("Episode cost", exact=True).fill("10")
    page.get_by_label("Episode cost", exact=True).press("Tab")
    playwright.expect(page.locator("#answer .figure").nth(1)).not_to_have_text(before[1])
    after = page.locator("#answer .figure").all_inner_texts()
    assert after[0] == before[0]
    assert after[2].startswith("+")


def test_a_manager_of_a_system_goes_from_practice_to_practice(site: Site, visit: Callable) -> None:
    page = visit("system manager")
    page.goto(site.address + "/")
    assert page.locator(".practice-list li").count() >= 3
    page.get_by_role("link", name="Practice without a run").click()
    assert page.get_by_role("heading", name="No results yet").is_visible()
    page.get_by_role("banner").get_by_role("link", name="Practices").click()
    assert page.url == site.address + "/"


def test_levers_are_moved_by_slider_and_by_number(site: Site, visit: Callable) -> None:
    page = visit("viewer")
    page.goto(site.at("what-if/"))
    slider, number = page.get_by_label("Episode cost, slider"), page.get_by_label("Episode cost", exact=True)
    figure = page.locator("#answer .figure-card").filter(has_text="Difference").locator(".figure")
    at_rest = figure.inner_text()
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert number.input_value() == "10"
    playwright.expect(figure).not_to_have_text(at_rest)
    number.fill("0")
    assert slider.input_value() == "0"
    playwright.expect(figure).to_have_text(at_rest)
    with page.context.browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    ) as plain:
        still = plain.new_page()
        still.goto(site.at("what-if/"))
        assert still.locator("input[type=range]").count() == 0
        still.get_by_label("Episode cost", exact=True).fill("10")
        still.get_by_role("button", name="Work it out").click()
        assert "cost=10" in still.url
        assert (
            still.locator("#answer .figure-card").filter(has_text="Difference").locator(".figure").inner_text()
            != at_rest
        )
