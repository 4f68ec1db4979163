"""QPP Submissions JSON: quality, improvement activities and Promoting Interoperability in the shape of CMS's Submissions API.

CMS documents no program name for ASM and no ids for ASM's two activities; both come from identifiers.csv.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openasm.base.problems import Problems
from openasm.submission import problems as kinds
from openasm.submission.content import MeasureResult, QualityReport, Rate, Submission
from openasm.submission.formats import Formats
from openasm.submission.inputs import Identifiers

Document = dict[str, Any]  # a JSON object
METHODS = {"ecqm": "electronicHealthRecord", "cqm": "registry"}
TECHNOLOGY = "CEHRT"


def check_identifiers(submission: Submission, identifiers: Identifiers, problems: Problems) -> None:
    """Name the identifiers of CMS that the documents need and that have not been given (B011)."""
    if not submission.reports and not submission.attested:
        return
    if identifiers.find("program_name") is None:
        problems.add(kinds.IDENTIFIER_MISSING, "identifiers.csv", found="program_name")
    for item in _activities(submission):
        if identifiers.find("activity", item) is None:
            problems.add(kinds.IDENTIFIER_MISSING, "identifiers.csv", found=f"about {item}: activity")


def qpp_documents(submission: Submission, *, identifiers: Identifiers) -> dict[str, Document]:
    """File name -> document: one for each clinician who reports quality alone, one for what the practice reports as a group.

    The submission must have passed `check_identifiers`.
    """
    documents: dict[str, Document] = {}
    by_npi: dict[str, list[QualityReport]] = {}
    for report in submission.reports:
        if report.level == "individual":
            by_npi.setdefault(report.npis[0], []).append(report)
    for npi, reports in sorted(by_npi.items()):
        documents[f"individual_{npi}.json"] = {
            "entityType": "individual",
            "taxpayerIdentificationNumber": submission.practice.tin,
            "nationalProviderIdentifier": npi,
            "performanceYear": submission.year,
            "measurementSets": _quality_sets(submission, reports, identifiers),
        }
    group = [report for report in submission.reports if report.level == "tin"]
    sets = [
        *_quality_sets(submission, group, identifiers),
        *_interoperability_set(submission, identifiers),
        *_activity_set(submission, identifiers),
    ]
    if sets:
        documents["group.json"] = {
            "entityType": "group",
            "taxpayerIdentificationNumber": submission.practice.tin,
            "performanceYear": submission.year,
            "measurementSets": sets,
        }
    return documents


def _quality_sets(submission: Submission, reports: Iterable[QualityReport], identifiers: Identifiers) -> list[Document]:
    results = [result for report in reports for result in report.measures]
    sets = []
    for collection_type, method in METHODS.items():
        measurements = [
            {"measureId": result.measure, "value": measure_value(result, end_to_end=submission.practice.end_to_end)}
            for result in sorted(results, key=lambda each: each.measure)
            if result.collection_type == collection_type
        ]
        if measurements:
            certified = {"cehrtId": submission.practice.cehrt_id} if collection_type == "ecqm" else {}
            sets.append(
                {
                    "category": "quality",
                    "submissionMethod": method,
                    "programName": identifiers.find("program_name"),
                    **certified,
                    "performanceStart": submission.start.isoformat(),
                    "performanceEnd": submission.end.isoformat(),
                    "measurements": measurements,
                }
            )
    return sets


def measure_value(result: MeasureResult, *, end_to_end: bool) -> Document:
    """The value object of a quality measure: one rate, or one stratum for each of several.

    end_to_end: certified technology reports eCQMs without a manual step; a CQM counted by other means never does.

    >>> rate = Rate(1, "", 60, 46, 10, 3, 1)
    >>> measure_value(MeasureResult("220", "cqm", (rate,)), end_to_end=True)["eligiblePopulation"]
    57
    """
    flag = {"isEndToEndReported": end_to_end and result.collection_type == "ecqm"}
    counts = [rate_counts(rate, result.collection_type) for rate in result.rates]
    if len(counts) == 1:
        return {**flag, **counts[0]}
    strata = [{"stratum": rate.name, **count} for rate, count in zip(result.rates, counts, strict=True)]
    return {**flag, "strata": strata}


def rate_counts(rate: Rate, collection_type: str) -> dict[str, int]:
    """The counts of a rate in QPP's fields. Of a CQM the exclusions are taken out of the eligible cases and sent as 0."""
    by_records = collection_type == "ecqm"
    return {
        "eligiblePopulation": rate.eligible if by_records else rate.eligible - rate.exclusions,
        "eligiblePopulationExclusion": rate.exclusions if by_records else 0,
        "eligiblePopulationException": rate.exceptions,
        "performanceMet": rate.met,
        "performanceNotMet": rate.not_met,
    }


def _activities(submission: Submission) -> list[str]:
    return [item for item in submission.attested if item.startswith("IA_")]


def _activity_set(submission: Submission, identifiers: Identifiers) -> list[Document]:
    """One set of the activities; its period runs from the first day of any to the last day of any."""
    items = _activities(submission)
    if not items:
        return []
    rows = [submission.attested[item] for item in items]
    starts = [row.start for row in rows if row.start]
    ends = [row.end for row in rows if row.end]
    return [
        {
            "category": "ia",
            "submissionMethod": "registry",
            "programName": identifiers.find("program_name"),
            "performanceStart": min(starts).isoformat(),
            "performanceEnd": max(ends).isoformat(),
            "measurements": [{"measureId": identifiers.find("activity", item), "value": True} for item in items],
        }
    ]


def _interoperability_set(submission: Submission, identifiers: Identifiers) -> list[Document]:
    certified = submission.attested.get(TECHNOLOGY)
    items = [item for item in submission.attested if item != TECHNOLOGY and not item.startswith("IA_")]
    if certified is None or certified.start is None or certified.end is None or not items:
        return []
    measurements: list[Document] = []
    for item in items:
        row = submission.attested[item]
        detail = submission.details.get(item)
        if row.answer == "excluded":
            measurements.append({"measureId": detail, "value": True})
        elif row.denominator:
            value = {"numerator": row.numerator, "denominator": row.denominator}
            measurements.append({"measureId": item, "value": value})
        else:
            measurements.append({"measureId": item, "value": True})
            if detail is not None:
                measurements.append({"measureId": detail, "value": True})
    return [
        {
            "category": "pi",
            "submissionMethod": "registry",
            "programName": identifiers.find("program_name"),
            "cehrtId": submission.practice.cehrt_id,
            "performanceStart": certified.start.isoformat(),
            "performanceEnd": certified.end.isoformat(),
            "measurements": measurements,
        }
    ]


def engagement_ids(formats: Formats) -> frozenset[str]:
    """Every id of a level of active engagement."""
    items = formats.rules["submission.qpp_engagement"].table
    return frozenset(each for item in items for each in formats.engagement(item))
