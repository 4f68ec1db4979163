"""Furnishes a data folder for the browser's tests: `python -m tests.app.browser.furnish DATA RUN`; prints the practices' keys."""

from __future__ import annotations

import sys
from pathlib import Path

from openasm.app.server import configure, migrate

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def furnish(data: Path, run: Path) -> None:
    """The stage and the cast of tests/app/conftest.py, with an authenticator app each."""
    configure(data)
    migrate()
    from allauth.account.models import EmailAddress
    from allauth.mfa.totp.internal.auth import TOTP

    from openasm.app.access.permissions import Role
    from openasm.app.people import actions
    from openasm.app.people.models import Practice, User
    from openasm.app.published.publish import publish_run

    publish_run(run, by=None)
    elm, oak = Practice.objects.get(tin="900000001"), Practice.objects.get(tin="900000002")
    parts = {
        "manager": (elm, Role.ADMINISTRATOR),
        "nurse": (elm, Role.EDITOR),
        "attester": (elm, Role.ATTESTER),
        "viewer": (elm, Role.VIEWER),
        "clinician": (elm, Role.CLINICIAN),
        "other manager": (oak, Role.ADMINISTRATOR),
        "outsider": None,
        "operator": None,
    }
    for name, part in parts.items():
        email = f"{name.replace(' ', '.')}@example.test"
        user = User.objects.create_user(
            email, "correct horse battery 9", name=f"Test {name.title()}", is_operator=name == "operator"
        )
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        TOTP.activate(user, SECRET)
        if part is not None:
            practice, role = part
            npi = "2999000013" if role is Role.CLINICIAN else ""
            actions.add_member(user=user, role=role, practice=practice, by=None, npi=npi)
    sys.stdout.write(f"{elm.key}\n{oak.key}\n")


if __name__ == "__main__":
    furnish(Path(sys.argv[1]), Path(sys.argv[2]))
