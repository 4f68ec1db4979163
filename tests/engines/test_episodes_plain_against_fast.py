"""The engine's chain against the plain one on claim sets made by Hypothesis: equal to the key and the cent."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from openasm.episodes.days import date_of, day_number
from openasm.episodes.hcc import condition_categories
from openasm.episodes.outcome import Outcome
from openasm.episodes.plain import Diagnosis, Facts, Line, Month, Person, cost_measure, model_name, windows
from openasm.episodes.plain import Outcome as PlainOutcome
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE, CodesList, Window
from openasm.episodes.windows import attribution_windows
from openasm.tables.engine import Engine, open_engine
from tests.builders.engines import SPARK
from tests.builders.episode_claims import demonstration, fast

YEAR = 2027
NEW_YEAR = day_number(dt.date(YEAR, 1, 1))
CATEGORIES = condition_categories("CMS-HCC Model V24", 2026)


EXAMPLES = int(os.environ.get("OPENASM_EPISODE_EXAMPLES", "5"))
"""Claim sets for each cohort and test. With 200, as before a release, the file takes some minutes for each hundred."""


def hurried(engine: Engine) -> settings:
    """Few but large examples; one on Spark, where every query takes a second: the budget is DuckDB's."""
    return settings(
        max_examples=1 if engine.name == "spark" else EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


def worthwhile(facts: Facts, engine: Engine) -> None:
    """Where there is one example, pass over the first that Hypothesis makes, in which everything is as simple as can be."""
    if engine.name == "spark":
        assume(len({line.beneficiary for line in facts.lines}) > 3)


@pytest.fixture(scope="module", params=["duckdb", SPARK])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        request.getfixturevalue("spark_session")
    with open_engine(request.param, memory_bytes=1024**3, threads=2) as opened:
        yield opened


# Small constants put every edge within a few days of another; the page's constants are met by the second test.
SMALL = {
    "confirm_days": 5,
    "window_days": 8,
    "episode_days": 10,
    "minimum_episode_days": 9,
    "lookback_days": 7,
    "prior_care_days": 6,
    "minimum_model_episodes": 4,
}


@st.composite
def claim_sets(draw: st.DrawFn, *, cohort: str, days: st.SearchStrategy[int], people: int) -> Facts:
    back = cohort == "low_back_pain"
    usual = ["M5450", "M5459", "M5116"] if back else ["I5022", "I5020", "I509"]
    diagnoses = st.sampled_from([*usual * 6, "M5451" if back else "I5021", "E1122", "N184", "J449", "Z0000"])
    services = st.sampled_from(["99213", "99213", "99213", "99214", "99215", "99304", "97110"])
    cents = st.one_of(st.integers(-500, 1_000_000), st.integers(1_000, 30_000), st.sampled_from([0, 10_000]))
    claim = st.tuples(
        st.integers(0, people - 1),
        days,
        st.sampled_from(["professional"] * 12 + ["outpatient", "inpatient", "snf", "drug", "dme"]),
        st.lists(st.tuples(services, st.one_of(st.none(), diagnoses), cents), min_size=1, max_size=2),
        st.lists(diagnoses, max_size=3),
        st.sampled_from(["000000001", "000000001", "000000002", None]),
        st.sampled_from(["A", "A", "B", "C", None]),
    )
    lines: list[Line] = []
    headers: list[Diagnosis] = []
    for number, (who, day, setting, billed, header, tin, npi) in enumerate(
        draw(st.lists(claim, min_size=120, max_size=240))
    ):
        person, claim_id = f"P{who}", f"C{number:03}"
        for place, (code, own, amount) in enumerate(billed, start=1):
            shift = draw(st.integers(0, 1)) if place == 2 and setting == "professional" else 0
            drug, inpatient = setting == "drug", setting == "inpatient"
            lines.append(
                Line(
                    beneficiary=person,
                    claim_id=claim_id,
                    line=place,
                    setting=setting,
                    day=day + shift,
                    cost_cents=amount,
                    hcpcs=None if drug or inpatient else ("99284" if setting == "outpatient" else code),
                    line_diagnosis=own if setting == "professional" else None,
                    npi=npi,
                    tin=tin if setting == "professional" else None,
                    drg=("551" if back else "291") if inpatient else None,
                    ndc=draw(st.sampled_from(["00000000001", "00000000003"])) if drug else None,
                )
            )
        headers += [Diagnosis(person, claim_id, place, code) for place, code in enumerate(header, start=1)]
    first = min(line.day for line in lines)
    # Everyone is enrolled throughout but for a few planted months.
    planted = st.tuples(
        st.integers(0, people - 1),
        st.integers(0, 40),
        st.sampled_from(["none", "no_a", "part_c", "no_d", "esrd", "lti"]),
    )
    defects = {(who, back): kind for who, back, kind in draw(st.lists(planted, max_size=people))}
    flags = draw(st.lists(st.booleans(), min_size=people, max_size=people))
    months: list[Month] = []
    persons: list[Person] = []
    low, high = date_of(first - 400).year * 12, (YEAR + 2) * 12
    for who in range(people):
        for month in range(low, high):
            kind = defects.get((who, high - month), "")
            if kind != "none":
                months.append(
                    Month(
                        f"P{who}",
                        month,
                        part_a=kind != "no_a",
                        part_c=kind == "part_c",
                        part_d=flags[who] and kind != "no_d",
                        esrd=kind == "esrd",
                        disabled_origin=flags[who],
                        institutional=kind == "lti",
                    )
                )
        usual = Person(f"P{who}", dt.date(1930 + 3 * who, 2, 28 + (who == 6)), None, "01001")
        odd = draw(st.sampled_from(["", "", "", "", "", "gone", "unborn", "young", "abroad", "unknown", "dies"]))
        if odd != "gone":
            persons.append(
                replace(
                    usual,
                    birth={"unborn": None, "young": dt.date(2009, 1, 2)}.get(odd, usual.birth),
                    county_fips={"abroad": "72001", "unknown": None}.get(odd, usual.county_fips),
                    death=date_of(draw(days)) if odd == "dies" else None,
                )
            )
    data_end = draw(st.sampled_from([NEW_YEAR + 900, NEW_YEAR + 900, NEW_YEAR + 40, NEW_YEAR + 364]))
    return Facts(
        lines=draw(st.randoms(use_true_random=False)).sample(lines, len(lines)),
        diagnoses=headers,
        enrollment=months,
        people=persons,
        data_end=data_end,
    )


def assert_equal(plain: PlainOutcome, quick: Outcome) -> None:
    episodes = quick.episodes.to_pylist()
    assert [each["episode_id"] for each in episodes] == [each.episode_id for each in plain.episodes]
    assert [(e["tin"], e["beneficiary"], e["start"], e["end"]) for e in episodes] == [
        (e.tin, e.beneficiary, e.start, e.end) for e in plain.episodes
    ]
    assert quick.observed.tolist() == [each.observed_cents for each in plain.episodes]
    assert list(quick.reason) == [each.excluded_reason for each in plain.episodes]
    assert list(quick.subgroup) == [each.subgroup for each in plain.episodes]
    assert list(quick.model) == [
        model_name(each) if each.excluded_reason in (None, "outlier", "no_expected_cost") else None
        for each in plain.episodes
    ]
    ids = [each["episode_id"] for each in episodes]
    number = {key: place for place, key in enumerate(ids)}
    assert [
        (ids[row["episode"]], row["npi"], row["qualifying_lines"], row["all_lines"], row["reason"])
        for row in quick.attribution.to_pylist()
    ] == sorted(
        ((a.episode_id, a.npi, a.qualifying_lines, a.all_lines, a.reason) for a in plain.attribution),
        key=lambda row: (number[row[0]], row[1]),
    )
    assert {
        (ids[row["episode"]], row["category"], row["setting"]): (row["lines"], row["cents"])
        for row in quick.costs.to_pylist()
    } == plain.costs
    for place, each in enumerate(plain.episodes):
        if each.ratio is not None:
            assert quick.ratio[place] == pytest.approx(float(each.ratio), rel=1e-6)
            assert quick.expected.observed[place] == pytest.approx(float(each.winsorized or 0), rel=1e-9)
    assert [(s.tin, s.npi, s.episodes) for s in quick.scores] == [(s.tin, s.npi, s.episodes) for s in plain.scores]
    assert [s.dollars for s in quick.scores] == pytest.approx([float(s.dollars) for s in plain.scores], rel=1e-6)
    # No cent is counted twice and the parts make the whole.
    sums = np.zeros(len(ids), dtype=np.int64)
    for row in quick.costs.to_pylist():
        sums[row["episode"]] += row["cents"]
    assert sums.tolist() == quick.observed.tolist()


@pytest.mark.parametrize(("confirm_days", "window_days"), [(5, 8), (8, 5), (1, 1), (180, 365), (60, 120)])
def test_windows_are_those_of_the_recursion(engine: Engine, confirm_days: int, window_days: int) -> None:
    random = Random(confirm_days)  # a thousand pairs at once, with steps that lie on either side of every edge
    steps = [0, 1, 2, confirm_days - 1, confirm_days, confirm_days + 1, window_days - 1, window_days, window_days + 1]
    pairs: dict[tuple[str, str], list[tuple[int, bool, bool]]] = {}
    for number in range(1_000):
        day, lines = 20_000, []
        for _ in range(random.randint(1, 9)):
            trigger = random.random() < 0.6
            lines.append((day, trigger, not trigger or random.random() < 0.6))
            day += random.choice(steps)
        pairs[f"{number % 2:09}", f"P{number // 2}"] = lines
    rows = [(tin, who, *line) for (tin, who), lines in pairs.items() for line in lines]
    random.shuffle(rows)
    columns = list(zip(*rows, strict=True))
    table = pa.table(dict(zip(("tin", "beneficiary", "day"), columns[:3], strict=True)))
    table = table.append_column("trigger", pa.array([int(each) for each in columns[3]], pa.int64()))
    table = table.append_column("confirming", pa.array([int(each) for each in columns[4]], pa.int64()))
    found = engine.to_arrow(
        attribution_windows(engine.from_arrow(table), confirm_days=confirm_days, window_days=window_days)
    )
    expected = {
        (tin, who, *window)
        for (tin, who), lines in pairs.items()
        for window in windows(lines, confirm_days=confirm_days, window_days=window_days)
    }
    assert {tuple(row.values()) for row in found.to_pylist()} == expected
    assert found.num_rows == len(expected) > 100


def with_windows_and_bars(codes: CodesList) -> CodesList:
    """The rules of a list for parts of the episode before those for the whole, and all of them barred from two diagnoses."""
    windows = (Window(0, 3), Window(4, 6), Window(-2, -1), Window(2, 10), WHOLE_EPISODE)
    rules = [
        replace(
            rule,
            category=f"{rule.category} {window.first_day} to {window.last_day}",
            window=window,
            condition=replace(rule.condition, barred=("I5020", "I509", "M5451", "M5459"))
            if rule.condition.category
            else rule.condition,
        )
        for window in windows
        for rule in codes.service_rules
    ]
    numbered = tuple(replace(rule, order=order) for order, rule in enumerate(rules))
    return replace(codes, service_rules=numbered)


@pytest.mark.parametrize("cohort", ["heart_failure", "low_back_pain"])
def test_equal_on_crowded_edges(engine: Engine, cohort: str, tmp_path: Path) -> None:
    codes, construction = demonstration(cohort, **SMALL)
    codes = with_windows_and_bars(codes)
    seen = {"episodes": 0, "regressions": 0}
    categories: set[str] = set()

    @hurried(engine)
    @given(claim_sets(cohort=cohort, days=st.integers(NEW_YEAR - 12, NEW_YEAR + 30), people=12))
    def check(facts: Facts) -> None:
        worthwhile(facts, engine)
        folder = tmp_path / "stages"
        shutil.rmtree(folder, ignore_errors=True)
        plain = cost_measure(facts, codes, construction, categories=CATEGORIES, year=YEAR)
        quick = fast(facts, engine, folder, codes=codes, construction=construction, year=YEAR)
        assert_equal(plain, quick)
        seen["episodes"] += len(plain.episodes)
        categories.update(category for _, category, _ in plain.costs)
        seen["regressions"] += sum(model.basis == "regression" for model in quick.expected.models)

    check()
    if engine.name != "spark":  # one example need not meet everything
        assert seen["episodes"] > 30
        assert seen["regressions"] > 0
        assert {category.split(maxsplit=3)[3] for category in categories} >= {
            "0 to 3",
            "4 to 6",
            "-2 to -1",
            "2 to 10",
            "0 to None",
        }


@pytest.mark.parametrize("cohort", ["heart_failure", "low_back_pain"])
def test_equal_at_the_constants_of_the_definition(engine: Engine, cohort: str, tmp_path: Path) -> None:
    codes, construction = demonstration(cohort, minimum_model_episodes=4)
    confirm, window = construction.confirm_days, construction.window_days
    prior, lookback = construction.prior_care_days, construction.lookback_days
    steps = st.sampled_from([0, 0, confirm - 1, confirm, confirm + 1, window - 1, window, window + 1, 30])
    opening = NEW_YEAR - (400 if cohort == "heart_failure" else 100)
    within = st.builds(
        lambda chosen, offset: opening + sum(chosen) + offset,
        st.lists(steps, max_size=2),
        st.sampled_from([0, 0, 1, 2]),
    )
    # Days from which prior care and lookback just reach an episode that starts on `opening`, or just do not.
    before = st.sampled_from([prior - 1, prior, prior + 1, lookback - 1, lookback, lookback + 1]).map(
        lambda back: opening - back
    )
    days = st.integers(0, 11).flatmap(lambda of_twelve: before if of_twelve == 7 else within)  # most open or extend
    seen = 0

    @hurried(engine)
    @given(claim_sets(cohort=cohort, days=days, people=10))
    def check(facts: Facts) -> None:
        nonlocal seen
        worthwhile(facts, engine)
        folder = tmp_path / "stages"
        shutil.rmtree(folder, ignore_errors=True)
        plain = cost_measure(facts, codes, construction, categories=CATEGORIES, year=YEAR)
        assert_equal(plain, fast(facts, engine, folder, codes=codes, construction=construction, year=YEAR))
        seen += len(plain.episodes)

    check()
    # What Hypothesis draws depends on the modules that are loaded: this only guards against examples without episodes.
    assert seen > (10 if engine.name != "spark" else 0), seen
