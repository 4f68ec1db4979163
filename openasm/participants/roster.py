"""A practice's roster against CMS's list: who is in, under which TIN, and what is still to be asked.

The public list has no TIN. What it can show is that an NPI is listed under an organization's legal name; which of the
practice's TINs that means is a question for the practice, kept as a worksheet and read back with the next roster.
Never a plain "no" where the list cannot tell.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from openasm.base import files
from openasm.base.files import Column, read_table, written_whole
from openasm.base.problems import Problems
from openasm.participants.directory import Directory
from openasm.participants.names import folded, organization_words, person_words
from openasm.participants.participant_list import ListedClinician
from openasm.participants.problems import NOT_A_SITE
from openasm.participants.sheets import harmless


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One clinician of the practice under one TIN. sites: ZIP codes of where they work; system: the owner of several TINs."""

    tin: str
    npi: str
    name: str
    organization: str = ""
    system: str = ""
    sites: tuple[str, ...] = ()
    email: str = ""


ROSTER_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("name", files.text, may_be_empty=True),
    Column("organization", files.text, required=False, may_be_empty=True),
    Column("system", files.text, required=False, may_be_empty=True),
    Column("sites", files.text, required=False, may_be_empty=True),
    Column("email", files.text, required=False, may_be_empty=True),
)


def read_roster(path: Path, problems: Problems) -> tuple[RosterEntry, ...]:
    """Read a roster: tin, npi, name and, if known, organization, system, sites (ZIPs with `;`), email."""
    table = read_table(path, ROSTER_COLUMNS, problems, key=("tin", "npi"))
    return tuple(
        RosterEntry(
            tin=table["tin"][place],
            npi=table["npi"][place],
            name=table["name"][place] or "",
            organization=table["organization"][place] or "",
            system=table["system"][place] or "",
            sites=_sites(table["sites"][place] or "", path.name, table.row_numbers[place], problems),
            email=table["email"][place] or "",
        )
        for place in range(len(table))
    )


def _sites(text: str, file: str, row: int, problems: Problems) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(";") if part.strip())
    for each in found:
        if re.fullmatch(r"[0-9]{5}(-?[0-9]{4})?", each) is None:
            problems.add(NOT_A_SITE, file, row=row, column="sites", found=repr(each[:20]))
    return tuple(each[:5] for each in found)


class Standing(StrEnum):
    """Where a roster entry stands."""

    IN = "in"  # listed, and the listed organization is this practice
    IN_TIN_OPEN = "in, TIN to be confirmed"  # listed under this organization, which has several TINs
    ELSEWHERE = "listed under another organization"  # in under some TIN; whether this one is open
    NOT_LISTED = "not on this list"
    ANSWERED = "in, as the practice answered"
    ANSWERED_NOT = "not under this TIN, as the practice answered"


@dataclass(frozen=True, slots=True)
class Placement:
    """A roster entry against the list. listed: every row of the NPI; follows: what the answer means, in plain words."""

    entry: RosterEntry
    cohort: str
    standing: Standing
    listed_organizations: tuple[str, ...]
    name_agrees: bool
    follows: str


@dataclass(frozen=True, slots=True)
class Question:
    """An open question for the practice: is this clinician's listing (cohort, organization) under this TIN?"""

    tin: str
    npi: str
    name: str
    cohort: str
    listed_organization: str
    question: str
    answer: str = ""  # `yes`, `no` or empty


Answers = Mapping[tuple[str, str, str, str], str]  # (tin, npi, cohort, folded organization) -> yes / no

QUESTION_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("name", files.text, required=False, may_be_empty=True),
    Column("cohort", files.choice("heart_failure", "low_back_pain")),
    Column("listed_organization", files.text, may_be_empty=True),
    Column("question", files.text, required=False, may_be_empty=True),
    Column("answer", files.choice("yes", "no"), may_be_empty=True),
)


def read_worksheet(path: Path, problems: Problems) -> tuple[Question, ...]:
    """Read a worksheet back, answered or not, in its order; errors go to `problems`."""
    key = ("tin", "npi", "cohort", "listed_organization")
    table = read_table(path, QUESTION_COLUMNS, problems, key=key, may_have_no_rows=True)
    return tuple(
        Question(**{column.name: table[column.name][place] or "" for column in QUESTION_COLUMNS})
        for place in range(len(table))
    )


def answers_of(worksheet: Sequence[Question]) -> dict[tuple[str, str, str, str], str]:
    """The answers of a worksheet as `place_roster` takes them; rows without an answer stay open."""
    return {
        (each.tin, each.npi, each.cohort, folded(each.listed_organization)): each.answer
        for each in worksheet
        if each.answer
    }


def kept_worksheet(still_open: Sequence[Question], worksheet: Sequence[Question]) -> tuple[Question, ...]:
    """The next worksheet: the open questions first, then every answer given so far.

    Answers about clinicians or organizations that are not there now are kept too: they may come back with the next list.
    """
    return (*still_open, *(each for each in worksheet if each.answer))


def write_worksheet(questions: Sequence[Question], path: Path) -> None:
    """Write questions as CSV, to be answered in the last column and read back; no cell is one that a spreadsheet would run."""
    with written_whole(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([column.name for column in QUESTION_COLUMNS])
        for each in questions:
            writer.writerow(
                [
                    each.tin,
                    each.npi,
                    harmless(each.name),
                    each.cohort,
                    harmless(each.listed_organization),
                    each.question,
                    each.answer,
                ]
            )


def place_roster(
    roster: Sequence[RosterEntry], directory: Directory, *, answers: Answers | None = None
) -> tuple[tuple[Placement, ...], tuple[Question, ...]]:
    """Match every roster entry to the list.

    Gives one placement an entry and cohort (one with an empty cohort where the NPI is not listed), sorted by TIN, NPI and
    cohort, and the questions that only the practice can answer.
    """
    given = answers or {}
    tins_of_npi: dict[str, set[str]] = defaultdict(set)
    for entry in roster:
        tins_of_npi[entry.npi].add(entry.tin)
    in_tins: set[str] = set()
    placements: list[Placement] = []
    questions: list[Question] = []
    for entry in sorted(roster, key=lambda each: (each.tin, each.npi)):
        rows = directory.by_npi(entry.npi)
        for cohort in sorted({row.cohort for row in rows}):
            of_cohort = [row for row in rows if row.cohort == cohort]
            placement, asked = _place(
                entry, cohort, of_cohort, several_tins=len(tins_of_npi[entry.npi]) > 1, answers=given
            )
            placements.append(placement)
            questions.extend(asked)
            if placement.standing in (Standing.IN, Standing.IN_TIN_OPEN, Standing.ANSWERED):
                in_tins.add(entry.tin)
        if not rows:
            placements.append(Placement(entry, "", Standing.NOT_LISTED, (), True, ""))
    return tuple(_with_consequence(each, in_tins) for each in placements), tuple(questions)


def _place(
    entry: RosterEntry, cohort: str, rows: Sequence[ListedClinician], *, several_tins: bool, answers: Answers
) -> tuple[Placement, list[Question]]:
    organizations = tuple(sorted({row.organization for row in rows}))
    agreeing = any(_same_person(entry.name, row) for row in rows) if entry.name else True
    answered = {
        name: answers[entry.tin, entry.npi, cohort, folded(name)]
        for name in organizations
        if (entry.tin, entry.npi, cohort, folded(name)) in answers
    }
    if "yes" in answered.values():
        return Placement(entry, cohort, Standing.ANSWERED, organizations, agreeing, ""), []
    if len(answered) == len(organizations):
        return Placement(entry, cohort, Standing.ANSWERED_NOT, organizations, agreeing, ""), []
    ours = [name for name in organizations if entry.organization and _same_organization(name, entry.organization)]
    if ours and not several_tins:
        return Placement(entry, cohort, Standing.IN, organizations, agreeing, ""), []
    standing = Standing.IN_TIN_OPEN if ours else Standing.ELSEWHERE
    questions = [
        Question(entry.tin, entry.npi, entry.name, cohort, name, _question(name))
        for name in (ours or organizations)
        if name not in answered
    ]
    return Placement(entry, cohort, standing, organizations, agreeing, ""), questions


def _question(organization: str) -> str:
    listed = f"as {organization!r}" if organization else "without an organization's name"
    return f"CMS lists this clinician {listed}. Does that mean the TIN in this row? CMS's list holds no TIN."


def _same_organization(listed: str, ours: str) -> bool:
    return bool(listed) and organization_words(listed) == organization_words(ours)


def _same_person(name: str, row: ListedClinician) -> bool:
    """Whether a roster's name shares the last name's words with the listed one (any order, any accents)."""
    return set(person_words(row.last_name)) <= set(person_words(name))


_FOLLOWS = {
    Standing.IN: "Scored in ASM under this TIN; exempt from MIPS for the years in which the list says so.",
    Standing.IN_TIN_OPEN: "Scored in ASM under one of this organization's TINs; answer which one in the worksheet.",
    Standing.ELSEWHERE: "Scored in ASM under another organization's name. Whether that is this TIN is open: answer in the "
    "worksheet. If it is not, work under this TIN stays in MIPS.",
    Standing.ANSWERED: "Scored in ASM under this TIN, by the practice's own answer.",
    Standing.ANSWERED_NOT: "Work under this TIN stays in MIPS, by the practice's own answer.",
    Standing.NOT_LISTED: "Not on this version of the list: stays in MIPS for the year, unless a later version adds the "
    "clinician (for 2027 CMS only removes names from the preliminary list).",
}
_PARTNER = (
    " Partners under this TIN are in ASM: improvement activities and interoperability are attested once for the TIN, and "
    "this clinician still reports to MIPS."
)


def _with_consequence(placement: Placement, in_tins: set[str]) -> Placement:
    follows = _FOLLOWS[placement.standing]
    if placement.standing in (Standing.NOT_LISTED, Standing.ANSWERED_NOT) and placement.entry.tin in in_tins:
        follows += _PARTNER
    if not placement.name_agrees:
        follows += " The name differs from the listed one: check the NPI."
    return Placement(
        placement.entry,
        placement.cohort,
        placement.standing,
        placement.listed_organizations,
        placement.name_agrees,
        follows,
    )


@dataclass(frozen=True, slots=True)
class SystemCount:
    """One system (owner of several TINs; a TIN of its own where none is named) and how its roster stands."""

    system: str
    tins: tuple[str, ...]
    clinicians: int
    participants: int
    open_questions: int


def by_system(placements: Sequence[Placement]) -> tuple[SystemCount, ...]:
    """Placements rolled up by system, each NPI counted once, sorted by name."""
    groups: dict[str, list[Placement]] = defaultdict(list)
    for placement in placements:
        groups[placement.entry.system or placement.entry.organization or placement.entry.tin].append(placement)
    surely_in = (Standing.IN, Standing.ANSWERED, Standing.IN_TIN_OPEN)
    still_open = (Standing.IN_TIN_OPEN, Standing.ELSEWHERE)
    return tuple(
        SystemCount(
            system,
            tuple(sorted({each.entry.tin for each in members})),
            len({each.entry.npi for each in members}),
            len({each.entry.npi for each in members if each.standing in surely_in}),
            len({(each.entry.npi, each.cohort) for each in members if each.standing in still_open}),
        )
        for system, members in sorted(groups.items())
    )
