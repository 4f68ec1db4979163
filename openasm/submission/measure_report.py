"""FHIR R4 MeasureReports of type summary, in a Bundle: the same counts for programs that read FHIR.

CMS takes no FHIR for ASM in 2027; the bundle is for exchange and for checking. The measure stands inside each report as a contained
resource, so that no address of it need be made up.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

from openasm.base.parameters import Rules
from openasm.regulation.quality import is_inverse
from openasm.submission.content import MeasureResult, Population, QualityReport, Rate, Submission, rate_text
from openasm.submission.formats import KINDS, UNKNOWN, Formats
from openasm.submission.inputs import Identifiers

Resource = dict[str, Any]
_SPACE = uuid.UUID("c2f0a7de-3f6e-5a8b-8d1c-7a4b0e9c2027")
_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_NOTATION = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
_SCORING = "http://terminology.hl7.org/CodeSystem/measure-scoring"
_CODE_OF = {
    "IPOP": "initial-population",
    "DENOM": "denominator",
    "DENEX": "denominator-exclusion",
    "DENEXCEP": "denominator-exception",
    "NUMER": "numerator",
}
_SYSTEM_OF = {
    "sex": "http://snomed.info/sct",
    "race": "urn:oid:2.16.840.1.113883.6.238",
    "ethnicity": "urn:oid:2.16.840.1.113883.6.238",
    "payer": "urn:oid:2.16.840.1.113883.3.249.12",
}
_NULL = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"


def measure_report_bundle(
    submission: Submission, *, identifiers: Identifiers, formats: Formats, rules: Rules, moment: dt.datetime
) -> Resource:
    """Every measure of every report as one Bundle of type collection. Equal submissions give equal resources but for `moment`."""
    reports = [
        _report(submission, report, result, identifiers=identifiers, formats=formats, rules=rules, moment=moment)
        for report in submission.reports
        for result in report.measures
    ]
    return {
        "resourceType": "Bundle",
        "id": str(uuid.uuid5(_SPACE, json.dumps([each["id"] for each in reports]))),
        "type": "collection",
        "timestamp": _instant(moment),
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in reports],
    }


def _report(
    submission: Submission,
    report: QualityReport,
    result: MeasureResult,
    *,
    identifiers: Identifiers,
    formats: Formats,
    rules: Rules,
    moment: dt.datetime,
) -> Resource:
    key = [submission.practice.tin, submission.year, report.level, report.cohort, report.npis, result.measure]
    inverse = is_inverse(result.measure, rules)
    notation = {"coding": [{"system": _NOTATION, "code": "decrease" if inverse else "increase"}]}
    return {
        "resourceType": "MeasureReport",
        "id": str(uuid.uuid5(_SPACE, json.dumps([*key, result.collection_type]))),
        "contained": [_measure(result, identifiers, formats, notation), _reporter(submission, report)],
        "status": "complete",
        "type": "summary",
        "measure": "#measure",
        "date": _instant(moment),
        "reporter": {"reference": "#reporter"},
        "period": {"start": submission.start.isoformat(), "end": submission.end.isoformat()},
        "improvementNotation": notation,
        "group": [_group(result, rate, formats) for rate in result.rates],
    }


def _measure(result: MeasureResult, identifiers: Identifiers, formats: Formats, notation: Resource) -> Resource:
    known = formats.measure(result.measure)
    ids: list[Resource] = [{"type": {"text": "CMS quality measure number"}, "value": result.measure}]
    if known.ecqm and result.collection_type == "ecqm":
        version = identifiers.find("measure_version", result.measure) or known.ecqm
        ids.append({"type": {"text": "eCQM"}, "value": version})
    specific = identifiers.find("measure_id", result.measure)
    if specific and result.collection_type == "ecqm":
        ids.append({"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{specific.lower()}"})
    canonical = identifiers.find("measure_canonical", result.measure)
    return {
        "resourceType": "Measure",
        "id": "measure",
        **({"url": canonical} if canonical else {}),
        "identifier": ids,
        "status": "active",
        "scoring": {"coding": [{"system": _SCORING, "code": "proportion"}]},
        "improvementNotation": notation,
    }


def _reporter(submission: Submission, report: QualityReport) -> Resource:
    organization: Resource = {"system": "urn:oid:2.16.840.1.113883.4.2", "value": submission.practice.tin}
    if report.level == "tin":
        return {
            "resourceType": "Organization",
            "id": "reporter",
            "identifier": [organization],
            "name": submission.practice.name,
        }
    return {
        "resourceType": "PractitionerRole",
        "id": "reporter",
        "practitioner": {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": report.npis[0]}},
        "organization": {"identifier": organization, "display": submission.practice.name},
    }


def _group(result: MeasureResult, rate: Rate, formats: Formats) -> Resource:
    group: Resource = {}
    if rate.name:
        group["code"] = {"text": rate.name}
    populations = rate.populations or _from_counts(rate, formats.measure(result.measure).populations)
    group["population"] = [_population(each.code, each.count) for each in populations]
    if rate.performance is not None:
        group["measureScore"] = {"value": float(rate_text(rate.performance))}
    stratifiers = [
        _stratifier(kind, populations, formats) for kind in KINDS if all(kind in each.breakdown for each in populations)
    ]
    if stratifiers:
        group["stratifier"] = stratifiers
    return group


def _from_counts(rate: Rate, codes: tuple[str, ...]) -> tuple[Population, ...]:
    """The populations that quality.csv tells: those of the measure, exclusions and exceptions where there are any."""
    counts = {"DENOM": rate.eligible, "DENEX": rate.exclusions, "DENEXCEP": rate.exceptions, "NUMER": rate.met}
    return tuple(Population(code, count) for code, count in counts.items() if code in codes or count)


def _population(code: str, count: int) -> Resource:
    return {"code": {"coding": [{"system": _POPULATION, "code": _CODE_OF[code]}]}, "count": count}


def _stratifier(kind: str, populations: tuple[Population, ...], formats: Formats) -> Resource:
    codes = [*formats.codes(kind), UNKNOWN]
    strata = []
    for code in codes:
        counts = [(each.code, each.breakdown[kind].get(code, 0)) for each in populations]
        if not any(count for _, count in counts):
            continue
        if code == UNKNOWN:
            coding = {"system": _NULL, "code": UNKNOWN}
        else:
            coding = {"system": _SYSTEM_OF[kind], "code": code, "display": formats.codes(kind)[code]}
        strata.append({"value": {"coding": [coding]}, "population": [_population(*each) for each in counts]})
    return {"code": [{"text": kind}], **({"stratum": strata} if strata else {})}


def _instant(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).replace(microsecond=0).isoformat()
