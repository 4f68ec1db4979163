"""What a reader hands over: the four tables as frames, what came in, what was dropped, what was found."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openasm.base.problems import Problems
from openasm.claims.accounting import Account
from openasm.claims.coded import CodedTables
from openasm.tables.engine import Frame


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
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return InputFile(path.name, path.stat().st_size, digest)


@dataclass(slots=True)
class Delivery:
    """What one load gives.

    tables: frames by table name, columns as in the contract; problems: warnings found on the way (errors have been raised);
    accounts: records in, kept and dropped by reason; notes: what this source cannot give, in words; latest: last day the
    files can speak of (the day they were made), None when they do not say; coded: claim lines and diagnoses that are not in
    `tables` because they are held as codes.
    """

    tables: dict[str, Frame]
    problems: Problems
    accounts: list[Account]
    inputs: list[InputFile]
    notes: list[str] = field(default_factory=list)
    latest: dt.date | None = None
    coded: CodedTables | None = None
