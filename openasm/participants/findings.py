"""What the four tests mean beside CMS's list: who is rightly in, who is listed but fails a test, who may be listed later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from openasm.participants.directory import Directory
from openasm.participants.eligibility import Eligibility
from openasm.participants.geography import Placed
from openasm.participants.roster import Placement, RosterEntry, Standing


class Finding(StrEnum):
    """The tests of a TIN and NPI beside the list."""

    LISTED_MEETS = "listed, meets every test"
    LISTED_FAILS = "listed, fails a test"
    LISTED_ELSEWHERE = "listed, under another TIN by what is known"
    LISTED_OPEN = "listed, open"
    LIKELY = "not listed, meets every test"
    POSSIBLE = "not listed, no test failed and one is open"
    CLOSE = "not listed, close to the tests"
    NOT_LISTED = "not listed, fails a test"
    MEETS = "meets every test"
    FAILS = "fails a test"
    OPEN = "open"


FOLLOWS: Mapping[Finding, str] = {
    Finding.LISTED_MEETS: "These claims agree with the list.",
    Finding.LISTED_FAILS: "By these claims the listing may be an error: an error-notice pack can be made (--notice NPI).",
    Finding.LISTED_ELSEWHERE: "The list holds no TIN; settle with the worksheet which TIN is meant.",
    Finding.LISTED_OPEN: "Neither agreement nor error can be shown with these data; see which test is open.",
    Finding.LIKELY: "A likely participant of a later year: eligibility is assessed anew on each data year.",
    Finding.POSSIBLE: "May be a participant of a later year; see which test is open.",
    Finding.CLOSE: "Two episodes or a tie away; may be selected on a later data year.",
    Finding.NOT_LISTED: "These claims agree that the clinician is not listed.",
    Finding.MEETS: "No list was given, so whether CMS has listed this clinician is not known here.",
    Finding.FAILS: "No list was given, so whether CMS has listed this clinician is not known here.",
    Finding.OPEN: "No list was given, so whether CMS has listed this clinician is not known here.",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One TIN and NPI in one cohort: the tests, what the list says, and what that comes to.

    listed: `yes`, `no` (named, but not for the year), `not known yet`, `not on this list`, or empty without a list;
    organizations: as listed; standing: of the roster, empty without one.
    """

    tests: Eligibility
    name: str
    listed: str
    organizations: tuple[str, ...]
    standing: str
    finding: Finding

    @property
    def follows(self) -> str:
        """What follows, in a sentence."""
        return FOLLOWS[self.finding]


def find(
    tests: Sequence[Eligibility],
    *,
    directory: Directory | None,
    performance_year: int,
    placements: Sequence[Placement] = (),
    roster: Sequence[RosterEntry] = (),
) -> tuple[Judged, ...]:
    """Set every result beside the list and the roster, in the order given."""
    standings = {(each.entry.tin, each.entry.npi, each.cohort): each for each in placements}
    names = {each.npi: each.name for each in roster if each.name}
    of_person: dict[tuple[str, str], list[Eligibility]] = defaultdict(list)
    for each in tests:
        of_person[each.npi, each.cohort].append(each)
    found = []
    for each in tests:
        listed, organizations, listed_name = _listed(each, directory, performance_year)
        others = [other for other in of_person[each.npi, each.cohort] if other.tin != each.tin]
        placed = standings.get((each.tin, each.npi, each.cohort)) or standings.get((each.tin, each.npi, ""))
        found.append(
            Judged(
                each,
                names.get(each.npi) or listed_name,
                listed,
                organizations,
                placed.standing.value if placed else "",
                _finding(
                    each, listed, others, not_here=placed is not None and placed.standing is Standing.ANSWERED_NOT
                ),
            )
        )
    return tuple(found)


def _listed(tests: Eligibility, directory: Directory | None, year: int) -> tuple[str, tuple[str, ...], str]:
    if directory is None:
        return "", (), ""
    rows = [row for row in directory.by_npi(tests.npi) if row.cohort == tests.cohort]
    if not rows:
        return "not on this list", (), ""
    said = {row.in_year(year).participant for row in rows}
    listed = "yes" if True in said else "not known yet" if None in said else "no"
    return listed, tuple(sorted({row.organization for row in rows})), rows[0].name


def _finding(tests: Eligibility, listed: str, others: Sequence[Eligibility], *, not_here: bool) -> Finding:
    """not_here: the practice has answered that the listing is not about this TIN."""
    fails, meets = tests.eligible is Placed.NO, tests.eligible is Placed.YES
    if not listed:
        return Finding.MEETS if meets else Finding.FAILS if fails else Finding.OPEN
    if listed == "yes":
        if not_here or (fails and any(other.eligible is not Placed.NO for other in others)):
            return Finding.LISTED_ELSEWHERE
        return Finding.LISTED_MEETS if meets else Finding.LISTED_FAILS if fails else Finding.LISTED_OPEN
    if not fails:
        return Finding.LIKELY if meets else Finding.POSSIBLE
    return Finding.CLOSE if set(tests.failing) <= set(tests.near) else Finding.NOT_LISTED
