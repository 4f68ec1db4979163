"""Backup and restore of a real data folder, through the commands; a damaged backup is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openasm.app import postgres_copies
from openasm.app.backup import back_up, check_backup, restore
from openasm.base.errors import InputRefused, WrongUsage

COMMAND = "from openasm.cli.main import main; main()"
# An uploaded file and a document, by what the pages call.
FILL = """
import sys
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from django.core.files.uploadedfile import SimpleUploadedFile
from openasm.app.feeds import actions
from openasm.app.feeds.kinds import BY_CODE
from openasm.app.kept.actions import keep_document
from openasm.app.kept.uploads import checked_attachment
from openasm.app.people.models import Practice
from tests.app.conftest import make_person

practice, person = Practice.objects.get(tin="900000001"), make_person("keeper")
roster = SimpleUploadedFile("roster.csv", b"tin,npi,name\\n900000001,2999000013,Test Clinician\\n")
actions.keep_file(practice=practice, kind=BY_CODE["roster"], upload=roster, by=person)
keep_document(practice=practice, year=2027, about="IA_1", attachment=checked_attachment("n.txt", b"proof"), by=person)
"""
# What a workbench shows of them, opened with its key.
OPENED = """
import sys
from pathlib import Path
from openasm.app.server import configure
configure(Path(sys.argv[1]))
from openasm.app.feeds.models import PracticeFile
from openasm.app.kept.models import Document
from openasm.app.published.models import Patient
file = PracticeFile.objects.get()
print(Document.objects.get().content, file.name, [len(each.read_bytes()) for each in sorted(file.folder.iterdir())])
print(sorted(each.identifier for each in Patient.objects.all()))
"""


def command(*words: object, program: str = COMMAND, database: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))}
    if database:
        environment["OPENASM_DATABASE"] = database
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True, env=environment, check=False
    )


def filled(data: Path, run_folder: Path, database: str = "") -> None:
    """A data folder with a published run, an uploaded file and a document."""
    published = command("publish", run_folder, "--data", data, database=database)
    assert published.returncode == 0, published.stderr
    assert "5 participants of 2 practices, 5 gaps, 3 episodes" in published.stdout
    done = command(data, program=FILL, database=database)
    assert done.returncode == 0, done.stderr


def kept_files(folder: Path) -> dict[str, bytes]:
    """The copies of runs and the uploaded files, by their places."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for name in ("runs", "files")
        for path in (folder / name).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    assert {name.partition("/")[0] for name in found} == {"runs", "files"}
    return found


def same_but_for_the_restoring(before: dict[str, list], after: dict[str, list]) -> None:
    """Two databases' rows by table: the restoring itself is an event of the second."""
    assert all(before[name] for name in ("published_gap", "feeds_practicefile", "kept_document"))
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"audit_auditevent", "audit_audithead"}
    assert len(after["audit_auditevent"]) == len(before["audit_auditevent"]) + 1


def contents(database: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(database)) as source:
        names = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(source.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in sorted(names)}


@pytest.mark.skipif(bool(os.environ.get("OPENASM_DATABASE")), reason="backups of SQLite")
def test_publish_back_up_restore_and_compare(run_folder: Path, tmp_path: Path) -> None:
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    filled(data, run_folder)
    assert "was published before" in command("publish", run_folder, "--data", data).stdout
    assert (data / "keys" / "master.key").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o077 == 0
    assert command("backup", "--data", data, "--out", copy, "--with-key").returncode == 0
    assert contents(data / "workbench.sqlite3") == contents(copy / "workbench.sqlite3")
    restored = command("restore", copy, "--data", again)
    assert restored.returncode == 0, restored.stderr
    assert "is whole" in restored.stdout
    same_but_for_the_restoring(contents(data / "workbench.sqlite3"), contents(again / "workbench.sqlite3"))
    assert kept_files(data) == kept_files(copy) == kept_files(again)
    shown = [command(folder, program=OPENED) for folder in (data, again)]
    assert shown[0].returncode == 0, shown[0].stderr
    assert "b'proof' roster.csv" in shown[0].stdout
    assert shown[0].stdout == shown[1].stdout
    verified = command("audit", "verify", "--data", again, "--json")
    assert json.loads(verified.stdout)["whole"] is True
    assert command("audit", "export", "--data", again, "--out", tmp_path / "audit.csv").returncode == 0
    assert "published" in (tmp_path / "audit.csv").read_text()
    with closing(sqlite3.connect(again / "workbench.sqlite3")) as base:
        base.execute("DROP TRIGGER audit_event_never_changed")
        base.execute("UPDATE audit_auditevent SET details = '' WHERE position = 1")
        base.commit()
    broken = command("audit", "verify", "--data", again)
    assert broken.returncode == 1
    assert "not whole" in broken.stderr


@pytest.fixture
def databases() -> Iterator[tuple[str, str]]:
    """The addresses of two new databases of the server that the tests run on."""
    import psycopg

    server = os.environ["OPENASM_DATABASE"]
    names = [f"copied_{secrets.token_hex(6)}" for _ in range(2)]
    with psycopg.connect(server, autocommit=True) as opened:
        for name in names:
            opened.execute(f"CREATE DATABASE {name}")
        yield f"{server.rpartition('/')[0]}/{names[0]}", f"{server.rpartition('/')[0]}/{names[1]}"
        for name in names:
            opened.execute(f"DROP DATABASE {name} WITH (FORCE)")


def rows_of(address: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything in a database on PostgreSQL, by table."""
    import psycopg

    with psycopg.connect(address) as opened:
        tables = opened.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: sorted(opened.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for (name,) in tables}


@pytest.mark.enable_socket
@pytest.mark.skipif(not os.environ.get("OPENASM_DATABASE"), reason="backups of PostgreSQL (make test-postgres)")
def test_the_same_on_postgresql(run_folder: Path, tmp_path: Path, databases: tuple[str, str]) -> None:
    import psycopg

    data, copy, again, (old, new) = tmp_path / "data", tmp_path / "copy", tmp_path / "again", databases
    filled(data, run_folder, old)
    made = command("backup", "--data", data, "--out", copy, "--with-key", database=old)
    assert made.returncode == 0, made.stderr
    refused = command("restore", copy, "--data", again, database=old)
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr
    assert "set OPENASM_DATABASE" in command("restore", copy, "--data", again).stderr
    assert not again.exists()
    before = rows_of(old)
    restored = command("restore", copy, "--data", again, database=new)
    assert restored.returncode == 0, restored.stderr
    assert "is whole" in restored.stdout
    same_but_for_the_restoring(before, rows_of(new))
    assert kept_files(data) == kept_files(copy) == kept_files(again)
    shown = [command(*each[:1], program=OPENED, database=each[1]) for each in ((data, old), (again, new))]
    assert "b'proof' roster.csv" in shown[0].stdout, shown[0].stderr
    assert shown[0].stdout == shown[1].stdout
    with psycopg.connect(new) as opened, pytest.raises(psycopg.DatabaseError):
        opened.execute("UPDATE kept_document SET name = 'other'")  # what a copy must refuse too


def test_without_postgresqls_programs_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_copies, "_PLACES", ())
    (tmp_path / "data").mkdir()
    database = {"HOST": "", "PORT": "", "USER": "", "PASSWORD": "secret", "NAME": "asm"}
    with pytest.raises(WrongUsage, match="pg_dump was not found"):
        back_up(tmp_path / "data", tmp_path / "out", with_key=False, now=dt.datetime.now(dt.UTC), postgres=database)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"], "nothing half-done"
    (tmp_path / "pg_dump").write_text(
        "#!/bin/sh\necho 'pg_dump: error: it is away' >&2\necho 'row: patient' >&2\nexit 1\n"
    )
    (tmp_path / "pg_dump").chmod(0o700)
    with pytest.raises(WrongUsage, match="it is away") as told:
        back_up(tmp_path / "data", tmp_path / "out", with_key=False, now=dt.datetime.now(dt.UTC), postgres=database)
    assert "patient" not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_database_that_cannot_be_loaded_leaves_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, data = tmp_path / "backup", tmp_path / "data"
    (backup / "runs").mkdir(parents=True)
    content = {"runs/one.txt": b"kept", "workbench.dump": b"not one"}
    for name, written in content.items():
        (backup / name).write_bytes(written)
    files = [{"name": name, "sha256": hashlib.sha256(written).hexdigest()} for name, written in content.items()]
    (backup / "backup.json").write_text(json.dumps({"format": "openasm-backup", "files": files}))
    monkeypatch.setattr("openasm.app.backup.require_empty", lambda _: None)
    (tmp_path / "pg_restore").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "pg_restore").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    database = {"HOST": "", "PORT": "", "USER": "", "PASSWORD": "", "NAME": "asm"}
    with pytest.raises(WrongUsage, match="pg_restore failed"):
        restore(backup, data, postgres=database)
    assert list(data.iterdir()) == []
    with pytest.raises(WrongUsage, match="set OPENASM_DATABASE"):
        restore(backup, data)


def test_what_is_no_whole_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(InputRefused) as refused:
        check_backup(tmp_path / "b")
    assert refused.value.problems[0].kind.code == "A003"
    records = [{"name": name, "sha256": "0" * 64} for name in ("workbench.sqlite3", "../outside")]
    (tmp_path / "b" / "backup.json").write_text(json.dumps({"format": "openasm-backup", "files": records}))
    with pytest.raises(InputRefused) as refused:
        check_backup(tmp_path / "b")
    assert [problem.kind.code for problem in refused.value.problems] == ["A004", "A004"]


def test_a_folder_in_use_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "workbench.sqlite3").write_text("")
    with pytest.raises(WrongUsage, match="not empty"):
        restore(tmp_path, tmp_path / "data")
