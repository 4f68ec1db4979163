"""Every record that comes in is kept or counted as dropped, with the reason: nothing is lost in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from openasm.base.problems import Problems, declare

BROKEN_SHARE_THAT_STOPS = 100
"""A source stops when more than one in this many of its records cannot be read: more than slips, the file is damaged."""

TOO_MANY_BROKEN = declare(
    "C010",
    "too many records of a file cannot be read",
    expected="at most 1 record in 100 that cannot be read",
    next_step="Fetch or export the file again; the problems above say what is wrong with the first records.",
)


@dataclass(slots=True)
class Account:
    """Records of one input, kept and dropped.

    source: file name or kind of record; records: all that came in; dropped: reason in plain words -> records.
    """

    source: str
    records: int
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

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
