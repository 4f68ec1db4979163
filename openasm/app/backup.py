"""Backups of the workbench on SQLite: a copy taken while it runs, and putting one back.

A backup is one folder: `workbench.sqlite3` (SQLite's online backup: one consistent state), the kept copies of runs, uploaded files, the
note of the audit's head, and `backup.json` with the hash of each file. The key is not in it unless asked for: without the key a backup
shows no patient identifier, and without the key it cannot be used. PostgreSQL is backed up with its own tools (pg_dump).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from openasm.app.audit.chain import HEAD_FILE
from openasm.archive.manifest import file_hash
from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.files import written_whole
from openasm.base.problems import Problem, declare

DATABASE = "workbench.sqlite3"
NOTE = "backup.json"
KEY = Path("keys") / "master.key"
FORMAT = "openasm-backup"
FOLDERS = ("runs", "files")

NOT_A_BACKUP = declare(
    "A003",
    "the folder is not a backup of the workbench",
    expected="a folder that `openasm backup` wrote, with its backup.json",
    next_step="Give the folder that was named with --out.",
)
DAMAGED_BACKUP = declare(
    "A004",
    "a file of the backup is missing or is not as it was written",
    expected="every file with the hash that backup.json names",
    next_step="Take another backup; do not restore this one.",
)


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds: files and bytes."""

    files: int
    bytes: int


def back_up(data: Path, out: Path, *, with_key: bool, now: dt.datetime) -> BackedUp:
    """Copy a workbench's data folder, also while it runs. WrongUsage when `out` exists or there is no database."""
    if out.exists():
        raise WrongUsage(f"{out.name} exists; give another name with --out.")
    if not (data / DATABASE).is_file():
        raise WrongUsage(f"{data.name} holds no workbench on SQLite; PostgreSQL is backed up with pg_dump.")
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        head = data / HEAD_FILE  # before the database: the note may lag behind it, never be ahead
        if head.is_file():
            shutil.copy2(head, aside / HEAD_FILE)
        with closing(sqlite3.connect(data / DATABASE)) as source, closing(sqlite3.connect(aside / DATABASE)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        (aside / DATABASE).chmod(0o600)
        for name in FOLDERS:
            if (data / name).is_dir():
                shutil.copytree(data / name, aside / name, ignore=shutil.ignore_patterns(".*"))
        if with_key and (data / KEY).is_file():
            (aside / KEY).parent.mkdir(mode=0o700)
            shutil.copy2(data / KEY, aside / KEY)
        files = [path for path in sorted(aside.rglob("*")) if path.is_file()]
        note = {
            "format": FORMAT,
            "format_version": 1,
            "made_at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
            "files": [
                {"name": path.relative_to(aside).as_posix(), "bytes": path.stat().st_size, "sha256": file_hash(path)}
                for path in files
            ],
        }
        with written_whole(aside / NOTE, private=True) as stream:
            json.dump(note, stream, indent=1)
        size = sum(path.stat().st_size for path in files)
        os.replace(aside, out)
        return BackedUp(len(files), size)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_backup(backup: Path) -> list[str]:
    """Names of a backup's files after checking every hash; InputRefused with every file that is missing or changed."""
    try:
        note = json.loads((backup / NOTE).read_text(encoding="utf-8"))
        records = [(str(each["name"]), str(each["sha256"])) for each in note["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputRefused([Problem(NOT_A_BACKUP, backup.name)]) from None
    if note.get("format") != FORMAT:
        raise InputRefused([Problem(NOT_A_BACKUP, backup.name)])
    wrong = [
        Problem(DAMAGED_BACKUP, name)
        for name, sha256 in records
        if ".." in Path(name).parts
        or Path(name).is_absolute()
        or not (backup / name).is_file()
        or file_hash(backup / name) != sha256
    ]
    if wrong:
        raise InputRefused(wrong)
    return [name for name, _ in records]


def restore(backup: Path, data: Path) -> int:
    """Put a backup into a new or empty data folder. Returns the number of files.

    WrongUsage when the folder holds something: a running workbench is never overwritten; restore aside and swap the folders. The key
    must be in the backup, in the environment, or be put into `keys/master.key` before starting.
    """
    if data.exists() and any(path.name != "keys" for path in data.iterdir()):
        raise WrongUsage(f"{data.name} is not empty; restore into a new folder, then start the workbench with it.")
    names = check_backup(backup)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in sorted(
        names, key=lambda each: each == DATABASE
    ):  # the database last: without it nothing starts from half
        target = data / name
        if name == KEY.as_posix() and target.exists():
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (backup / name).open("rb") as source, written_whole(target, "wb", private=True) as copy:
            shutil.copyfileobj(source, copy)
    return len(names)
