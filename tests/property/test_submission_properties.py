"""Of whatever counts a measure has: QPP arithmetic and fields, QRDA III by our own check, MeasureReports, rates to the last digit."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openasm.base.problems import Problems
from openasm.regulation.rulebook import rules_for
from openasm.submission.content import MeasureResult, Population, Practice, QualityReport, Rate, Submission, rate_text
from openasm.submission.formats import KINDS, UNKNOWN, formats_for
from openasm.submission.inputs import Identifier, Identifiers, plausible
from openasm.submission.measure_report import measure_report_bundle
from openasm.submission.qpp import measure_value, qpp_documents
from openasm.submission.qpp_check import check_qpp
from openasm.submission.qrda3 import qrda3_text
from openasm.submission.qrda3_check import check_qrda3
from openasm.submission.xml_tree import read_xml
from tests.builders.submissions import CEHRT, MEASURES, NOW, TIN, identifier_rows, npi

FORMATS, RULES = formats_for(2027), rules_for(2027)
QUIET = settings(max_examples=60, deadline=None, derandomize=True)
IDENTIFIERS = Identifiers(
    {
        (str(row["item"]), str(row["about"]), int(str(row["group"] or 0)), str(row["population"])): Identifier(
            str(row["value"]), "made up"
        )
        for row in identifier_rows()
    }
)
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp", "Cf")), min_size=1, max_size=30
)
COUNT = st.integers(0, 10**6)


@st.composite
def breakdowns(draw: st.DrawFn, size: int) -> dict[str, dict[str, int]]:
    result = {}
    for kind in KINDS:
        codes = [*FORMATS.codes(kind), UNKNOWN]
        edges = sorted(draw(st.lists(st.integers(0, size), min_size=len(codes) - 1, max_size=len(codes) - 1)))
        result[kind] = {code: high - low for code, low, high in zip(codes, [0, *edges], [*edges, size], strict=True)}
    return result


@st.composite
def results(draw: st.DrawFn, measure: str) -> MeasureResult:
    known = FORMATS.measure(measure)
    collection = "ecqm" if known.ecqm and draw(st.booleans()) else "cqm" if measure != "377" else "ecqm"
    rates = []
    for group in known.groups:
        met, not_met, exclusions = draw(COUNT), draw(COUNT), draw(COUNT)
        exceptions = draw(COUNT) if "DENEXCEP" in known.populations else 0
        answered = met + not_met + exclusions + exceptions
        eligible = answered if collection == "ecqm" else answered + draw(COUNT)
        sizes = {
            "IPOP": eligible + draw(COUNT),
            "DENOM": eligible,
            "DENEX": exclusions,
            "DENEXCEP": exceptions,
            "NUMER": met,
        }
        populations = tuple(Population(code, sizes[code], draw(breakdowns(sizes[code]))) for code in known.populations)
        rates.append(Rate(group, known.rates[group - 1], eligible, met, not_met, exclusions, exceptions, populations))
    return MeasureResult(measure, collection, tuple(rates))


@st.composite
def submissions(draw: st.DrawFn) -> Submission:
    cohort = draw(st.sampled_from(sorted(MEASURES)))
    level = draw(st.sampled_from(["individual", "tin"]))
    members = draw(st.integers(1, 4)) if level == "tin" else 1
    measures = draw(st.lists(st.sampled_from(MEASURES[cohort]), min_size=1, max_size=2, unique=True))
    found = tuple(draw(results(measure)) for measure in measures)
    name, street = draw(TEXT), draw(TEXT)
    practice = Practice(TIN, name, street, "Sampleton", "NY", "00000", "1", CEHRT, draw(st.booleans()), "", draw(TEXT))
    report = QualityReport(level, cohort, tuple(npi(99_900_001 + place) for place in range(members)), found)
    return Submission(2027, practice, (report,), {}, {}, ())


@given(submissions())
@QUIET
def test_qpp_documents_keep_the_arithmetic_and_the_field_tables(submission: Submission) -> None:
    for name, document in qpp_documents(submission, identifiers=IDENTIFIERS).items():
        problems = Problems()
        check_qpp(json.dumps(document).encode(), name, formats=FORMATS, problems=problems)
        assert list(problems) == []
    for result in submission.reports[0].measures:
        value = measure_value(result, end_to_end=True)
        rates: list[dict[str, Any]] = value.get("strata", [value])
        assert len(rates) == len(result.rates)
        for rate, written in zip(result.rates, rates, strict=True):
            parts = [
                written[part]
                for part in written
                if part.startswith("performance") or part.endswith(("Exclusion", "Exception"))
            ]
            unreported = rate.eligible - rate.answered
            assert sum(parts) + unreported == written["eligiblePopulation"]
            assert unreported == 0 or result.collection_type == "cqm"
            if rate.performance is not None:
                assert rate.performance == Fraction(
                    written["performanceMet"], written["performanceMet"] + written["performanceNotMet"]
                )


@given(submissions())
@QUIET
def test_every_report_is_without_fault_and_holds_every_count(submission: Submission) -> None:
    report = submission.reports[0]
    text = qrda3_text(submission, report, identifiers=IDENTIFIERS, formats=FORMATS, moment=NOW).encode()
    again = qrda3_text(submission, report, identifiers=IDENTIFIERS, formats=FORMATS, moment=NOW).encode()
    assert text == again
    ecqms = [each for each in report.measures if each.collection_type == "ecqm"]
    problems = Problems()
    check_qrda3(text, "report.xml", formats=FORMATS, problems=problems)
    # A report without any measure is none; the program writes no file then.
    assert [each.kind.code for each in problems] == ([] if ecqms else ["B103"])
    root = read_xml(text)
    assert (
        root.first("custodian/assignedCustodian/representedCustodianOrganization/name").text == submission.practice.name
    )  # type: ignore[union-attr]
    observations = root.all("component/structuredBody/component/section/entry/organizer/component/observation")
    counts = [
        int(value.get("value") or "")
        for each in observations
        for entry in each.all("entryRelationship")
        if entry.get("typeCode") == "SUBJ"
        for value in entry.all("observation/value")
    ]
    assert counts == [population.count for each in ecqms for rate in each.rates for population in rate.populations]


@given(submissions())
@QUIET
def test_measure_reports_hold_the_same_numbers(submission: Submission) -> None:
    bundle = measure_report_bundle(submission, identifiers=IDENTIFIERS, formats=FORMATS, rules=RULES, moment=NOW)
    for each, result in zip(bundle["entry"], submission.reports[0].measures, strict=True):
        groups = each["resource"]["group"]
        for group, rate in zip(groups, result.rates, strict=True):
            assert [one["count"] for one in group["population"]] == [one.count for one in rate.populations]
            for stratifier in group["stratifier"]:
                for place, population in enumerate(rate.populations):
                    total = sum(stratum["population"][place]["count"] for stratum in stratifier.get("stratum", ()))
                    assert total == population.count


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 8))
@QUIET
def test_rates_are_rounded_half_up_from_the_exact_value(met: int, left: int, decimals: int) -> None:
    rate = Fraction(min(met, left), left)
    written = Fraction(rate_text(rate, decimals))
    assert 0 <= written <= 1
    assert -Fraction(1, 2 * 10**decimals) < written - rate <= Fraction(1, 2 * 10**decimals)
    assert len(rate_text(rate, decimals).partition(".")[2]) == decimals


@given(COUNT, COUNT, COUNT, COUNT, COUNT)
@QUIET
def test_populations_are_plausible_exactly_when_parts_are_within_the_whole(
    initial: int, denominator: int, exclusions: int, exceptions: int, numerator: int
) -> None:
    sizes = {"IPOP": initial, "DENOM": denominator, "DENEX": exclusions, "DENEXCEP": exceptions, "NUMER": numerator}
    assert plausible(sizes) == (exclusions + exceptions + numerator <= denominator <= initial)


@given(st.binary(max_size=200))
@QUIET
def test_no_bytes_break_the_checks(content: bytes) -> None:
    for check in (check_qrda3, check_qpp):
        problems = Problems()
        check(content, "file.xml", formats=FORMATS, problems=problems)
        assert problems.errors


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "entityType",
                    "measurementSets",
                    "measurements",
                    "value",
                    "strata",
                    "category",
                    "measureId",
                    "performanceMet",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
@QUIET
def test_no_json_breaks_the_check(document: object) -> None:
    problems = Problems()
    check_qpp(json.dumps(document).encode(), "file.json", formats=FORMATS, problems=problems)
    assert problems.errors
    assert all(each.file == "file.json" for each in problems)


def test_moments_are_written_in_universal_time() -> None:
    rate = Rate(1, "", 0, 0, 0, 0, 0)
    practice = Practice(TIN, "Test", "1", "x", "NY", "0", "1", CEHRT, True)
    report = QualityReport("individual", "low_back_pain", (npi(99_900_001),), (MeasureResult("220", "cqm", (rate,)),))
    submission = Submission(2027, practice, (report,), {}, {}, ())
    moment = dt.datetime(2028, 1, 1, 1, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    bundle = measure_report_bundle(submission, identifiers=IDENTIFIERS, formats=FORMATS, rules=RULES, moment=moment)
    assert bundle["timestamp"] == "2027-12-31T23:00:00+00:00"
