"""Keeping a document, with its event."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.http import HttpRequest

from openasm.app.audit.events import Kind, record
from openasm.app.kept.models import PURPOSE, Document
from openasm.app.kept.uploads import Attachment
from openasm.app.people.models import Practice, User
from openasm.app.sealing import seal_bytes


@transaction.atomic
def keep_document(
    *, practice: Practice, year: int, about: str, attachment: Attachment, by: User, request: HttpRequest | None = None
) -> Document:
    """Keep a checked file, sealed; its event names kind, size and hash, not the name (which may say too much)."""
    document = Document(
        practice=practice,
        year=year,
        about=about,
        name=attachment.name,
        kind=attachment.kind,
        size=len(attachment.content),
        sha256=hashlib.sha256(attachment.content).hexdigest(),
        sealed=seal_bytes(attachment.content, purpose=PURPOSE),
        added_by=by.email,
    )
    document.save()
    details = {"about": about, "year": year, "kind": document.kind, "bytes": document.size, "sha256": document.sha256}
    record(Kind.UPLOADED, who=by, practice=practice, subject=document.key, details=details, request=request)
    return document
