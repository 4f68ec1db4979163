"""Checks of a QPP Submissions JSON document: field tables of the API's documentation, arithmetic, nothing twice."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openasm.base.identity import is_npi, is_tin
from openasm.base.problems import Problems, shown
from openasm.submission import file_problems as kinds
from openasm.submission.formats import Formats

_ENTITY = ("individual", "group", "apm", "virtualGroup", "subgroup")
_CATEGORY = ("quality", "pi", "ia")
_METHOD = ("electronicHealthRecord", "registry")
_COUNTS = (
    "eligiblePopulation",
    "eligiblePopulationExclusion",
    "eligiblePopulationException",
    "performanceMet",
    "performanceNotMet",
)
_REQUIRED_COUNTS = ("eligiblePopulation", "performanceMet")
_GIVEN_BY_API = frozenset({"id", "createdAt", "updatedAt", "submissionId", "measurementSetId"})
_SET_FIELDS = frozenset(
    {"category", "submissionMethod", "programName", "cehrtId", "performanceStart", "performanceEnd", "measurements"}
)
_SUBMISSION_FIELDS = frozenset(
    {
        *("entityType", "entityId", "taxpayerIdentificationNumber", "nationalProviderIdentifier"),
        *("performanceYear", "measurementSets"),
    }
)


@dataclass(frozen=True)
class _Check:
    file: str
    formats: Formats
    problems: Problems

    def field(self, place: str, found: str, expected: str) -> None:
        self.problems.add(kinds.QPP_FIELD, self.file, column=place, found=found, expected=expected)

    def arithmetic(self, place: str, found: str) -> None:
        self.problems.add(kinds.QPP_ARITHMETIC, self.file, column=place, found=found)

    def twice(self, place: str, found: str) -> None:
        self.problems.add(kinds.QPP_TWICE, self.file, column=place, found=found)

    def value(
        self, holder: Mapping[str, Any], name: str, place: str, good: Callable[[Any], bool], expected: str
    ) -> bool:
        """Whether a field is there and right; noted when not."""
        if name not in holder:
            self.field(f"{place}{name}", "nothing", expected)
        elif not good(holder[name]):
            self.field(f"{place}{name}", shown(holder[name]), expected)
        else:
            return True
        return False

    def known(self, holder: Mapping[str, Any], allowed: frozenset[str], place: str) -> None:
        for name in holder:
            if name not in allowed:
                expected = (
                    "a field that may be written" if name in _GIVEN_BY_API else f"one of {', '.join(sorted(allowed))}"
                )
                self.field(
                    f"{place}{name}", "a field that the API gives" if name in _GIVEN_BY_API else "unknown", expected
                )


def check_qpp(content: bytes, file: str, *, formats: Formats, problems: Problems) -> None:
    """Add everything that is wrong with a QPP submission. file: its name, for the messages."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        problems.add(kinds.NOT_QPP, file, found="no JSON")
        return
    if not isinstance(document, dict):
        problems.add(kinds.NOT_QPP, file, found=f"a {type(document).__name__}")
        return
    check = _Check(file, formats, problems)
    check.known(document, _SUBMISSION_FIELDS, "")
    entity = document.get("entityType")
    check.value(document, "entityType", "", lambda value: value in _ENTITY, f"one of {', '.join(_ENTITY)}")
    year = formats.year
    check.value(document, "performanceYear", "", lambda value: type(value) is int and value == year, str(year))
    if entity in ("individual", "group"):
        tin = "taxpayerIdentificationNumber"
        check.value(document, tin, "", lambda value: isinstance(value, str) and is_tin(value), "nine digits")
    if entity == "individual":
        npi = "nationalProviderIdentifier"
        check.value(document, npi, "", lambda value: isinstance(value, str) and is_npi(value), "an NPI of ten digits")
    elif "nationalProviderIdentifier" in document:
        check.field("nationalProviderIdentifier", "an NPI", "none, unless a single clinician reports")
    if entity in ("apm", "virtualGroup", "subgroup"):
        check.value(document, "entityId", "", lambda value: isinstance(value, str) and value != "", "an identifier")
    sets = document.get("measurementSets", [])
    if not isinstance(sets, list):
        check.field("measurementSets", shown(sets), "a list")
        return
    seen: set[tuple[object, object, object]] = set()
    for number, each in enumerate(sets):
        place = f"measurementSets[{number}]."
        if not isinstance(each, dict):
            check.field(place, shown(each), "an object")
            continue
        key = (str(each.get("category")), str(each.get("submissionMethod")), str(each.get("programName", "mips")))
        if key in seen:
            check.twice(place, f"a set of {', '.join(str(part) for part in key)}")
        seen.add(key)
        _set(each, place, check)


def _set(each: Mapping[str, Any], place: str, check: _Check) -> None:
    check.known(each, _SET_FIELDS, place)
    check.value(each, "category", place, lambda value: value in _CATEGORY, f"one of {', '.join(_CATEGORY)}")
    check.value(each, "submissionMethod", place, lambda value: value in _METHOD, f"one of {', '.join(_METHOD)}")
    category, method = each.get("category"), each.get("submissionMethod")
    if category == "pi" or (category == "quality" and method == "electronicHealthRecord"):
        pattern = check.formats.certification_pattern
        check.value(
            each,
            "cehrtId",
            place,
            lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None,
            "an EHR certification id of 15 characters",
        )
    days = [
        check.value(each, name, place, _is_day, "a day, as in 2027-01-31")
        for name in ("performanceStart", "performanceEnd")
    ]
    if all(days):
        start, end = each["performanceStart"], each["performanceEnd"]
        if not (start <= end and start[:4] == end[:4] == str(check.formats.year)):
            check.field(f"{place}performanceStart", f"{start} to {end}", f"a period of {check.formats.year}")
    measurements = each.get("measurements", [])
    if not isinstance(measurements, list):
        check.field(f"{place}measurements", shown(measurements), "a list")
        return
    ids: set[str] = set()
    for number, one in enumerate(measurements):
        where = f"{place}measurements[{number}]."
        if not isinstance(one, dict):
            check.field(where, shown(one), "an object")
            continue
        check.known(one, frozenset({"measureId", "value"}), where)
        if not check.value(
            one, "measureId", where, lambda value: isinstance(value, str) and value != "", "a measure id"
        ):
            continue
        measure = one["measureId"]
        if measure in ids:
            check.twice(where, measure)
        ids.add(measure)
        _measurement(one, str(category), method == "electronicHealthRecord", where, check)
    for item in ids:
        for exclusion in check.formats.exclusions(item):
            if exclusion in ids:
                check.problems.add(kinds.QPP_EXCLUSION, check.file, column=place, found=f"{item} and {exclusion}")


def _measurement(one: Mapping[str, Any], category: str, by_records: bool, place: str, check: _Check) -> None:
    value = one.get("value")
    where = f"{place}value"
    if category in ("pi", "ia"):
        if isinstance(value, bool):
            if not value:
                check.field(where, "false", "true; what was not done is left out")
        elif category == "pi" and isinstance(value, dict):
            _proportion(value, where, check)
        else:
            check.field(where, "nothing" if value is None else shown(value), "true, or numerator and denominator")
        return
    if not isinstance(value, dict):
        check.field(where, "nothing" if value is None else shown(value), "an object with counts")
        return
    end_to_end = "isEndToEndReported"
    check.value(value, end_to_end, f"{where}.", lambda each: isinstance(each, bool), "true or false")
    names = _strata_of(one["measureId"], check.formats)
    if "strata" not in value:
        if len(names) > 1:
            check.field(f"{where}.strata", "nothing", f"one of each: {', '.join(names)}")
            return
        check.known(value, frozenset({end_to_end, *_COUNTS}), f"{where}.")
        _counts(value, f"{where}.", by_records, check)
        return
    check.known(value, frozenset({end_to_end, "strata", "performanceRate"}), f"{where}.")
    strata = value["strata"]
    if not isinstance(strata, list) or not all(isinstance(each, dict) for each in strata):
        check.field(f"{where}.strata", shown(strata), "a list of objects")
        return
    found = [each.get("stratum") for each in strata]
    for name in {each for each in found if found.count(each) > 1}:
        check.twice(f"{where}.strata", shown(name))
    if len(names) > 1 and set(map(str, found)) != set(names):
        check.field(f"{where}.strata", ", ".join(map(str, found)), f"one of each: {', '.join(names)}")
    for number, each in enumerate(strata):
        inside = f"{where}.strata[{number}]."
        check.known(each, frozenset({"stratum", *_COUNTS}), inside)
        _counts(each, inside, by_records, check)


def _strata_of(measure: str, formats: Formats) -> tuple[str, ...]:
    return formats.measure(measure).rates if measure in formats.measures else ()


def _counts(value: Mapping[str, Any], place: str, by_records: bool, check: _Check) -> None:
    good = True
    for name in _COUNTS:
        if name in value or name in _REQUIRED_COUNTS:
            good = check.value(value, name, place, _is_count, "a whole number, 0 or more") and good
    if not good:
        return
    eligible = value["eligiblePopulation"]
    answered = sum(value.get(name, 0) for name in _COUNTS[1:])
    if answered > eligible or (by_records and answered != eligible):
        check.arithmetic(place.rstrip("."), f"{answered} answered of {eligible} eligible")
    if not by_records and value.get("eligiblePopulationExclusion", 0):
        found = str(value["eligiblePopulationExclusion"])
        check.field(
            f"{place}eligiblePopulationExclusion", found, "0, as a CQM's exclusions are out of the eligible cases"
        )


def _proportion(value: Mapping[str, Any], place: str, check: _Check) -> None:
    check.known(value, frozenset({"numerator", "denominator"}), f"{place}.")
    good = [
        check.value(value, name, f"{place}.", _is_count, "a whole number, 0 or more")
        for name in ("numerator", "denominator")
    ]
    if all(good) and value["numerator"] > value["denominator"]:
        check.arithmetic(place, f"{value['numerator']} of {value['denominator']}")


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_day(value: object) -> bool:
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII) is None:
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True
