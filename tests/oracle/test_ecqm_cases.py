"""Every official and every generated case beside the project, population by population."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import pytest

from openasm.base.problems import Problems
from openasm.clinical.fhir import patients_of_bundle
from openasm.clinical.fhir_facts import FactReader
from openasm.clinical.value_sets import read_value_sets
from openasm.quality.evaluation import Job, terminology_for
from openasm.quality.specification import measure_ids, specification_for
from openasm.runs.measures.quality import run_quality
from tests.builders.ecqm_material import DECK, DIFFERENTIAL, VALUE_SETS, as_text, cases, need_material, table

pytestmark = pytest.mark.shared


def now() -> dt.datetime:
    return dt.datetime(2027, 1, 5, tzinfo=dt.UTC)


@cache
def job() -> Job:
    problems = Problems()
    specifications = tuple(specification_for(measure, 2026) for measure in measure_ids())
    terms = terminology_for(specifications, read_value_sets(VALUE_SETS, problems), problems)
    problems.refuse_errors()
    return Job(specifications, terms, 2026)


@pytest.mark.parametrize("measure", measure_ids())
@pytest.mark.parametrize("folder", [DECK, DIFFERENTIAL], ids=["official", "generated"])
def test_the_command_gives_the_expected_populations(folder: Path, measure: str, tmp_path: Path) -> None:
    need_material()
    run_quality(
        folder / f"{measure}.ndjson.gz", tmp_path / "run", value_sets=VALUE_SETS, year=2026, measures=[measure], now=now
    )
    expected = {key: row for key, row in table(folder / "expected.csv").items() if key[0] == measure}
    assert table(tmp_path / "run" / "patients" / "populations.csv") == expected


@pytest.mark.parametrize("measure", measure_ids())
def test_each_criterion_by_itself_is_as_expected(measure: str) -> None:
    need_material()
    expected = table(DIFFERENTIAL / "criteria.csv")
    (bound,) = (each for each in job().measures() if each.name == measure)
    wrong = []
    for case in cases(DIFFERENTIAL, measure):
        (patient,) = patients_of_bundle(case["bundle"], FactReader(job().terms), Problems())
        wrong.extend(
            (case["case"], criteria.group, case["mutations"])
            for criteria in bound.criteria(patient)
            if as_text(criteria) != expected[measure, criteria.group, case["case"]]
        )
    assert not wrong


def test_all_measures_on_mixed_patients_are_as_expected() -> None:
    need_material()
    expected = table(DIFFERENTIAL / "expected_all_measures.csv")
    wanted = {case for _, _, case in expected}
    found = {}
    for measure in measure_ids():
        for case in cases(DIFFERENTIAL, measure):
            if case["case"] in wanted:
                (patient,) = patients_of_bundle(case["bundle"], FactReader(job().terms), Problems())
                for bound in job().measures():
                    for outcome in bound.evaluate(patient):
                        found[bound.name, outcome.group, case["case"]] = as_text(outcome)
    assert found == expected


def test_cut_value_sets_are_rebuilt_whole() -> None:
    need_material()
    sets = read_value_sets(VALUE_SETS, Problems()).by_oid
    counts = {
        "2.16.840.1.113883.3.526.3.378": 1987,
        "2.16.840.1.113883.3.464.1003.110.12.1082": 2030,
        "2.16.840.1.113883.3.600.1.1623": 1223,
    }
    assert {oid: len(sets[oid].codes) for oid in counts} == counts
    assert all(sets[oid].rebuilt for oid in counts)
