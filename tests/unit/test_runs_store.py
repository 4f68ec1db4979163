"""The store of stages: hashes that are remembered only while that is safe, entries that are whole, one run at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openasm.archive.manifest import file_hash
from openasm.base.errors import WrongUsage
from openasm.runs.chain import stage_store
from openasm.runs.chain.stage_store import Store, open_store

KEY, OTHER = "a" * 64, "b" * 64


def old_file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which files just written are old."""
    monkeypatch.setattr(stage_store, "_now_nanoseconds", lambda: time.time_ns() + 10**10)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    read: list[Path] = []

    def hashing(path: Path) -> str:
        read.append(path)
        return file_hash(path)

    monkeypatch.setattr(stage_store, "file_hash", hashing)
    return read


@pytest.mark.usefixtures("later")
def test_an_unchanged_file_is_read_once_also_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, read = old_file(tmp_path / "claims", "12345"), counted(monkeypatch)
    with open_store(tmp_path / "store") as store:
        first = store.hash_of(file)
        assert store.hash_of(file) == first == file_hash(file)
    with open_store(tmp_path / "store") as store:
        assert store.hash_of(file) == first
    assert read == [file]
    assert str(tmp_path) not in (tmp_path / "store" / "hashes.json").read_text()  # names may hold a patient's


@pytest.mark.usefixtures("later")
def test_contents_changed_under_the_old_size_and_date_are_noticed(tmp_path: Path) -> None:
    file = old_file(tmp_path / "claims", "12345")
    moment = file.stat().st_mtime_ns
    with open_store(tmp_path / "store") as store:
        before = store.hash_of(file)
        time.sleep(0.02)
        file.write_text("54321")
        os.utime(file, ns=(moment, moment))
        assert file.stat().st_mtime_ns == moment
        assert store.hash_of(file) == file_hash(file) != before


def test_a_file_just_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, read = old_file(tmp_path / "claims", "12345"), counted(monkeypatch)
    with open_store(tmp_path / "store") as store:
        store.hash_of(file)
        store.hash_of(file)
    assert len(read) == 2


def finished(store: Store, stage: str, key: str, text: str = "rows") -> None:
    place = store.work_folder(stage, key)
    (place / "out" / "scores").mkdir(parents=True)
    (place / "out" / "scores" / "a.csv").write_text(text)
    store.keep(stage, key, {"seconds": 1.0})


def test_a_stage_is_found_under_its_key_alone_and_only_as_it_was_made(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        finished(store, "scores", KEY)
        found = store.find("scores", KEY)
        assert found is not None
        assert (found.out / "scores" / "a.csv").read_text() == "rows"
        assert store.find("scores", OTHER) is None
        assert store.find("quality", KEY) is None
        (found.out / "scores" / "a.csv").write_text("ROWS")
        assert store.find("scores", KEY) is None
        (found.out / "scores" / "a.csv").unlink()
        assert store.find("scores", KEY) is None
        finished(store, "scores", KEY)
        assert store.find("scores", KEY) is not None
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


def test_what_an_unfinished_stage_left_is_kept_but_for_its_output(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        place = store.work_folder("scores", KEY)
        (place / "out").mkdir()
        (place / "out" / "half").write_text("half")
        (place / ".out.stages-1").mkdir()
        assert store.work_folder("scores", KEY) == place
        assert [each.name for each in place.iterdir()] == [".out.stages-1"]


def test_entries_nobody_used_lately_go(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for key in (KEY, OTHER, "c" * 64):
            finished(store, "scores", key)
        kept, old, recent = (store.find("scores", key) for key in (KEY, OTHER, "c" * 64))
        assert kept
        assert old
        assert recent
        store.touch(kept, moment=100)
        store.touch(old, moment=100)
        store.touch(recent, moment=900)
        store.work_folder("quality", KEY)
        assert store.latest("scores") == recent
        store.tidy([kept], unused_since=500)
        assert [store.find("scores", key) is not None for key in (KEY, OTHER, "c" * 64)] == [True, False, True]
        assert not (tmp_path / "store" / "work").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WrongUsage, match="holds other files"), open_store(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


HOLD = """
import sys, time
from pathlib import Path
from openasm.runs.chain.stage_store import open_store
with open_store(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_run_at_a_time_and_none_after_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "store")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(WrongUsage, match="Another run works"), open_store(tmp_path / "store"):
            pass
    finally:
        process.kill()
        process.communicate()
    with open_store(tmp_path / "store") as store:
        assert not store.begun()
