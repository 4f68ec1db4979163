"""Preparing a package and recording a receipt, each with its event."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.attestations.answers import rules_of
from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User
from openasm.app.published.models import Run
from openasm.app.sealing import seal_bytes
from openasm.app.submissions.models import PURPOSE, SubmissionPackage, SubmissionReceipt
from openasm.archive.run import read_run
from openasm.base.errors import NotFound
from openasm.base.problems import Problems
from openasm.submission.formats import formats_for
from openasm.submission.gathering import Wanted
from openasm.submission.inputs import read_submission_inputs
from openasm.submission.package import check_package, prepare, zip_package

INPUT_FILES = ("practice.csv", "identifiers.csv", "supplemental.csv", "interoperability.csv")


def prepare_package(
    uploads: Mapping[str, bytes],
    *,
    practice: Practice,
    run: Run,
    level: str,
    write: tuple[str, ...],
    by: User,
    request: HttpRequest | None = None,
) -> SubmissionPackage:
    """Make and keep a package. uploads: the practice's own files by name (INPUT_FILES).

    Raises InputRefused with every problem of every file, and then nothing is kept; NotFound or WrongUsage as `prepare` does.
    """
    if not run.folder.is_dir():
        raise NotFound("The kept copy of the run is not there; publish the run again.")
    year = run.performance_year
    formats, rules, problems = formats_for(year), rules_of(year), Problems()
    with tempfile.TemporaryDirectory(prefix="openasm-package-") as aside:
        given = Path(aside) / "inputs"
        given.mkdir()
        for name, content in uploads.items():
            (given / name).write_bytes(content)
        out = Path(aside) / "package"
        inputs = read_submission_inputs(given, formats=formats, problems=problems)
        prepare(
            read_run(run.folder),
            inputs,
            out,
            formats=formats,
            rules=rules,
            wanted=Wanted(practice.tin, level=level, write=write),
            moment=timezone.now(),
            problems=problems,
        )
        target = Path(aside) / "package.zip"
        zip_package(out, target)
        content = target.read_bytes()
        manifest = check_package(target, formats=formats, problems=problems)
    with transaction.atomic():
        package = SubmissionPackage(
            practice=practice, year=year, run_key=run.key, run_hash=run.content_hash, level=level
        )
        package.manifest, package.sha256 = dict(manifest or {}), hashlib.sha256(content).hexdigest()
        package.sealed, package.by = seal_bytes(content, purpose=PURPOSE), by.email
        package.save()
        details = {"what": "submission package", "year": year, "run": run.key, "sha256": package.sha256}
        record(Kind.CHANGED, who=by, practice=practice, subject=package.key, details=details, request=request)
    return package


@transaction.atomic
def record_receipt(
    package: SubmissionPackage,
    *,
    number: str,
    received: dt.date,
    note: str,
    by: User,
    request: HttpRequest | None = None,
) -> SubmissionReceipt:
    """Record CMS's confirmation of a package by hand."""
    receipt = SubmissionReceipt(package=package, number=number, received=received, note=note, by=by.email)
    receipt.save()
    details = {"what": "receipt", "package": package.sha256, "received": received.isoformat()}
    record(Kind.CHANGED, who=by, practice=package.practice, subject=package.key, details=details, request=request)
    return receipt
