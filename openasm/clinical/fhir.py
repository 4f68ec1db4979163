"""Pieces of work (see `fhir_source`) to patients, in whatever process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain

import orjson

from openasm.base.problems import Problems, Severity, declare
from openasm.clinical.facts import Patient
from openasm.clinical.fhir_facts import (
    NO_SUBJECT,
    OTHER_SUBJECT,
    RESOURCE_UNREADABLE,
    SAME_RESOURCE_TWICE,
    FactReader,
    Resource,
    reference_id,
)
from openasm.clinical.fhir_source import PartFiles, WorkUnit

NOT_JSON = declare(
    "Q111",
    "a line or file is not JSON",
    expected="one whole JSON object a line, or one in the file",
    next_step="Export or download the file again; a transfer may have broken off.",
)
NOT_UTF8 = declare(
    "Q112",
    "a line or file is not UTF-8 text",
    expected="UTF-8, the only encoding of FHIR JSON",
    next_step="Export again as UTF-8.",
)
NOT_FHIR = declare(
    "Q113",
    "a line or file is not a FHIR resource",
    expected="an object with a resourceType: a Bundle, or one resource a line",
    next_step="Check that this is a FHIR R4 export.",
)
NO_PATIENT = declare(
    "Q116",
    "a Bundle holds no Patient and was left out",
    expected="the Patient resource of the record",
    next_step="Export the patients together with their records.",
    severity=Severity.WARNING,
)
NO_PATIENTS_AT_ALL = declare(
    "Q117",
    "the source holds no patient",
    expected="at least one Patient resource",
    next_step="Check that the export includes Patient resources.",
)
PATIENT_WITHOUT_ID = declare(
    "Q118",
    "Patient resources without a usable id were left out",
    expected="an id of up to 64 letters, digits, hyphens and dots",
    next_step="Correct the export.",
    severity=Severity.WARNING,
)

# How each resource names its patient; resources of other types are not read.
_SUBJECT = {
    "Encounter": "subject",
    "Condition": "subject",
    "Observation": "subject",
    "MedicationRequest": "subject",
    "ServiceRequest": "subject",
    "DeviceRequest": "subject",
    "Procedure": "subject",
    "AllergyIntolerance": "patient",
    "Task": "for",
}
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)  # FHIR allows no underscore and 64; some systems do
_NEEDED = frozenset((*_SUBJECT, "Patient", "Medication"))


def patients_of(unit: WorkUnit, reader: FactReader, problems: Problems) -> Iterator[Patient]:
    """The patients of one unit. Problems of lines go to `problems`, those of resources to `reader.counts`."""
    if unit.parts:
        yield from _patients_of_part(unit, reader)
        return
    for row, _, record in _records(unit, problems):
        yield from patients_of_bundle(record, reader, problems, file=unit.file, row=row)


def sort_by_patient(unit: WorkUnit, parts: PartFiles, problems: Problems) -> None:
    """Sort the lines of a bulk export into parts by patient. Each part is a unit of work later (`fhir_source.part_units`)."""
    for row, line, record in _records(unit, problems):
        kind = record["resourceType"]
        owner = owner_of(record)
        if kind == "Medication":
            parts.add(None, line)
        elif owner is not None:
            parts.add(owner, line)
        elif kind in _SUBJECT:
            problems.add(NO_SUBJECT, unit.file, row=row, column=kind)
        elif kind == "Patient":
            problems.add(PATIENT_WITHOUT_ID, unit.file, row=row)


def _records(unit: WorkUnit, problems: Problems) -> Iterator[tuple[int, bytes, Resource]]:
    """The lines of a unit that can be read, with their numbers and what they say."""
    lines = [unit.text] if unit.whole else unit.text.split(b"\n")
    for row, line in enumerate(lines, start=unit.first_row):
        if line and not line.isspace():
            record = _parsed(line, unit.file, row, problems)
            if record is not None:
                yield row, line, record


def owner_of(record: Resource) -> str | None:
    """The id of the patient a resource is about, or of the patient it is."""
    kind = record["resourceType"]
    if kind == "Patient":
        return str(record["id"]) if _has_id(record) else None
    subject = record.get(_SUBJECT.get(kind, ""))
    address = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(address, str) or not address:
        return None
    return reference_id(address).removeprefix("urn:uuid:")


def _parsed(line: bytes, file: str, row: int, problems: Problems) -> Resource | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            problems.add(NOT_UTF8, file, row=row, found=f"byte 0x{line[error.start]:02x}")
        else:
            problems.add(NOT_JSON, file, row=row)
        return None
    if isinstance(record, dict) and isinstance(record.get("bundle"), dict):
        record = record["bundle"]  # a test case around its Bundle
    if not isinstance(record, dict) or not isinstance(record.get("resourceType"), str):
        problems.add(NOT_FHIR, file, row=row)
        return None
    return record


def patients_of_bundle(
    bundle: Resource, reader: FactReader, problems: Problems, *, file: str = "bundle", row: int | None = None
) -> Iterator[Patient]:
    """The patients of one Bundle, or of one resource by itself."""
    by_type: dict[str, list[Resource]] = {}
    addresses: dict[str, Resource] = {}
    if bundle["resourceType"] == "Bundle":
        entries = bundle.get("entry", ())
        if not isinstance(entries, list):
            entries = ()
        for entry in entries:
            try:
                resource = entry["resource"]
                kind = resource["resourceType"]
                if kind not in _NEEDED:
                    continue
                known = by_type.get(kind)
                if known is None:
                    by_type[kind] = [resource]
                else:
                    known.append(resource)
                full = entry.get("fullUrl")
                if full is not None and full[:4] == "urn:":
                    addresses[full] = resource
            except (TypeError, KeyError, AttributeError):
                reader.counts[RESOURCE_UNREADABLE, "entry"] += 1
    elif bundle["resourceType"] in _NEEDED:
        by_type[bundle["resourceType"]] = [bundle]
    stated = by_type.pop("Patient", [])
    patients = [patient for patient in stated if _has_id(patient)]
    if len(patients) < len(stated):
        reader.counts[PATIENT_WITHOUT_ID, "Patient"] += len(stated) - len(patients)
    if len(patients) == 1:
        yield _only_patient(patients[0], by_type, addresses, reader)
    elif patients:
        yield from _several(patients, by_type, addresses, reader)
    elif not stated:
        problems.add(NO_PATIENT, file, row=row)


def _has_id(resource: Resource) -> bool:
    identity = resource.get("id")
    return isinstance(identity, str) and _ID.fullmatch(identity) is not None


def _only_patient(
    patient: Resource, by_type: dict[str, list[Resource]], addresses: dict[str, Resource], reader: FactReader
) -> Patient:
    own = f"Patient/{patient['id']}"
    for kind, resources in by_type.items():
        element = _SUBJECT.get(kind)
        if element is not None:
            try:
                # Mostly every resource is this patient's, and none is there twice.
                if len({each["id"] for each in resources if each[element]["reference"] == own}) == len(resources):
                    continue
            except (TypeError, KeyError):
                pass
        owned = _owned(kind, resources, {patient["id"]: patient}, addresses, reader)
        by_type[kind] = owned.get(patient["id"], [])
    return reader.patient(patient, by_type, addresses=addresses)


def _several(
    patients: list[Resource], by_type: dict[str, list[Resource]], addresses: dict[str, Resource], reader: FactReader
) -> Iterator[Patient]:
    known = {patient["id"]: patient for patient in _once("Patient", patients, reader)}
    records: dict[str, dict[str, list[Resource]]] = {owner: {} for owner in known}
    for kind, resources in by_type.items():
        for owner, owned in _owned(kind, resources, known, addresses, reader).items():
            records[owner][kind] = owned
    for owner in sorted(known):
        yield reader.patient(known[owner], records[owner], addresses=addresses)


def _owned(
    kind: str,
    resources: list[Resource],
    patients: Mapping[str, Resource],
    addresses: Mapping[str, Resource],
    reader: FactReader,
) -> dict[str, list[Resource]]:
    """Resources by the id of their patient, each once; those of nobody here are counted. Medications belong to everyone."""
    if kind not in _SUBJECT:
        once = _once(kind, resources, reader)
        return dict.fromkeys(patients, once)
    owned: dict[str, list[Resource]] = {}
    for resource in resources:
        try:
            subject = resource.get(_SUBJECT[kind])
            address = None if subject is None else subject.get("reference")
            if not address:
                reader.counts[NO_SUBJECT, kind] += 1
                continue
            owner = str(addresses[address].get("id")) if address in addresses else reference_id(address)
            owner = owner if owner in patients else owner.removeprefix("urn:uuid:")
            if owner in patients:
                owned.setdefault(owner, []).append(resource)
            else:
                reader.counts[OTHER_SUBJECT, kind] += 1
        except (TypeError, AttributeError):
            reader.counts[RESOURCE_UNREADABLE, kind] += 1
    return {owner: _once(kind, each, reader) for owner, each in owned.items()}


def _once(kind: str, resources: list[Resource], reader: FactReader) -> list[Resource]:
    """Each id once: of two copies the one last updated, then the greater as text, whatever their order. An id that is no text is
    none; resources without an id are kept."""
    by_id: dict[str, Resource] = {}
    kept: list[Resource] = []
    for resource in resources:
        identity = resource.get("id")
        if identity is not None and not isinstance(identity, str):
            reader.counts[RESOURCE_UNREADABLE, kind] += 1
        elif not identity:
            kept.append(resource)
        elif identity not in by_id:
            by_id[identity] = resource
        elif by_id[identity] != resource:
            reader.counts[SAME_RESOURCE_TWICE, kind] += 1
            by_id[identity] = max(by_id[identity], resource, key=_updated)
    return [*kept, *by_id.values()]


def _updated(resource: Resource) -> tuple[str, bytes]:
    meta = resource.get("meta")
    stamp = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return str(stamp or ""), orjson.dumps(resource, option=orjson.OPT_SORT_KEYS)


def _patients_of_part(unit: WorkUnit, reader: FactReader) -> Iterator[Patient]:
    with ExitStack() as stack:
        streams = [stack.enter_context(path.open("rb")) for path in (*unit.parts, *unit.shared)]
        yield from patients_of_resources((orjson.loads(line) for line in chain(*streams)), reader)


def patients_of_resources(resources: Iterable[Resource], reader: FactReader) -> Iterator[Patient]:
    """The patients of resources in any order; Medications may be referred to by any of them."""
    by_type: dict[str, list[Resource]] = {}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    patients = by_type.pop("Patient", [])
    if patients:
        yield from _several(patients, by_type, {}, reader)
    else:
        for kind, about_nobody in by_type.items():
            if kind in _SUBJECT:
                reader.counts[OTHER_SUBJECT, kind] += len(about_nobody)


def note_counts(reader: FactReader, problems: Problems, source: str) -> None:
    """Turn what a reader counted into problems, in a fixed order."""
    for (kind, resource_type), count in sorted(reader.counts.items(), key=lambda item: (item[0][0].code, item[0][1])):
        problems.add(kind, source, column=resource_type, found=f"{count}", count=count)
