"""The store of finished stages: content-addressed folders beside a run, whole or not there.

    with open_store(Path("run.stages")) as store:
        entry = store.find("scores", key)

```
STORE/lock                        one run at a time
STORE/hashes.json                 hashes of the files read, by size, moments and inode
STORE/<stage>-<key>/stage.json    what the stage was made from and gave
STORE/<stage>-<key>/out/          its files
STORE's folder `work`              stages in the making, each renamed when whole
```

The store holds data of patients: the folder is its owner's alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openasm.archive.manifest import file_hash
from openasm.base.errors import WrongUsage
from openasm.base.files import written_whole

STAGE_FILE, OUT, WORK, LOCK, HASHES = "stage.json", "out", "work", "lock", "hashes.json"
FORMAT = "openasm-stage"
YOUNG_NANOSECONDS = 2_000_000_000
"""A file changed so shortly before it was hashed may change again without a new moment: its hash is not remembered."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished stage. record: what stage.json says; out: its files."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def out(self) -> Path:
        """The folder of its files."""
        return self.folder / OUT


@dataclass(slots=True)
class Store:
    """An opened store. Hashes of files are remembered while it is open and written when it closes."""

    folder: Path
    _hashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def hash_of(self, path: Path) -> str:
        """SHA-256 of a file; taken from the record where size, inode and both moments of change are those recorded.

        The moment of the inode's change cannot be set back, so contents changed under an old date are noticed. OSError as from reading.
        """
        key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
        self._asked.add(key)
        before = path.stat()
        mark = mark_of(before)
        known = self._hashes.get(key)
        if known is not None and known[0] == mark:
            return known[1]
        found = file_hash(path)
        after = path.stat()
        if (
            mark_of(after) == mark
            and _now_nanoseconds() - max(after.st_mtime_ns, after.st_ctime_ns) > YOUNG_NANOSECONDS
        ):
            self._hashes[key] = (mark, found)
        else:
            self._hashes.pop(key, None)
        return found

    def find(self, stage: str, key: str) -> Entry | None:
        """The finished stage of this key whose files are still as they were made; None otherwise."""
        entry = _read_entry(self.folder / entry_name(stage, key))
        if entry is None or entry.record.get("key") != key:
            return None
        try:
            for output in entry.record["outputs"]:
                path = entry.out / output["name"]
                if path.stat().st_size != output["bytes"] or self.hash_of(path) != output["sha256"]:
                    return None
        except (OSError, KeyError, TypeError):
            return None
        return entry

    def latest(self, stage: str) -> Entry | None:
        """The stage's most recently used entry, whatever its key."""
        found = [(_last_use(path), path) for path in self._entries() if path.name.rpartition("-")[0] == stage]
        for _, path in sorted(found, reverse=True):
            entry = _read_entry(path)
            if entry is not None:
                return entry
        return None

    def work_folder(self, stage: str, key: str) -> Path:
        """A stage's folder to work in. What an earlier try left stays but for its output: a stage may go on from its own steps."""
        place = self.folder / WORK / entry_name(stage, key)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(place / OUT, ignore_errors=True)
        return place

    def keep(self, stage: str, key: str, record: Mapping[str, Any]) -> Entry:
        """Take the output out of the stage's work folder into the store, whole; record: the rest of stage.json."""
        place = self.work_folder_of(stage, key)
        (place / OUT).mkdir(exist_ok=True)
        target = self.folder / entry_name(stage, key)
        made = {"format": FORMAT, "stage": stage, "key": key, **record, "outputs": files_of(place / OUT, self.hash_of)}
        text = json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True)
        finished = place / "finished"
        shutil.rmtree(finished, ignore_errors=True)
        finished.mkdir(mode=0o700)
        os.replace(place / OUT, finished / OUT)
        with written_whole(finished / STAGE_FILE, private=True) as stream:
            stream.write(text)
        if target.exists():  # damaged, else it would have been found
            shutil.rmtree(target)
        os.replace(finished, target)
        shutil.rmtree(place, ignore_errors=True)
        return Entry(target, json.loads(text))  # as the next run will read it

    def work_folder_of(self, stage: str, key: str) -> Path:
        """Where a stage is made."""
        return self.folder / WORK / entry_name(stage, key)

    def touch(self, entry: Entry, *, moment: float) -> None:
        """Note that an entry was used. moment: seconds as in `st_mtime`."""
        with suppress(OSError):
            os.utime(entry.folder / STAGE_FILE, (moment, moment))

    def tidy(self, used: Sequence[Entry], *, unused_since: float) -> None:
        """Remove unfinished stages, and entries not used now whose last use lies before a moment (seconds)."""
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        now_used = {entry.folder.name for entry in used}
        for path in self._entries():
            if path.name not in now_used and _last_use(path) < unused_since:
                shutil.rmtree(path, ignore_errors=True)

    def begun(self) -> bool:
        """Whether a run left anything here: a finished stage, or one in the making."""
        return any(self._entries()) or any((self.folder / WORK).glob("*"))

    def _entries(self) -> list[Path]:
        return [path for path in sorted(self.folder.glob("*-*")) if (path / STAGE_FILE).is_file()]

    def read_hashes(self) -> None:
        """Take over what earlier runs recorded; a record that cannot be read counts as none."""
        try:
            content = json.loads((self.folder / HASHES).read_text(encoding="utf-8"))
            self._hashes = {str(key): (str(mark), str(digest)) for key, (mark, digest) in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._hashes = {}

    def write_hashes(self) -> None:
        """Record the hashes of the files asked for; others have gone."""
        kept = {key: value for key, value in sorted(self._hashes.items()) if key in self._asked}
        with suppress(OSError), written_whole(self.folder / HASHES, private=True) as stream:
            json.dump(kept, stream)


def entry_name(stage: str, key: str) -> str:
    """The folder of a stage: `scores-` and 32 digits of its key."""
    return f"{stage}-{key[:32]}"


def files_of(folder: Path, hash_of: Any = file_hash) -> list[dict[str, Any]]:
    """Name, SHA-256 and size of every file below a folder, by name."""
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return [
        {"name": path.relative_to(folder).as_posix(), "sha256": hash_of(path), "bytes": path.stat().st_size}
        for path in paths
    ]


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Open a store, made if it is not there, for one run at a time; WrongUsage while another run works in it.

    The lock is the process's own: the system lets go of it when the process ends, however it ends, and processes it started do
    not hold it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / LOCK).exists() and any(folder.iterdir()):
        raise WrongUsage(
            f"The folder {folder.name} is to hold the finished stages but holds other files; name another."
        )
    with (folder / LOCK).open("w") as stream:
        _lock(stream.fileno(), folder.name)
        folder.chmod(0o700)
        store = Store(folder)
        store.read_hashes()
        try:
            yield store
        finally:
            store.write_hashes()


def _lock(handle: int, name: str) -> None:
    try:
        import fcntl
    except ImportError:  # a system without file locks
        return
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise WrongUsage(f"Another run works in {name} now; wait for it, or give another place.") from None


def _read_entry(folder: Path) -> Entry | None:
    try:
        record = json.loads((folder / STAGE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Entry(folder, record) if isinstance(record, dict) and record.get("format") == FORMAT else None


def _last_use(folder: Path) -> float:
    try:
        return (folder / STAGE_FILE).stat().st_mtime
    except OSError:
        return 0.0


def mark_of(status: os.stat_result) -> str:
    """What tells a changed file: size, both moments, inode and device. The inode's moment cannot be set back."""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino} {status.st_dev}"


def _now_nanoseconds() -> int:
    import time

    return time.time_ns()
