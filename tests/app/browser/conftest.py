"""A real server on 127.0.0.1 and a real Chromium: `make test-browser`.

`site` is a running workbench with the cast of tests/app/conftest.py; `visit("manager")` gives a page signed in as that part.
`settle(page, "name")` checks the page with axe and takes its pictures when OPENASM_SCREENSHOTS names a folder.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_socket

from tests.app.run_folders import write_small_run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements/browser.txt)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = Path("/usr/bin/chromium")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # of every part's authenticator app
PASSWORD = "correct horse battery 9"
WIDTHS = {"wide": 1280, "phone": 390}
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the browser and may speak to 127.0.0.1."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
            item.add_marker(pytest.mark.enable_socket)


@dataclass
class Site:
    """A running workbench. data: its folder; key: of the practice Elm."""

    address: str
    data: Path
    key: str
    other_key: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Started once a session, in a process of its own, as `openasm serve` starts it."""
    pytest_socket.enable_socket()
    folder = tmp_path_factory.mktemp("site")
    run = write_small_run(folder / "run")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))}
    environment["PYTHONPATH"] = str(_HERE.parents[2])
    keys = subprocess.run(
        [sys.executable, "-m", "tests.app.browser.furnish", str(folder / "data"), str(run)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from openasm.cli.main import main; main()"
    with (folder / "server.log").open("w") as log:  # the process keeps its own handle
        server = subprocess.Popen(
            [sys.executable, "-c", program, "serve", "--data", str(folder / "data"), "--port", str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        for _ in range(120):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield Site(f"http://127.0.0.1:{port}", folder / "data", keys[0], keys[1])
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium at /usr/bin/chromium")
    with playwright.sync_playwright() as engine:
        started = engine.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def states(site: Site, browser: object) -> dict[str, object]:
    """Cookies of parts that have signed in through the pages."""
    return {}


def one_time_code(secret: str = SECRET) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def sign_in(page: object, site: Site, part: str) -> None:
    """Through the pages: address, password, code."""
    page.goto(site.address + "/account/sign-in/")
    page.get_by_label("Email").fill(f"{part.replace(' ', '.')}@example.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    if "second-factor" in page.url:
        page.locator("input[name=code]").fill(one_time_code())
        page.get_by_role("button", name="Sign In", exact=True).click()
    page.wait_for_url(re.compile(r"/(practices/\w+/)?$"))


@pytest.fixture
def visit(site: Site, browser: object, states: dict[str, object]) -> Iterator[Callable[..., object]]:
    """`visit("nurse", width=390, scheme="dark")`: a page signed in as that part; `visit(None)` as nobody."""
    contexts = []

    def visited(part: str | None, *, width: int = 1280, scheme: str = "light") -> object:
        options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "reduced_motion": "reduce"}
        if part is not None and part not in states:
            fresh = browser.new_context()
            sign_in(fresh.new_page(), site, part)
            states[part] = fresh.storage_state()
            fresh.close()
        context = browser.new_context(**options, storage_state=states[part] if part else None)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: _no_errors(message.type, message.text))
        return page

    yield visited
    for context in contexts:
        context.close()


def _no_errors(kind: str, text: str) -> None:
    """A script or style that the content policy refuses is a failure of ours; a page's own status 4xx is not."""
    if "Content Security Policy" in text:
        raise AssertionError(f"{kind}: {text}")


@pytest.fixture
def settle(site: Site) -> Callable[..., None]:
    """Check a page that has loaded: axe finds nothing, nothing sticks out sideways; take its picture when asked."""

    def settled(page: object, name: str) -> None:
        results = axe.Axe().run(
            page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        )
        found = [
            (each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in results.response["violations"]
        ]
        assert found == [], name
        width = page.viewport_size["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} sticks out at {width}"
        folder = os.environ.get("OPENASM_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    return settled
