"""The binder's page and its zip."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openasm.app.access.rules import PageRequest, Permission, access
from openasm.app.attestations.answers import attestations_csv, rules_of
from openasm.app.attestations.reading import known_year
from openasm.app.audit.events import exported
from openasm.app.binder.collection import Binder, collect
from openasm.app.binder.pdf import binder_pdf
from openasm.app.people.models import Practice


@access(Permission.DRAFT_ATTESTATIONS)
@require_GET
def binder(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """What the binder holds, and how long each thing is kept."""
    found = collect(practice, known_year(year))
    return render(request, "binder/binder.html", {"year": year, "binder": found})


@access(Permission.DRAFT_ATTESTATIONS, confirm=True)
@require_GET
def binder_file(request: PageRequest, practice: Practice, year: int) -> HttpResponse:
    """The binder as a zip: one indexed PDF, the files, and a list of hashes."""
    found = collect(practice, known_year(year))
    if found is None:
        raise Http404
    content = binder_zip(found)
    exported(request, what=f"evidence binder {year}", rows=len(found.documents), form="zip")
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="evidence-binder-{year}.zip"'
    return response


def binder_zip(found: Binder) -> bytes:
    """The zip; equal contents give equal bytes."""
    files = {f"documents/{each.key}-{each.name}": each.content for each in found.documents}
    files |= {f"packages/{each.key}.zip": each.content for each in found.packages}
    files["attestations.csv"] = attestations_csv(found.practice.tin, found.signed.answered, rules=rules_of(found.year))
    files["statement.txt"] = found.signed.statement.encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["binder.pdf"] = binder_pdf(found, sorted(hashes.items()))
    hashes["binder.pdf"] = hashlib.sha256(files["binder.pdf"]).hexdigest()
    listed = [{"name": name, "sha256": digest} for name, digest in sorted(hashes.items())]
    files["manifest.json"] = (
        json.dumps({"format": "openasm-binder", "year": found.year, "files": listed}, indent=2) + "\n"
    ).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return stream.getvalue()
