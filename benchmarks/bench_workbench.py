"""The workbench: publishing a whole model's run, and its pages with twenty people at once (set OPENASM_DATABASE for PostgreSQL)."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.load_run import EPISODES, GAPS, PARTICIPANTS, write_load_run
from benchmarks.measure import Row, Took, measured, measured_command

PEOPLE = 20
EACH = 12  # requests a person and address
LIMIT = 0.150
# Makes twenty members of the largest practice, prints its key, a clinician and a session for each.
FURNISH = """
import sys, time
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from importlib import import_module
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from openasm.app.access.permissions import Role
from openasm.app.people.actions import add_member
from openasm.app.people.models import User
from openasm.app.published.models import ParticipantResult, PracticeResult

store = import_module(settings.SESSION_ENGINE).SessionStore
practice = PracticeResult.objects.order_by("-participants").first().practice
print(practice.key, ParticipantResult.objects.filter(practice=practice).first().npi)
for number in range(int(sys.argv[2])):
    user = User.objects.create_user(f"load{number}@example.test", None, name=f"Test Person {number}")
    Authenticator.objects.create(user=user, type="totp", data={"secret": "unused"})
    add_member(user=user, role=Role.ADMINISTRATOR, practice=practice, by=None)
    session = store()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["began"] = session["seen"] = time.time()
    session.create()
    print(session.session_key)
"""
COMMAND = "from openasm.cli.main import main; main()"
PAGES = (
    *("today/", "", "measures/", "worklist/", "episodes/", "what-if/", "readiness/", "compare/", "data/", "members/"),
    *("clinicians/{npi}/", "worklist/?sort=-points", "?sort=-final_score"),
)


def plain_reading(folder: Path) -> None:
    """The same rows read by DuckDB and kept in a table: the least that loading could cost."""
    import duckdb

    with duckdb.connect() as base:
        for name, table in (("worklist.csv", "gaps"), ("episodes.parquet", "episodes"), ("episode_costs.parquet", "c")):
            base.execute(f"CREATE TABLE {table} AS SELECT * FROM '{folder / 'patients' / name}'")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A real server process on a data folder; ended by its own id."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        words = ["serve", "--data", str(data), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("the server did not start")

    def processor_seconds(self) -> float:
        """What the server has used so far (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Its resident memory now (Linux)."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def ask(self, path: str, sessions: list[str], each: int) -> Took | None:
        """95th percentile over all requests, everybody asking at once; None when the page is not there."""
        times: list[float] = []
        wrong: list[int] = []

        def person(session: str) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            for _ in range(each):
                began = time.perf_counter()
                connection.request("GET", path, headers={"Cookie": f"openasm={session}"})
                response = connection.getresponse()
                response.read()
                times.append(time.perf_counter() - began)
                if response.status != 200:
                    wrong.append(response.status)
                time.sleep(1.0)  # people read what they asked for

        used = self.processor_seconds()
        threads = [threading.Thread(target=person, args=(session,)) for session in sessions]
        for place, thread in enumerate(threads):
            thread.start()
            time.sleep(1.0 / len(threads) if place else 0)
        for thread in threads:
            thread.join()
        if wrong:
            if set(wrong) == {404}:
                return None
            raise RuntimeError(f"{path} answered {sorted(set(wrong))}")
        used = (self.processor_seconds() - used) / len(times)
        return Took(sorted(times)[int(0.95 * (len(times) - 1))], used, self.memory_mb())


def pages(data: Path) -> list[Row]:
    """A row for each page, next to a static file of the same server."""
    furnished = subprocess.run(
        [sys.executable, "-c", FURNISH, data, str(PEOPLE)], check=True, capture_output=True, text=True
    )
    first, *sessions = furnished.stdout.split("\n")[: PEOPLE + 1]
    practice, npi = first.split()
    server = Server(data)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/account/sign-in/")
        found = re.search(r'href="(/static/[^"]+\.css)"', connection.getresponse().read().decode())
        if found is None:
            raise RuntimeError("the page of signing in names no stylesheet")
        static = server.ask(found[1], sessions, EACH)
        rows = []
        for page in PAGES:
            path = f"/practices/{practice}/{page.format(npi=npi)}"
            server.ask(path, sessions[:2], 2)
            took = server.ask(path, sessions, EACH)
            if took is not None:
                rows.append(
                    Row(
                        name=f"page {page.format(npi='NPI') or 'practice'}",
                        what=f"p95 of {PEOPLE * EACH} requests, {PEOPLE} people, one a second each",
                        took=took,
                        reference="the stylesheet from the same server",
                        reference_took=static,
                        limit_seconds=LIMIT,
                    )
                )
        return rows
    finally:
        server.stop()


def run() -> list[Row]:
    """Rows of the table; processor seconds of a page are the server's, for one request."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, data = write_load_run(Path(scratch) / "run"), Path(scratch) / "data"
        reading = measured(lambda: plain_reading(folder), repeat=1)
        publishing = measured_command([sys.executable, "-c", COMMAND, "publish", folder, "--data", data], repeat=1)
        database = "PostgreSQL" if os.environ.get("OPENASM_DATABASE") else "SQLite"
        size = f"{PARTICIPANTS:,} participants, {EPISODES:,} episodes, {GAPS:,} gaps into {database}"
        note = "bound by a row in Python for each gap and episode, then by the database's two indexes of gaps"
        return [
            Row(
                name="publish",
                what=size,
                took=publishing,
                reference="DuckDB reads the three large files into tables in memory",
                reference_took=reading,
                limit_seconds=120.0,
                note=note,
            ),
            *pages(data),
        ]
