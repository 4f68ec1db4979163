"""Two attesters sign the same version at the same moment: `python -m tests.app.two_attesters DATA`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from openasm.app.server import configure, migrate


def main(data: Path) -> None:
    """Prints what each got, then how many versions there are."""
    configure(data)
    migrate()
    from django.db import connection

    from openasm.app.access.permissions import Role
    from openasm.app.attestations.actions import Signature, SomebodyWasFaster, take_step
    from openasm.app.attestations.models import Version
    from openasm.app.attestations.steps import Step
    from openasm.app.people import actions
    from openasm.app.people.models import Practice, User

    practice = Practice.objects.create(tin="900000001", name="Elm")
    people = [User.objects.create_user(f"attester{number}@example.test", None, name="Test") for number in range(2)]
    for person in people:
        actions.add_member(user=person, role=Role.ATTESTER, practice=practice, by=None)
    take_step(Step.DRAFT, practice=practice, year=2027, base=0, by=people[0], answers={})
    take_step(Step.REVIEW, practice=practice, year=2027, base=1, by=people[0])
    start, got = threading.Barrier(2), []

    def sign(person: User) -> None:
        start.wait()
        try:
            take_step(
                Step.SIGNED, practice=practice, year=2027, base=2, by=person, signature=Signature("text", "partner", {})
            )
            got.append("signed")
        except SomebodyWasFaster:
            got.append("faster")
        finally:
            connection.close()

    threads = [threading.Thread(target=sign, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(" ".join([*sorted(got, reverse=True), "versions", str(Version.objects.count())]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
