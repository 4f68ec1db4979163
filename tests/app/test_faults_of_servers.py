"""A real server on a port, killed while it takes a signature and uploads: after a restart nothing is half-done, and both can be repeated."""

from __future__ import annotations

import http.client
import re
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.app.test_faults import on_sqlite, python, rows, whole

FORM_KEY = secrets.token_hex(16)  # a form's secret is whatever cookie and field agree on
BOUNDARY = "a-line-between-parts"
SERVED = "import runpy; runpy.run_module('tests.app.served', run_name='__main__')"


class Visitor:
    """Somebody with a session at a server."""

    def __init__(self, port: int, practice: str, session: str) -> None:
        self._port = port
        self._practice = f"/practices/{practice}"
        self._cookie = f"openasm={session}; openasm-form={FORM_KEY}"
        self.last: str | None = None  # what the last answer said of its connection

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, str]:
        """Status and text of an answer."""
        headers = {"Cookie": self._cookie, **({"Content-Type": kind} if kind else {})}
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, self._practice + path, body, headers)
            answer = connection.getresponse()
            self.last = answer.getheader("Connection")
            return answer.status, answer.read().decode()

    def sign(self) -> int:
        """Read what is to be signed, and sign it."""
        _, page = self.ask("GET", "/attestations/2027/sign/")
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("base", "shown")}
        form = {**hidden, "name": "Test Attester", "capacity": "Managing partner", "read": "on"}
        body = urlencode({**form, "csrfmiddlewaretoken": FORM_KEY}).encode()
        return self.ask("POST", "/attestations/2027/sign/", body, "application/x-www-form-urlencoded")[0]

    def upload(self) -> int:
        """Send a roster."""
        return self.ask("POST", "/data/files/", upload_body(), f"multipart/form-data; boundary={BOUNDARY}")[0]

    def half_an_upload(self) -> socket.socket:
        """Send the beginning of a roster, and no more."""
        body = upload_body()
        head = (
            f"POST {self._practice}/data/files/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self._cookie}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        opened = socket.create_connection(("127.0.0.1", self._port))
        opened.sendall(head.encode() + body[: len(body) // 2])
        return opened


def upload_body() -> bytes:
    line = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    fields = "".join(
        f'{line}"{name}"\r\n\r\n{value}\r\n' for name, value in (("csrfmiddlewaretoken", FORM_KEY), ("kind", "roster"))
    )
    content = "tin,npi,name\n900000001,2999000013,Test Clinician\n"
    file = f'{line}"files"; filename="roster.csv"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n--{BOUNDARY}--\r\n'
    return (fields + file).encode()


def started(data: Path, where: str, *, processes: int = 1) -> tuple[subprocess.Popen[str], int]:
    """A server that answers, and its port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    process = python(SERVED, "serve", where, "--data", data, "--port", port, "--processes", processes)
    for _ in range(1_200):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise TimeoutError


def said(process: subprocess.Popen[str], word: str) -> None:
    """Wait until a server has said something."""
    assert process.stdout is not None
    assert any(line == f"{word}\n" for line in process.stdout)


@pytest.fixture(scope="module")
def furnished(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder, `data`, and what `furnish` said, `keys`."""
    folder = tmp_path_factory.mktemp("furnished")
    output, errors = python(SERVED, "furnish", folder / "data", run_folder).communicate(timeout=120)
    assert output, errors
    (folder / "keys").write_text(output)
    return folder


def ended(process: subprocess.Popen[str], by: signal.Signals) -> tuple[str, str]:
    """End a server: told to, it ends in order. What it had said."""
    process.send_signal(by)
    process.wait(timeout=30)
    said = process.communicate()
    assert process.returncode == (-signal.SIGKILL if by is signal.SIGKILL else 0), said
    return said


@on_sqlite
@pytest.mark.enable_socket
@pytest.mark.parametrize("processes", [1, 2])
def test_a_server_told_to_stop_ends_within_seconds_and_answers_what_is_under_way(
    furnished: Path, tmp_path: Path, processes: int
) -> None:
    """Browsers keep connections open; one asks just then, and one is in the middle of sending."""
    data = Path(shutil.copytree(furnished / "data", tmp_path / "data"))
    process, port = started(data, "nowhere", processes=processes)
    idle = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(4)]
    for each in idle:
        each.request("GET", "/nothing/1EG4TE5MK73/?patient=1EG4TE5MK73")
        answer = each.getresponse()
        answer.read()
        assert answer.status == 404
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as asking:
        asking.sendall(b"GET /account/sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        time.sleep(0.5)  # it is read by now
        threading.Timer(1.0, lambda: asking.sendall(b"\r\n")).start()
        began = time.monotonic()
        _, errors = ended(process, signal.SIGTERM)
        assert time.monotonic() - began < 7
        assert asking.recv(64).startswith(b"HTTP/1.1 200 OK")
    for each in idle:
        assert each.sock is None or each.sock.recv(1) == b"", "closed with its server"
        each.close()
    for each in silent:
        each.close()
    assert "Bad file descriptor" not in errors
    assert "Traceback" not in errors
    assert "no such address 404" in errors
    assert "1EG4TE5MK73" not in errors


@on_sqlite
@pytest.mark.enable_socket
def test_a_server_killed_while_it_takes_a_signature_and_uploads(furnished: Path, tmp_path: Path) -> None:
    """The signature is written and not yet committed, one upload waits for its turn to be entered, of another half has come."""
    data = Path(shutil.copytree(furnished / "data", tmp_path / "data"))
    practice, session = (furnished / "keys").read_text().split()
    tables = ("attestations_version", "feeds_practicefile")
    process, port = started(data, "signing")
    visitor = Visitor(port, practice, session)
    lost: list[BaseException] = []

    def lose(what: Callable[[], int]) -> None:
        try:
            what()
        except (OSError, http.client.HTTPException) as error:
            lost.append(error)

    threads = [threading.Thread(target=lose, args=(what,)) for what in (visitor.sign, visitor.upload)]
    threads[0].start()
    said(process, "there")
    threads[1].start()
    with closing(visitor.half_an_upload()):
        for _ in range(300):  # until the second has come whole and lies where uploads arrive
            if list((data / "incoming").rglob("*")):
                break
            time.sleep(0.1)
        ended(process, signal.SIGKILL)
    for thread in threads:
        thread.join(timeout=60)
    assert len(lost) == 2, "nobody was told that it was done"
    assert [rows(data, name) for name in tables] == [2, 0]
    assert not list((data / "files").glob("*/roster/*"))

    process, port = started(data, "nowhere", processes=2)
    try:
        visitor = Visitor(port, practice, session)
        assert (visitor.sign(), visitor.upload()) == (302, 302)
        assert visitor.last == "close", "the next request goes to whichever process has time"
    finally:
        ended(process, signal.SIGTERM)
    assert [rows(data, name) for name in tables] == [3, 1]
    assert len(list((data / "files").glob("*/roster/*"))) == 1
    assert whole(data)
