"""What a reader hands over: the four tables as frames, what came in, what was dropped, what was found."""

from __future__ import annotations

import datetime as dt
import hashlib
import mmap
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from openasm.base.problems import Problems
from openasm.claims.accounting import Account
from openasm.claims.coded import CodedTables
from openasm.tables.engine import Frame

_HASHED_AT_ONCE = 1 << 22
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file given: name without folders, bytes, SHA-256."""

    name: str
    size: int
    sha256: str

    def as_record(self) -> dict[str, Any]:
        """The file as a JSON-ready mapping."""
        return {"name": self.name, "bytes": self.size, "sha256": self.sha256}


def input_file(path: Path) -> InputFile:
    """Read a file once for its hash."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    if size:
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as whole,  # mapped, nothing is copied on the way to the hash
        ):
            for start in range(0, size, _HASHED_AT_ONCE):
                with whole[start : start + _HASHED_AT_ONCE] as piece:
                    digest.update(piece)
    return InputFile(path.name, size, digest.hexdigest())


def hash_beside(paths: Sequence[Path]) -> Callable[[], list[InputFile]]:
    """Begin to hash files while other work goes on; the call returned waits for them.

    Nobody need wait: a load that is refused leaves the hashing to end with the program.
    """
    return beside(lambda: [input_file(path) for path in paths])


def beside(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin work in a thread of its own; the call returned waits for it and gives its result or raises its error."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # handed to who waits
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result


@dataclass(slots=True)
class Delivery:
    """What one load gives.

    tables: frames by table name, columns as in the contract; problems: warnings found on the way (errors have been raised);
    accounts: records in, kept and dropped by reason; inputs: the files given, waiting for their hashes;
    notes: what this source cannot give, in words; latest: last day the
    files can speak of (the day they were made), None when they do not say; coded: claim lines and diagnoses that are not in
    `tables` because they are held as codes.
    """

    tables: dict[str, Frame]
    problems: Problems
    accounts: list[Account]
    inputs: Callable[[], list[InputFile]]
    notes: list[str] = field(default_factory=list)
    latest: dt.date | None = None
    coded: CodedTables | None = None
