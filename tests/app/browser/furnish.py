"""Furnishes a data folder for the browser's tests: `python -m tests.app.browser.furnish DATA FOLDER`; prints what addresses need as JSON.

The small demonstration is published with an earlier run of the same people, and everything a page can show is entered through the
pages' own forms: an attestation in review and one that is signed, an arrangement, an item given, a request, a package with its receipt.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from openasm.app.server import configure, prepare
from tests.app.browser.day import DAY, live_on

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "correct horse battery 9"
MAIN, OTHER = "000000006", "000000003"  # practices of the demonstration: seven clinicians, and one
YEAR = 2027


def demonstration(folder: Path) -> Path:
    """The small demonstration as of DAY; returns its run."""
    from openasm.runs.demonstration.demo import run_demo
    from openasm.runs.demonstration.files import SIZES

    moment = dt.datetime.combine(DAY, dt.time(6, 30), dt.UTC)
    return run_demo(folder, size_name="small", size=SIZES["small"], seed=YEAR, now=lambda: moment).run


def month_before(run: Path, folder: Path) -> Path:
    """A run of the same people with fewer of the year's cases met, scored a month earlier."""
    from openasm.runs.scoring.run import score_folder

    inputs = folder / "inputs"
    inputs.mkdir(parents=True)
    for path in sorted((run / "scores" / "inputs").glob("*.csv")):
        with path.open(newline="") as stream:
            rows = list(csv.reader(stream))
        if path.name == "quality.csv":
            tin, kind, met, not_met = (rows[0].index(name) for name in ("tin", "collection_type", "met", "not_met"))
            for row in rows[1:]:
                if row[kind] != "claims" and row[tin] in (MAIN, OTHER):
                    moved = int(row[met]) // 10
                    row[met], row[not_met] = str(int(row[met]) - moved), str(int(row[not_met]) + moved)
        with (inputs / path.name).open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
    moment = dt.datetime.combine(DAY - dt.timedelta(days=30), dt.time(6, 30), dt.UTC)
    score_folder(inputs, folder / "run", year=YEAR, now=moment, report=False)
    return folder / "run"


def make_people(practices: dict[str, Any], system: Any, npi: str) -> dict[str, Any]:
    """The cast, each with an authenticator app."""
    from allauth.account.models import EmailAddress
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    from openasm.app.access.permissions import Role
    from openasm.app.people import actions
    from openasm.app.people.models import User

    parts: dict[str, tuple[str, Role] | None] = {
        "manager": ("main", Role.ADMINISTRATOR),
        "nurse": ("main", Role.EDITOR),
        "attester": ("main", Role.ATTESTER),
        "viewer": ("main", Role.VIEWER),
        "clinician": ("main", Role.CLINICIAN),
        "other manager": ("other", Role.ADMINISTRATOR),
        "packer": ("packing", Role.ADMINISTRATOR),
        "system manager": ("system", Role.ADMINISTRATOR),
        "leaver": ("main", Role.VIEWER),
        "newcomer": ("main", Role.VIEWER),
        "outsider": None,
        "operator": None,
    }
    people = {}
    for name, part in parts.items():
        email = f"{name.replace(' ', '.')}@example.test"
        user = User.objects.create_user(email, PASSWORD, name=f"Test {name.title()}", is_operator=name == "operator")
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        if name != "newcomer":
            TOTP.activate(user, SECRET)
        if name == "viewer":
            RecoveryCodes.activate(user)
        people[name] = user
        if part is not None:
            where, role = part
            actions.add_member(
                user=user,
                role=role,
                practice=practices.get(where),
                system=system if where == "system" else None,
                by=None,
                npi=npi if role is Role.CLINICIAN else "",
            )
    return people


def furnish(folder: Path) -> dict[str, object]:
    """Publish, make people, enter; returns what addresses need."""
    from openasm.app.people.actions import create_practice, create_system
    from openasm.app.people.models import Practice
    from openasm.app.published.models import ParticipantResult
    from openasm.app.published.publish import publish_run
    from tests.app.browser.furniture import Furniture
    from tests.builders.submissions import TIN
    from tests.builders.submissions import practice as practice_to_pack

    run = demonstration(folder / "demonstration")
    (folder / "packing").mkdir()
    packing_run, packing_files = practice_to_pack().write(folder / "packing")
    for each in (month_before(run, folder / "before"), packing_run, run):
        publish_run(each, by=None)
    practices = {
        name: Practice.objects.get(tin=tin) for name, tin in (("main", MAIN), ("other", OTHER), ("packing", TIN))
    }
    practices["empty"] = create_practice(tin="900000088", name="Practice without a run", by=None)
    of_system = [practices[name] for name in ("main", "other", "empty")]
    system = create_system(name="Demonstration System", practices=of_system, by=None)
    npi = ParticipantResult.objects.filter(practice=practices["main"]).order_by("-final_score", "npi")[0].npi
    people = make_people(practices, system, npi)
    return {"npi": npi, "system": system.key, **Furniture(practices, people).enter(packing_files)}


if __name__ == "__main__":
    live_on(DAY)
    configure(Path(sys.argv[1]))
    prepare()
    sys.stdout.write(json.dumps(furnish(Path(sys.argv[2]))))
