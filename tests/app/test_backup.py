"""Backup and restore of a real data folder, through the commands; a damaged backup is refused."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from openasm.app.backup import check_backup, restore
from openasm.base.errors import InputRefused, WrongUsage


def command(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENASM", "DJANGO"))}
    program = "from openasm.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True, env=environment, check=False
    )


def contents(database: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(database)) as source:
        names = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(source.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in sorted(names)}


@pytest.mark.skipif(bool(os.environ.get("OPENASM_DATABASE")), reason="backups of SQLite")
def test_publish_back_up_restore_and_compare(run_folder: Path, tmp_path: Path) -> None:
    data, copy, again = tmp_path / "data", tmp_path / "copy", tmp_path / "again"
    published = command("publish", run_folder, "--data", data)
    assert published.returncode == 0, published.stderr
    assert published.stderr == ""  # nor a word of the engine about what outlives it
    assert "5 participants of 2 practices, 5 gaps, 3 episodes" in published.stdout
    assert "was published before" in command("publish", run_folder, "--data", data).stdout
    assert (data / "keys" / "master.key").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o077 == 0
    assert command("backup", "--data", data, "--out", copy, "--with-key").returncode == 0
    restored = command("restore", copy, "--data", again)
    assert restored.returncode == 0, restored.stderr
    assert "is whole" in restored.stdout
    before, after = contents(copy / "workbench.sqlite3"), contents(again / "workbench.sqlite3")
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"audit_auditevent", "audit_audithead"}  # the restoring itself is an event
    assert len(after["audit_auditevent"]) == len(before["audit_auditevent"]) + 1
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
