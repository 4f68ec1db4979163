"""Keeping and removing files, and the configuration: each in one transaction with its event."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.audit.events import Kind, record
from openasm.app.feeds.checks import BLOCK, NO_ROOM, check_file, clean_name, unpack
from openasm.app.feeds.kinds import BY_CODE, LARGEST_PRACTICE, LARGEST_RATIO, LARGEST_UNPACKED, ROOM_LEFT, FileKind
from openasm.app.feeds.models import FeedRun, PracticeFile, RunConfiguration, State, private_folder
from openasm.app.people.models import Practice, User, new_key
from openasm.base.errors import WrongUsage
from openasm.base.problems import Problems

_LEFT_ALONE_SECONDS = 24 * 60 * 60


def keep_file(
    *, practice: Practice, kind: FileKind, upload: UploadedFile[bytes], by: User, request: HttpRequest | None = None
) -> PracticeFile:
    """Check an upload and keep it, whole or not at all. Raises InputRefused with everything that is wrong with it."""
    problems = Problems()
    name = clean_name(str(upload.name))
    aside = incoming() / f"keep-{new_key()}"
    aside.mkdir(mode=0o700)
    try:
        arrived = aside / "arrived"
        digest = _written(upload, arrived, limit=kind.largest)
        check_file(arrived, name, kind, problems)
        problems.refuse_errors()
        _check_room(practice, arrived, name, problems)
        problems.refuse_errors()
        content = aside / "content"
        content.mkdir(mode=0o700)
        files = 1
        if kind.packed and name.lower().endswith(".zip"):
            files = unpack(arrived, content, name, problems)
            problems.refuse_errors()
        else:
            arrived.rename(content / (kind.stored_as or name))
        size = sum(path.stat().st_size for path in content.rglob("*") if path.is_file())
        return _entered(practice, kind, name, content, (size, files, digest), by, request)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@transaction.atomic
def _entered(
    practice: Practice,
    kind: FileKind,
    name: str,
    content: Path,
    facts: tuple[int, int, str],
    by: User,
    request: HttpRequest | None,
) -> PracticeFile:
    size, files, digest = facts
    if kind.alone:
        earlier = PracticeFile.objects.filter(practice=practice, kind=kind.code, removed_at=None)
        for each in earlier:
            remove_file(file=each, by=by, request=request)
    kept = PracticeFile.objects.create(
        practice=practice, kind=kind.code, name=name, size=size, files=files, sha256=digest, uploaded_by=by.email
    )
    details = {"kind": kind.code, "file": kept.key, "bytes": size, "files": files, "sha256": digest[:16]}
    record(Kind.UPLOADED, who=by, practice=practice, details=details, request=request)
    private_folder(kept.folder.parent)
    content.rename(kept.folder)  # last: a folder without its row is cleared later, a row without its folder must not be
    return kept


@transaction.atomic
def remove_file(*, file: PracticeFile, by: User, request: HttpRequest | None = None) -> None:
    """Take a file out of the next runs and delete its content; WrongUsage while a run of the practice uses it."""
    if FeedRun.objects.filter(practice=file.practice, state=State.RUNNING.value).exists():
        raise WrongUsage("A run of this practice is going on. Wait for its end, or stop it, before files change.")
    PracticeFile.objects.filter(pk=file.pk).update(removed_at=timezone.now())
    details = {"kind": file.kind, "file": file.key, "removed": True}
    record(Kind.CHANGED, who=by, practice=file.practice, details=details, request=request)
    transaction.on_commit(lambda: shutil.rmtree(file.folder, ignore_errors=True))


@transaction.atomic
def save_configuration(
    *, practice: Practice, values: Mapping[str, object], by: User, request: HttpRequest | None = None
) -> RunConfiguration:
    """Set what the practice's runs compute."""
    kept, _ = RunConfiguration.objects.update_or_create(
        practice=practice, defaults={**values, "changed_at": timezone.now(), "changed_by": by.email}
    )
    details = {name: str(value) for name, value in values.items()}
    record(Kind.CHANGED, who=by, practice=practice, details={"what": "run configuration", **details}, request=request)
    return kept


def current_files(practice: Practice) -> list[PracticeFile]:
    """The files the next run uses, newest first, their practice at hand."""
    found = list(PracticeFile.objects.filter(practice=practice, removed_at=None))
    for each in found:
        each.practice = practice
    return [each for each in found if each.kind in BY_CODE]


def incoming() -> Path:
    """The folder in which uploads arrive; leftovers of killed uploads are removed. WrongUsage without a data folder."""
    if settings.DATA is None:
        raise WrongUsage("This workbench has no data folder, so it keeps no files.")
    folder = private_folder(Path(settings.DATA) / "incoming")
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_ALONE_SECONDS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def clear_leftovers(practice: Practice) -> None:
    """Remove folders of files that no row names: uploads killed at their last step, files removed while the server stopped."""
    known = set(PracticeFile.objects.filter(practice=practice, removed_at=None).values_list("key", flat=True))
    for kind in BY_CODE:
        folder = Path(str(settings.DATA)) / "files" / practice.key / kind
        for path in folder.iterdir() if folder.is_dir() else ():
            with suppress(OSError):
                if path.name not in known and time.time() - path.stat().st_mtime > _LEFT_ALONE_SECONDS:
                    shutil.rmtree(path)


def _written(upload: UploadedFile[bytes], path: Path, *, limit: int) -> str:
    """Write an upload to a file of our own, at most a block past its limit; returns its SHA-256."""
    digest, total = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        for block in upload.chunks(BLOCK):
            total += len(block)
            digest.update(block)
            stream.write(block)
            if total > limit:
                break
    return digest.hexdigest()


def _check_room(practice: Practice, arrived: Path, name: str, problems: Problems) -> None:
    """Whether the file, unpacked, fits on the disk and into the practice's share."""
    import zipfile

    need = arrived.stat().st_size
    if zipfile.is_zipfile(arrived):
        with zipfile.ZipFile(arrived) as archive:
            need = min(sum(each.file_size for each in archive.infolist()), LARGEST_UNPACKED, LARGEST_RATIO * need)
    has = PracticeFile.objects.filter(practice=practice, removed_at=None).aggregate(sum=Sum("size"))["sum"] or 0
    if has + need > LARGEST_PRACTICE:
        problems.add(NO_ROOM, name, found=f"{has + need:,} bytes", expected=f"at most {LARGEST_PRACTICE // 2**30} GB")
    elif shutil.disk_usage(arrived.parent).free < need + ROOM_LEFT:
        problems.add(NO_ROOM, name, found="a disk nearly full")
