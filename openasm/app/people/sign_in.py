"""What allauth asks of the project: nobody signs up without an invitation; links are built for this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.db.models import QuerySet
from django.http import HttpRequest

from openasm.app.prepared import Given, Prepared

if TYPE_CHECKING:
    from openasm.app.people.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Closes sign-up; everything else is allauth's."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts come from invitations alone."""
        del request
        return False


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seals the secrets of authenticator apps in the database."""

    def encrypt(self, text: str) -> str:
        """Sealed text for the database."""
        from openasm.app.sealing import seal

        return seal(text, purpose="second factor").hex()

    def decrypt(self, encrypted_text: str) -> str:
        """The text of a sealed one."""
        from openasm.app.sealing import unseal

        return unseal(bytes.fromhex(encrypted_text), purpose="second factor")


def _second_factors() -> QuerySet[Any, int]:
    from allauth.mfa.models import Authenticator

    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    found: QuerySet[Any, int] = Authenticator.objects.filter(user=Given("user"), type__in=kinds)
    return found.values_list("pk", flat=True)[:1]


_SECOND_FACTOR = Prepared[int](_second_factors)


def has_second_factor(user: User) -> bool:
    """Whether the person has an authenticator app or a passkey (recovery codes alone do not count)."""
    return _SECOND_FACTOR.first(user=user.pk) is not None


def ask_again(request: HttpRequest) -> None:
    """Sudo mode: ask for password or passkey again unless that was done in the last five minutes.

    Raises what allauth's middleware turns into a redirect; the request goes on afterwards.
    """
    from allauth.account.internal.flows.reauthentication import is_reauthentication_required
    from allauth.core.exceptions import ReauthenticationRequired

    if is_reauthentication_required(request, app="openasm"):
        raise ReauthenticationRequired
