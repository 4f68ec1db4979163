"""Receipts of a package, recorded by hand: a line each, only ever added, each with the hash of the one before.

The first receipt holds the hash of the package's manifest instead, so that the list belongs to this package and no other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openasm.archive.folder import MANIFEST
from openasm.base.errors import InputRefused, WrongUsage
from openasm.base.parameters import stamp
from openasm.base.problems import Problem, Problems
from openasm.submission import file_problems as kinds

RECEIPTS = "receipts.jsonl"
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt. number: CMS's confirmation number; at: when CMS took it; recorded: when it was noted; by: who noted it."""

    number: str
    at: dt.datetime
    recorded: dt.datetime
    by: str
    note: str = ""


def add_receipt(package: Path, receipt: Receipt) -> int:
    """Append a receipt to a package's list and return how many there are now.

    Two people at once: one waits for the other. Raises InputRefused when the folder is no package or its list was changed, WrongUsage
    for texts that are empty, longer than 500 characters or hold line breaks.
    """
    for name, text in (("number", receipt.number), ("by", receipt.by), ("note", receipt.note)):
        if (not text.strip() and name != "note") or len(text) > LONGEST or not text.isprintable():
            raise WrongUsage(f"--{name} takes a text of 1 to {LONGEST} printable characters.")
    manifest = package / MANIFEST
    if not manifest.is_file():
        raise InputRefused([Problem(kinds.NOT_A_PACKAGE, package.name)])
    with (package / RECEIPTS).open("a+b") as stream:
        _lock(stream.fileno())
        stream.seek(0)
        before = stream.read()
        problems = Problems()
        lines = check_receipts(before, manifest.read_bytes(), problems)
        problems.refuse_errors()
        record = {
            "number": receipt.number.strip(),
            "at": stamp(receipt.at),
            "recorded": stamp(receipt.recorded),
            "by": receipt.by.strip(),
            "note": receipt.note.strip(),
            "after": _hash(lines[-1] if lines else manifest.read_bytes()),
        }
        stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return len(lines) + 1


def read_receipts(package: Path) -> list[dict[str, Any]]:
    """The receipts of a package, first to last; none when nothing was recorded. The caller checks them first."""
    path = package / RECEIPTS
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []


def check_receipts(content: bytes, manifest: bytes, problems: Problems) -> list[bytes]:
    """The lines of a list of receipts; B305 for each that does not follow on the one before."""
    lines = content.splitlines()
    before = manifest
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            follows = isinstance(record, dict) and record.get("after") == _hash(before)
        except (ValueError, RecursionError):
            follows = False
        if not follows:
            problems.add(
                kinds.RECEIPT_BROKEN, RECEIPTS, row=number, found="a line that does not follow on the one before"
            )
        before = line
    if content and not content.endswith(b"\n"):
        problems.add(kinds.RECEIPT_BROKEN, RECEIPTS, row=len(lines), found="a line cut short")
    return lines


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # a system without file locks: appending is still a single write
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
