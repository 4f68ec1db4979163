"""Permissions, roles as sets of them, and the one question that is asked of them.

Roles are stored as their short codes, never as places in the code. A person may hold several roles in a practice or system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openasm.app.people.models import Practice, User


class Permission(StrEnum):
    """What a person may do in a practice; OPERATE concerns the whole installation."""

    SEE_SCORES = "see_scores"  # results and dollars, no patient
    SEE_PATIENTS = "see_patients"  # every patient of the practice
    SEE_OWN_PATIENTS = "see_own_patients"  # patients that count for the person's own NPI
    WORK_GAPS = "work_gaps"  # worklists: owner, status, notes
    UPLOAD = "upload"  # files and runs
    DRAFT_ATTESTATIONS = "draft_attestations"
    ATTEST = "attest"  # sign for the TIN
    EXPORT_PATIENTS = "export_patients"
    MANAGE_MEMBERS = "manage_members"
    SEE_AUDIT = "see_audit"
    OPERATE = "operate"  # practices, systems, official data, the whole audit


class Role(StrEnum):
    """Roles a membership may have."""

    VIEWER = "viewer"
    CLINICIAN = "clinician"
    EDITOR = "editor"
    ATTESTER = "attester"
    ADMINISTRATOR = "administrator"


_VIEWER = frozenset({Permission.SEE_SCORES})
_EDITOR = _VIEWER | {
    Permission.SEE_PATIENTS,
    Permission.WORK_GAPS,
    Permission.UPLOAD,
    Permission.DRAFT_ATTESTATIONS,
}

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.CLINICIAN: _VIEWER | {Permission.SEE_OWN_PATIENTS, Permission.WORK_GAPS},
    Role.EDITOR: _EDITOR,
    Role.ATTESTER: _EDITOR | {Permission.ATTEST, Permission.EXPORT_PATIENTS},
    Role.ADMINISTRATOR: _EDITOR
    | {Permission.ATTEST, Permission.EXPORT_PATIENTS, Permission.MANAGE_MEMBERS, Permission.SEE_AUDIT},
}
# What an operator of the installation may do in every practice: name its people, and nothing that shows a result or a patient.
OPERATORS = frozenset({Permission.MANAGE_MEMBERS, Permission.SEE_AUDIT})
ROLE_WORDS: Mapping[Role, str] = {
    Role.VIEWER: "sees scores and dollars, no patients",
    Role.CLINICIAN: "sees scores and the patients that count for the own NPI, works on their gaps",
    Role.EDITOR: "sees all patients of the practice, works on gaps, uploads files, drafts attestations",
    Role.ATTESTER: "an editor who may sign attestations for the TIN and export patient lists",
    Role.ADMINISTRATOR: "an editor who names the members, reads the audit, may sign attestations and exports patient lists",
}
# Whoever may do one of these must have a second factor.
SENSITIVE = frozenset(Permission) - {Permission.SEE_SCORES}


@dataclass(frozen=True, slots=True)
class Grant:
    """One membership as the permission question needs it; exactly one of practice and system is set."""

    role: Role
    practice: int | None
    system: int | None
    npi: str


def has_permission(user: User, permission: Permission, *, practice: Practice | None = None) -> bool:
    """Whether a person may do something, in a practice or, without one, in the installation.

    An API token narrows its owner's permissions to its scopes. Somebody switched off may do nothing.
    """
    if not user.is_authenticated or not user.is_active:
        return False
    scopes = user.token_scopes
    if scopes is not None and permission not in scopes:
        return False
    if practice is None:
        return permission is Permission.OPERATE and user.is_operator
    if user.is_operator and permission in OPERATORS:
        return True
    return any(permission in ROLES[grant.role] for grant in grants_in(user, practice))


def permissions_in(user: User, practice: Practice) -> frozenset[Permission]:
    """Everything a person may do in a practice: what `has_permission` answers for each."""
    return frozenset(each for each in Permission if has_permission(user, each, practice=practice))


def grants_in(user: User, practice: Practice) -> Iterable[Grant]:
    """The memberships that hold in a practice: its own, and those of the system it belongs to."""
    for grant in user.grants:
        if grant.practice == practice.pk or (grant.system is not None and grant.system == practice.system_id):
            yield grant


def is_member(user: User, practice: Practice) -> bool:
    """Whether the practice exists for this person at all; for everybody else it is not found."""
    return bool(user.is_authenticated and user.is_active) and (
        user.is_operator or any(True for _ in grants_in(user, practice))
    )


def needs_second_factor(user: User) -> bool:
    """Whether the person may do anything beyond seeing scores."""
    return user.is_operator or any(ROLES[grant.role] & SENSITIVE for grant in user.grants)
