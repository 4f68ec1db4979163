"""The cast and the stage of the workbench's tests.

`stage` has two practices, Elm and Oak, each with a published run; people by their parts: `stage.people["manager"]` and so on.
`sign_in(name)` gives a client of that person. Passwords are hashed fast here; one test holds the real hasher.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from openasm.app.access.permissions import Role
from openasm.app.people.middleware import BEGAN, SEEN
from openasm.app.people.models import Membership, Practice, System, User
from openasm.app.published.models import Run
from openasm.app.published.publish import publish_run
from tests.app.run_folders import CANARY_NAMES, write_small_run

PASSWORD = "correct horse battery 9"
# name of the part: (practice or system, role); clinician's NPI is that of the run
PARTS: dict[str, tuple[str, Role] | None] = {
    "manager": ("elm", Role.ADMINISTRATOR),
    "nurse": ("elm", Role.EDITOR),
    "attester": ("elm", Role.ATTESTER),
    "viewer": ("elm", Role.VIEWER),
    "clinician": ("elm", Role.CLINICIAN),
    "system manager": ("grove", Role.ADMINISTRATOR),
    "other manager": ("oak", Role.ADMINISTRATOR),
    "outsider": None,
    "operator": None,
}
CLINICIAN_NPI = "2999000013"


@dataclass
class Stage:
    """Two practices, one of them in a system, a published run, and people."""

    elm: Practice
    oak: Practice
    grove: System
    run: Run
    people: dict[str, User] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)  # keys of sessions that wait for their persons


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On PostgreSQL each worker's database is a copy of one that is migrated already (postgres_server.py)."""
    template = os.environ.get("OPENASM_TEST_TEMPLATE")
    if template:
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A small run folder with scores, gaps and episodes of two practices; patients carry canary names."""
    with tempfile.TemporaryDirectory() as folder:
        yield write_small_run(Path(folder) / "run")


@pytest.fixture(scope="session")
def _furnished(django_db_setup: None, django_db_blocker: DjangoDbBlocker, run_folder: Path) -> Stage:
    """The stage, made once a session; every test works on it inside a transaction that is rolled back."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with django_db_blocker.unblock():
        published = publish_run(run_folder, by=None)
        elm, oak = Practice.objects.get(tin="900000001"), Practice.objects.get(tin="900000002")
        grove = System.objects.create(name="Grove System")
        elm.system = grove
        elm.save()
        found = Stage(elm, oak, grove, published.run)
        for name, part in PARTS.items():
            found.people[name] = make_person(name, operator=name == "operator")
            if part is not None:
                where, role = part
                Membership.objects.create(
                    user=found.people[name],
                    practice={"elm": elm, "oak": oak}.get(where),
                    system=grove if where == "grove" else None,
                    role=role.value,
                    npi=CLINICIAN_NPI if role is Role.CLINICIAN else "",
                )
            found.sessions[name] = str(signed_in_client(found.people[name], confirmed=False).session.session_key)
        return found


@pytest.fixture
def stage(_furnished: Stage, db: None) -> Stage:
    """The stage, its objects fetched anew."""
    return Stage(
        Practice.objects.get(pk=_furnished.elm.pk),
        Practice.objects.get(pk=_furnished.oak.pk),
        System.objects.get(pk=_furnished.grove.pk),
        Run.objects.get(pk=_furnished.run.pk),
        {name: User.objects.get(pk=user.pk) for name, user in _furnished.people.items()},
        _furnished.sessions,
    )


def make_person(name: str, *, operator: bool = False, second_factor: bool = True) -> User:
    """An account that could sign in, with a second factor unless said otherwise."""
    email = f"{name.replace(' ', '.')}@example.test"
    user = User.objects.create_user(email, PASSWORD, name=f"Test {name.title()}", is_operator=operator)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    if second_factor:
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "unused"})
    return user


def signed_in_client(user: User, *, confirmed: bool = True, session_key: str = "") -> Client:
    """A client whose session is that of a person. confirmed: just re-authenticated, so that sudo mode lets pass.

    session_key: of a session made earlier for this person, which saves signing in.
    """
    client = Client(raise_request_exception=False)
    if session_key:
        client.cookies[django_settings.SESSION_COOKIE_NAME] = session_key
    else:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    moment = timezone.now().timestamp()
    session[BEGAN] = session[SEEN] = moment
    if confirmed:
        session["account_authentication_methods"] = [{"method": "password", "at": moment, "reauthenticated": True}]
        session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def sign_in(stage: Stage) -> Callable[..., Client]:
    """`sign_in("nurse")`: a client of that person; `sign_in("anonymous")`: of nobody."""

    def signed(name: str, *, confirmed: bool = True) -> Client:
        if name == "anonymous":
            return Client(raise_request_exception=False)
        return signed_in_client(stage.people[name], confirmed=confirmed, session_key=stage.sessions[name])

    return signed


@pytest.fixture
def canaries() -> tuple[str, ...]:
    """Identifiers of the run's patients: they must never leave the pages made for them."""
    return CANARY_NAMES
