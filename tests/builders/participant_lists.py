"""Made-up participant lists in the shape of CMS's file. Nobody in them exists; NPIs begin with 2999."""

from __future__ import annotations

import random
from collections.abc import Sequence

from openasm.base.identity import npi_check_digit
from openasm.participants.participant_list import ListedClinician, ParticipantList, YearStatus

SYLLABLES = [
    "al",
    "ba",
    "cor",
    "del",
    "em",
    "fa",
    "gri",
    "hol",
    "ist",
    "jo",
    "kel",
    "lor",
    "men",
    "nor",
    "or",
    "pel",
    "qui",
    "ros",
    "sten",
    "tor",
    "ul",
    "ver",
    "wil",
    "yar",
    "zen",
    "dra",
    "fle",
    "mo",
    "ri",
    "sa",
]
FIRST = [
    a + b
    for a in ("ar", "be", "ci", "do", "el", "fi", "gu", "ha")
    for b in ("ba", "don", "la", "mir", "nus", "ra", "ton")
]


def npi(number: int) -> str:
    """A made-up NPI: 2999, five digits, check digit."""
    body = f"2999{number:05d}"
    return body + str(npi_check_digit(body))


def clinician(
    number: int,
    first: str = "Ada",
    last: str = "Aldertest",
    *,
    state: str = "TX",
    cohort: str = "heart_failure",
    organization: str = "Made Up Heart Group PLLC",
    small: bool | None = False,
) -> ListedClinician:
    years = (YearStatus(True, small), *(YearStatus(None, None),) * 4)
    return ListedClinician(npi(number), first, last, state, cohort, organization, years)


def listed(clinicians: Sequence[ListedClinician], label: str = "made up") -> ParticipantList:
    return ParticipantList(label, "list.csv", "", tuple(clinicians))


def large_list(count: int, seed: int = 7) -> ParticipantList:
    """`count` rows whose names differ by whole syllables, so that a slip of one letter has one right answer."""
    random_numbers = random.Random(seed)
    names: dict[tuple[str, str], None] = {}
    while len(names) < count:
        last = "".join(random_numbers.choice(SYLLABLES) for _ in range(random_numbers.choice((3, 3, 4)))) + "test"
        names[random_numbers.choice(FIRST), last] = None
    return listed(
        [
            clinician(
                number,
                first.upper(),
                last.upper(),
                state=random_numbers.choice(("TX", "CA", "FL", "GA", "NJ")),
                organization=f"DEMONSTRATION PRACTICE {number % 2600} LLC",
            )
            for number, (first, last) in enumerate(names)
        ]
    )
