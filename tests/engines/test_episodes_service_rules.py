"""Which services the rows of a codes list take, worked by hand, in the plain chain and in the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from openasm.episodes.frames import claim_frames, small_table
from openasm.episodes.plain import Diagnosis, Episode, Facts, Line, services_of
from openasm.episodes.plain import assigned_services as plain_services
from openasm.episodes.services import assigned_services, services_in_episodes
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE, CodeKind, CodesList, Window
from openasm.episodes.specifications.service_rules import DiagnosisAsked, ServiceRow, service_rules
from openasm.tables.engine import Engine, open_engine
from tests.builders.engines import SPARK
from tests.builders.episode_claims import demonstration, opened

DAY = 20_000


@pytest.fixture(scope="module", params=["duckdb", SPARK])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        request.getfixturevalue("spark_session")
    with open_engine(request.param, memory_bytes=1024**3, threads=2) as opened:
        yield opened


def codes_with(*rows: ServiceRow) -> CodesList:
    codes, _ = demonstration("heart_failure")
    return replace(codes, service_rules=service_rules(rows))


def visit_row(row: int, category: str, asked: DiagnosisAsked, *, setting: str = "professional") -> ServiceRow:
    return ServiceRow(row, tuple(setting.split()), CodeKind.HCPCS, "99213", category, asked)


EXCLUDING = codes_with(
    visit_row(8, "Visits", DiagnosisAsked("I50", excluded="I509")),
    visit_row(9, "Visits", DiagnosisAsked("I50", excluded="I5020")),
    visit_row(10, "Visits", DiagnosisAsked("I50"), setting="professional outpatient"),
    visit_row(11, "Acute", DiagnosisAsked("I50", listed="I5020")),
    visit_row(12, "Other", DiagnosisAsked("I11", excluded="I119", takes=False)),
    visit_row(13, "Other", DiagnosisAsked("I11")),
)
"""Two codes are excluded on two rows; the third row says nothing of them; the fourth takes one of them by name."""


# Setting, diagnoses and the category that takes such a visit.
EXCLUDED_OR_TAKEN = [
    ("professional", ["I509"], None),  # row 9 does not take what row 8 excludes, nor does row 10
    ("professional", ["I5020"], "Acute"),  # excluded for the category, taken by name
    ("professional", ["I5022"], "Visits"),
    ("professional", ["I509", "I5022"], "Visits"),  # one diagnosis that is not excluded is enough
    ("professional", ["I509", "E119"], None),
    ("outpatient", ["I509"], "Visits"),  # the exclusions are of professional services
    ("professional", ["I110"], "Other"),
    ("professional", ["I119"], None),
    ("professional", ["I119", "I110"], "Other"),
]


@pytest.mark.parametrize("first_by_line", [False, True])
def test_what_one_row_excludes_no_other_takes(engine: Engine, first_by_line: bool) -> None:
    lines: list[Line] = []
    headers: list[Diagnosis] = []
    for number, (setting, carried, _) in enumerate(EXCLUDED_OR_TAKEN):
        own = carried[0] if first_by_line else None
        lines.append(Line("P", f"visit {number}", 1, setting, DAY, 8_000 + number, "99213", own))
        header = carried[1:] if first_by_line else carried
        headers += [Diagnosis("P", f"visit {number}", place, code) for place, code in enumerate(header, start=1)]
    facts = Facts(lines, headers, [], [], DAY + 1_000)
    expected = {
        f"visit {number}": (category, 8_000 + number)
        for number, (_, _, category) in enumerate(EXCLUDED_OR_TAKEN)
        if category
    }
    assert {each.claim_id: (each.category, each.cents) for each in plain_services(facts, EXCLUDING)} == expected
    frames = claim_frames(opened(facts, engine))
    found = engine.to_arrow(assigned_services(frames.lines, frames.diagnoses, EXCLUDING.service_rules, engine))
    categories = {rule.order: rule.category for rule in EXCLUDING.service_rules}
    assert {row["claim_id"]: (categories[row["rule"]], row["cents"]) for row in found.to_pylist()} == expected


def windowed_row(row: int, category: str, window: Window) -> ServiceRow:
    return ServiceRow(row, ("professional", "inpatient"), CodeKind.HCPCS, "99213", category, window=window)


WINDOWED = codes_with(
    windowed_row(8, "Early", Window(0, 30)),
    windowed_row(9, "Late", Window(60, 90)),
    windowed_row(10, "Before", Window(-7, -1)),
    windowed_row(11, "Whole", WHOLE_EPISODE),
    windowed_row(12, "Never reached", Window(0, 30)),
)
# Days from the start of an episode of 80 days and the rule that takes a visit of that day.
ON_DAYS = {
    -8: None,
    -7: "Before",
    -1: "Before",
    0: "Early",
    30: "Early",
    31: "Whole",
    59: "Whole",
    60: "Late",
    79: "Late",  # the window goes on to day 90, the episode does not
    80: None,
    90: None,
}


def test_rules_take_services_on_the_days_of_their_windows(engine: Engine) -> None:
    lines = [Line("P", f"day {day}", 1, "professional", DAY + day, 8_000, "99213") for day in ON_DAYS]
    lines.append(Line("P", "stay", 1, "inpatient", DAY + 40, 0, "99213"))
    lines.append(Line("P", "stay", 2, "inpatient", DAY + 30, 500_000))  # the whole claim, by its first day
    facts = Facts(lines, [], [], [], DAY + 1_000)
    expected = {f"day {day}": (category, 8_000) for day, category in ON_DAYS.items() if category}
    expected["stay"] = ("Early", 500_000)
    episode = Episode("id", "P", "000000001", DAY, DAY + 79)
    plain = services_of(episode, plain_services(facts, WINDOWED))
    assert {each.claim_id: (each.category, each.cents) for each in plain} == expected
    assert len(plain) == len(expected)
    frames = claim_frames(opened(facts, engine))
    services = assigned_services(frames.lines, frames.diagnoses, WINDOWED.service_rules, engine)
    episodes = small_table(
        engine, {"episode": int, "beneficiary": str, "start": int, "end": int}, [(0, "P", DAY, DAY + 79)]
    )
    found = engine.to_arrow(services_in_episodes(services, episodes)).to_pylist()
    categories = {rule.order: rule.category for rule in WINDOWED.service_rules}
    assert {row["claim_id"]: (categories[row["rule"]], row["cents"]) for row in found} == expected
    assert len(found) == len(expected)
