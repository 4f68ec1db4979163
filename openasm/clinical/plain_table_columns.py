"""The plain tables a practice without FHIR can give: their columns, and the FHIR resource that a row stands for.

A row becomes the FHIR R4 resource that says the same, so that both kinds of source share one reading of dates, statuses and missing
elements (docs/reference/plain-tables.md). Codes are written `SYSTEM|CODE`, several in one cell separated by spaces; a system is
one of `SYSTEMS` or an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from openasm.base.files import NOT_A_CHOICE, NOT_DATE, NOT_NPI, NOT_NUMBER, BadValue
from openasm.base.identity import is_npi
from openasm.base.problems import declare
from openasm.clinical.fhir_facts import QICORE
from openasm.clinical.moments import NotATime, moment

NOT_A_CODE = declare(
    "Q140",
    "not a code with its system",
    expected="SYSTEM|CODE, as in SNOMED|59621000; several separated by spaces",
    next_step="Put the name of the code system before the code. Codes of no known system belong to no value set.",
)
NOT_A_PATIENT_ID = declare(
    "Q141",
    "the patient id has characters other than letters, digits, hyphens, dots and underscores, or more than 128",
    expected="an id such as A-10023",
    next_step="Give patients ids of that kind, the same in every table.",
)

SYSTEMS: Mapping[str, str] = {
    "SNOMED": "http://snomed.info/sct",
    "LOINC": "http://loinc.org",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "CDT": "http://www.ada.org/cdt",
}
_CATEGORY = "http://terminology.hl7.org/CodeSystem/"
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
_NO_ZONE = re.compile(r"(.*T[0-9]{2}:[0-9]{2})(:[0-9]{2}(\.[0-9]+)?)?", re.ASCII)
_UCUM = "http://unitsofmeasure.org"
_LOINC = SYSTEMS["LOINC"]
_BLOOD_PRESSURE = f"{_LOINC}|85354-9"

Resource = dict[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a plain table. parse: text -> value, raising BadValue; private: its content is never printed."""

    name: str
    parse: Callable[[str], Any]
    required: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table: its columns, and the resource a row stands for (without id and subject)."""

    name: str
    columns: tuple[TableColumn, ...]
    resource: Callable[[Row], Resource]


def _patient_id(value: str) -> str:
    if _ID.fullmatch(value) is None:
        raise BadValue(NOT_A_PATIENT_ID)
    return value


def _text(value: str) -> str:
    return value


def _time(value: str) -> str:
    """A date, or a time; a blank between date and time counts as T, and a time without zone is taken as UTC."""
    text = value.replace(" ", "T", 1)
    bare = _NO_ZONE.fullmatch(text)
    if bare is not None:
        text = f"{bare[1]}{bare[2] or ':00'}Z"
    try:
        moment(text)
    except NotATime:
        raise BadValue(NOT_DATE, "2026-03-31, or 2026-03-31T09:30:00-05:00") from None
    return text


def _number(value: str) -> float | int:
    if _NUMBER.fullmatch(value) is None:
        raise BadValue(NOT_NUMBER)
    return float(value) if "." in value else int(value)


def _whole(value: str) -> int:
    if _NUMBER.fullmatch(value) is None or "." in value:
        raise BadValue(NOT_NUMBER, "a whole number")
    return int(value)


def _codes(value: str) -> Resource:
    """`SYSTEM|CODE SYSTEM|CODE` as a CodeableConcept."""
    codings = []
    for each in value.split():
        system, bar, code = each.rpartition("|")
        if not bar or not system or not code or (":" not in system and system.upper() not in SYSTEMS):
            raise BadValue(NOT_A_CODE, f"SYSTEM|CODE, the system one of {', '.join(SYSTEMS)} or an address")
        codings.append({"system": SYSTEMS.get(system.upper(), system), "code": code})
    return {"coding": codings}


def _words(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise BadValue(NOT_A_CHOICE, f"one of {', '.join(words)}")
        return value

    return parse


def _npis(value: str) -> list[str]:
    npis = value.split()
    if not all(is_npi(each) for each in npis):
        raise BadValue(NOT_NPI)
    return npis


def _one_of_system(system: str, code: str | None) -> Resource | None:
    return None if code is None else {"coding": [{"system": system, "code": code}]}


def _period(row: Row, *, end_is_start: bool = False) -> Resource | None:
    start, end = row["start"], row["end"] or (row["start"] if end_is_start else None)
    found = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    return found or None


def _patient(row: Row) -> Resource:
    return {"resourceType": "Patient", "birthDate": row["birth_date"], "gender": row["gender"]}


def _encounter(row: Row) -> Resource:
    performers = [{"individual": {"identifier": {"system": _NPI, "value": npi}}} for npi in row["performer"] or ()]
    return {
        "resourceType": "Encounter",
        "status": row["status"] or "finished",
        "class": {"code": row["class"]} if row["class"] else None,
        "type": [row["code"]] if row["code"] else None,
        "period": _period(row, end_is_start=True),
        "hospitalization": {"dischargeDisposition": row["discharge"]} if row["discharge"] else None,
        "participant": performers or None,
    }


def _condition(row: Row) -> Resource:
    kind = row["kind"] or "problem"
    category = {
        "problem": (_CATEGORY + "condition-category", "problem-list-item"),
        "encounter_diagnosis": (_CATEGORY + "condition-category", "encounter-diagnosis"),
        "health_concern": ("http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern"),
    }[kind]
    return {
        "resourceType": "Condition",
        "category": [_one_of_system(*category)],
        "code": row["code"],
        "clinicalStatus": _one_of_system(_CATEGORY + "condition-clinical", row["clinical_status"] or "active"),
        "verificationStatus": _one_of_system(_CATEGORY + "condition-ver-status", row["verification_status"]),
        "severity": row["severity"],
        "onsetDateTime": row["onset"],
        "abatementDateTime": row["abatement"],
        "recordedDate": row["recorded"],
    }


def _observation(row: Row) -> Resource:
    start, end = row["start"], row["end"]
    components = [
        {"code": _one_of_system(_LOINC, code), "valueQuantity": _quantity(row[name], "mm[Hg]")}
        for name, code in (("systolic", "8480-6"), ("diastolic", "8462-4"))
        if row[name] is not None
    ]
    return {
        "resourceType": "Observation",
        "status": row["status"] or "final",
        "code": row["code"] or (_codes(_BLOOD_PRESSURE) if components else None),
        "effectiveDateTime": start if end is None else None,
        "effectivePeriod": _period(row) if end is not None else None,
        "issued": row["issued"],
        "valueQuantity": None if row["value"] is None else _quantity(row["value"], row["unit"] or ""),
        "valueCodeableConcept": row["value_code"],
        "component": components or None,
        "encounter": {"reference": f"Encounter/{row['encounter']}"} if row["encounter"] else None,
        "extension": _extension("qicore-notDoneReason", row["not_done_reason"]),
    }


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, **({"system": _UCUM, "code": unit} if unit else {})}


def _extension(name: str, concept: Resource | None) -> list[Resource] | None:
    return None if concept is None else [{"url": QICORE + name, "valueCodeableConcept": concept}]


def _order(row: Row) -> Resource:
    return {
        "status": row["status"] or "active",
        "intent": row["intent"] or "order",
        "authoredOn": row["authored"],
        "doNotPerform": True if row["requested"] == "no" else None,
    }


def _medication(row: Row) -> Resource:
    bounds = _period(row)
    repeat = {
        "boundsPeriod": bounds,
        "frequency": row["frequency"],
        "period": row["period"],
        "periodUnit": row["period_unit"],
    }
    stated = {name: value for name, value in repeat.items() if value is not None}
    dosage: Resource = {"timing": {"repeat": stated}} if stated else {}
    if row["dose"] is not None:
        dosage["doseAndRate"] = [{"doseQuantity": {"value": row["dose"]}}]
    dispense = {
        "numberOfRepeatsAllowed": row["refills"],
        "quantity": None if row["quantity"] is None else _quantity(row["quantity"], row["quantity_unit"] or ""),
        "expectedSupplyDuration": None if row["days_supply"] is None else _quantity(row["days_supply"], "d"),
    }
    return {
        "resourceType": "MedicationRequest",
        **_order(row),
        "medicationCodeableConcept": row["code"],
        "reasonCode": [row["reason"]] if row["reason"] else None,
        "dosageInstruction": [dosage] if dosage else None,
        "dispenseRequest": {name: value for name, value in dispense.items() if value is not None} or None,
    }


def _service(row: Row) -> Resource:
    reasons = [row["reason"]] if row["reason"] else None
    return {"resourceType": "ServiceRequest", **_order(row), "code": row["code"], "reasonCode": reasons}


def _device(row: Row) -> Resource:
    order = {**_order(row), "status": row["status"] or "completed", "doNotPerform": None}
    not_asked = [{"url": _DEVICE_NOT, "valueBoolean": True}] if row["requested"] == "no" else None
    return {
        "resourceType": "DeviceRequest",
        **order,
        "codeCodeableConcept": row["code"],
        "modifierExtension": not_asked,
    }


def _procedure(row: Row) -> Resource:
    end = row["end"]
    return {
        "resourceType": "Procedure",
        "status": row["status"] or "completed",
        "code": row["code"],
        "performedDateTime": row["start"] if end is None else None,
        "performedPeriod": _period(row) if end is not None else None,
        "reasonCode": [row["reason"]] if row["reason"] else None,
    }


def _allergy(row: Row) -> Resource:
    return {
        "resourceType": "AllergyIntolerance",
        "code": row["code"],
        "verificationStatus": _one_of_system(_CATEGORY + "allergyintolerance-verification", row["verification_status"]),
        "onsetDateTime": row["onset"],
        "lastOccurrence": row["last_occurrence"],
    }


def _rejected(row: Row) -> Resource:
    code = _one_of_system("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")
    focus = {"reference": f"MedicationRequest/{row['order']}"}
    return {"resourceType": "Task", "status": "rejected", "code": code, "focus": focus}


_NPI = "http://hl7.org/fhir/sid/us-npi"
_DEVICE_NOT = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DeviceRequest.doNotPerform"
_OWNER = TableColumn("patient", _patient_id, required=True, private=True)
_ROW_ID = TableColumn("id", _text, private=True)
_CODE = TableColumn("code", _codes, required=True)


def _column(name: str, parse: Callable[[str], Any] = _text) -> TableColumn:
    return TableColumn(name, parse)


_ORDER = (
    _OWNER,
    _ROW_ID,
    _CODE,
    _column("authored", _time),
    _column("requested", _words("yes", "no")),
    _column("status"),
    _column("intent"),
)

TABLES: tuple[PlainTable, ...] = (
    PlainTable(
        "patients",
        (
            _OWNER,
            TableColumn("birth_date", _time, required=True, private=True),
            _column("gender", _words("female", "male", "other", "unknown")),
        ),
        _patient,
    ),
    PlainTable(
        "encounters",
        (
            _OWNER,
            _ROW_ID,
            _CODE,
            *(_column("start", _time), _column("end", _time), _column("status"), _column("class")),
            *(_column("performer", _npis), _column("discharge", _codes)),
        ),
        _encounter,
    ),
    PlainTable(
        "conditions",
        (
            _OWNER,
            _ROW_ID,
            _CODE,
            _column("kind", _words("problem", "encounter_diagnosis", "health_concern")),
            *(_column("onset", _time), _column("abatement", _time), _column("recorded", _time)),
            *(_column("clinical_status"), _column("verification_status"), _column("severity", _codes)),
        ),
        _condition,
    ),
    PlainTable(
        "observations",
        (
            _OWNER,
            _ROW_ID,
            _column("code", _codes),
            *(_column("start", _time), _column("end", _time), _column("issued", _time), _column("status")),
            *(_column("value", _number), _column("unit"), _column("value_code", _codes)),
            *(_column("systolic", _number), _column("diastolic", _number)),
            *(_column("encounter"), _column("not_done_reason", _codes)),
        ),
        _observation,
    ),
    PlainTable(
        "medications",
        (
            *_ORDER,
            *(_column("reason", _codes), _column("start", _time), _column("end", _time)),
            *(_column("refills", _whole), _column("quantity", _number), _column("quantity_unit")),
            *(_column("days_supply", _number), _column("dose", _number)),
            *(_column("frequency", _number), _column("period", _number)),
            _column("period_unit", _words("s", "min", "h", "d", "wk", "mo", "a")),
        ),
        _medication,
    ),
    PlainTable("services", (*_ORDER, _column("reason", _codes)), _service),
    PlainTable("devices", _ORDER, _device),
    PlainTable(
        "procedures",
        (
            *(_OWNER, _ROW_ID, _CODE),
            *(_column("start", _time), _column("end", _time), _column("status"), _column("reason", _codes)),
        ),
        _procedure,
    ),
    PlainTable(
        "allergies",
        (
            *(_OWNER, _ROW_ID, _CODE),
            *(_column("onset", _time), _column("last_occurrence", _time), _column("verification_status")),
        ),
        _allergy,
    ),
    PlainTable("rejected_orders", (_OWNER, TableColumn("order", _text, required=True)), _rejected),
)
