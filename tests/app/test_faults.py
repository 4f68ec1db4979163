"""Faults, with real processes: killed while publishing, two publishes, two writers of events, no database, an old database filled."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from tests.app.conftest import Stage
from tests.app.run_folders import write_small_run

on_sqlite = pytest.mark.skipif(bool(os.environ.get("OPENASM_DATABASE")), reason="faults of the file database")
COMMAND = "from openasm.cli.main import main; main()"
# Publishing that says where it is, and stays there: at the third table aside, or with everything in the transaction.
HALTED = """
import sys, time
from pathlib import Path
from openasm.app.server import configure, migrate
configure(Path(sys.argv[1])); migrate()
from openasm.app.published import bulk, patient_tables, publish

def halt(*_):
    print("there", flush=True)
    time.sleep(60)

if sys.argv[3] == "aside":
    patient_tables.service_table = halt
else:
    publish.AFTER_ROWS.append(halt)
publish.publish_run(Path(sys.argv[2]), by=None)
"""
WRITER = """
import sys
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from openasm.app.audit.events import Kind, record
for place in range(40):
    record(Kind.CHANGED, who=None, details={"writer": sys.argv[2], "place": place})
"""
FIRST_MIGRATIONS = """
import sys
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from django.core.management import call_command
call_command("migrate", verbosity=0)
# Its rows are kept, so there is no migrating it back: the first version did not have it at all.
from django.apps import apps
from django.db import connection
call_command("migrate", "primary_care", "zero", fake=True, verbosity=0)
with connection.schema_editor() as editor:
    for model in apps.get_app_config("primary_care").get_models():
        editor.delete_model(model)
for label in sys.argv[2:]:
    call_command("migrate", label, "0001", verbosity=0)
"""


def python(program: str, *words: object, **options: object) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))}
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,  # type: ignore[call-overload]
    )


def command(*words: object) -> str:
    process = python(COMMAND, *words)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


def rows(data: Path, table: str) -> int:
    with closing(sqlite3.connect(data / "workbench.sqlite3")) as base:
        return int(base.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])


def whole(data: Path) -> bool:
    return bool(json.loads(command("audit", "verify", "--data", data, "--json"))["whole"])


@on_sqlite
@pytest.mark.parametrize("where", ["aside", "in the transaction"])
def test_a_publish_killed_leaves_nothing_and_the_next_one_works(run_folder: Path, tmp_path: Path, where: str) -> None:
    data = tmp_path / "data"
    process = python(HALTED, data, run_folder, where)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    assert list(data.glob(".publish-*")), "it was killed with a file aside"
    assert [rows(data, name) for name in ("published_run", "published_gap", "people_practice", "audit_auditevent")] == [
        0
    ] * 4
    assert "5 gaps, 3 episodes" in command("publish", run_folder, "--data", data)
    assert list(data.glob(".publish-*")) == []
    assert len(list((data / "runs").iterdir())) == 1
    assert whole(data)


@on_sqlite
def test_two_publishes_at_once_follow_each_other(run_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    other = write_small_run(tmp_path / "other", shift=1.0)
    command("publish", run_folder, "--data", data)
    both = [python(COMMAND, "publish", folder, "--data", data) for folder in (other, other, run_folder)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0, 0], answers
    assert sorted("was published before" in output for output, _ in answers) == [False, True, True]
    assert rows(data, "published_run") == 2
    assert rows(data, "published_participantresult") == 10
    assert rows(data, "published_gap") == 5
    assert whole(data)


@on_sqlite
def test_two_writers_of_events_make_one_chain(run_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command("publish", run_folder, "--data", data)
    before = rows(data, "audit_auditevent")
    both = [python(WRITER, data, name) for name in ("first", "second")]
    for process in both:
        assert process.wait(timeout=120) == 0, process.communicate()
        process.communicate()
    assert rows(data, "audit_auditevent") == before + 80
    assert whole(data)
    with closing(sqlite3.connect(data / "workbench.sqlite3")) as base:
        positions = [row[0] for row in base.execute("SELECT position FROM audit_auditevent ORDER BY position")]
    assert positions == list(range(1, before + 81))


@on_sqlite
def test_a_filled_database_of_the_first_version_is_brought_forward(run_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command("publish", run_folder, "--data", data)
    back = python(FIRST_MIGRATIONS, data, "published")
    _, errors = back.communicate(timeout=120)
    assert back.returncode == 0, errors
    names = ("published_participantresult", "published_gap", "published_patient", "published_episode")
    before = [rows(data, name) for name in names]
    assert all(before)
    assert "was published before" in command("publish", run_folder, "--data", data)
    assert [rows(data, name) for name in names] == before
    assert rows(data, "published_runtables") == 0, "what a migration cannot know is empty, not wrong"
    assert whole(data)


def test_without_its_database_the_workbench_says_so(
    stage: Stage, sign_in: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Client = sign_in("nurse")  # type: ignore[operator]

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("unable to open database file /somewhere/CANARY")

    monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.execute_sql", refuse)
    for address in (f"/practices/{stage.elm.key}/", "/account/"):
        response = client.get(address)
        page = response.content.decode()
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert "The database is not available" in page
        assert "CANARY" not in page
