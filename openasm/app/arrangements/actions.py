"""Entering arrangements and payments, with their events."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from openasm.app.arrangements.models import ArrangementVersion, Payment
from openasm.app.audit.events import Kind, record
from openasm.app.people.models import Practice, User, new_key
from openasm.base.errors import WrongUsage


def save_arrangement(
    values: Mapping[str, object],
    *,
    practice: Practice,
    key: str,
    base: int,
    by: User,
    request: HttpRequest | None = None,
) -> ArrangementVersion:
    """Add a version. key: empty for a new arrangement; base: number of the version the person saw.

    Raises WrongUsage when somebody was faster.
    """
    version = ArrangementVersion(practice=practice, key=key or new_key(), number=base + 1, by=by.email, **values)
    try:
        with transaction.atomic():
            version.save()
            details = {"what": "arrangement", "version": version.number, "terms": len(version.terms)}
            record(Kind.CHANGED, who=by, practice=practice, subject=version.key, details=details, request=request)
    except IntegrityError:
        raise WrongUsage(
            "Somebody else changed this arrangement since you loaded it. Nothing was saved; look and repeat."
        ) from None
    return version


@transaction.atomic
def enter_payment(
    values: Mapping[str, object], *, practice: Practice, arrangement: str, by: User, request: HttpRequest | None = None
) -> Payment:
    """Enter a payment; the caller has shown what it does to the limit."""
    payment = Payment(practice=practice, arrangement=arrangement, by=by.email, **values)
    payment.save()
    details = {"what": "payment", "cents": payment.cents, "day": payment.day.isoformat(), "received": payment.received}
    record(Kind.CHANGED, who=by, practice=practice, subject=arrangement, details=details, request=request)
    return payment


def cancel_payment(payment: Payment, *, by: User, note: str, request: HttpRequest | None = None) -> Payment:
    """Take a payment back by a further row; WrongUsage when that was done already, or no reason is given."""
    if not note.strip():
        raise WrongUsage("Say why the payment is taken back.")
    row = Payment(practice=payment.practice, arrangement=payment.arrangement, year=payment.year, day=payment.day)
    row.cents, row.received, row.note, row.cancels, row.by = payment.cents, payment.received, note, payment, by.email
    try:
        with transaction.atomic():
            row.save()
            details = {"what": "payment taken back", "cents": payment.cents, "day": payment.day.isoformat()}
            record(
                Kind.CHANGED,
                who=by,
                practice=payment.practice,
                subject=payment.arrangement,
                details=details,
                request=request,
            )
    except IntegrityError:
        raise WrongUsage("It was taken back already.") from None
    return row
