"""Every record that comes in is kept or counted as dropped, with the reason: nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openasm.base.errors import InputRefused
from openasm.base.problems import ProblemKind, Problems, Severity, declare

FIRST_ROWS = 20
"""How many records of one file and reason are named by their row; the others are counted."""

BROKEN_SHARE_THAT_STOPS = 100
"""A source stops when more than one in this many of its records cannot be read: more than slips, the file is damaged."""

TOO_MANY_BROKEN = declare(
    "C010",
    "too many records of a file cannot be read",
    expected="at most 1 record in 100 that cannot be read",
    next_step="Fetch or export the file again; the problems listed with this one say what is wrong with the first records.",
)


def counted(count: int, thing: str) -> str:
    """A number of things in words.

    >>> counted(1, "record"), counted(1200, "record")
    ('1 record', '1,200 records')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


@dataclass(slots=True)
class Places:
    """Where the records of one finding stand in one file: how many, and of the first their rows, each with what was found."""

    count: int = 0
    rows: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """Records of one input, kept and dropped.

    source: file name or kind of record; records: all that came in; dropped: reason in plain words -> records;
    places: finding -> file -> where, of the findings that are reported by file.
    """

    source: str
    records: int
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    places: dict[str, dict[str, Places]] = field(default_factory=dict)

    def note(self, finding: str, file: str, count: int, rows: Mapping[int, str]) -> None:
        """Say where records of a finding stand; zero leaves no trace. rows: of the first ones, with what was found there."""
        if count:
            places = self.places.setdefault(finding, {}).setdefault(file, Places())
            places.count += count
            places.rows |= rows

    def drop(self, reason: str, count: int) -> None:
        """Count records dropped for a reason; zero leaves no trace."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def add(self, other: Account) -> None:
        """Add the counts of a part of the same source."""
        self.records += other.records
        self.kept += other.kept
        for reason, count in other.dropped.items():
            self.drop(reason, count)

    def close(self) -> None:
        """Check that the account is even; an uneven one is a defect of ours."""
        if self.records != self.kept + sum(self.dropped.values()):
            raise AssertionError(
                f"{self.source}: {self.records} records in, {self.kept} kept and {self.dropped} dropped do not add up"
            )

    def as_record(self) -> dict[str, Any]:
        """The account as a JSON-ready mapping."""
        return {"source": self.source, "records": self.records, "kept": self.kept, "dropped": dict(self.dropped)}


def stop_if_damaged(source: str, broken: int, records: int, problems: Problems) -> None:
    """Add the problem that stops the load when more than one record in a hundred cannot be read."""
    if broken * BROKEN_SHARE_THAT_STOPS > records:
        problems.add(TOO_MANY_BROKEN, source, found=f"{broken:,} of {records:,} records", count=1)


def report_rows(
    kind: ProblemKind, file: str, places: Places, problems: Problems, *, column: str = "", expected: str = ""
) -> None:
    """Add the first records of a finding by their rows, the others by their number."""
    first = sorted(places.rows)[:FIRST_ROWS]
    for row in first:
        problems.add(kind, file, row=row, column=column, found=places.rows[row], expected=expected)
    if places.count > len(first):
        problems.add(kind, file, column=column, found="more of the same", count=places.count - len(first))


def refuse_errors(problems: Problems) -> None:
    """Raise InputRefused with every error found, if there is one, and with the warnings of damaged files, which name records."""
    damaged = {error.file for error in problems.errors if error.kind is TOO_MANY_BROKEN}
    refusing = [each for each in problems if each.kind.severity is Severity.ERROR or each.file in damaged]
    if problems.errors:
        raise InputRefused(refusing)
