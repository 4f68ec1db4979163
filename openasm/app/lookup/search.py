"""What one look-up asks and answers: told apart by its form, like `openasm lookup`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openasm.app.lookup.held_lists import Listed, Placed
from openasm.base.identity import is_npi
from openasm.participants.county_maps import CountyPlace
from openasm.participants.county_shapes import STATE_CODES
from openasm.participants.geography import Answer
from openasm.participants.lookup import Listing, listing

LONGEST = 100
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Found:
    """An answer. kind: `npi`, `name`, `organization`, `state`, `zip` or `county`; more: rows that are not shown; note: what to know."""

    kind: str
    asked: str
    rows: tuple[Listing, ...] = ()
    more: int = 0
    place: Answer | None = None
    counties: tuple[CountyPlace, ...] = ()
    state: str = ""
    note: str = ""


def kind_of(text: str) -> str:
    """What a text looks like: `npi`, `zip`, `state` or `name`.

    >>> kind_of("2999000013"), kind_of("48201-1234"), kind_of("tx"), kind_of("Smith")
    ('npi', 'zip', 'state', 'name')
    """
    if re.fullmatch(r"[0-9]{10}", text):
        return "npi"
    if re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", text):
        return "zip"
    return "state" if text.upper() in STATE_CODES.values() else "name"


def look_up(asked: str, kind: str, listed: Listed | None, placed: Placed | None) -> Found:
    """The answer to one question. kind: as in `Found`, empty to go by the form of the text."""
    text = " ".join(asked.split())[:LONGEST]
    kind = kind or kind_of(text)
    if kind in ("zip", "county"):
        return _place(text, kind, placed)
    if listed is None:
        return Found(kind, text, note="The library of this workbench holds no participant list yet.")
    directory = listed.directory
    if kind == "npi":
        if not re.fullmatch(r"[0-9]{10}", text):
            return Found(kind, text, note="An NPI is ten digits.")
        rows = tuple(listing(each) for each in directory.by_npi(text))
        mistyped = "" if rows or is_npi(text) else "Its check digit is wrong: see whether it is mistyped."
        return Found(kind, text, rows, note=mistyped)
    if kind == "state":
        code = text.upper()
        if code not in STATE_CODES.values():
            return Found(kind, text, note="A state is its two letters, as in TX.")
        found = tuple(listing(each) for each in directory.by_state(code))
        counties = tuple(each for each in placed.places if each.state == code) if placed is not None else ()
        return Found(kind, code, found[:MOST_ROWS], max(0, len(found) - MOST_ROWS), counties=counties, state=code)
    if kind == "organization":
        matches = directory.by_organization(text, limit=MOST_ROWS + 1)
    else:
        matches = directory.by_name(text, limit=MOST_ROWS + 1)
        if not matches:
            matches = directory.by_organization(text, limit=MOST_ROWS + 1)
            kind = "organization" if matches else "name"
    rows = tuple(listing(each.clinician, closeness=each.closeness) for each in matches)
    return Found(kind, text, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))


def _place(text: str, kind: str, placed: Placed | None) -> Found:
    if placed is None:
        return Found(kind, text, note="The library of this workbench holds no county delineation yet.")
    if kind == "zip":
        if not re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", text):
            return Found(kind, text, note="A ZIP code is five digits, or nine.")
        answer = placed.geography.zip(text)
    else:
        if not re.fullmatch(r"[0-9]{4,5}", text):
            return Found(kind, text, note="A county's FIPS code is five digits.")
        answer = placed.geography.county(text.zfill(5))
    states = {STATE_CODES.get(each.fips[:2], "") for each in answer.candidates[:1]} - {""}
    state = next(iter(states), "")
    counties = tuple(each for each in placed.places if state and each.state == state)
    return Found(kind, text, place=answer, counties=counties, state=state)
