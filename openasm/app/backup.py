"""Backups of the workbench: a copy taken while it runs, and putting one back.

A backup is one folder: the database in one consistent state (`workbench.sqlite3` by SQLite's online backup, or `workbench.dump` by
PostgreSQL's pg_dump), the kept copies of runs, uploaded files, the note of the audit's head, and `backup.json` with the hash of each
file. The key is not in it unless asked for: without the key a backup shows no patient identifier, and without the key it cannot be used.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from openasm.app.audit.chain import HEAD_FILE
from openasm.app.postgres_copies import dump, load, require_empty
from openasm.archive.manifest import file_hash
from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.files import written_whole
from openasm.base.problems import Problem, declare

DATABASE = "workbench.sqlite3"
DUMP = "workbench.dump"
Postgres = Mapping[str, object] | None  # as Django describes a database; None: SQLite in the data folder
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


def back_up(data: Path, out: Path, *, with_key: bool, now: dt.datetime, postgres: Postgres = None) -> BackedUp:
    """Copy a workbench's database and data folder, also while it runs. WrongUsage when `out` exists or there is no database."""
    if out.exists():
        raise WrongUsage(f"{out.name} exists; give another name with --out.")
    if postgres is None and not (data / DATABASE).is_file():
        raise WrongUsage(f"{data.name} holds no workbench on SQLite; for one on PostgreSQL set OPENASM_DATABASE.")
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        head = data / HEAD_FILE  # before the database: the note may lag behind it, never be ahead
        if head.is_file():
            shutil.copy2(head, aside / HEAD_FILE)
        if postgres is None:
            _copy_sqlite(data / DATABASE, aside / DATABASE)
        else:
            dump(postgres, aside / DUMP)
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


def _copy_sqlite(database: Path, target: Path) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    target.chmod(0o600)


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


def restore(backup: Path, data: Path, *, postgres: Postgres = None) -> int:
    """Put a backup into a new or empty data folder, and on PostgreSQL into an empty database. Returns the number of files.

    WrongUsage when the folder or the database holds something: a running workbench is never overwritten; restore aside and swap the folders. The key
    must be in the backup, in the environment, or be put into `keys/master.key` before starting.
    """
    if data.exists() and any(path.name != "keys" for path in data.iterdir()):
        raise WrongUsage(f"{data.name} is not empty; restore into a new folder, then start the workbench with it.")
    names = check_backup(backup)
    if (DUMP in names) != (postgres is not None):
        raise WrongUsage(
            "The backup is of a workbench on PostgreSQL: set OPENASM_DATABASE to an empty database."
            if DUMP in names
            else "The backup is of a workbench on SQLite: restore it without OPENASM_DATABASE."
        )
    if postgres is not None:
        require_empty(postgres)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The database last: without it nothing starts from half.
    for name in sorted(names, key=lambda each: each in (DATABASE, DUMP)):
        if name == DUMP and postgres is not None:
            try:
                load(backup / name, postgres)
            except WrongUsage:
                _clear(data)
                raise
            continue
        target = data / name
        if name == KEY.as_posix() and target.exists():
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (backup / name).open("rb") as source, written_whole(target, "wb", private=True) as copy:
            shutil.copyfileobj(source, copy)
    return len(names)


def _clear(data: Path) -> None:
    """Take away what was restored into a folder that held nothing but keys, which stay."""
    for path in data.iterdir():
        if path.is_dir() and path.name != KEY.parts[0]:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
