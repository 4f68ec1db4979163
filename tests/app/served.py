"""A data folder for tests with a real server: `python -m tests.app.served furnish DATA RUN`, `python -m tests.app.served serve WHERE ...`.

`furnish` publishes a run, makes an attester with a session and an attestation in review, and prints the practice's and the session's
keys. `serve` is `openasm serve` on the day of attesting; with `signing` it stops for ever in the middle of a signature, and says so.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from openasm.app import server


def furnish(data: Path, run: Path) -> None:
    """Print the practice's key and the session's."""
    server.configure(data)
    server.migrate()
    from openasm.app.access.permissions import Role
    from openasm.app.attestations.actions import take_step
    from openasm.app.attestations.steps import Step
    from openasm.app.people.actions import add_member
    from openasm.app.people.models import Practice
    from openasm.app.published.publish import publish_run
    from tests.app.attesting import YEAR, complete
    from tests.app.conftest import make_person, signed_in_client

    publish_run(run, by=None)
    practice = Practice.objects.get(tin="900000001")
    person = make_person("attester")
    add_member(user=person, role=Role.ATTESTER, practice=practice, by=None)
    take_step(Step.DRAFT, practice=practice, year=YEAR, base=0, by=person, answers=complete())
    take_step(Step.REVIEW, practice=practice, year=YEAR, base=1, by=person)
    sys.stdout.write(f"{practice.key} {signed_in_client(person).session.session_key}\n")


def serve(where: str) -> None:
    """The command itself; the rest of the line is for it."""
    starting = server.serve

    def halt(*_: Any, **__: Any) -> None:
        sys.stdout.write("there\n")
        sys.stdout.flush()
        time.sleep(60)

    def serving(**options: Any) -> None:
        from openasm.app.attestations import actions as attesting
        from openasm.app.attestations import reading
        from tests.app.attesting import AFTER

        reading.today = lambda: AFTER
        if where == "signing":
            attesting.record = halt  # the version is written then, and nothing is committed
        starting(**options)

    server.serve = serving
    from openasm.cli.main import main

    main()


if __name__ == "__main__":
    work, *words = sys.argv[1:]
    if work == "furnish":
        furnish(Path(words[0]), Path(words[1]))
    else:
        sys.argv = ["openasm", "serve", *words[1:]]
        serve(words[0])
