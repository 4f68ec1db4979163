"""The one action of attesting: take a step. It checks who may, what may follow, and that nobody was faster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from openasm.app.access.permissions import Permission, has_permission
from openasm.app.attestations.answers import Answers, as_text
from openasm.app.attestations.models import Version
from openasm.app.attestations.steps import KEEPS_ANSWERS, NEEDS_REASON, Step, may_follow
from openasm.app.audit.events import Kind, record
from openasm.app.feeds.actions import keep_file
from openasm.app.feeds.kinds import BY_CODE
from openasm.app.people.models import Practice, User
from openasm.base.errors import WrongUsage

LONGEST_REASON = 2_000


class SomebodyWasFaster(WrongUsage):
    """Another person took a step since the page was loaded; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature adds. capacity: in which the person signs; facts: covered people, rule values, score (for JSON)."""

    statement: str
    capacity: str
    facts: Mapping[str, object]


def take_step(
    step: Step,
    *,
    practice: Practice,
    year: int,
    base: int,
    by: User,
    answers: Answers | None = None,
    reason: str = "",
    signature: Signature | None = None,
    request: HttpRequest | None = None,
) -> Version:
    """Add the version a step makes, with its event. base: number of the version the person saw, 0 for none.

    answers: of a draft; other steps keep those of the version before. Raises SomebodyWasFaster, WrongUsage for a step that may
    not follow or lacks its reason, PermissionDenied for somebody who may not.
    """
    permission = Permission.ATTEST if step in (Step.SIGNED, Step.AMENDED) else Permission.DRAFT_ATTESTATIONS
    if not has_permission(by, permission, practice=practice):
        raise PermissionDenied(permission.value)
    reason = reason.strip()[:LONGEST_REASON]
    if step in NEEDS_REASON and not reason:
        raise WrongUsage("Say why: the reason is kept with this step.")
    if (step is Step.SIGNED) != (signature is not None) or (step in KEEPS_ANSWERS) != (answers is None):
        raise TypeError(f"a {step} step does not go with these arguments")
    try:
        with transaction.atomic():
            last: Version | None = Version.objects.newest(practice, year)
            if (0 if last is None else last.number) != base:
                raise SomebodyWasFaster(_faster(last))
            if not may_follow(None if last is None else Step(last.step), step):
                raise WrongUsage(_out_of_turn(last))
            version = Version(
                practice=practice,
                year=year,
                number=base + 1,
                step=step.value,
                answers=as_text(answers) if answers is not None else last.answers if last is not None else "",
                reason=reason,
                by=by.email,
                by_name=by.name,
            )
            if signature is not None:
                version.statement, version.capacity = signature.statement, signature.capacity
                version.facts = json.dumps(signature.facts, sort_keys=True, ensure_ascii=False)
            version.digest = digest_of(version)
            version.save()
            details = {"year": year, "version": version.number, "step": step.value, "digest": version.digest}
            kind = Kind.ATTESTED if step in (Step.SIGNED, Step.AMENDED) else Kind.CHANGED
            record(kind, who=by, practice=practice, subject=f"attestation {year}", details=details, request=request)
    except IntegrityError:
        raise SomebodyWasFaster(_faster(None)) from None
    return version


def hand_to_runs(*, practice: Practice, content: bytes, by: User, request: HttpRequest | None = None) -> None:
    """Put `attestations.csv` where the practice's next run takes it (page Data), in place of the one before.

    Raises InputRefused or WrongUsage when the page's checks do not take it, for example while a run goes on.
    """
    upload = SimpleUploadedFile("attestations.csv", content, content_type="text/csv")
    keep_file(practice=practice, kind=BY_CODE["attestations"], upload=upload, by=by, request=request)


def digest_of(version: Version) -> str:
    """SHA-256 of everything a version says: its event in the audit holds it too, so a change behind the back shows."""
    said = [version.year, version.number, version.step, version.answers, version.reason, version.by, version.by_name]
    said += [version.at.isoformat(timespec="microseconds"), version.capacity, version.statement, version.facts]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def _faster(last: Version | None) -> str:
    who = f"{last.by_name or last.by} " if last is not None else "Somebody else "
    return f"{who}was faster: the attestation has changed since you loaded it. Nothing of yours was saved; look and repeat."


def _out_of_turn(last: Version | None) -> str:
    if last is None:
        return "There is no draft yet."
    if last.step == Step.SIGNED:
        return "It is signed and locked. Amend it, with the reason, to change something."
    return f"That does not follow on a version that is {last.step}."
