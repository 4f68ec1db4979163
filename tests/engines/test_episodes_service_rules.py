"""Which services the rows of a codes list take, worked by hand, in the plain chain and in the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from openasm.episodes.frames import claim_frames
from openasm.episodes.plain import Diagnosis, Facts, Line
from openasm.episodes.plain import assigned_services as plain_services
from openasm.episodes.services import assigned_services
from openasm.episodes.specifications.codes_list import CodeKind, CodesList
from openasm.episodes.specifications.service_rules import DiagnosisAsked, ServiceRow, service_rules
from openasm.tables.engine import Engine, open_engine
from tests.builders.episode_claims import demonstration, opened

# Spark talks to its Java side over a local socket, and its library leaves that for the collector to close.
SPARK = pytest.param(
    "spark",
    marks=[
        pytest.mark.spark,
        pytest.mark.enable_socket,
        pytest.mark.filterwarnings("ignore::ResourceWarning"),
        pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    ],
)
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


@pytest.mark.parametrize(
    ("setting", "carried", "taken"),
    [
        ("professional", ["I509"], None),  # row 9 does not take what row 8 excludes, nor does row 10
        ("professional", ["I5020"], "Acute"),  # excluded for the category, taken by name
        ("professional", ["I5022"], "Visits"),
        ("professional", ["I509", "I5022"], "Visits"),  # one diagnosis that is not excluded is enough
        ("professional", ["I509", "E119"], None),
        ("outpatient", ["I509"], "Visits"),  # the exclusions are of professional services
        ("professional", ["I110"], "Other"),
        ("professional", ["I119"], None),
        ("professional", ["I119", "I110"], "Other"),
    ],
)
def test_what_one_row_excludes_no_other_takes(
    engine: Engine, setting: str, carried: list[str], taken: str | None
) -> None:
    expected = [] if taken is None else [(taken, 8_000)]
    by_header = [Diagnosis("P", "visit", place, code) for place, code in enumerate(carried, start=1)]
    by_line = [Diagnosis("P", "visit", place, code) for place, code in enumerate(carried[1:], start=1)]
    for headers, own in ((by_header, None), (by_line, carried[0])):
        lines = [Line("P", "visit", 1, setting, DAY, 8_000, "99213", own)]
        facts = Facts(lines, headers, [], [], DAY + 1_000)
        assert [(each.category, each.cents) for each in plain_services(facts, EXCLUDING)] == expected
        if engine.name == "spark" and own is not None:
            continue  # a query takes a second there
        frames = claim_frames(opened(facts, engine))
        found = engine.to_arrow(
            assigned_services(frames.lines, frames.diagnoses, EXCLUDING.service_rules, engine)
        ).to_pylist()
        categories = {rule.order: rule.category for rule in EXCLUDING.service_rules}
        assert [(categories[row["rule"]], row["cents"]) for row in found] == expected
