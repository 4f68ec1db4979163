"""What holds for every record: the algebra, the independence of order and batching, and that no JSON makes the readers fail."""

from __future__ import annotations

import random
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openasm.base.problems import Problems
from openasm.clinical.fhir import patients_of, patients_of_bundle
from openasm.clinical.fhir_facts import FactReader, ProfileUse
from openasm.clinical.fhir_source import WorkUnit
from openasm.clinical.moments import Moment, NotATime, moment, on_or_before, on_or_before_day, plus_months
from openasm.clinical.synthetic import Record
from openasm.quality.demonstration import demo_records
from openasm.quality.evaluation import Counts, Job, UnitEvaluator
from tests.builders.quality_measures import measures, terminology

ordinary = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
seeds = st.integers(0, 10_000)


def demo(seed: int) -> Record:
    return demo_records(seed, 1, 2026)[0]


def evaluated(bundle: dict[str, Any], profiles: ProfileUse = ProfileUse.AUTO) -> list[Any]:
    reader = FactReader(terminology(), profiles)
    return [
        (patient.id, measure.name, outcome)
        for patient in patients_of_bundle(bundle, reader, Problems())
        for measure in measures().values()
        for outcome in measure.evaluate(patient)
    ]


@ordinary
@given(seeds)
def test_populations_are_nested(seed: int) -> None:
    for _, _, outcome in evaluated(demo(seed).bundle()):
        assert outcome.initial_population >= outcome.denominator >= max(outcome.exclusion, outcome.numerator)
        assert outcome.exclusion + outcome.numerator + bool(outcome.exception) <= 1
        assert outcome.reason.endswith(".")
        assert "demo-" not in outcome.reason  # reasons name no one


@ordinary
@given(seeds, st.randoms(use_true_random=False))
def test_order_of_resources_never_matters(seed: int, order: random.Random) -> None:
    bundle = demo(seed).bundle()
    expected = evaluated(bundle)
    order.shuffle(bundle["entry"])
    assert evaluated(bundle) == expected


@ordinary
@given(seeds, st.sampled_from(["Coverage", "Practitioner", "DiagnosticReport", "Immunization", "Medication", "Claim"]))
def test_an_unrelated_resource_changes_nothing(seed: int, kind: str) -> None:
    record = demo(seed)
    expected = evaluated(record.bundle())
    record.add(kind, "http://example.org/none", status="active")
    record.observation(("urn:other", "unrelated"), "2026-05-05", value=("urn:other", "anything"))
    record.procedure(("urn:other", "unrelated"), "2026-05-05")
    assert evaluated(record.bundle()) == expected


@ordinary
@given(seeds)
def test_a_resource_given_twice_changes_nothing(seed: int) -> None:
    bundle = demo(seed).bundle()
    expected = evaluated(bundle)
    bundle["entry"] += bundle["entry"][1:]
    assert evaluated(bundle) == expected


@ordinary
@given(st.integers(0, 50), st.integers(1, 7))
def test_one_at_a_time_equals_a_batch(seed: int, size: int) -> None:
    specifications = tuple(each.specification for each in measures().values())
    evaluator = UnitEvaluator(Job(specifications, terminology(), 2026))
    lines = [orjson.dumps(record.bundle()) for record in demo_records(seed, size, 2026)]
    together = evaluator(WorkUnit("file", text=b"\n".join(lines)))
    apart = [evaluator(WorkUnit("file", text=line)) for line in lines]
    assert together.lines.populations == [line for each in apart for line in each.lines.populations]
    added = Counts()
    for each in apart:
        added.add(each.counts)
    assert together.counts == added


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2026-02-03", "2026", "active", "finished", "Patient/demo-00001", "mm[Hg]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@ordinary
@given(json_values)
def test_any_json_line_gives_patients_or_problems(value: Any) -> None:
    problems, reader = Problems(), FactReader(terminology())
    patients = list(patients_of(WorkUnit("file", text=orjson.dumps(value)), reader, problems))
    assert patients or len(problems) or reader.counts


@settings(ordinary, max_examples=250)
@given(seeds, st.sampled_from(list(ProfileUse)), st.data())
def test_a_damaged_record_gives_facts_or_problems(seed: int, profiles: ProfileUse, data: st.DataObject) -> None:
    """Any element of any resource replaced by any JSON."""
    bundle = demo(seed).bundle()
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = bundle["entry"]
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
                place = inner
                continue
            place[key] = data.draw(json_values)
            break
    for _, _, outcome in evaluated(bundle, profiles):
        assert outcome.initial_population >= outcome.denominator >= outcome.numerator


@ordinary
@given(st.text(max_size=30) | st.from_regex(r"\A[0-9]{4}(-[0-9]{2}){0,2}(T[0-9:.]{4,12}(Z|[+-][0-9]{2}:[0-9]{2}))?\Z"))
def test_a_time_is_read_or_refused(text: str) -> None:
    try:
        read = moment(text)
    except NotATime:
        return
    assert isinstance(read, Moment)
    assert read.earliest <= read.latest
    assert read.first_day <= read.last_day
    assert plus_months(plus_months(read, 12), -12).first_day <= read.last_day


days = st.dates().map(lambda day: day.isoformat())
points = days.map(lambda day: f"{day}T12:30:00.000Z")


@ordinary
@given(points | days | days.map(lambda day: day[:7]), points | days | days.map(lambda day: day[:4]))
def test_comparisons_never_contradict_each_other(one: str, other: str) -> None:
    a, b = moment(one), moment(other)
    assert not (on_or_before(a, b) and on_or_before(b, a)) or (a.earliest, a.latest) == (b.earliest, b.latest)
    assert not (on_or_before_day(a, b) and on_or_before_day(b, a)) or a.first_day == b.first_day
    if a.has_time and b.has_time:
        assert on_or_before(a, b) or on_or_before(b, a)
