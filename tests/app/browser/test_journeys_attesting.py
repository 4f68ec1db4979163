"""From readiness to the binder: a nurse drafts, an attester sends back, signs and amends; registers; a package and its receipt."""

from __future__ import annotations

from collections.abc import Callable

from tests.app.browser.conftest import Site, confirm

PDF = {"name": "report.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n"}


def test_an_attester_sends_back_signs_and_amends(
    site: Site, visit: Callable, settle: Callable, ten_minutes_pass: Callable
) -> None:
    attester, nurse = visit("attester"), visit("nurse")
    here = site.at("attestations/?year=2027")
    attester.goto(here)
    attester.get_by_label("Reason").fill("Name the report that proves patients' access.")
    attester.get_by_role("button", name="Send back").click()
    attester.get_by_text("Sent back.").wait_for()
    # the nurse reads why, mends it, and gives it to review again
    nurse.goto(here)
    assert "Name the report that proves patients' access." in nurse.locator(".message").inner_text()
    settle(nurse, "attestations-sent-back")
    nurse.locator("input[name=PI_PEA_1-evidence]").fill("EHR report of December")
    nurse.get_by_role("button", name="Save the draft").click()
    nurse.get_by_text("Saved as a new version.").wait_for()
    nurse.get_by_role("button", name="Give to review").click()
    nurse.get_by_text("Given to review.").wait_for()
    assert nurse.get_by_role("link", name="Read and sign").count() == 0
    assert nurse.goto(site.at("attestations/2027/sign/")).status == 403
    # signing asks for the password again, and for the own name
    attester.goto(here)
    ten_minutes_pass()
    attester.get_by_role("link", name="Read and sign").click()
    assert "/account/confirm/" in attester.url
    confirm(attester)
    attester.get_by_label("Your full name").fill("Somebody Else")
    attester.get_by_label("In which capacity you sign").fill("Managing partner")
    attester.get_by_label("I have read the text above").check()
    attester.get_by_role("button", name="Sign and lock").click()
    assert "not the name of the account" in attester.locator("main").inner_text()
    attester.get_by_label("Your full name").fill("Test Attester")
    attester.get_by_label("I have read the text above").check()
    attester.get_by_role("button", name="Sign and lock").click()
    attester.get_by_text("Signed and locked.").wait_for()
    assert attester.get_by_role("button", name="Save the draft").count() == 0
    with attester.expect_download() as saved:
        attester.get_by_role("link", name="Save attestations.csv").click()
    assert "IA_1,yes" in saved.value.path().read_text()
    attester.get_by_label("Reason").fill("The period of IA_2 was longer.")
    attester.get_by_role("button", name="Amend").click()
    attester.get_by_text("Opened for amendment.").wait_for()
    assert attester.get_by_text("Amending").is_visible()
    attester.goto(site.at("attestations/2027/binder/"))
    with attester.expect_download() as saved:
        attester.get_by_role("link", name="Save the binder").click()
    assert saved.value.suggested_filename.endswith(".zip")


def test_a_nurse_plans_readiness_by_keyboard(site: Site, visit: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("readiness/"))
    task = page.get_by_role("region", name="Tasks").get_by_role("link").nth(1)
    what = task.inner_text()
    task.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=what).wait_for()
    page.get_by_label("State").focus()
    page.keyboard.type("Done")
    page.keyboard.press("Tab")
    page.keyboard.type("Test Nurse")
    page.get_by_label("Evidence").focus()
    page.keyboard.type("List of the portal, printed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Saved.").wait_for()
    row = page.get_by_role("row").filter(has_text=what)
    assert "Test Nurse" in row.inner_text()
    assert "Done" in row.inner_text()


def test_a_nurse_enters_an_arrangement_and_learns_what_is_missing(site: Site, visit: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("arrangements/"))
    page.get_by_role("link", name="Enter an arrangement").click()
    page.get_by_label("Primary care practice").first.fill("Demonstration Clinic of the Journey")
    page.get_by_label("Takes effect").fill("2027-12-01")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", level=1, name="Demonstration Clinic of the Journey").wait_for()
    text = page.locator("main").inner_text()
    assert "Missing:" in text
    assert "Not in force" in text
    page.locator("input[name=document]").set_input_files(PDF)
    page.get_by_role("button", name="Attach").click()
    page.get_by_role("link", name="report.pdf").wait_for()


def test_an_item_is_checked_before_it_is_given(site: Site, visit: Callable, settle: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("incentives/"))
    page.get_by_label("Beneficiary").first.fill("no such beneficiary")
    page.get_by_label("Day", exact=True).first.fill("2027-12-01")
    page.get_by_label("Retail value in dollars").fill("1200")
    page.get_by_role("textbox", name="Item or service").fill("Scale")
    page.get_by_role("button", name="Check and enter").click()
    page.get_by_text("Nothing is saved yet.").wait_for()
    settle(page, "incentives-warned")
    page.goto(site.at("incentives/"))
    assert "Scale" not in [text.strip() for text in page.locator("tbody th").all_inner_texts()]


def test_a_request_has_a_clock(site: Site, visit: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("requests/"))
    page.get_by_label("What it is").select_option(index=1)
    page.get_by_label("Short title").fill("Wrong list of December")
    page.get_by_label("Day it happened").last.fill("2027-12-03")
    page.get_by_role("button", name="Enter", exact=True).click()
    entered = page.locator("section").filter(has=page.get_by_role("heading", name="Wrong list of December"))
    entered.wait_for()
    entered.get_by_text("Add a step").click()
    assert entered.get_by_role("button", name="Save the step").is_visible()


def test_a_package_is_prepared_refused_and_its_receipt_recorded(site: Site, visit: Callable, settle: Callable) -> None:
    page = visit("packer")
    folder = site.data.parent / "packing" / "submission"
    page.goto(site.at("submissions/", "packing"))
    page.locator("input[name=practice]").set_input_files(folder / "practice.csv")
    page.get_by_role("button", name="Prepare and check").click()
    page.get_by_role("heading", name="Nothing was kept").wait_for()
    settle(page, "submissions-refused")
    for name in ("practice", "identifiers", "supplemental", "interoperability"):
        page.locator(f"input[name={name}]").set_input_files(folder / f"{name}.csv")
    page.get_by_role("button", name="Prepare and check").click()
    page.get_by_text("Not handed in yet").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as zip").click()
        confirm(page)
    assert saved.value.suggested_filename.endswith(".zip")
    page.goto(site.at("submissions/", "packing"))
    page.get_by_role("region", name="Packages").get_by_role("link").first.click()
    page.get_by_label("Confirmation number").fill("CMS-TEST-2")
    page.get_by_label("Day CMS took it").fill("2027-12-06")
    page.get_by_role("button", name="Record the receipt").click()
    page.get_by_text("CMS-TEST-2").wait_for()
    assert page.get_by_text("Handed in").is_visible()


def test_a_nurse_completes_the_primary_care_of_two_beneficiaries(site: Site, visit: Callable) -> None:
    page = visit("nurse")
    page.goto(site.at("primary-care/"))
    rows = page.get_by_role("region", name="Beneficiaries").locator("tbody tr")
    # a summary sent today counts for those who were not seen again after today
    names = rows.filter(has_not_text="Dec").locator("th a").all_inner_texts()[:2]
    for place, what in enumerate(("Primary care", "Visit summary", "Screening")):
        for name in names:  # the list is in the order of what is missing, so a row moves
            page.get_by_label(f"Mark {name}").check()
        form = page.get_by_role("group", name="Enter for the marked beneficiaries")
        chooser = form.get_by_label("What was done")
        sees_to_it = chooser.locator("optgroup").nth(place).locator("option").first
        chooser.select_option(sees_to_it.get_attribute("value"))
        form.get_by_label("Day").fill("2027-12-06")
        form.get_by_label("With whom").fill(f"{what}: by telephone")
        form.get_by_role("button", name="Enter").click()
        page.get_by_text("Saved for 2 beneficiaries.").wait_for()
    page.get_by_label("Show").select_option("complete")
    page.get_by_role("button", name="Show", exact=True).click()
    assert set(names) <= set(rows.locator("th a").all_inner_texts())
    rows.locator("th a").first.click()
    assert "by telephone" in page.locator("main").inner_text()
    # the document that describes the process
    page.goto(site.at("primary-care/"))
    with page.expect_file_chooser() as chosen:
        page.locator("input[type=file]").click()
    chosen.value.set_files({"name": "workflow.txt", "mimeType": "text/plain", "buffer": b"how we do it"})
    page.get_by_role("button", name="Attach").click()
    page.get_by_role("link", name="workflow.txt").wait_for()
    assert "No document proves" not in page.locator("main").inner_text()
