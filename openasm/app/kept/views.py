"""Giving a document back."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.audit.events import exported
from openasm.app.kept.models import Document
from openasm.app.kept.uploads import MEDIA_TYPES
from openasm.app.people.models import Practice


@access(Permission.DRAFT_ATTESTATIONS, confirm=True)
@require_GET
def document(request: PageRequest, practice: Practice, document: str) -> HttpResponse:
    """A document to save, which may name patients; never shown within the workbench's own pages."""
    found = Document.objects.filter(practice=practice, key=document).first()
    if found is None:
        raise Http404
    exported(request, what=f"document {found.key}", rows=1, form=found.kind)
    response = HttpResponse(found.content, content_type=MEDIA_TYPES.get(found.kind, "application/octet-stream"))
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return response
