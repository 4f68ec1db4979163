"""Registration: CMS asks for one e-mail address of their own for each participant."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm.base.files import written_whole
from openasm.base.problems import Problems
from openasm.participants.problems import MISSING_EMAIL, NOT_EMAIL, SHARED_EMAIL
from openasm.participants.roster import Placement, Standing
from openasm.participants.sheets import harmless

_EMAIL = re.compile(r"[^@\s,;<>\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NOT_REGISTERED = (Standing.NOT_LISTED, Standing.ANSWERED_NOT)


@dataclass(frozen=True, slots=True)
class Contact:
    """One participant to register: who, and the address that will be invited."""

    npi: str
    name: str
    tins: tuple[str, ...]
    email: str


def contacts(placements: Sequence[Placement], problems: Problems, *, file: str = "roster") -> tuple[Contact, ...]:
    """One contact a participant (NPI), sorted by name; bad, missing and shared addresses become problems.

    Letters' case does not make two addresses different. One person's address may stand in several of their rows.
    """
    people: dict[str, list[Placement]] = defaultdict(list)
    for placement in placements:
        if placement.standing not in _NOT_REGISTERED:
            people[placement.entry.npi].append(placement)
    found: list[Contact] = []
    holders: dict[str, list[str]] = defaultdict(list)
    for npi in sorted(people):
        rows = people[npi]
        addresses = sorted({row.entry.email.strip() for row in rows if row.entry.email.strip()}, key=str.casefold)
        good = [address for address in addresses if _EMAIL.fullmatch(address)]
        if not addresses:
            problems.add(MISSING_EMAIL, file, column="email", found=f"NPI {npi}")
        elif len(good) < len(addresses):
            problems.add(NOT_EMAIL, file, column="email", found=f"NPI {npi}")
        address = good[0] if good else ""
        if address:
            holders[address.casefold()].append(npi)
        name = next((row.entry.name for row in rows if row.entry.name), "")
        found.append(Contact(npi, name, tuple(sorted({row.entry.tin for row in rows})), address))
    for npis in holders.values():
        if len(npis) > 1:
            problems.add(SHARED_EMAIL, file, column="email", found=f"NPIs {', '.join(npis)}", count=len(npis))
    return tuple(sorted(found, key=lambda each: (each.name, each.npi)))


def write_contacts(rows: Sequence[Contact], path: Path) -> None:
    """Write the contact list as CSV: npi, name, tins (with `;`), email. Cells that a spreadsheet would run are quoted."""
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["npi", "name", "tins", "email"])
        writer.writerows([row.npi, harmless(row.name), ";".join(row.tins), harmless(row.email)] for row in rows)
