"""QPP Submissions JSON and FHIR MeasureReports: fields, arithmetic, and what is said of files that are wrong."""

from __future__ import annotations

import copy
import csv
import json
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from openasm.base.errors import InputRefused
from openasm.base.problems import Problems
from openasm.submission.formats import formats_for
from openasm.submission.qpp_check import check_qpp
from tests.builders.submissions import CEHRT, TIN, Made, practice
from tests.builders.submitted import files_of

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "qpp"
FORMATS = formats_for(2027)
BOTH = ("heart_failure", "low_back_pain")


def problems_of(document: object) -> list[str]:
    problems = Problems()
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    check_qpp(content, "file.json", formats=FORMATS, problems=problems)
    return [each.kind.code for each in problems]


def documents(made: Made, *, level: str = "auto") -> dict[str, Any]:
    files = files_of(made, level=level)
    return {name.removeprefix("qpp/"): json.loads(text) for name, text in files.items() if name.startswith("qpp/")}


def bundle(made: Made) -> dict[str, Any]:
    return json.loads(files_of(made)["fhir/measure_reports.json"])


@pytest.fixture(scope="module")
def group() -> dict[str, Any]:
    return documents(practice(cohorts=BOTH, clinicians=2, levels=("tin",), size=5))["group.json"]


def test_a_group_reports_quality_interoperability_and_activities_in_one_document(group: dict[str, Any]) -> None:
    assert problems_of(group) == []
    assert (group["entityType"], group["taxpayerIdentificationNumber"], group["performanceYear"]) == (
        "group",
        TIN,
        2027,
    )
    sets = {(each["category"], each["submissionMethod"]): each for each in group["measurementSets"]}
    assert set(sets) == {
        ("quality", "electronicHealthRecord"),
        ("quality", "registry"),
        ("pi", "registry"),
        ("ia", "registry"),
    }
    assert sets["quality", "electronicHealthRecord"]["cehrtId"] == CEHRT
    assert "cehrtId" not in sets["quality", "registry"]
    measures = [each["measureId"] for each in sets["quality", "electronicHealthRecord"]["measurements"]]
    assert measures == ["005", "008", "128", "134", "236", "238", "377"]
    interoperability = {each["measureId"]: each["value"] for each in sets["pi", "registry"]["measurements"]}
    assert interoperability["PI_EP_1"] == {"numerator": 80, "denominator": 100}
    assert interoperability["PI_PHCDRR_1"] is interoperability["PI_PHCDRR_1_PROD"] is True
    assert "CEHRT" not in interoperability
    assert [each["measureId"] for each in sets["ia", "registry"]["measurements"]] == ["IA_TEST_1", "IA_TEST_2"]


def test_a_clinician_reports_quality_alone_and_the_practice_the_rest() -> None:
    made = practice(clinicians=2)
    found = documents(made)
    assert set(found) == {*(f"individual_{npi}.json" for npi in made.npis), "group.json"}
    assert [each["category"] for each in found["group.json"]["measurementSets"]] == ["pi", "ia"]
    one = found[f"individual_{made.npis[0]}.json"]
    assert one["nationalProviderIdentifier"] == made.npis[0]
    assert all(problems_of(each) == [] for each in found.values())


def test_counts_are_those_of_the_run_and_add_up(group: dict[str, Any]) -> None:
    values = {
        each["measureId"]: each["value"]
        for one in group["measurementSets"]
        if one["category"] == "quality"
        for each in one["measurements"]
    }
    assert values["005"] == {
        "isEndToEndReported": True,
        "eligiblePopulation": 44,
        "eligiblePopulationExclusion": 2,
        "eligiblePopulationException": 4,
        "performanceMet": 31,
        "performanceNotMet": 7,
    }
    assert [each["stratum"] for each in values["238"]["strata"]] == ["overall", "appropriateDiagnosis", "totalRate"]
    assert [each["performanceMet"] for each in values["238"]["strata"]] == [5, 7, 8]
    for value in values.values():
        for rate in value.get("strata", [value]):
            parts = (
                "performanceMet",
                "performanceNotMet",
                "eligiblePopulationExclusion",
                "eligiblePopulationException",
            )
            assert sum(rate[part] for part in parts) == rate["eligiblePopulation"]


def test_exclusions_of_a_cqm_are_out_of_its_eligible_cases() -> None:
    made = practice(cohorts=("low_back_pain",))
    row = next(each for each in made.rows["quality"] if each["measure"] == "220")
    row |= {"eligible": 60, "met": 40, "not_met": 10, "exclusions": 6, "exceptions": 4}
    document = documents(made)[f"individual_{made.npis[0]}.json"]
    registry = next(each for each in document["measurementSets"] if each["submissionMethod"] == "registry")
    value = registry["measurements"][0]["value"]
    assert (value["eligiblePopulation"], value["eligiblePopulationExclusion"]) == (54, 0)
    assert not value["isEndToEndReported"]
    assert problems_of(document) == []


def test_an_excluded_measure_stands_as_its_exclusion() -> None:
    made = practice()
    for row in made.rows["attestations"]:
        if row["item"] in ("PI_EP_1", "PI_PHCDRR_3"):
            row |= {"answer": "excluded", "numerator": "", "denominator": ""}
    made.interoperability[1]["detail"] = "PI_PHCDRR_3_EX_2"
    document = documents(made)["group.json"]
    ids = [each["measureId"] for each in document["measurementSets"][0]["measurements"]]
    assert {"PI_LVPP_1", "PI_PHCDRR_3_EX_2"} <= set(ids)
    assert not {"PI_EP_1", "PI_PHCDRR_3", "PI_PHCDRR_3_PROD"} & set(ids)


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the QPP samples are not beside the project")
def test_the_samples_of_the_api_are_without_fault_and_their_rates_come_out() -> None:
    values = {}
    for path in sorted((SAMPLES / "samples").glob("*.json")):
        assert problems_of(path.read_bytes()) == [], path.name
        for one in json.loads(path.read_bytes())["measurementSets"]:
            for each in one["measurements"]:
                values[path.name, one["submissionMethod"], each["measureId"]] = each["value"]
    with (SAMPLES / "samples" / "expected_rates.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            value = values[row["file"], row["submission_method"], row["measure_id"]]
            rate = next((each for each in value.get("strata", []) if each["stratum"] == row["stratum"]), value)
            performance = Fraction(100 * rate["performanceMet"], rate["performanceMet"] + rate["performanceNotMet"])
            assert f"{float(performance):.4f}" == row["performance_rate"]


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the QPP field tables are not beside the project")
def test_every_field_written_is_a_writable_field_of_the_api(group: dict[str, Any]) -> None:
    with (SAMPLES / "fields.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))

    def fields(name: str) -> tuple[set[str], set[str]]:
        of = [row for row in rows if row["object"] == name]
        return {row["field"] for row in of if row["writable"] != "no"}, {
            row["field"] for row in of if row["required"] == "yes"
        }

    def fits(value: dict[str, Any], name: str) -> None:
        writable, required = fields(name)
        assert set(value) <= writable, name
        assert required <= set(value), name

    fits(group, "submission")
    for one in group["measurementSets"]:
        fits(one, "measurementSet")
        for each in one["measurements"]:
            fits(each, "measurement")
            value = each["value"]
            if isinstance(value, bool):
                continue
            if "strata" in value:
                fits(value, "value: multiPerformanceRate")
                for stratum in value["strata"]:
                    fits(stratum, "stratum")
            else:
                fits(value, "value: proportion" if "numerator" in value else "value: singlePerformanceRate")


def _at(document: dict[str, Any], path: str) -> tuple[Any, Any]:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    holder: Any = document
    for step in steps:
        holder = holder[step]
    return holder, last


QUALITY = "measurementSets.0"
RATE = f"{QUALITY}.measurements.0.value"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("entityType", "team", "B202"),
        ("performanceYear", "2027", "B202"),
        ("performanceYear", 2026, "B202"),
        ("taxpayerIdentificationNumber", "90-0000777", "B202"),
        ("nationalProviderIdentifier", "2000000010", "B202"),
        ("createdAt", "2028-01-01", "B202"),
        ("measurementSets", {}, "B202"),
        ("measurementSets.0", 5, "B202"),
        (f"{QUALITY}.category", "cost", "B202"),
        (f"{QUALITY}.submissionMethod", "fax", "B202"),
        (f"{QUALITY}.cehrtId", "short", "B202"),
        (f"{QUALITY}.performanceStart", "2027-02-30", "B202"),
        (f"{QUALITY}.performanceStart", "2026-01-01", "B202"),
        (f"{QUALITY}.measurements", None, "B202"),
        (f"{QUALITY}.measurements.0", "005", "B202"),
        (f"{QUALITY}.measurements.0.measureId", 5, "B202"),
        (f"{QUALITY}.measurements.0.value", True, "B202"),
        (f"{RATE}.performanceMet", -1, "B202"),
        (f"{RATE}.performanceMet", 31.0, "B202"),
        (f"{RATE}.performanceRate", 81.5, "B202"),
        (f"{RATE}.isEndToEndReported", "yes", "B202"),
        (f"{RATE}.performanceMet", 32, "B203"),
        (f"{QUALITY}.measurements.5.value.strata.0.stratum", "first", "B202"),
        (f"{QUALITY}.measurements.5.value.strata", [1], "B202"),
        (f"{QUALITY}.measurements.1.measureId", "005", "B204"),
        ("measurementSets.1.submissionMethod", "electronicHealthRecord", "B204"),
        ("measurementSets.1.measurements.0.value.eligiblePopulationExclusion", 1, "B202"),
        ("measurementSets.2.measurements.0.value.numerator", 101, "B203"),
        ("measurementSets.2.measurements.1.value", False, "B202"),
        ("measurementSets.2.measurements.1.value", "yes", "B202"),
        ("measurementSets.2.measurements.1.measureId", "PI_LVPP_1", "B205"),
        ("entityType", "subgroup", "B202"),
    ],
)
def test_each_fault_is_named(group: dict[str, Any], path: str, value: object, code: str) -> None:
    document = copy.deepcopy(group)
    holder, last = _at(document, path)
    holder[last] = value
    assert code in problems_of(document)


@pytest.mark.parametrize(
    "path", ["entityType", f"{QUALITY}.cehrtId", f"{RATE}.eligiblePopulation", f"{QUALITY}.measurements.0.value"]
)
def test_each_missing_field_is_named(group: dict[str, Any], path: str) -> None:
    document = copy.deepcopy(group)
    holder, last = _at(document, path)
    del holder[last]
    assert "B202" in problems_of(document)


@pytest.mark.parametrize("content", [b"", b"[]", b"5", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_submission_is_refused(content: bytes) -> None:
    assert problems_of(content) == ["B201"]


def test_strata_that_are_missing_are_named(group: dict[str, Any]) -> None:
    document = copy.deepcopy(group)
    measurement = document["measurementSets"][0]["measurements"][5]
    assert measurement["measureId"] == "238"
    measurement["value"]["strata"].pop()
    assert problems_of(document) == ["B202"]
    measurement["value"] = copy.deepcopy(document["measurementSets"][0]["measurements"][0]["value"])
    assert problems_of(document) == ["B202"]


def test_an_ecqm_whose_counts_do_not_add_up_is_refused() -> None:
    made = practice()
    made.rows["quality"][0]["not_met"] = 1
    with pytest.raises(InputRefused) as refused:
        files_of(made)
    assert {each.kind.code for each in refused.value.problems} == {"B033"}


def test_measure_reports_are_valid_fhir() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhir.resources.R4B.bundle import Bundle
    for made in (
        practice(cohorts=BOTH, clinicians=2),
        practice(cohorts=BOTH, levels=("tin",), size=4, every_code=True),
    ):
        document = bundle(made)
        Bundle.model_validate(document)
        assert document["type"] == "collection"


def test_measure_reports_hold_the_same_counts() -> None:
    reports = [each["resource"] for each in bundle(practice(cohorts=BOTH, every_code=True))["entry"]]
    by_measure = {each["contained"][0]["identifier"][0]["value"]: each for each in reports}
    assert len(by_measure) == len(reports) == 8
    heart = by_measure["005"]
    counts = {each["code"]["coding"][0]["code"]: each["count"] for each in heart["group"][0]["population"]}
    assert counts == {
        "initial-population": 47,
        "denominator": 44,
        "denominator-exclusion": 2,
        "denominator-exception": 4,
        "numerator": 31,
    }
    assert heart["group"][0]["measureScore"] == {"value": 0.815789}
    assert heart["improvementNotation"]["coding"][0]["code"] == "increase"
    assert by_measure["238"]["improvementNotation"]["coding"][0]["code"] == "decrease"
    assert len(by_measure["238"]["group"]) == 3
    assert "stratifier" not in by_measure["220"]["group"][0]
    for stratifier in heart["group"][0]["stratifier"]:
        total = sum(
            each["count"]
            for stratum in stratifier["stratum"]
            for each in stratum["population"]
            if each["code"]["coding"][0]["code"] == "denominator"
        )
        assert total == 44
