"""The chain: each event's hash covers the event and the hash before it, under a key that the database does not hold.

`verify` goes through all events and finds change, deletion, insertion, reordering and a cut-off tail: the head of the chain is kept
in the database and, after each commit, in a file of the data folder.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from openasm.app.sealing import audit_key
from openasm.base.files import written_whole

if TYPE_CHECKING:
    from openasm.app.audit.models import AuditEvent

FIRST = "0" * 64
HEAD_FILE = "audit-head.json"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. findings: empty when the chain is whole, else a sentence each (at most twenty)."""

    events: int
    findings: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Nothing was changed, removed, inserted or cut off."""
        return not self.findings


def link(previous: str, event: AuditEvent) -> str:
    """The hash of an event behind the hash of the one before (HMAC-SHA-256, hexadecimal)."""
    fields = (
        previous,
        event.position,
        event.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        event.kind,
        event.outcome,
        event.who,
        event.practice,
        event.subject,
        event.details,
        event.request,
        event.address,
    )
    return hmac.new(audit_key(), json.dumps(fields, ensure_ascii=False).encode(), hashlib.sha256).hexdigest()


def verify() -> Verification:
    """Check every event, the head in the database and the head in the data folder, while others go on writing."""
    from openasm.app.audit.models import AuditEvent, AuditHead

    findings: list[str] = []
    noted = noted_head()
    head = AuditHead.objects.filter(pk=1).first()
    must_hold = {} if head is None else {head.position: (head.hash, "the head of the chain")}
    if noted is not None:
        must_hold.setdefault(noted[0], (noted[1], "the note in the data folder"))
    previous, expected = FIRST, 1
    for event in AuditEvent.objects.order_by("position").iterator(chunk_size=2_000):
        if event.position != expected:
            findings.append(
                f"Events are missing or out of order before position {event.position}, where {expected} was due."
            )
        if not hmac.compare_digest(link(previous, event), event.hash):
            findings.append(f"Event {event.position} does not follow from the one before: one of them was changed.")
        hash_, source = must_hold.pop(event.position, (event.hash, ""))
        if not hmac.compare_digest(hash_, event.hash):
            findings.append(f"Event {event.position} is not the one that {source} names.")
        previous, expected = event.hash, event.position + 1
        if len(findings) >= _SHOWN:
            return Verification(event.position, tuple(findings))
    last = expected - 1
    for position, (_, source) in sorted(must_hold.items()):
        findings.append(f"The chain ends at event {last}, but {source} names event {position}: the tail was cut off.")
    head = AuditHead.objects.filter(pk=1).first()  # again: others may have written meanwhile
    if head is None and last:
        findings.append("The head of the chain is missing.")
    elif head is not None and head.position < last:
        findings.append(
            f"The chain ends at event {last}, but its head names {head.position}: events were added by hand."
        )
    return Verification(last, tuple(findings))


def note_head(position: int, hash_: str) -> None:
    """Note the head in the data folder. A full disk must not undo what is committed, so failures are left to `verify`."""
    path = _head_file()
    if path is None:
        return
    with suppress(OSError):
        known = noted_head()
        if known is not None and known[0] >= position:
            return  # another writer was ahead
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{position}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(_head_text(position, hash_))
        os.replace(temporary, path)


def noted_head() -> tuple[int, str] | None:
    """Position and hash as noted in the data folder; None without a note."""
    path = _head_file()
    if path is None or not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        position, hash_ = int(document["position"]), str(document["hash"])
    except (ValueError, KeyError, TypeError):
        return None
    return position, hash_


def forget_head(position: int, hash_: str) -> None:
    """Set the note back, after a backup was restored."""
    path = _head_file()
    if path is not None:
        with written_whole(path, private=True) as stream:
            stream.write(_head_text(position, hash_))


def _head_text(position: int, hash_: str) -> str:
    return json.dumps({"position": position, "hash": hash_}) + "\n"


def _head_file() -> Path | None:
    data = settings.DATA
    return None if data is None else Path(data) / HEAD_FILE
