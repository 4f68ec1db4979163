"""CMS's public list of ASM participants: read, counted, compared with an earlier version.

The list has no TIN, no area and no specialty, and one NPI may stand in several rows (organizations, states, both cohorts).
The organization's legal name is its only key of a practice. Blank cells and the word `Null` both mean "not known".
Source: CMS, Ambulatory Specialty Model Participants, data.cms.gov, 16 columns.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from openasm.base import files
from openasm.base.files import BadValue, Column, read_table
from openasm.base.problems import Problems
from openasm.base.years import PERFORMANCE_YEARS
from openasm.participants.names import folded
from openasm.participants.problems import NO_ORGANIZATION, NOT_YES_NO, REPEATED_ROW, TOTALS_DIFFER, UNKNOWN_COHORT

COHORT_NAMES: Mapping[str, str] = MappingProxyType({"heart failure": "heart_failure", "low back pain": "low_back_pain"})


@dataclass(frozen=True, slots=True)
class YearStatus:
    """What the list says of one performance year; None: not known yet."""

    participant: bool | None
    small_practice: bool | None


@dataclass(frozen=True, slots=True)
class ListedClinician:
    """One row of the list. cohort: `heart_failure` or `low_back_pain`; organization may be empty; years: 2027-2031."""

    npi: str
    first_name: str
    last_name: str
    state: str
    cohort: str
    organization: str
    years: tuple[YearStatus, ...]

    @property
    def name(self) -> str:
        """First and last name as listed."""
        return f"{self.first_name} {self.last_name}"

    def in_year(self, performance_year: int) -> YearStatus:
        """The status of one year; a year outside the model raises ValueError."""
        return self.years[PERFORMANCE_YEARS.index(performance_year)]


@dataclass(frozen=True)
class ParticipantList:
    """A version of the list. label: what the user calls it (`preliminary`, `final`); sha256: of the file's bytes."""

    label: str
    file: str
    sha256: str
    clinicians: tuple[ListedClinician, ...]


def _year_columns() -> list[Column]:
    return [
        Column(f"ASM_CY{year % 100}_{kind}", _yes_no, may_be_empty=True, required=year == PERFORMANCE_YEARS[0])
        for year in PERFORMANCE_YEARS
        for kind in ("PARTICIPANT", "SMALLPRACTICE")
    ]


def _yes_no(value: str) -> bool | None:
    answers: dict[str, bool | None] = {"yes": True, "no": False, "null": None}
    if value.casefold() not in answers:
        raise BadValue(NOT_YES_NO)
    return answers[value.casefold()]


def _cohort(value: str) -> str:
    cohort = COHORT_NAMES.get(value.casefold())
    if cohort is None:
        raise BadValue(UNKNOWN_COHORT)
    return cohort


def _maybe_null(value: str) -> str | None:
    return None if value.casefold() == "null" else files.text(value)


def read_participant_list(path: Path, problems: Problems, *, label: str = "") -> ParticipantList:
    """Read a downloaded list (CSV or Parquet). Errors go to `problems`; rows come out sorted by NPI, cohort, practice."""
    columns = [
        Column("NPI", files.npi),
        Column("FIRST_NAME", files.text, may_be_empty=True),
        Column("LAST_NAME", files.text),
        Column("STATE", files.text, may_be_empty=True),
        Column("ASM_COHORT", _cohort),
        Column("ORGANIZATION_LEGAL_NAME", _maybe_null, may_be_empty=True),
        *_year_columns(),
    ]
    table = read_table(path, columns, problems)
    clinicians: dict[tuple[str, str, str, str], ListedClinician] = {}
    without_organization = 0
    for place, row_number in enumerate(table.row_numbers):
        row = {name: values[place] for name, values in table.columns.items()}
        clinician = ListedClinician(
            npi=row["NPI"],
            first_name=row["FIRST_NAME"] or "",
            last_name=row["LAST_NAME"],
            state=row["STATE"] or "",
            cohort=row["ASM_COHORT"],
            organization=row["ORGANIZATION_LEGAL_NAME"] or "",
            years=tuple(
                YearStatus(row[f"ASM_CY{year % 100}_PARTICIPANT"], row[f"ASM_CY{year % 100}_SMALLPRACTICE"])
                for year in PERFORMANCE_YEARS
            ),
        )
        without_organization += not clinician.organization
        key = (clinician.npi, clinician.cohort, folded(clinician.organization), clinician.state)
        if key in clinicians:
            problems.add(REPEATED_ROW, path.name, row=row_number, column="NPI")
        else:
            clinicians[key] = clinician
    if without_organization:
        problems.add(NO_ORGANIZATION, path.name, found=f"{without_organization} rows", count=without_organization)
    return ParticipantList(
        label, path.name, _hash(path) if clinicians else "", tuple(clinicians[key] for key in sorted(clinicians))
    )


def _hash(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def totals(listed: ParticipantList) -> dict[str, int]:
    """Counts that identify a version: rows, distinct NPIs, by cohort, small practices, states, organizations."""
    clinicians = listed.clinicians
    cohorts = Counter(each.cohort for each in clinicians)
    return {
        "rows": len(clinicians),
        "distinct NPIs": len({each.npi for each in clinicians}),
        "heart failure": cohorts["heart_failure"],
        "low back pain": cohorts["low_back_pain"],
        "small practice": sum(each.in_year(2027).small_practice is True for each in clinicians),
        "states": len({each.state for each in clinicians if each.state}),
        "organizations": len({folded(each.organization) for each in clinicians if each.organization}),
        "without organization": sum(not each.organization for each in clinicians),
    }


def check_totals(listed: ParticipantList, reported: Mapping[str, int], problems: Problems) -> None:
    """Warn where a total differs from the one reported for this version of the list."""
    found = totals(listed)
    for name, expected in reported.items():
        if found.get(name) != expected:
            problems.add(
                TOTALS_DIFFER,
                listed.file,
                column=name,
                found=f"{found.get(name, 0):,}",
                expected=f"{expected:,} as reported",
            )


@dataclass(frozen=True, slots=True)
class ListChange:
    """One difference between two versions, for one NPI in one cohort.

    kind: `added`, `removed`, `organization`, `small practice`, `participant` (the year's answer), `state`.
    before, after: what stood there, joined with `; ` where several rows say different things.
    """

    kind: str
    npi: str
    name: str
    cohort: str
    before: str
    after: str


def compare_lists(before: ParticipantList, after: ParticipantList) -> tuple[ListChange, ...]:
    """What changed between two versions, sorted by kind, name and NPI.

    Clinicians are matched by NPI and cohort; several rows of one are compared as sets, so that a new order of rows, or a
    name written with other capitals, is no change.
    """
    old, new = _by_person(before.clinicians), _by_person(after.clinicians)
    changes: list[ListChange] = []
    for key in sorted(old.keys() | new.keys()):
        npi, cohort = key
        rows = new.get(key) or old[key]
        name = rows[0].name

        def change(kind: str, was: str, now: str, *, npi: str = npi, cohort: str = cohort, name: str = name) -> None:
            changes.append(ListChange(kind, npi, name, cohort, was, now))

        if key not in old:
            change("added", "", _joined(new[key], _organization))
            continue
        if key not in new:
            change("removed", _joined(old[key], _organization), "")
            continue
        for kind, shown in _COMPARED.items():
            was, now = _joined(old[key], shown), _joined(new[key], shown)
            if folded(was) != folded(now):
                change(kind, was, now)
    return tuple(sorted(changes, key=lambda each: (each.kind, each.name, each.npi, each.cohort)))


def _organization(clinician: ListedClinician) -> str:
    return clinician.organization or "(no organization)"


def _years_text(clinician: ListedClinician, which: Callable[[YearStatus], bool | None]) -> str:
    words = {True: "yes", False: "no"}
    answers = [
        f"{year} {words[answer]}"
        for year, status in zip(PERFORMANCE_YEARS, clinician.years, strict=True)
        if (answer := which(status)) is not None
    ]
    return ", ".join(answers)


_COMPARED: Mapping[str, Callable[[ListedClinician], str]] = MappingProxyType(
    {
        "organization": _organization,
        "state": lambda each: each.state,
        "participant": lambda each: _years_text(each, lambda status: status.participant),
        "small practice": lambda each: _years_text(each, lambda status: status.small_practice),
    }
)


def _joined(rows: Iterable[ListedClinician], shown: Callable[[ListedClinician], str]) -> str:
    return "; ".join(sorted({shown(row) for row in rows}, key=folded))


def _by_person(clinicians: Iterable[ListedClinician]) -> dict[tuple[str, str], list[ListedClinician]]:
    people: dict[tuple[str, str], list[ListedClinician]] = defaultdict(list)
    for clinician in clinicians:
        people[clinician.npi, clinician.cohort].append(clinician)
    return people


@dataclass(frozen=True, slots=True)
class StateCount:
    """Rows of one state by cohort, and how many of them are small practices."""

    state: str
    heart_failure: int
    low_back_pain: int
    small_practice: int

    @property
    def all(self) -> int:
        """Both cohorts."""
        return self.heart_failure + self.low_back_pain


def by_state(listed: ParticipantList, *, performance_year: int = 2027) -> tuple[StateCount, ...]:
    """Counts by state, most participants first (ties: by state)."""
    rows: dict[str, list[ListedClinician]] = defaultdict(list)
    for clinician in listed.clinicians:
        rows[clinician.state or "(none)"].append(clinician)
    counts = [
        StateCount(
            state,
            sum(each.cohort == "heart_failure" for each in members),
            sum(each.cohort == "low_back_pain" for each in members),
            sum(each.in_year(performance_year).small_practice is True for each in members),
        )
        for state, members in rows.items()
    ]
    return tuple(sorted(counts, key=lambda each: (-each.all, each.state)))
