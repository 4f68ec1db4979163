"""Sessions in the database, as Django keeps them, read with SQL that is made once."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from openasm.app.prepared import Given, Prepared

_DATA = Prepared[str](
    lambda: Session.objects.filter(
        session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField())
    ).values_list("session_data", flat=True)
)


class SessionStore(db.SessionStore):
    """Django's, but for how it is read."""

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing, and no key, when it is over."""
        data = _DATA.first(key=self.session_key, now=timezone.now())
        if data is None:
            self._session_key = None
            return {}
        found: dict[str, Any] = self.decode(data)
        return found
