"""Entering items and attempts at return, with their events. Events name the pseudonym, never the beneficiary."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from openasm.app.audit.events import Kind, record
from openasm.app.incentives.models import GivenItem, ReturnAttempt
from openasm.app.people.models import Practice, User
from openasm.app.sealing import patient_key
from openasm.base.errors import WrongUsage


@transaction.atomic
def enter_item(
    values: Mapping[str, object],
    *,
    practice: Practice,
    identifier: str,
    warnings: str,
    by: User,
    request: HttpRequest | None = None,
) -> GivenItem:
    """Enter an item. warnings: what the person was shown first, empty when nothing spoke against it."""
    item = GivenItem(practice=practice, patient=patient_key(identifier), by=by.email, warnings=warnings, **values)
    item.identifier = identifier
    item.save()
    details = {"what": "incentive", "cents": item.cents, "item": item.key, "warned": bool(warnings)}
    record(Kind.CHANGED, who=by, practice=practice, subject=item.patient, details=details, request=request)
    return item


def take_back(item: GivenItem, *, by: User, reason: str, request: HttpRequest | None = None) -> GivenItem:
    """Take a wrong entry back by a further row; WrongUsage when that was done already, or no reason is given."""
    if not reason.strip():
        raise WrongUsage("Say why the entry is taken back.")
    row = GivenItem(practice=item.practice, patient=item.patient, day=item.day, cents=item.cents, what=item.what)
    row.identifier, row.documentation, row.cancels, row.by = item.identifier, reason.strip(), item, by.email
    try:
        with transaction.atomic():
            row.save()
            details = {"what": "incentive taken back", "cents": item.cents, "item": item.key}
            record(Kind.CHANGED, who=by, practice=item.practice, subject=item.patient, details=details, request=request)
    except IntegrityError:
        raise WrongUsage("It was taken back already.") from None
    return row


@transaction.atomic
def note_attempt(
    item: GivenItem, *, day: dt.date, returned: bool, note: str, by: User, request: HttpRequest | None = None
) -> ReturnAttempt:
    """Note an attempt to get technology back, or its return."""
    attempt = ReturnAttempt(item=item, day=day, returned=returned, note=note, by=by.email)
    attempt.save()
    details = {"what": "return of technology", "item": item.key, "returned": returned}
    record(Kind.CHANGED, who=by, practice=item.practice, subject=item.patient, details=details, request=request)
    return attempt
