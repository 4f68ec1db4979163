"""Opening and closing the look-up."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.audit.events import Kind, record
from openasm.app.lookup.models import LookupSetting
from openasm.app.people.models import User


@transaction.atomic
def set_without_sign_in(*, allowed: bool, by: User, request: HttpRequest | None = None) -> LookupSetting:
    """Let everybody who reaches the server look up participants, or only people who signed in."""
    kept, _ = LookupSetting.objects.update_or_create(
        pk=1, defaults={"without_sign_in": allowed, "changed_at": timezone.now(), "changed_by": by.email}
    )
    record(Kind.SETTING_CHANGED, who=by, details={"look_up_without_sign_in": allowed}, request=request)
    return kept
