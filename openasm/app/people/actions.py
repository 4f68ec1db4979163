"""Changes to people, practices and memberships: each in one transaction with its event."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone

from openasm.app.access.permissions import Permission, Role
from openasm.app.audit.events import Kind, record
from openasm.app.people.models import ApiToken, Invitation, Membership, Practice, System, User
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.identity import is_npi, is_tin

INVITATION_DAYS = 7
FIRST_OPERATOR_HOURS = 24
TOKEN_DAYS = 365


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()  # secrets are random and long: no slow hash is needed


@transaction.atomic
def create_practice(
    *, tin: str, name: str, by: User | None, system: System | None = None, request: HttpRequest | None = None
) -> Practice:
    """Enter a practice; WrongUsage when the TIN is malformed or known."""
    if not is_tin(tin):
        raise WrongUsage("A TIN has nine digits, without its hyphen.")
    if Practice.objects.filter(tin=tin).exists():
        raise WrongUsage("A practice with this TIN is known already.")
    practice = Practice.objects.create(tin=tin, name=name.strip(), system=system)
    record(Kind.PRACTICE_CREATED, who=by, practice=practice, request=request)
    return practice


@transaction.atomic
def create_system(
    *, name: str, practices: Iterable[Practice], by: User | None, request: HttpRequest | None = None
) -> System:
    """Enter a health system over practices."""
    system = System.objects.create(name=name.strip())
    record(Kind.SYSTEM_CREATED, who=by, subject=system.key, details={"system": system.name}, request=request)
    for practice in practices:
        practice.system = system
        practice.save(update_fields=["system"])
        record(Kind.PRACTICE_CHANGED, who=by, practice=practice, details={"system": system.name})
    return system


@transaction.atomic
def add_member(
    *,
    user: User,
    role: Role,
    by: User | None,
    practice: Practice | None = None,
    system: System | None = None,
    npi: str = "",
    request: HttpRequest | None = None,
) -> Membership:
    """Give a person a role in a practice or a system; doing so twice changes nothing."""
    check_role(role, practice=practice, system=system, npi=npi)
    membership, new = Membership.objects.get_or_create(
        user=user, practice=practice, system=system, role=role.value, defaults={"npi": npi}
    )
    if new:
        details = {"member": user.email, "role": role.value, "npi": npi, "system": system.name if system else ""}
        record(Kind.MEMBER_ADDED, who=by, practice=practice, details=details, request=request)
    return membership


def check_role(role: Role, *, practice: Practice | None, system: System | None, npi: str) -> None:
    """Raise WrongUsage for a role that cannot be given so."""
    if (practice is None) == (system is None):
        raise WrongUsage("A membership is of one practice or of one system.")
    if role is Role.CLINICIAN and (not is_npi(npi) or system is not None):
        raise WrongUsage("A clinician's membership needs the clinician's NPI, ten digits with a right check digit.")
    if role is not Role.CLINICIAN and npi:
        raise WrongUsage("Only a clinician's membership has an NPI.")


@transaction.atomic
def remove_member(*, membership: Membership, by: User, request: HttpRequest | None = None) -> None:
    """Take a role away and end the person's sessions; WrongUsage when a practice would lose its last administrator."""
    practice = membership.practice
    if not by.is_operator and is_last_administrator(membership):
        raise WrongUsage("This is the last administrator; name another one first.")
    details = {"member": membership.user.email, "role": membership.role}
    membership.delete()
    end_sessions(user=membership.user)
    record(Kind.MEMBER_REMOVED, who=by, practice=practice, details=details, request=request)


def is_last_administrator(membership: Membership) -> bool:
    """Whether a practice would be without an administrator who may sign in, if this membership went or changed."""
    practice = membership.practice
    if practice is None or membership.role != Role.ADMINISTRATOR:
        return False
    others = Membership.objects.filter(role=Role.ADMINISTRATOR.value, user__is_active=True).exclude(pk=membership.pk)
    return not others.filter(Q(practice=practice) | Q(system__isnull=False, system=practice.system)).exists()


def end_sessions(*, user: User) -> None:
    """End every session of a person at once."""
    User.objects.filter(pk=user.pk).update(epoch=F("epoch") + 1)


@transaction.atomic
def switch_off(*, user: User, by: User, request: HttpRequest | None = None) -> None:
    """Keep a person out from this moment: no sign-in, no session, no token."""
    User.objects.filter(pk=user.pk).update(is_active=False, epoch=F("epoch") + 1)
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    record(Kind.ACCOUNT_SWITCHED_OFF, who=by, details={"member": user.email}, request=request)


@transaction.atomic
def invite(
    *,
    email: str,
    role: Role,
    by: User,
    practice: Practice | None = None,
    system: System | None = None,
    npi: str = "",
    request: HttpRequest | None = None,
) -> tuple[Invitation, str]:
    """Invite somebody. Returns the invitation and the secret of its link, which is not kept; an open one is replaced."""
    check_role(role, practice=practice, system=system, npi=npi)
    email = email.strip().lower()
    Invitation.objects.filter(email=email, practice=practice, system=system, role=role.value, accepted_at=None).update(
        expires_at=timezone.now()
    )
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=email,
        practice=practice,
        system=system,
        role=role.value,
        npi=npi,
        secret_hash=_hash(secret),
        invited_by=by,
        expires_at=timezone.now() + dt.timedelta(days=INVITATION_DAYS),
    )
    record(Kind.INVITED, who=by, practice=practice, details={"member": email, "role": role.value}, request=request)
    return invitation, secret


@transaction.atomic
def invite_first_operator(*, system: System | None = None) -> str:
    """The secret of a one-time link for the first operator, who also administers a system when one is given."""
    Invitation.objects.filter(operator=True, accepted_at=None).delete()
    secret = secrets.token_urlsafe(32)
    Invitation.objects.create(
        operator=True,
        system=system,
        role=Role.ADMINISTRATOR.value if system else "",
        secret_hash=_hash(secret),
        expires_at=timezone.now() + dt.timedelta(hours=FIRST_OPERATOR_HOURS),
    )
    record(Kind.INVITED, who=None, details={"role": "operator"})
    return secret


def open_invitation(secret: str) -> Invitation:
    """The invitation of a link; NotFound when there is none, it was used, or it has expired."""
    invitation = Invitation.objects.select_related("practice", "system").filter(secret_hash=_hash(secret)).first()
    if invitation is None or not invitation.is_open:
        raise NotFound("This link has been used or has expired. Ask for a new invitation.")
    return invitation


@transaction.atomic
def accept_invitation(
    *,
    secret: str,
    user: User | None = None,
    email: str = "",
    name: str = "",
    password: str = "",
    request: HttpRequest | None = None,
) -> User:
    """Make the invited person a member. user: the signed-in account of that address; without it a new one is made.

    Raises NotFound for a link that no longer works, WrongUsage when the account is another one or exists already.
    """
    invitation = open_invitation(secret)
    Invitation.objects.select_for_update().get(pk=invitation.pk)
    if not open_invitation(secret).is_open:
        raise NotFound("This link has been used.")
    address = (invitation.email or email).strip().lower()
    if user is None:
        if User.objects.filter(email=address).exists():
            raise WrongUsage("An account with this address exists. Sign in with it and open the link again.")
        user = User.objects.create_user(address, password, name=name.strip(), is_operator=invitation.operator)
        EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
        record(Kind.ACCOUNT_CREATED, who=user, request=request)
    elif user.email != address:
        raise WrongUsage("This invitation is for another account.")
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    if invitation.role:
        add_member(
            user=user,
            role=Role(invitation.role),
            by=user,
            practice=invitation.practice,
            system=invitation.system,
            npi=invitation.npi,
            request=request,
        )
    return user


@transaction.atomic
def create_token(
    *, user: User, name: str, scopes: Iterable[Permission], days: int = TOKEN_DAYS, request: HttpRequest | None = None
) -> tuple[ApiToken, str]:
    """An API token. Returns it and its secret, which is shown once and not kept."""
    chosen = sorted({scope.value for scope in scopes})
    if not chosen:
        raise WrongUsage("A token needs at least one permission.")
    if not 1 <= days <= TOKEN_DAYS:
        raise WrongUsage(f"A token lasts from 1 to {TOKEN_DAYS} days.")
    secret = f"asm_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        start=secret[:8],
        secret_hash=_hash(secret),
        scopes=chosen,
        expires_at=timezone.now() + dt.timedelta(days=days),
    )
    record(Kind.TOKEN_CREATED, who=user, details={"token": token.name, "scopes": " ".join(chosen)}, request=request)
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User, request: HttpRequest | None = None) -> None:
    """End a token."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    record(Kind.TOKEN_REVOKED, who=by, details={"token": token.name}, request=request)


def user_of_token(secret: str) -> User | None:
    """The person behind an API token, narrowed to the token's scopes; None when it is unknown, revoked or expired."""
    token = ApiToken.objects.select_related("user").filter(secret_hash=_hash(secret)).first()
    if token is None or not token.is_open or not token.user.is_active:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > dt.timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    user = token.user
    scopes = {Permission(scope) for scope in token.scopes if scope in set(Permission)}
    if Permission.SEE_PATIENTS in scopes:  # seeing all of them includes seeing one's own
        scopes.add(Permission.SEE_OWN_PATIENTS)
    user.token_scopes = frozenset(scopes)
    return user
