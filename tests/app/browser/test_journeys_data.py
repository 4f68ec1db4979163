"""A nurse uploads, is refused in plain words, mends it and starts a run; an operator opens the look-up to everybody."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from openasm.app.lookup.views import A_MINUTE
from tests.app.browser.conftest import Site


def archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return stream.getvalue()


def test_a_nurse_uploads_and_starts_a_run_that_says_what_is_wrong(
    site: Site, visit: Callable, settle: Callable
) -> None:
    page = visit("nurse")
    page.goto(f"{site.address}/practices/{site.key}/data/")
    page.get_by_label("What it is").select_option("peers")
    bad = {"name": "cohort.zip", "mimeType": "application/zip", "buffer": archive({"../evil.csv": b"a"})}
    page.locator("input[name=files]").set_input_files(bad)
    page.get_by_role("button", name="Upload").click()
    assert "A034 cohort.zip" in page.get_by_role("alert").inner_text()
    settle(page, "data-refused")
    tables = dict.fromkeys(("participants.csv", "quality.csv", "cost.csv", "attestations.csv"), b"tin,npi\n1,2\n")
    page.get_by_label("What it is").select_option("peers")
    good = {"name": "cohort.zip", "mimeType": "application/zip", "buffer": archive(tables)}
    page.locator("input[name=files]").set_input_files(good)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Delete cohort.zip").wait_for()
    page.get_by_role("button", name="Save the configuration").click()
    page.get_by_role("button", name="Start a run").click()
    page.get_by_role("heading", name="What to mend").wait_for(timeout=90_000)  # follows the run by itself
    assert "participants.csv" in page.get_by_role("main").inner_text()
    settle(page, "data-run-refused-live")
    page.goto(f"{site.address}/practices/{site.key}/data/")
    page.get_by_role("button", name="Delete cohort.zip").click()
    assert "The file was deleted" in page.content()


def test_an_operator_opens_the_look_up_and_closes_it(site: Site, visit: Callable, settle: Callable) -> None:
    nobody = visit(None)
    nobody.goto(f"{site.address}/look-up/")
    assert "/account/sign-in/" in nobody.url
    operator = visit("operator")
    operator.goto(f"{site.address}/look-up/setting/")
    operator.get_by_label("everybody who reaches this server").check()
    operator.get_by_role("button", name="Save").click()
    nobody.goto(f"{site.address}/look-up/")
    assert "Am I in the model?" in nobody.content()
    settle(nobody, "look-up-without-sign-in")
    for _ in range(A_MINUTE):
        if nobody.request.get(f"{site.address}/look-up/?q=nobody").status == 429:
            break
    assert nobody.goto(f"{site.address}/look-up/").status == 429
    settle(nobody, "look-up-too-often")
    operator.get_by_label("people who have signed in").check()
    operator.get_by_role("button", name="Save").click()
    nobody.goto(f"{site.address}/look-up/")
    assert "/account/sign-in/" in nobody.url
