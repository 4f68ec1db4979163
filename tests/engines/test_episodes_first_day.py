"""How far back claims must go: from the first day needed on, what is not seen changes no episode that the run does not name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from openasm.episodes.chain import Chain, run_steps
from openasm.episodes.days import date_of, day_number
from openasm.episodes.frames import FAR, claim_frames
from openasm.episodes.hcc import condition_categories
from openasm.episodes.plain import Diagnosis, Facts, Line, cost_measure, qualifying_lines
from openasm.episodes.seen import first_day_needed, seen_in
from openasm.tables.engine import Engine, open_engine
from tests.builders.episode_claims import demonstration, enrolled, living, opened, visits

YEAR = 2027
NEW_YEAR = day_number(dt.date(YEAR, 1, 1))
CATEGORIES = condition_categories("CMS-HCC Model V24", 2026)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(memory_bytes=1024**3, threads=2) as opened:
        yield opened


def from_day(facts: Facts, first: int) -> Facts:
    """The facts whose claims (of one line each) begin on a day."""
    return replace(facts, lines=[line for line in facts.lines if line.day >= first])


def test_the_longest_episode_and_its_prior_care_need_the_first_day_and_no_earlier_one() -> None:
    """An episode of 729 days that ends on 1 January 2027 and a clinician whose visit 365 days before it attributes it."""
    codes, construction = demonstration("heart_failure", minimum_model_episodes=10)
    start = NEW_YEAR - 728
    lines: list[Line] = []
    headers: list[Diagnosis] = []
    for npi, days in (("A", [start - 365, start + 50, start + 60]), ("B", [start, start + 100, start + 364])):
        more, more_headers = visits("P", days, npi=npi)
        lines += more
        headers += more_headers
    months = enrolled("P", dt.date(2024, 1, 1), dt.date(2028, 12, 1))
    facts = Facts(lines, headers, months, [living("P")], NEW_YEAR + 364)
    needed = day_number(first_day_needed(YEAR, codes, construction))
    assert date_of(needed) == dt.date(2024, 1, 4)

    def reasons(seen: Facts) -> dict[str, str]:
        result = cost_measure(seen, codes, construction, categories=CATEGORIES, year=YEAR)
        assert [(each.start, each.days) for each in result.episodes] == [(start, 729)]
        return {each.npi: each.reason for each in result.attribution}

    everything = {"A": "attributed", "B": "attributed"}
    assert reasons(facts) == everything
    assert reasons(from_day(facts, needed)) == everything
    assert reasons(from_day(facts, needed + 1)) == {"A": "no_prior_care", "B": "attributed"}


SMALL = {
    "confirm_days": 5,
    "window_days": 8,
    "episode_days": 10,
    "minimum_episode_days": 9,
    "lookback_days": 7,
    "prior_care_days": 6,
    "minimum_model_episodes": 10_000,  # no regression: it makes every episode depend on all others
}
LOOKED_BACK = 9
SMALL_CODES = replace(
    demonstration("heart_failure")[0],
    **{
        name: tuple(
            condition if condition.days_before is None else replace(condition, days_before=LOOKED_BACK)
            for condition in getattr(demonstration("heart_failure")[0], name)
        )
        for name in ("exclusion_conditions", "risk_conditions")
    },
)


def random_facts(random: Random) -> Facts:
    """Three people with claims of one line each in the weeks around the first day needed and the year's beginning."""
    lines: list[Line] = []
    headers: list[Diagnosis] = []
    for number in range(random.randint(40, 110)):
        who, day = f"P{random.randint(0, 2)}", NEW_YEAR + random.randint(-45, 14)
        setting = random.choice(["professional"] * 8 + ["inpatient", "outpatient"])
        visit = setting == "professional"
        code = random.choice(["99213", "99213", "99214", "99304"]) if visit else None
        tin, npi = random.choice(["000000001", "000000001", "000000002"]), random.choice("ABC")
        drg = "291" if setting == "inpatient" else None
        lines.append(Line(who, f"C{number}", 1, setting, day, number, code, None, npi, tin if visit else None, drg))
        headers.append(Diagnosis(who, f"C{number}", 1, random.choice(["I5022", "I5022", "I5020", "I509", "E1122"])))
    people = [f"P{number}" for number in range(3)]
    months = [month for who in people for month in enrolled(who, dt.date(2025, 1, 1), dt.date(2028, 1, 1))]
    return Facts(lines, headers, months, [living(who) for who in people], NEW_YEAR + 100)


def runs_begin(facts: Facts, window_days: int) -> dict[tuple[str, str, int], int]:
    """Of each TIN, beneficiary and day with a qualifying line: the first day of its run."""
    days: dict[tuple[str, str], set[int]] = {}
    for line in qualifying_lines(facts, SMALL_CODES):
        days.setdefault((line.tin, line.beneficiary), set()).add(line.day)
    found: dict[tuple[str, str, int], int] = {}
    for (tin, who), own in days.items():
        begins = last = -FAR
        for day in sorted(own):
            begins = day if day - last > window_days - 1 else begins
            found[tin, who, day] = begins
            last = day
    return found


def test_claims_from_the_first_day_needed_give_all_episodes_but_the_named_ones_as_all_claims_do(
    engine: Engine, tmp_path: Path
) -> None:
    _, construction = demonstration("heart_failure", **SMALL)
    window = construction.window_days
    needed = day_number(first_day_needed(YEAR, SMALL_CODES, construction))
    assert needed == NEW_YEAR - (2 * 10 - 1) - LOOKED_BACK + 1
    seen = {"equal": 0, "named": 0, "named and changed": 0}

    def judged(facts: Facts) -> dict[tuple[str, str, int, int], object]:
        """Everything known of the episodes whose run begins where no unseen line can reach it, and of the others."""
        result = cost_measure(facts, SMALL_CODES, construction, categories=CATEGORIES, year=YEAR)
        return {
            (each.tin, each.beneficiary, each.start, each.end): (
                (each.observed_cents, each.subgroup, each.part_d, each.risk),
                None if each.excluded_reason == "no_expected_cost" else each.excluded_reason,
                [own for own in result.attribution if own.episode_id == each.episode_id],
                {key: cost for key, cost in result.costs.items() if key[0] == each.episode_id},
            )
            for each in result.episodes
        }

    def is_named(facts: Facts, key: tuple[str, str, int, int]) -> bool:
        tin, who, start, _ = key
        begins = max(
            begin for (t, w, day), begin in runs_begin(facts, window).items() if (t, w) == (tin, who) and day <= start
        )
        return begins < needed + window - 1

    for seed in range(50):
        facts = random_facts(Random(seed))
        cut = from_day(facts, needed)
        whole, part = judged(facts), judged(cut)
        named = {key for key in part if is_named(cut, key)}
        sure = {key: value for key, value in whole.items() if not is_named(facts, key)}
        assert {key: value for key, value in part.items() if key not in named} == sure
        seen["equal"] += len(sure)
        seen["named"] += len(named)
        seen["named and changed"] += sum(part[key] != whole.get(key) for key in named)
        if seed < 3:
            claims = replace(opened(cut, engine), data_start=date_of(needed))
            chain = Chain(engine, tmp_path / str(seed))
            run_steps(chain, claim_frames(claims), SMALL_CODES, construction, year=YEAR)
            assert seen_in(claims, chain, SMALL_CODES, construction).unseen_opening == len(named)
    assert seen["equal"] > 100
    assert seen["named"] > 20
    assert seen["named and changed"] > 5  # the warning is no idle one
