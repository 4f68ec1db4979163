"""docs/method/attestations.md: every worked number comes out of the program."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pytest

from openasm.regulation.attestations import AttestationRow, attestations_of
from openasm.regulation.improvement import attested_activities
from openasm.regulation.interoperability import score_interoperability
from openasm.regulation.rulebook import rules_for
from openasm.submission.clocks import activity_clock, latest_start, period_clock
from openasm.submission.incentive_ledger import Incentive, before_giving

PAGE = (Path(__file__).parents[2] / "docs" / "method" / "attestations.md").read_text(encoding="utf-8")
RULES = rules_for(2027)
TIN = "000990001"


@pytest.mark.parametrize(
    ("words", "start", "end", "year", "days"),
    [
        ("3 October to 31 December 2027", dt.date(2027, 10, 3), dt.date(2027, 12, 31), 2027, 90),
        ("4 October to 31 December 2027", dt.date(2027, 10, 4), dt.date(2027, 12, 31), 2027, 89),
        ("1 January to 30 March 2028", dt.date(2028, 1, 1), dt.date(2028, 3, 30), 2028, 90),
        ("1 November 2026 to 31 January 2027", dt.date(2026, 11, 1), dt.date(2027, 1, 31), 2027, 31),
    ],
)
def test_the_periods(words: str, start: dt.date, end: dt.date, year: int, days: int) -> None:
    line = next(line for line in PAGE.splitlines() if words in line)
    clock = period_clock(start, today=dt.date(year + 1, 6, 1), year=year, needed=90, end=end)
    assert clock.days == days
    assert clock.reached == ("| yes |" in line)
    assert re.search(rf"\b{days}\b", line)
    if year == 2027:
        row = AttestationRow(TIN, "IA_1", "yes", start=start, end=end)
        counted = attested_activities(attestations_of([row], [TIN]), tins=1, rules=RULES)
        assert bool(counted[0, 0]) == clock.reached


def test_the_last_days_to_start() -> None:
    assert "3 October is the last day" in PAGE
    assert "5 July is the last day" in PAGE
    for year in range(2027, 2032):
        assert latest_start(year, 90) == dt.date(year, 10, 3)
        assert latest_start(year, 180) == dt.date(year, 7, 5)
    assert activity_clock(dt.date(2027, 10, 3), today=dt.date(2027, 12, 31), rules=RULES).days == 90


def test_the_interoperability_score() -> None:
    rows = [AttestationRow(TIN, "CEHRT", "yes", start=dt.date(2027, 7, 5), end=dt.date(2027, 12, 31))]
    rows += [AttestationRow(TIN, "PI_EP_1", "yes", 412, 450), AttestationRow(TIN, "PI_PEA_1", "yes", 590, 600)]
    rows.append(AttestationRow(TIN, "PI_EP_2", "excluded"))
    rows += [
        AttestationRow(TIN, item, "yes")
        for item in ("PI_HIE_5", "PI_PHCDRR_1", "PI_PHCDRR_3", "PI_PPHI_1", "PI_PPHI_2", "PI_INFBLO_1", "PI_ONCDIR_1")
    ]
    result = score_interoperability(attestations_of(rows, [TIN]), tins=1, rules=RULES)
    lines = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith(("| P", "| public"))}
    for item, key in (
        ("PI_EP_1", "PI_EP_1"),
        ("PI_HIE_5", "PI_HIE_5"),
        ("PI_PEA_1", "PI_PEA_1"),
        ("public health", "public_health"),
    ):
        assert lines[item].rstrip(" |").endswith(str(int(result.earned[key][0])))
        assert str(int(result.available[key][0])) in lines[item]
    assert "| together | 100 | 98 |" in PAGE
    assert (result.score[0], result.requirements["CEHRT"][0]) == (98.0, True)
    assert np.isclose(result.adjustment[0], -0.2)
    without = score_interoperability(
        attestations_of([row for row in rows if row.item != "PI_PPHI_1"], [TIN]), tins=1, rules=RULES
    )
    assert without.adjustment[0] == -10.0


def test_the_incentives() -> None:
    day, later = dt.date(2027, 5, 1), dt.date(2028, 5, 1)
    for so_far, item, life, annual in (
        ([], Incentive(day, 100_000), True, True),
        ([], Incentive(day, 100_001), False, False),
        ([Incentive(day, 60_000)], Incentive(later, 50_000), False, True),
    ):
        check = before_giving(so_far, item, rules=RULES)
        assert (not check.over_cap_for_life, not check.over_cap_of_year) == (life, annual)
        words = ["allowed" if each else "refused" for each in (life, annual)]
        total = f"${check.lifetime_cents / 100:,.2f} | ${check.year_cents / 100:,.2f} | {' | '.join(words)} |"
        assert total in PAGE


def test_the_program_on_the_page_runs() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(program, "attestations.md", "exec"), {})
