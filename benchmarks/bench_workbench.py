"""The workbench: publishing a whole model's run, and its pages with twenty people at once, on SQLite and on PostgreSQL.

A page's time is the 95th percentile of all requests, its processor time that of the server (two processes) for one request.
Administrators of the largest practice ask for every page of it, its clinicians for those that show them their own patients, members of
a system of 25 practices and operators for theirs.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.load_run import EPISODES, GAPS, PARTICIPANTS, earlier_of, write_load_run
from benchmarks.measure import Row, Took, measured, measured_command
from tests.app.postgres_server import programs, started

PEOPLE = 20
EACH = 6  # requests a person and address
LIMIT = 0.150
# Makes members of the largest practice and of a system with it; prints what the addresses below need, and a session for each member.
FURNISH = """
import json, sys, time
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from importlib import import_module
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from openasm.app.access.permissions import Role
from openasm.app.people.actions import add_member, create_system
from openasm.app.people.models import User
from openasm.app.published.models import Episode, MeasureResult, ParticipantResult, PracticeResult, Run
from openasm.app.worklists.models import Case

store = import_module(settings.SESSION_ENGINE).SessionStore
run = Run.objects.latest("pk")
results = PracticeResult.objects.filter(run=run).order_by("-participants", "pk").select_related("practice")
practice = results.first().practice
people = int(sys.argv[2])
npis = ParticipantResult.objects.filter(practice=practice).order_by("npi").values_list("npi", flat=True).distinct()[:people]
system = create_system(name="Test System", practices=[each.practice for each in results[:25]], by=None)
case = Case.objects.filter(practice=practice, run=run).select_related("patient").order_by("pk").first()
measure = MeasureResult.objects.filter(practice=practice, run=run).order_by("pk").first().measure
episode = Episode.objects.filter(practice=practice, run=run).order_by("-annualized_cents").first()
found = {
    "practice": practice.key, "npi": npis[0], "system": system.key, "patient": case.patient.key, "measure": measure,
    "episode": episode.pk, "year": run.performance_year,
}
parts = {
    "administrator": [{"role": Role.ADMINISTRATOR, "practice": practice}] * people,
    "clinician": [{"role": Role.CLINICIAN, "practice": practice, "npi": npi} for npi in npis],
    "member of a system": [{"role": Role.ADMINISTRATOR, "system": system}] * people,
    "operator": [None] * people,
}
for name, memberships in parts.items():
    found[name] = []
    for number, membership in enumerate(memberships):
        email = f"{name.split()[0]}{number}@example.test"
        user = User.objects.create_user(email, None, name=f"Test Person {number}", is_operator=membership is None)
        Authenticator.objects.create(user=user, type="totp", data={"secret": "unused"})
        if membership:
            add_member(user=user, by=None, **membership)
        session = store()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session["began"] = session["seen"] = time.time()
        session.create()
        found[name].append(session.session_key)
print(json.dumps(found))
"""
COMMAND = "from openasm.cli.main import main; main()"
PAGES = {  # who asks for which addresses; those of a practice stand without it
    "administrator": (
        *("today/", "", "measures/", "measures/{measure}/"),
        *(
            "worklist/",
            "worklist/?sort=worth",
            "worklist/?owner=none",
            "worklist/history/",
            "worklist/patients/{patient}/",
        ),
        *("episodes/", "episodes/?sort=ratio", "episodes/{episode}/", "episodes/patients/"),
        *("clinicians/{npi}/", "clinicians/{npi}/explanation/", "what-if/", "compare/", "compare/{npi}/"),
        *("readiness/", "attestations/", "attestations/{year}/binder/", "levels/", "mips/", "submissions/"),
        *("primary-care/", "telehealth/", "arrangements/", "incentives/", "requests/", "calendar/"),
        *("data/", "data/problems/", "members/", "audit/"),
    ),
    "clinician": ("today/", "clinicians/{npi}/", "worklist/", "episodes/", "episodes/patients/"),
    "member of a system": ("/systems/{system}/", "/", "/look-up/"),
    "operator": ("/installation/", "/installation/accounts/", "/installation/systems/{system}/", "/audit/"),
}
REFERENCE = "/account/"


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
    """A real server of two processes on a data folder; ended by its own id."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        words = ["serve", "--data", str(data), "--port", str(self.port), "--processes", "2"]
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

    def processes(self) -> list[int]:
        """The server's processes (Linux)."""
        first = self.process.pid
        return [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    def processor_seconds(self) -> float:
        """What the server has used so far (Linux)."""
        used = 0
        for process in self.processes():
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            used += int(fields[11]) + int(fields[12])
        return used / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """The resident memory of its largest process now (Linux)."""
        pages = max(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in self.processes())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def ask(self, path: str, sessions: list[str], each: int) -> tuple[Took, float]:
        """95th percentile over all requests, everybody asking at once; and the median."""
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
            raise RuntimeError(f"{path} answered {sorted(set(wrong))}")
        used = (self.processor_seconds() - used) / len(times)
        times.sort()
        return Took(times[int(0.95 * (len(times) - 1))], used, self.memory_mb()), times[len(times) // 2]


def pages(data: Path, database: str) -> list[Row]:
    """A row for each page, next to the page of one's account: the same server, sign-in and frame, without anything of a run."""
    furnished = subprocess.run(
        [sys.executable, "-c", FURNISH, data, str(PEOPLE)], check=True, capture_output=True, text=True
    )
    found = json.loads(furnished.stdout)
    server = Server(data)
    try:
        server.ask(REFERENCE, found["administrator"], 1)
        reference, _ = server.ask(REFERENCE, found["administrator"], EACH)
        rows = []
        for role, page in ((role, page) for role, addresses in PAGES.items() for page in addresses):
            people = found[role]
            path = (
                page.format(**found)
                if page.startswith("/")
                else f"/practices/{found['practice']}/{page.format(**found)}"
            )
            server.ask(path, people[:2], 1)
            took, median = server.ask(path, people, EACH)
            rows.append(
                Row(
                    name=f"{page or 'practice'}, {role}, {database}",
                    what=f"p95 of {len(people) * EACH} requests of {len(people)} people; p50 {1000 * median:.0f} ms",
                    took=took,
                    reference="the page of one's account, p95",
                    reference_took=reference,
                    limit_seconds=LIMIT,
                )
            )
            print(f"  {rows[-1].name}: p95 {1000 * took.seconds:.0f} ms", file=sys.stderr, flush=True)
        return rows
    finally:
        server.stop()


def size_mb(data: Path) -> float:
    """The size of the database."""
    program = """
import sys
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from django.db import connection
with connection.cursor() as cursor:
    if connection.vendor == "postgresql":
        cursor.execute("SELECT pg_database_size(current_database())")
        print(cursor.fetchone()[0])
    else:
        print((Path(sys.argv[1]) / "workbench.sqlite3").stat().st_size)
"""
    said = subprocess.run([sys.executable, "-c", program, data], check=True, capture_output=True, text=True)
    return int(said.stdout) / 2**20


def on(database: str, folder: Path, data: Path, reading: Took) -> list[Row]:
    """Publishing and pages on one database."""
    print(f"publishing into {database}", file=sys.stderr, flush=True)
    # Pages that compare have something to compare with.
    measured_command([sys.executable, "-c", COMMAND, "publish", earlier_of(folder), "--data", data], repeat=1)
    publishing = measured_command([sys.executable, "-c", COMMAND, "publish", folder, "--data", data], repeat=1)
    row = Row(
        name=f"publish, {database}",
        what=f"{PARTICIPANTS:,} participants, {EPISODES:,} episodes, {GAPS:,} gaps",
        took=publishing,
        reference="DuckDB reads the three large files into tables in memory",
        reference_took=reading,
        limit_seconds=120.0,
        note=f"the database has {size_mb(data):,.0f} MB then; bound by its rows and indexes of gaps and of the cases they make",
    )
    return [row, *pages(data, database)]


def run() -> list[Row]:
    """Rows of the table. Without PostgreSQL's server programs only those of SQLite."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_load_run(Path(scratch) / "run")
        reading = measured(lambda: plain_reading(folder), repeat=1)
        os.environ.pop("OPENASM_DATABASE", None)
        rows = on("SQLite", folder, Path(scratch) / "data", reading)
        shutil.rmtree(Path(scratch) / "data")
        try:
            programs()
        except SystemExit as absent:
            print(absent, file=sys.stderr)
            return rows
        with started(durable=True) as address:
            os.environ["OPENASM_DATABASE"] = f"{address}/postgres"
            return rows + on("PostgreSQL", folder, Path(scratch) / "data", reading)
