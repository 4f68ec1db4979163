"""Making and ending secrets of other programs, each with its event."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.audit.events import Kind, record
from openasm.app.connections.models import CalendarFeed, HookClient
from openasm.app.people.models import Practice, User


def hashed(secret: str) -> str:
    """What is kept of a secret; it is long and random, so that no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def make_feed(*, user: User, practice: Practice, request: HttpRequest | None = None) -> str:
    """A calendar address for a person; an earlier one of the same person and practice ends. Returns its secret, shown once."""
    CalendarFeed.objects.filter(user=user, practice=practice).delete()
    secret = secrets.token_urlsafe(32)
    CalendarFeed.objects.create(user=user, practice=practice, secret_hash=hashed(secret))
    details = {"token": "calendar"}
    record(Kind.TOKEN_CREATED, who=user, practice=practice, details=details, request=request)
    return secret


@transaction.atomic
def end_feed(*, user: User, practice: Practice, request: HttpRequest | None = None) -> bool:
    """End a person's calendar address; False when there was none."""
    count, _ = CalendarFeed.objects.filter(user=user, practice=practice).delete()
    if count:
        details = {"token": "calendar"}
        record(Kind.TOKEN_REVOKED, who=user, practice=practice, details=details, request=request)
    return bool(count)


def feed_of(secret: str) -> CalendarFeed | None:
    """The feed of an address, None when there is none or its person is switched off."""
    feed = CalendarFeed.objects.select_related("user", "practice__system").filter(secret_hash=hashed(secret)).first()
    if feed is None or not feed.user.is_active:
        return None
    _used(CalendarFeed, feed.pk)
    return feed


@transaction.atomic
def make_hook_client(*, name: str, by: User, request: HttpRequest | None = None) -> tuple[HookClient, str]:
    """Credentials for an EHR. Returns them and the secret, which is shown once."""
    secret = f"cds_{secrets.token_urlsafe(32)}"
    client = HookClient.objects.create(name=name.strip(), start=secret[:8], secret_hash=hashed(secret))
    record(Kind.TOKEN_CREATED, who=by, details={"token": f"CDS Hooks: {client.name}"}, request=request)
    return client, secret


@transaction.atomic
def end_hook_client(*, client: HookClient, by: User, request: HttpRequest | None = None) -> None:
    """End an EHR's credentials."""
    HookClient.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=timezone.now())
    record(Kind.TOKEN_REVOKED, who=by, details={"token": f"CDS Hooks: {client.name}"}, request=request)


def hook_client_of(secret: str) -> HookClient | None:
    """The EHR of a secret, None when it is unknown or ended."""
    client = HookClient.objects.filter(secret_hash=hashed(secret), revoked_at=None).first()
    if client is not None:
        _used(HookClient, client.pk)
    return client


def _used(model: type[CalendarFeed] | type[HookClient], key: int) -> None:
    """Note the use, at most once a minute."""
    now = timezone.now()
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - dt.timedelta(minutes=1))
    model._default_manager.filter(long_ago, pk=key).update(last_used_at=now)
