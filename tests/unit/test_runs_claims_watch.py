"""Practices whose claims stop naming clinicians: found where the change stays, not where it is chance."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from openasm.base.problems import Problems
from openasm.runs.cost.claims_watch import PracticeMonth, stops_naming, write_practice_months


def months(*named: int, lines: int = 40, tin: str = "000000001") -> list[PracticeMonth]:
    """Months from January with so many lines that name somebody."""
    return [
        PracticeMonth(tin, dt.date(2027, place, 1), lines, lines - each) for place, each in enumerate(named, start=1)
    ]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ((40, 40, 39, 2, 0), 4),
        ((40, 40, 39, 2, 40), None),  # mended
        ((40, 40, 40, 40, 40), None),
        ((0, 0, 0, 0, 0), None),  # never named: another practice's habit, no change
        ((30, 30, 30, 0, 0), None),  # seldom named before
        ((40, 40, 40, 40, 20), None),  # half are named
        ((40, 40, 40, 40, 19), 5),
    ],
)
def test_the_month_from_which_on_clinicians_are_missing(named: tuple[int, ...], found: int | None) -> None:
    first = stops_naming(months(*named))
    assert (first.month.month if first else None) == found


def test_a_few_lines_are_chance() -> None:
    assert stops_naming(months(4, 4, 0, lines=4)) is None


def test_it_becomes_a_numbered_problem(tmp_path: Path) -> None:
    problems = Problems()
    rows = [*months(40, 0, 0), *months(40, 40, 40, tin="000000002")]
    write_practice_months(rows, tmp_path / "months.csv", problems, file="claim_lines")
    assert [(each.kind.code, each.found) for each in problems] == [("N025", "TIN 000000001, from 2027-02 on")]
    assert (tmp_path / "months.csv").read_text().splitlines()[2] == "000000001,2027-02-01,40,40"
