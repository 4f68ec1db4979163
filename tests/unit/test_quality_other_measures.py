"""A measure that is none of the model's: added by one file and one entry, off unless asked for, never handed over."""

from __future__ import annotations

import csv
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from openasm.base.problems import Problems
from openasm.cli.quality import app
from openasm.clinical.fhir import patients_of_bundle
from openasm.clinical.fhir_facts import FactReader
from openasm.clinical.synthetic import Record
from openasm.clinical.terminology import Terminology
from openasm.quality.demonstration import demo_code, demo_value_sets, write_demo_value_sets
from openasm.quality.evaluation import Job
from openasm.quality.measures import MEASURES
from openasm.quality.specification import measure_ids, other_measure_ids, specification_for

ECHO = specification_for("ECHO1Y", 2026).codes["complete echocardiogram"]


def heart_failure(*days: str, birth: str = "1950-01-01") -> Record:
    record = Record("test-1", birth=birth).condition(demo_code("Heart Failure"), "2020-01-01")
    for day in days:
        record.procedure(ECHO, day)
    return record


def word(record: Record) -> str:
    specification = specification_for("ECHO1Y", 2026)
    terms = Terminology({name: codes for name, (_, codes) in demo_value_sets().items()}, specification.codes)
    (measure,) = Job((specification,), terms, 2026).measures()
    (patient,) = patients_of_bundle(record.bundle(), FactReader(terms), Problems())
    (outcome,) = measure.evaluate(patient)
    return "met" if outcome.numerator else "not met" if outcome.denominator else "out"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2026-05-01"], "not met"),
        (["2025-05-02", "2026-05-01"], "met"),  # 364 days
        (["2025-05-01", "2026-05-01"], "not met"),  # 365 days
        (["2025-05-01", "2025-06-01"], "out"),
        (["2026-05-01", "2026-05-01"], "not met"),  # one day, one echocardiogram
        (["2026-11-01", "2027-01-05"], "not met"),  # the repeat is next year's
        (["2026"], "out"),
    ],
)
def test_a_repeat_within_a_year_is_found(days: list[str], expected: str) -> None:
    assert word(heart_failure(*days)) == expected


def test_a_hospital_stay_between_explains_the_repeat() -> None:
    record = heart_failure("2026-01-05", "2026-05-01")
    assert word(record) == "met"
    assert (
        word(record.encounter(demo_code("Encounter Inpatient"), "2026-03-01", "2026-03-04", class_code="IMP"))
        == "not met"
    )
    assert word(heart_failure("2026-05-01", birth="2010-01-01")) == "out"
    assert word(Record("test-1", birth="1950-01-01").procedure(ECHO, "2026-05-01")) == "out"


def test_every_entry_has_its_file_and_is_marked() -> None:
    assert set(MEASURES) == {*measure_ids(), *other_measure_ids()}
    assert len(measure_ids()) == 7
    for name in other_measure_ids():
        specification = specification_for(name, 2026)
        assert "not an ASM measure" in specification.title
        assert all("not an ASM measure" in what for what in specification.groups.values())


def test_it_is_off_unless_named_and_never_handed_over(tmp_path: Path) -> None:
    write_demo_value_sets(tmp_path / "vs")
    record = heart_failure("2026-01-05", "2026-05-01").encounter(demo_code("Office Visit"), "2026-02-01")
    (tmp_path / "records.ndjson").write_bytes(orjson.dumps(record.bundle()))
    common = [str(tmp_path / "records.ndjson"), "--value-sets", str(tmp_path / "vs"), "--year", "2026", "--jobs", "1"]
    for name, options in (("plain", []), ("named", ["--measures", "ECHO1Y,236", "--tin", "000000077"])):
        result = CliRunner().invoke(app, [*common, "--out", str(tmp_path / name), *options], catch_exceptions=False)
        assert result.exit_code == 0

    def measures(path: Path) -> set[str]:
        with path.open(encoding="utf-8") as stream:
            return {row["measure"] for row in csv.DictReader(stream)}

    assert measures(tmp_path / "plain" / "scores" / "quality.csv") == set(measure_ids())
    assert measures(tmp_path / "named" / "scores" / "quality.csv") == {"CMS165", "ECHO1Y"}
    assert measures(tmp_path / "named" / "scores" / "score_input.csv") == {"236"}
