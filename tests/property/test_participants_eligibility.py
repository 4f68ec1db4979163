"""Eligibility for any claims: no order of rows matters, counts agree with plain counting, unknown places never make a false answer."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openasm.participants.counting import Places, count
from openasm.participants.geography import Placed
from openasm.participants.location import location_test
from openasm.regulation.rulebook import rules_for
from openasm.tables.engine import open_engine
from tests.builders.eligibility_claims import (
    NPI,
    OTHER_NPI,
    OTHER_TIN,
    TIN,
    Held,
    Line,
    claims_of,
    episodes_of,
    geography,
)

RULES = rules_for(2027)
DAYS = [dt.date(2024, 12, 31), dt.date(2025, 1, 1), dt.date(2025, 3, 1), dt.date(2025, 12, 31), dt.date(2026, 1, 1)]
LINES = st.builds(
    Line,
    tin=st.sampled_from([TIN, OTHER_TIN, None]),
    npi=st.sampled_from([NPI, OTHER_NPI, None]),
    specialty=st.sampled_from(["06", "11", "21", None]),
    zip=st.sampled_from(["10001", "20002", "12012", "77777", None]),
    day=st.sampled_from(DAYS),
    person=st.sampled_from("AB"),
    setting=st.sampled_from(["professional", "professional", "outpatient"]),
)
EPISODES = st.lists(
    st.builds(
        Held,
        key=st.just(""),
        person=st.sampled_from("AB"),
        tin=st.sampled_from([TIN, OTHER_TIN]),
        npis=st.sampled_from([(NPI,), (OTHER_NPI,), (NPI, OTHER_NPI), ()]),
        start=st.sampled_from(DAYS[:3]),
        end=st.sampled_from(DAYS[1:4]),
        excluded=st.sampled_from([None, None, "death"]),
    ),
    max_size=5,
).map(lambda found: [Held(**{**vars(each), "key": f"episode {place}"}) for place, each in enumerate(found)])


@pytest.fixture(scope="module")
def engine():
    with open_engine(memory_bytes=256 * 1024**2, threads=1) as opened:
        yield opened


def plainly(lines, episodes):
    """The same counting, one row after another."""
    professional = [each for each in lines if each.setting == "professional"]
    places = {}
    for episode, npi in ((each, npi) for each in episodes for npi in each.npis if each.excluded is None):
        zips = Counter(
            each.zip
            for each in professional
            if (each.tin, each.npi, each.person) == (episode.tin, npi, episode.person)
            and episode.start <= each.day <= episode.end
            and each.zip
        )
        found = places.setdefault((episode.tin, npi), [Counter(), 0, 0])
        if not zips:
            found[2] += 1
            continue
        leaders = sorted(code for code, number in zips.items() if number == max(zips.values()))
        found[0][leaders[0]] += 1
        found[1] += len(leaders) > 1
    specialties = {}
    for each in professional:
        if each.day.year == 2025 and each.tin and each.npi:
            specialties.setdefault((each.tin, each.npi), Counter())[each.specialty or ""] += 1
    return specialties, {pair: Places(dict(zips), tied, without) for pair, (zips, tied, without) in places.items()}


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=14), EPISODES, st.randoms(use_true_random=False))
def test_counts_are_those_of_plain_counting_in_any_order(engine, lines, episodes, chance: random.Random):
    shuffled, other = chance.sample(lines, len(lines)), chance.sample(episodes, len(episodes))

    def counted(some, held):
        return count(
            claims_of(some, engine),
            [episodes_of(held, engine)],
            engine,
            year=2025,
            specialties=["06"],
            npis=[NPI, OTHER_NPI],
        )

    found = counted(lines, episodes)
    assert counted(shuffled, other) == found
    specialties, places = plainly(lines, episodes)
    assert found.lines == specialties
    assert found.places["heart_failure"] == places


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(["10001", "20002", "12012", "06001", "77777", "90009"]), st.integers(1, 6)))
def test_an_answer_is_only_sure_when_no_way_to_place_the_episodes_contradicts_it(by_zip):
    """Every doubtful ZIP code put wholly into each place it may lie in: a yes or no must hold in all of these worlds."""
    unseen = "00000"  # an area of which the files know nothing, with the lowest code there is
    choices = {
        "10001": ["11111"],
        "20002": ["22222"],
        "12012": ["11111", "22222"],
        "06001": ["25540", unseen, "11111", "22222"],
        "77777": ["33334", unseen, "11111", "22222", "~"],
        "90009": ["~"],
    }
    answers = set()
    for world in itertools.product(*(choices[code] for code in by_zip)):
        counts = Counter()
        for area, number in zip(world, by_zip.values(), strict=True):
            counts[area] += number
        if counts:
            best = min(counts, key=lambda area: (-counts[area], area))
            answers.add({"11111": True, "33334": True, unseen: None}.get(best, False))
    found = location_test(Places(by_zip), geography(), gaps=(), near=2, rules=RULES).answer
    if found is Placed.YES:
        assert answers == {True}
    elif found is Placed.NO:
        assert answers == {False}
    elif found is Placed.DEPENDS:
        assert {True, False} <= answers
