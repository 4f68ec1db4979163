"""FHIR records written as plain tables, for tests that hold the two kinds of source to the same result."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from openasm.clinical.plain_table_columns import TABLES
from openasm.clinical.synthetic import Record

Cells = dict[str, Any]


def codes(concept: dict[str, Any] | None) -> str:
    return "" if concept is None else " ".join(f"{each['system']}|{each['code']}" for each in concept["coding"])


def first(concepts: list[dict[str, Any]] | None) -> str:
    return codes(concepts[0]) if concepts else ""


def word(concept: dict[str, Any] | None) -> str:
    return "" if concept is None else concept["coding"][0]["code"]


def row_of(resource: dict[str, Any]) -> tuple[str, Cells]:
    """The table and the cells that a resource of `openasm.clinical.synthetic` becomes."""
    kind = resource["resourceType"]
    owner = (resource.get("subject") or resource.get("patient") or resource.get("for") or {}).get("reference", "/")
    cells: Cells = {"id": resource["id"], "patient": owner.split("/")[1], "status": resource.get("status")}
    period = resource.get("period") or resource.get("performedPeriod") or resource.get("effectivePeriod") or {}
    cells |= {"start": period.get("start"), "end": period.get("end")}
    refusal = [each["valueCodeableConcept"] for each in resource.get("extension", ())]
    if kind == "Patient":
        return "patients", {
            "patient": resource["id"],
            "birth_date": resource.get("birthDate"),
            "gender": resource.get("gender"),
        }
    if kind == "Encounter":
        concept = {"coding": [coding for each in resource["type"] for coding in each["coding"]]}
        stay = resource.get("hospitalization", {}).get("dischargeDisposition")
        npis = [each["individual"]["identifier"]["value"] for each in resource.get("participant", ())]
        cells |= {"class": resource["class"]["code"], "discharge": codes(stay), "performer": " ".join(npis)}
        return "encounters", cells | {"code": codes(concept)}
    cells["code"] = codes(
        resource.get("code") or resource.get("medicationCodeableConcept") or resource.get("codeCodeableConcept")
    )
    if kind == "Condition":
        category = word(resource["category"][0])
        cells["kind"] = {"encounter-diagnosis": "encounter_diagnosis", "health-concern": "health_concern"}.get(
            category, "problem"
        )
        cells |= {"onset": resource.get("onsetDateTime"), "abatement": resource.get("abatementDateTime")}
        cells |= {"recorded": resource.get("recordedDate"), "severity": codes(resource.get("severity"))}
        cells["clinical_status"] = word(resource.get("clinicalStatus"))
        return "conditions", cells | {"verification_status": word(resource.get("verificationStatus"))}
    if kind == "Observation":
        amount = resource.get("valueQuantity", {})
        parts = {word(each["code"]): each["valueQuantity"]["value"] for each in resource.get("component", ())}
        cells |= {"start": resource.get("effectiveDateTime"), "issued": resource.get("issued")}
        cells |= {"value": amount.get("value", resource.get("valueInteger")), "unit": amount.get("code")}
        cells |= {"value_code": codes(resource.get("valueCodeableConcept")), "not_done_reason": first(refusal)}
        cells |= {"systolic": parts.get("8480-6"), "diastolic": parts.get("8462-4")}
        return "observations", cells | {"encounter": resource.get("encounter", {}).get("reference", "/").split("/")[1]}
    cells |= {"authored": resource.get("authoredOn"), "intent": resource.get("intent")}
    cells |= {
        "requested": "no" if resource.get("doNotPerform") else "yes",
        "reason": first(resource.get("reasonCode") or refusal),
    }
    if kind == "MedicationRequest":
        dispense = resource.get("dispenseRequest", {})
        bounds = resource.get("dosageInstruction", [{"timing": {"repeat": {}}}])[0]["timing"]["repeat"]
        bounds = bounds.get("boundsPeriod", {})
        cells |= {"start": bounds.get("start"), "end": bounds.get("end")}
        cells |= {"refills": dispense.get("numberOfRepeatsAllowed")}
        cells |= {"quantity": dispense.get("quantity", {}).get("value")}
        return "medications", cells | {"days_supply": dispense.get("expectedSupplyDuration", {}).get("value")}
    if kind == "Procedure":
        return "procedures", cells | {"start": resource.get("performedDateTime")}
    if kind == "AllergyIntolerance":
        cells |= {"onset": resource.get("onsetDateTime"), "last_occurrence": resource.get("lastOccurrence")}
        return "allergies", cells | {"verification_status": word(resource.get("verificationStatus"))}
    if kind == "Task":
        return "rejected_orders", cells | {"order": resource["focus"]["reference"].split("/")[1]}
    return {"ServiceRequest": "services", "DeviceRequest": "devices"}[kind], cells


def write_plain_tables(folder: Path, records: Iterable[Record], *, parquet: bool = False) -> Path:
    """Write records as a folder of plain tables; rows of a patient lie scattered over the tables' ends."""
    rows: dict[str, list[Cells]] = {table.name: [] for table in TABLES}
    for record in records:
        for resource in record.resources:
            table, cells = row_of(resource)
            rows[table].append(cells)
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        names = [column.name for column in table.columns]
        found = [["" if each.get(name) is None else str(each[name]) for name in names] for each in rows[table.name]]
        if parquet:
            import pyarrow as pa
            import pyarrow.parquet as pq

            columns = {name: [row[place] or None for row in found] for place, name in enumerate(names)}
            schema = pa.schema([(name, pa.string()) for name in names])
            pq.write_table(pa.table(columns, schema=schema), folder / f"{table.name}.parquet")
        else:
            with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows([names, *found])
    return folder
