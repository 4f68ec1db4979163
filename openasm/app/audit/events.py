"""Recording events. Call `record` inside the transaction of the change it is about: both are kept or neither.

record(Kind.MEMBER_ADDED, who=request.user, practice=practice, details={"role": "editor"}, request=request)
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.audit.chain import FIRST, link, note_head
from openasm.app.audit.models import AuditEvent, AuditHead
from openasm.app.prepared import Prepared

if TYPE_CHECKING:
    from openasm.app.access.request import PageRequest
    from openasm.app.people.models import Practice, User


class Kind(StrEnum):
    """What an event is about: stable codes."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    REFUSED = "refused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a word, not a secret)
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    ACCOUNT_CREATED = "account_created"
    ACCOUNT_SWITCHED_OFF = "account_switched_off"
    ACCOUNT_SWITCHED_ON = "account_switched_on"
    SESSIONS_ENDED = "sessions_ended"
    INVITED = "invited"
    MEMBER_ADDED = "member_added"
    MEMBER_CHANGED = "member_changed"
    MEMBER_REMOVED = "member_removed"
    SYSTEM_CREATED = "system_created"
    PRACTICE_CREATED = "practice_created"
    PRACTICE_CHANGED = "practice_changed"
    TOKEN_CREATED = "token_created"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    PATIENTS_VIEWED = "patients_viewed"
    PATIENT_VIEWED = "patient_viewed"
    CHANGED = "changed"
    EXPORTED = "exported"
    PUBLISHED = "published"
    PATIENT_ROWS_REMOVED = "patient_rows_removed"
    SETTING_CHANGED = "setting_changed"
    UPLOADED = "uploaded"
    RUN_STARTED = "run_started"
    ATTESTED = "attested"
    REMINDED = "reminded"
    BACKED_UP = "backed_up"
    RESTORED = "restored"


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


_HEAD = Prepared[tuple[int, str]](
    lambda: AuditHead.objects.select_for_update().filter(pk=1).values_list("position", "hash")
)


def record(
    kind: Kind,
    *,
    who: User | None,
    practice: Practice | None = None,
    subject: str = "",
    outcome: Outcome = Outcome.DONE,
    details: Mapping[str, object] | None = None,
    request: HttpRequest | None = None,
) -> AuditEvent:
    """Add an event to the chain. subject: a patient's pseudonym (`Patient.key`) or another name of the thing.

    details: short values without any patient identifier. Joins the running transaction, or makes its own.
    """
    with transaction.atomic():
        head = _HEAD.first()
        position, previous = (0, FIRST) if head is None else head
        event = AuditEvent(
            position=position + 1,
            at=_now(),
            kind=kind.value,
            outcome=outcome.value,
            who=who.email if who is not None else "",
            practice=practice.key if practice is not None else "",
            subject=subject,
            details=_canonical(details or {}),
            request=getattr(request, "number", "") if request is not None else "",
            address=str(request.META.get("REMOTE_ADDR", ""))[:45] if request is not None else "",
        )
        event.hash = link(previous, event)
        event.save()
        if head is None:
            AuditHead.objects.create(id=1, position=event.position, hash=event.hash)
        else:
            AuditHead.objects.filter(pk=1).update(position=event.position, hash=event.hash)
        transaction.on_commit(lambda: note_head(event.position, event.hash))
    return event


def patients_viewed(request: PageRequest, *, page: str, subject: str = "", count: int | None = None) -> None:
    """Note that somebody saw patients. subject: the pseudonym when the page is about one; count: rows of a list."""
    details: dict[str, object] = {"page": page}
    if count is not None:
        details["rows"] = count
    kind = Kind.PATIENT_VIEWED if subject else Kind.PATIENTS_VIEWED
    record(kind, who=request.user, practice=request.practice, subject=subject, details=details, request=request)


def exported(request: PageRequest, *, what: str, rows: int, form: str) -> None:
    """Note that a table left the workbench as a file. form: `csv`, `xlsx`, `pdf` ..."""
    details = {"what": what, "rows": rows, "form": form}
    record(Kind.EXPORTED, who=request.user, practice=request.practice, details=details, request=request)


def record_refusal(request: HttpRequest, status: int) -> None:
    """Note that somebody signed in was refused a page. The name of the page is kept, not its address."""
    from openasm.app.people.models import Practice, User

    if not isinstance(request.user, User):
        return
    match = request.resolver_match
    key = match.kwargs.get("practice", "") if match else ""
    practice = Practice.objects.filter(key=key).first() if key else None
    details = {"page": (match.view_name if match else "") or "", "method": request.method or "", "status": status}
    record(Kind.REFUSED, who=request.user, practice=practice, outcome=Outcome.REFUSED, details=details, request=request)


def _now() -> dt.datetime:
    return timezone.now().astimezone(dt.UTC)


def _canonical(details: Mapping[str, object]) -> str:
    """JSON with sorted keys: equal details, equal text."""
    return json.dumps(dict(details), sort_keys=True, ensure_ascii=False, separators=(",", ":")) if details else ""
