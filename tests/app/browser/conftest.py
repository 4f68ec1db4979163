"""A real server on 127.0.0.1 and a real Chromium: `make test-browser`.

`site` is a running workbench, furnished (furnish.py) and put to one day (day.py); `visit("manager")` gives a page signed in as that
part. `settle(page, "name")` checks the page with axe, light at desktop width and dark at a phone's, and takes its pictures when
OPENASM_SCREENSHOTS names a folder.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import io
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_socket
from PIL import Image

from tests.app.browser.furnish import PASSWORD, SECRET

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements/browser.txt)")
axe = pytest.importorskip("axe_playwright_python.base", reason="axe is not installed (requirements/browser.txt)")

CHROMIUM = Path("/usr/bin/chromium")
_HERE = Path(__file__).parent
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_TALLEST = 6000  # pixels of a picture: what follows in the longest lists is more of the same
# name of a picture's variant -> width, colour scheme
VARIANTS = {"": (1400, "light"), "dark": (1400, "dark"), "phone-dark": (390, "dark"), "phone": (390, "light")}
# A scheme changes colours alone and a width the layout alone, so that these two show every layout and every colour to axe.
CHECKED = ("", "phone-dark")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the browser and may speak to 127.0.0.1."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
            item.add_marker(pytest.mark.enable_socket)


@dataclass
class Site:
    """A running workbench. data: its folder; facts: what addresses need (keys of practices, a patient, an episode ...)."""

    address: str
    data: Path
    facts: dict[str, object]

    @property
    def key(self) -> str:
        """Of the practice most of the cast works in."""
        return self.facts["keys"]["main"]

    def at(self, rest: str = "", practice: str = "main") -> str:
        """An address of a practice."""
        return f"{self.address}/practices/{self.facts['keys'][practice]}/{rest}"


def plain_environment() -> dict[str, str]:
    """Of a program started as from a shell: without the settings of these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))}
    return kept | {"PYTHONPATH": str(_HERE.parents[2])}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Started once a session, in a process of its own, as `openasm serve` starts it."""
    pytest_socket.enable_socket()
    folder = tmp_path_factory.mktemp("site")
    environment = plain_environment()
    furnished = subprocess.run(
        [sys.executable, "-m", "tests.app.browser.furnish", str(folder / "data"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert furnished.returncode == 0, furnished.stderr[-4000:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "server.log").open("w") as log:  # the process keeps its own handle
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.app.browser.day",
                "serve",
                "--data",
                str(folder / "data"),
                "--port",
                str(port),
            ],
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
        yield Site(f"http://127.0.0.1:{port}", folder / "data", json.loads(furnished.stdout.splitlines()[-1]))
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def ten_minutes_pass(site: Site) -> Callable[[], object]:
    """What asks for a password that was given lately asks again after this."""
    command = [sys.executable, "-m", "tests.app.browser.day", "later", str(site.data)]
    return lambda: subprocess.run(command, env=plain_environment(), check=True)


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


_USED: dict[str, int] = {}


def one_time_code(secret: str = SECRET, whom: str = "") -> str:
    """What an authenticator app shows (RFC 6238), with time left to send it; nobody's is used twice."""
    while time.time() % 30 > 22 or _USED.get(whom) == int(time.time()) // 30:
        time.sleep(0.5)
    count = int(time.time()) // 30
    if whom:
        _USED[whom] = count
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", count), hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def sign_in(page: object, site: Site, part: str) -> None:
    """Through the pages: address, password, code."""
    page.goto(site.address + "/account/sign-in/")
    page.get_by_label("Email").fill(f"{part.replace(' ', '.')}@example.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda address: "/sign-in/" not in address)
    if "authenticate" in page.url:
        page.locator("input[name=code]").fill(one_time_code(whom=part))
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(lambda address: "authenticate" not in address)


def confirm(page: object) -> None:
    """Give the password again where a page asks for it."""
    if "/account/confirm/" in page.url:
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_load_state()


@pytest.fixture(scope="session")
def opened(site: Site, browser: object, states: dict[str, object]) -> Callable[..., object]:
    """`opened("nurse", width=390)`: a new window signed in as that part; `opened(None)` as nobody."""

    def new_window(part: str | None, *, width: int = 1400) -> object:
        if part is not None and part not in states:
            fresh = browser.new_context()
            sign_in(fresh.new_page(), site, part)
            states[part] = fresh.storage_state()
            fresh.close()
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
            storage_state=states[part] if part else None,
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", lambda message: _no_errors(message.type, message.text))
        return page

    return new_window


@pytest.fixture
def visit(opened: Callable[..., object]) -> Iterator[Callable[..., object]]:
    """`visit("nurse", width=390)`: a window of the test's own, closed after it."""
    pages = []

    def visited(part: str | None, *, width: int = 1400) -> object:
        pages.append(opened(part, width=width))
        return pages[-1]

    yield visited
    for page in pages:
        page.context.close()


@pytest.fixture(scope="session")
def window(opened: Callable[..., object]) -> Callable[[str | None, int], object]:
    """`window("nurse", 1400)`: the window in which a part goes from page to page; opening one takes as long as looking at a page."""
    return functools.cache(lambda part, width: opened(part, width=width))


def _no_errors(kind: str, text: str) -> None:
    """A script or style that the content policy refuses is a failure of ours; a page's own status 4xx is not."""
    if "Content Security Policy" in text:
        raise AssertionError(f"{kind}: {text}")


@pytest.fixture
def settle() -> Callable[..., None]:
    """Check a page that has loaded: axe finds nothing, nothing sticks out sideways; take its pictures when asked.

    also: variants of which there is a picture besides the desktop's.
    """

    def settled(page: object, name: str, also: Sequence[str] = ()) -> None:
        folder = os.environ.get("OPENASM_SCREENSHOTS")
        before = page.viewport_size
        page.evaluate(axe.AXE_SCRIPT)
        wrong = []
        for variant, (width, scheme) in VARIANTS.items():
            pictured = folder and (not variant or variant in also)
            if variant not in CHECKED and not pictured:
                continue
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            if variant in CHECKED:
                found = page.evaluate(
                    "options => axe.run(document, options).then(found => found.violations)",
                    {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]},
                )
                wrong += [
                    (variant, each["id"], [f"{node['target']} {node['html'][:160]}" for node in each["nodes"][:3]])
                    for each in found
                ]
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    wrong.append((variant, "sticks out sideways", widest(page)))
            if pictured:
                take_picture(page, Path(folder) / f"{name}{'-' if variant else ''}{variant}.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(before)
        assert wrong == [], name

    return settled


def widest(page: object) -> list[str]:
    """The elements that reach beyond the window and do not scroll inside another one."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main *, header *, footer *")].filter(each =>
            each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".scroll, .sections"))
            .slice(0, 5).map(each => each.outerHTML.slice(0, 120))"""
    )


def take_picture(page: object, path: Path) -> None:
    """The page from its top, in few colours so that the file stays small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    height = min(page.evaluate("document.documentElement.scrollHeight"), _TALLEST)
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    content = page.screenshot(full_page=True, clip=clip, animations="disabled")
    with Image.open(io.BytesIO(content)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
