"""Screenings for health-related social needs in FHIR records: who was screened when, by the codes of the instruments.

Not a measure: nothing is evaluated and no answer is read. Lines without a code that is looked for are passed over unread, so a source
of any size is walked once, in little memory.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from openasm.base.problems import Problems
from openasm.clinical.fhir import owner_of
from openasm.clinical.fhir_source import WorkUnit, bulk_chunks, bundle_units
from openasm.clinical.plain_tables import is_plain_tables

MBI_SYSTEM = "http://hl7.org/fhir/sid/us-mbi"
LOINC = "http://loinc.org"
_DONE = {"Observation": {"final", "amended", "corrected"}, "QuestionnaireResponse": {"completed", "amended"}}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Found = dict[str, set[tuple[dt.date, str]]]


def recorded_screenings(source: Path, codes: Sequence[str], problems: Problems) -> Found:
    """Identifier of the patient -> days and LOINC codes of finished screenings. FHIR only; plain tables hold none.

    A patient stands under the record's id and, where the record gives it, under the Medicare beneficiary identifier, so that claims find
    them by either. Problems of files are added; damaged lines are left for the reading of measures to name.
    """
    if is_plain_tables(source):
        return {}
    wanted, found = tuple(code.encode() for code in codes), Found()
    numbers: dict[str, str] = {}
    bulk: list[Path] = []
    for unit in bundle_units(source, problems, bulk):
        for line in _lines(unit, wanted):
            resources = [entry.get("resource") for entry in _dicts(line.get("entry"))]
            _take(_dicts(resources), codes, found, numbers)
    for unit in bulk_chunks(bulk, problems):
        _take(_lines(unit, wanted), codes, found, {})
    if bulk and found:
        for unit in bulk_chunks(bulk, Problems()):
            _take(_lines(unit, (MBI_SYSTEM.encode(),)), (), found, numbers)
    for identifier, number in numbers.items():
        if identifier in found:
            found.setdefault(number, set()).update(found[identifier])
    return found


def _lines(unit: WorkUnit, wanted: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Records of a unit that hold one of some words."""
    for line in [unit.text] if unit.whole else unit.text.split(b"\n"):
        if any(word in line for word in wanted):
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(record, dict):
                yield record


def _take(resources: Iterable[dict[str, Any]], codes: Sequence[str], found: Found, numbers: dict[str, str]) -> None:
    for resource in resources:
        kind = resource.get("resourceType")
        if kind == "Patient" and resource.get("id"):
            for each in _dicts(resource.get("identifier")):
                if each.get("system") == MBI_SYSTEM and each.get("value"):
                    numbers[str(resource["id"])] = str(each["value"]).strip().upper().replace("-", "")
        elif kind in _DONE and resource.get("status") in _DONE[kind]:
            code, day = _code(resource, codes), _day(resource)
            owner = _owner(resource)
            if code and day is not None and owner:
                found.setdefault(owner, set()).add((day, code))


def _owner(resource: dict[str, Any]) -> str | None:
    subject = resource.get("subject")
    if not isinstance(subject, dict):
        return None
    return owner_of({"resourceType": "Observation", "subject": subject})


def _code(resource: dict[str, Any], codes: Sequence[str]) -> str:
    """The instrument's code: of the observation, or at the end of the address of the questionnaire."""
    if resource["resourceType"] == "QuestionnaireResponse":
        address = str(resource.get("questionnaire", "")).partition("|")[0]
        return next((code for code in codes if address == f"{LOINC}/q/{code}"), "")
    concept = resource.get("code")
    coded = _dicts(concept.get("coding")) if isinstance(concept, dict) else ()
    said = {each.get("code") for each in coded if each.get("system") == LOINC}
    return next((code for code in codes if code in said), "")


def _day(resource: dict[str, Any]) -> dt.date | None:
    period = resource.get("effectivePeriod")
    start = period.get("start") if isinstance(period, dict) else None
    for text in (resource.get("effectiveDateTime"), resource.get("effectiveInstant"), start, resource.get("authored")):
        if isinstance(text, str) and _DAY.match(text):
            try:
                return dt.date.fromisoformat(text[:10])
            except ValueError:
                continue
    return None


def _dicts(values: object) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
