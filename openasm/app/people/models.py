"""Accounts, practices, systems, memberships, invitations and API tokens. They change only through actions.py."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property

from openasm.app.access.permissions import Grant, Permission, Role
from openasm.app.prepared import Given, Prepared
from openasm.base.identity import masked

_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"  # no letters that look like digits or like each other


def new_key() -> str:
    """A random key of twelve letters and digits for addresses: it says nothing and cannot be guessed (58 bits)."""
    return "".join(secrets.choice(_LETTERS) for _ in range(12))


def new_id() -> int:
    """A random identifier of 52 bits: rows made in bulk can name each other before they are stored, without a sequence."""
    return secrets.randbits(52)


class UserManager(BaseUserManager["User"]):
    """Makes accounts; an e-mail address is kept in lower case and names one account."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An account; without a password nobody can sign in to it."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """By e-mail address, whatever the case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who can sign in. epoch: raising it ends every session; is_operator: runs the installation, sees no patient."""

    email = models.EmailField("e-mail address", max_length=254, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    token_scopes: frozenset[Permission] | None = None  # set for requests with an API token

    class Meta:
        constraints = (
            models.UniqueConstraint(Lower("email"), name="user_email_any_case"),
            models.CheckConstraint(condition=~Q(email=""), name="user_has_email"),
        )

    def __str__(self) -> str:
        return self.name or self.email

    @cached_property
    def grants(self) -> tuple[Grant, ...]:
        """Every membership, in one query a request."""
        return tuple(
            Grant(Role(role), practice, system, npi) for role, practice, system, npi in _GRANTS.all(user=self.pk)
        )

    def get_session_auth_hash(self) -> str:
        """Ties sessions to the password and to `epoch`."""
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> Any:
        """The same under earlier signing keys."""
        from django.conf import settings

        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: str | bytes | None) -> str:
        return salted_hmac(
            "openasm.people.session", f"{self.password}:{self.epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()


class System(models.Model):
    """A health system: practices whose members with a system role see all of them."""

    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Practice(models.Model):
    """A practice is a TIN. `key` stands for it in addresses, where the number itself has no place."""

    id = models.BigIntegerField(primary_key=True, default=new_id, editable=False)
    key = models.CharField(max_length=12, unique=True, default=new_key, editable=False)
    tin = models.CharField("TIN", max_length=9, unique=True)
    name = models.CharField(max_length=200)
    system = models.ForeignKey(System, null=True, blank=True, on_delete=models.PROTECT, related_name="practices")

    class Meta:
        ordering = ("name", "tin")
        constraints = (models.CheckConstraint(condition=Q(tin__regex=r"^[0-9]{9}$"), name="practice_tin_nine_digits"),)

    def __str__(self) -> str:
        return self.name or f"TIN {self.masked_tin}"

    @property
    def masked_tin(self) -> str:
        """The TIN with only its last four digits: a solo clinician's may be a social security number."""
        return masked(self.tin)


class Membership(models.Model):
    """A person's role in one practice or one system. npi: whose patients a clinician sees."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    practice = models.ForeignKey(Practice, null=True, blank=True, on_delete=models.CASCADE, related_name="memberships")
    system = models.ForeignKey(System, null=True, blank=True, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=[(role.value, role.value) for role in Role])
    npi = models.CharField("NPI", max_length=10, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(practice__isnull=True) ^ Q(system__isnull=True), name="membership_of_one_thing"
            ),
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="membership_role_known"),
            models.CheckConstraint(
                condition=(Q(role=Role.CLINICIAN.value) & Q(npi__regex=r"^[0-9]{10}$") & Q(system__isnull=True))
                | (~Q(role=Role.CLINICIAN.value) & Q(npi="")),
                name="membership_clinician_has_npi",
            ),
            models.UniqueConstraint(fields=("user", "practice", "role"), name="membership_once_a_practice"),
            models.UniqueConstraint(fields=("user", "system", "role"), name="membership_once_a_system"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.practice or self.system}"


_GRANTS = Prepared[tuple[str, int | None, int | None, str]](
    lambda: Membership.objects.filter(user=Given("user")).values_list("role", "practice_id", "system_id", "npi")
)


class Invitation(models.Model):
    """A link that makes somebody a member, or the first operator. Only a hash of its secret is kept."""

    email = models.EmailField(max_length=254, blank=True)  # empty: the first operator says it
    practice = models.ForeignKey(Practice, null=True, on_delete=models.CASCADE, related_name="invitations")
    system = models.ForeignKey(System, null=True, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=16, blank=True)
    npi = models.CharField(max_length=10, blank=True)
    operator = models.BooleanField(default=False)
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"invitation of {self.email or 'the first operator'}"

    @property
    def is_open(self) -> bool:
        """Not accepted and not expired."""
        return self.accepted_at is None and self.expires_at > timezone.now()


class ApiToken(models.Model):
    """A secret for programs, with some of its owner's permissions. Shown once; only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    start = models.CharField(max_length=8)  # to tell tokens apart in a list
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """Not revoked and not expired."""
        return self.revoked_at is None and self.expires_at > timezone.now()
