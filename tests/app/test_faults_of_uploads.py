"""Killed while it takes an upload or a signature: nothing is half-done, and the same can be done again. Real processes and a file database."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.app.test_faults import on_sqlite, python, rows, whole

STORY = """
import sys, time
from pathlib import Path
from openasm.app.server import configure, migrate
configure(Path(sys.argv[1]))
if not (Path(sys.argv[1]) / "workbench.sqlite3").exists():
    migrate()
from django.core.files.uploadedfile import SimpleUploadedFile
from openasm.app.access.permissions import Role
from openasm.app.attestations import actions as attesting
from openasm.app.attestations.steps import Step
from openasm.app.feeds import actions as feeds
from openasm.app.feeds.kinds import BY_CODE
from openasm.app.people.actions import add_member
from openasm.app.people.models import Practice, User

def halt(*_, **__):
    print("there", flush=True)
    time.sleep(60)

practice, new = Practice.objects.get_or_create(tin="900000001", defaults={"name": "Elm"})
user = User.objects.filter(email="attester@example.test").first() or User.objects.create_user("attester@example.test", None, name="Test")
add_member(user=user, role=Role.ATTESTER, practice=practice, by=None)
where = sys.argv[2]
if where == "arriving":
    feeds.check_file = halt
elif where == "entered":
    feeds.record = halt  # the row is written, the folder not yet in place
elif where == "moved":
    Path.rename_whole = Path.rename
    def renamed(path, target):
        found = Path.rename_whole(path, target)
        if path.name == "content":
            halt()  # the folder is in place, the row not yet there
        return found
    Path.rename = renamed
elif where == "signing":
    attesting.record = halt

def base():
    last = attesting.Version.objects.newest(practice, 2027)
    return 0 if last is None else last.number

if where == "signing" or sys.argv[3] == "attest":
    attesting.take_step(Step.DRAFT, practice=practice, year=2027, base=base(), by=user, answers={})
else:
    upload = SimpleUploadedFile("roster.csv", b"tin,npi,name\\n900000001,2999000013,Test Clinician\\n")
    feeds.keep_file(practice=practice, kind=BY_CODE["roster"], upload=upload, by=user)
print("done", flush=True)
"""


def killed(data: Path, where: str, what: str) -> None:
    process = python(STORY, data, where, what)
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.communicate()


def done(data: Path, what: str) -> None:
    output, errors = python(STORY, data, "nowhere", what).communicate(timeout=120)
    assert output == "done\n", errors


def kept_folders(data: Path) -> list[Path]:
    return [path for path in (data / "files").glob("*/roster/*") if path.is_dir()]


@on_sqlite
def test_an_upload_killed_anywhere_leaves_no_file_and_can_be_sent_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for where in ("arriving", "entered", "moved"):
        killed(data, where, "upload")
        assert rows(data, "feeds_practicefile") == 0, where
    assert len(kept_folders(data)) == 1, "killed after its last step: a folder that no row names"
    done(data, "upload")
    assert rows(data, "feeds_practicefile") == 1
    assert whole(data)


@on_sqlite
def test_a_signature_killed_leaves_no_version_and_can_be_given_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    killed(data, "signing", "attest")
    assert rows(data, "attestations_version") == 0
    done(data, "attest")
    assert rows(data, "attestations_version") == 1
    assert whole(data)


@on_sqlite
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_processes_that_share_the_work_end_with_the_first(tmp_path: Path, by: signal.Signals) -> None:
    """They answer, and none goes on when the process that was started ends, however it ends."""
    program = """
import os, signal, sys, threading, time
from pathlib import Path
from openasm.app.server import configure, divided
configure(Path(sys.argv[1]))

def work():
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    print(os.getpid(), flush=True)
    over.wait(60)

divided(work, 2)
"""
    process = python(program, tmp_path / "data")
    assert process.stdout is not None
    children = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(by)
    process.wait(timeout=30)
    assert process.stdout.read() == "", "no third process was started"  # ends when the last child has closed its output
    assert len(set(children)) == 2
    process.communicate()
