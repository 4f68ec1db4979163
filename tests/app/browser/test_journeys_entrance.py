"""Coming in and keeping others out: by keyboard alone, by invitation with an authenticator app, with a passkey; strangers; leavers."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.app.browser.conftest import Site, confirm, one_time_code, sign_in
from tests.app.browser.furnish import PASSWORD


def focused(page: object) -> str:
    """What a keyboard's user is at: its text, label or value."""
    return page.evaluate(
        "(document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText || '').trim()"
    )


def outlined(page: object) -> bool:
    """Whether one sees where the focus is."""
    return page.evaluate(
        "(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)(getComputedStyle(document.activeElement))"
    )


def test_a_manager_signs_in_and_walks_with_the_keyboard_alone(site: Site, visit: Callable, settle: Callable) -> None:
    page = visit(None)
    page.goto(site.address + "/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    assert outlined(page)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_label("Email").focus()
    page.keyboard.type("leaver@example.test")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/second-factor/authenticate/**")
    settle(page, "second-factor-asked")
    page.locator("input[name=code]").focus()
    page.keyboard.type(one_time_code(whom="leaver"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/practices/{site.key}/")
    # the frame's stops, in the order one sees them, each with a visible focus
    walked = []
    for _ in range(8):
        page.keyboard.press("Tab")
        assert outlined(page), focused(page)
        walked.append(focused(page))
    assert walked[:5] == ["Skip to the content", "OpenASM", "Practices", "Test Leaver", "Today"]
    page.keyboard.press("Shift+Tab")
    # the menu opens and closes with Enter, and its entries follow it
    page.locator(".menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "Account and security"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert not page.locator(".menu-list").is_visible()
    # Escape closes it from inside and gives the focus back, a click elsewhere closes it
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not page.locator(".menu-list").is_visible()
    assert focused(page) == "Test Leaver"
    page.keyboard.press("Enter")
    assert page.locator(".menu-list").is_visible()
    page.locator("h1").click()
    assert not page.locator(".menu-list").is_visible()
    # a wide table scrolls for the keyboard too
    page.set_viewport_size({"width": 700, "height": 800})  # below 640 it becomes cards
    page.get_by_role("region", name="Clinicians").focus()
    page.keyboard.press("ArrowRight")
    for _ in range(100):
        if page.evaluate("document.activeElement.scrollLeft") > 0:
            break
        page.wait_for_timeout(50)
    assert page.evaluate("document.activeElement.scrollLeft") > 0


def test_an_outsider_finds_nothing_but_the_look_up(site: Site, visit: Callable) -> None:
    page = visit("outsider")
    for rest in ("", "today/", "worklist/", "audit/", f"worklist/patients/{site.facts['patient']}/", "attestations/"):
        assert page.goto(site.at(rest)).status == 404, rest
        assert "Test Clinician" not in page.content()
    page.goto(f"{site.address}/look-up/")
    assert page.get_by_role("heading", name="Am I in the model?").is_visible()


def test_a_viewer_sees_no_doors_that_are_closed(site: Site, visit: Callable) -> None:
    page = visit("viewer")
    page.goto(site.at())
    assert page.get_by_role("link", name="Manage").count() == 0
    assert page.get_by_role("link", name="Worklist").count() == 0
    for rest in ("members/", "worklist/", "attestations/", "data/"):
        assert page.goto(site.at(rest)).status == 403, rest


def test_a_manager_invites_and_the_invited_joins_with_an_authenticator(
    site: Site, visit: Callable, settle: Callable
) -> None:
    page = visit("manager")
    page.goto(site.at("members/"))
    page.get_by_label("E-mail address").fill("invited@example.test")
    page.get_by_label("Editor:").check()
    page.get_by_role("button", name="Send the invitation").click()
    page.get_by_text("invited@example.test as editor").wait_for()
    mails = sorted((site.data / "mail").glob("*.log"), key=lambda path: path.stat().st_mtime)
    link = next(line for line in mails[-1].read_text().splitlines() if "/invitation/" in line)
    joined = visit(None)
    joined.goto(re.sub(r"^.*?https?://[^/]+", site.address, link.strip()))
    joined.get_by_label("Your name").fill("Test Invited")
    joined.get_by_label("Password", exact=True).fill("a long enough phrase")
    joined.get_by_label("Password again").fill("a long enough phrase")
    joined.get_by_role("button", name="Make my account").click()
    joined.wait_for_url("**/second-factor/")  # nothing opens before the second factor
    joined.goto(site.at("worklist/"))
    assert "/second-factor/" in joined.url
    joined.get_by_role("link", name="Set it up").click()
    joined.wait_for_url("**/totp/activate/")  # who has just set the password is not asked for it again
    secret = joined.get_by_label("Authenticator secret").input_value()
    joined.locator("input[name=code]").fill(one_time_code(secret))
    joined.get_by_role("button", name="Activate").click()
    joined.wait_for_url(re.compile("/second-factor/(recovery-codes/)?$"))
    settle(joined, "recovery-codes-made")
    joined.get_by_label("I have put them in a safe place").check()
    joined.get_by_role("link", name="Go on").click()
    joined.wait_for_url(f"**/practices/{site.key}/")
    joined.goto(f"{site.address}/account/second-factor/")
    settle(joined, "second-factor-on")
    joined.goto(site.at("worklist/"))
    assert joined.get_by_role("heading", name="Worklist").is_visible()


def test_a_manager_takes_a_membership_away_and_the_door_is_shut_at_once(site: Site, visit: Callable) -> None:
    leaver = visit("newcomer")
    leaver.goto(site.at())
    assert leaver.get_by_role("heading", name=re.compile("PRACTICE")).is_visible()
    manager = visit("manager")
    manager.goto(site.at("members/"))
    manager.get_by_role("button", name="Remove Test Newcomer as viewer").click()
    manager.wait_for_load_state()
    answer = leaver.goto(site.at())
    assert "/account/sign-in/" in leaver.url or answer.status == 404


def test_an_operator_switches_an_account_off(site: Site, visit: Callable) -> None:
    gone = visit("leaver")
    gone.goto(site.at())
    assert gone.get_by_role("heading", name=re.compile("PRACTICE")).is_visible()
    operator = visit("operator")
    operator.goto(f"{site.address}/installation/accounts/")
    operator.get_by_role("button", name="Switch off Test Leaver").click()
    confirm(operator)
    operator.wait_for_load_state()
    gone.goto(site.at())
    assert "/account/sign-in/" in gone.url
    gone.get_by_label("Email").fill("leaver@example.test")
    gone.get_by_label("Password", exact=True).fill(PASSWORD)
    gone.get_by_role("button", name="Sign in", exact=True).click()
    gone.wait_for_load_state()
    gone.goto(site.at())
    assert "/account/sign-in/" in gone.url


def test_a_manager_of_a_system_keeps_a_passkey(site: Site, visit: Callable, settle: Callable) -> None:
    """With a virtual authenticator; passkeys need a name, so the server is called localhost here."""
    page = visit(None)
    at = Site(site.address.replace("127.0.0.1", "localhost"), site.data, site.facts)
    sign_in(page, at, "system manager")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{at.address}/account/second-factor/webauthn/add/")
    confirm(page)
    page.get_by_label("Name").fill("Key of the tests")
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("/second-factor/(webauthn|recovery-codes)/"))
    if "recovery-codes" in page.url:  # shown once: leaving asks until one has said that they are kept
        page.get_by_label("I have put them in a safe place").check()
    page.goto(f"{at.address}/account/second-factor/webauthn/")
    assert "Key of the tests" in page.content()
    settle(page, "passkeys-one")
    page.get_by_role("link", name="Edit Key of the tests").click()
    page.get_by_label("Name").wait_for()
    settle(page, "passkey-name")
    page.goto(f"{at.address}/account/second-factor/webauthn/reauthenticate/")
    settle(page, "confirm-with-passkey")
    page.goto(f"{at.address}/account/second-factor/webauthn/")
    page.get_by_role("link", name="Remove Key of the tests").click()
    page.wait_for_url("**/remove/")
    settle(page, "passkey-remove")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/second-factor/webauthn/")
    assert page.get_by_role("heading", name="No key yet").is_visible()
