"""The sites of a roster: is each in a mandatory area? By ZIP code, so with candidates and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openasm.participants.geography import Geography, Placed
from openasm.participants.roster import RosterEntry


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """One clinician's site under one TIN. areas: the model's areas the ZIP code touches, largest share first, `code title (share)`."""

    tin: str
    npi: str
    zip: str
    placed: Placed
    areas: tuple[str, ...]
    reason: str


def site_answers(roster: Sequence[RosterEntry], geography: Geography | None) -> tuple[SiteAnswer, ...]:
    """Every site of every roster entry, sorted by TIN, NPI and ZIP. Without geography nothing can be told.

    What decides is the area of most attributed episodes, not the list of sites: a yes here only says that episodes there count so.
    """
    found = []
    for entry in sorted(roster, key=lambda each: (each.tin, each.npi)):
        for code in sorted(set(entry.sites)):
            if geography is None:
                found.append(
                    SiteAnswer(entry.tin, entry.npi, code, Placed.CANNOT_TELL, (), "No county delineation is loaded.")
                )
                continue
            answer = geography.zip(code)
            shares: dict[tuple[str, str], float] = {}
            for each in answer.candidates:
                key = (each.unit or "-", each.unit_title or "no area known")
                shares[key] = shares.get(key, 0.0) + each.share
            areas = tuple(
                f"{unit} {title} ({share:.0%})"
                for (unit, title), share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))
            )
            found.append(SiteAnswer(entry.tin, entry.npi, code, answer.placed, areas, answer.reason))
    return tuple(found)
