"""What operators and administrators change about others: accounts, sessions, roles, systems. Each in one transaction with its event."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest

from openasm.app.access.permissions import Role
from openasm.app.audit.events import Kind, record
from openasm.app.people.actions import check_role, end_sessions, is_last_administrator, switch_off
from openasm.app.people.models import Membership, Practice, System, User
from openasm.base.errors import WrongUsage

LAST_ADMINISTRATOR = "This is the last administrator; name another one first."


@transaction.atomic
def switch_account(*, user: User, on: bool, by: User, request: HttpRequest | None = None) -> None:
    """Keep an account out, or let it in again; tokens and sessions that ended with it stay ended.

    WrongUsage for one's own account and for the last operator, so that somebody can always undo it.
    """
    if on == user.is_active:
        return
    if on:
        User.objects.filter(pk=user.pk).update(is_active=True)
        record(Kind.ACCOUNT_SWITCHED_ON, who=by, details={"member": user.email}, request=request)
        return
    if user.pk == by.pk:
        raise WrongUsage("Nobody switches the own account off.")
    if user.is_operator and not User.objects.filter(is_operator=True, is_active=True).exclude(pk=user.pk).exists():
        raise WrongUsage("This is the last operator; name another one first.")
    switch_off(user=user, by=by, request=request)


@transaction.atomic
def end_sessions_of(
    *, user: User, by: User, practice: Practice | None = None, request: HttpRequest | None = None
) -> None:
    """End every session of somebody else: the next page asks to sign in again."""
    end_sessions(user=user)
    record(Kind.SESSIONS_ENDED, who=by, practice=practice, details={"member": user.email}, request=request)


@transaction.atomic
def change_role(
    *, membership: Membership, role: Role, npi: str = "", by: User, request: HttpRequest | None = None
) -> None:
    """Give a membership another role and end the person's sessions. WrongUsage when it cannot be given so, or when the practice would
    lose its last administrator."""
    practice, system = membership.practice, membership.system
    npi = npi if role is Role.CLINICIAN else ""
    check_role(role, practice=practice, system=system, npi=npi)
    before = Role(membership.role)
    if (before, membership.npi) == (role, npi):
        return
    if before is Role.ADMINISTRATOR and role is not before and is_last_administrator(membership) and not by.is_operator:
        raise WrongUsage(LAST_ADMINISTRATOR)
    same = Membership.objects.filter(user=membership.user, practice=practice, system=system, role=role.value)
    if same.exclude(pk=membership.pk).exists():
        raise WrongUsage(f"{membership.user} is {role.value} here already.")
    Membership.objects.filter(pk=membership.pk).update(role=role.value, npi=npi)
    end_sessions(user=membership.user)
    details = {
        **{"member": membership.user.email, "before": before.value, "role": role.value, "npi": npi},
        "system": system.name if system is not None else "",
    }
    record(Kind.MEMBER_CHANGED, who=by, practice=practice, details=details, request=request)


@transaction.atomic
def place_practice(*, practice: Practice, system: System | None, by: User, request: HttpRequest | None = None) -> None:
    """Put a practice into a system, or (None) take it out: who sees the system sees its practices, from this moment."""
    if practice.system == system:
        return
    if system is not None and practice.system is not None:
        raise WrongUsage(f"{practice} belongs to {practice.system}; take it out there first.")
    practice.system = system
    practice.save(update_fields=["system"])
    details = {"system": system.name if system is not None else ""}
    record(Kind.PRACTICE_CHANGED, who=by, practice=practice, details=details, request=request)
