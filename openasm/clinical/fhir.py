"""FHIR R4 files to patients: Bundles (one a file or one a line) and bulk-export NDJSON (one resource a line), plain or gzip.

Reading is in two steps, so that many processes can share it. `work_units` walks the source once, cheaply, and hands out units of
work; `patients_of` turns one unit into patients, in whatever process. Records of a bulk export lie scattered over files by
resource type; they are first sorted into parts by patient on disk, so that memory does not grow with the source.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

SOURCE_MISSING = declare(
    "Q110",
    "the source is missing or holds no FHIR file",
    expected="a file, or a folder with .json, .ndjson or .jsonl files (gzip accepted)",
    next_step="Check the path; for a bulk export name the folder it was downloaded to.",
)
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
CUT_GZIP = declare(
    "Q114",
    "the gzip file is damaged or ends too soon",
    expected="a whole gzip file",
    next_step="Download the file again.",
)
FILE_EMPTY = declare(
    "Q115",
    "the file is empty",
    expected="at least one resource",
    next_step="Check that the export finished.",
    severity=Severity.WARNING,
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
LINE_TOO_LONG = declare(
    "Q119",
    "a line or file is too large for one record",
    expected="at most 256 MB a line",
    next_step="Export one Bundle a patient, or a bulk export.",
)

ENDINGS = (".json", ".ndjson", ".jsonl")
LINES_A_UNIT = 64
LARGEST_RECORD = 256 << 20
_READ = 1 << 20
_PART_BYTES = 48 << 20  # size of the parts a bulk export is sorted into, as JSON

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


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Some records to be read in one go. Bundles: lines of a file, the first of them `first_row`. Parts of a bulk export: `part`, with
    the medications that any patient may refer to."""

    file: str
    first_row: int = 1
    lines: tuple[bytes, ...] = ()
    part: Path | None = None
    shared: Path | None = None


def source_files(source: Path) -> list[Path]:
    """The FHIR files of a source, in a fixed order. A single file is taken whatever its name."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        return []
    return sorted(
        path
        for path in source.rglob("*")
        if path.is_file() and path.name.removesuffix(".gz").endswith(ENDINGS) and not path.name.startswith(".")
    )


def work_units(source: Path, problems: Problems, *, spill: Path) -> Iterator[WorkUnit]:
    """Everything there is to read, in an order that depends only on the files.

    spill: an empty folder for the sorted parts of a bulk export. Problems are added; those that refuse the input are for the
    caller to raise when all is read.
    """
    files = source_files(source)
    if not files:
        problems.add(SOURCE_MISSING, source.name)
        return
    bulk: list[Path] = []
    for path in files:
        try:
            first = next(_lines(path), None)
            if first is None:
                problems.add(FILE_EMPTY, path.name)
            elif _is_bulk(first):
                bulk.append(path)
            else:
                yield from _bundle_units(path, first)
        except _Damaged:
            problems.add(CUT_GZIP, path.name)
        except _TooLong:
            problems.add(LINE_TOO_LONG, path.name)
    if bulk:
        yield from _bulk_units(bulk, problems, spill)


def _is_bulk(first_line: bytes) -> bool:
    try:
        record = orjson.loads(first_line)
    except orjson.JSONDecodeError:
        return False
    return (
        isinstance(record, dict)
        and isinstance(record.get("resourceType"), str)
        and record["resourceType"] != "Bundle"
        and "bundle" not in record
    )


def _bundle_units(path: Path, first: bytes) -> Iterator[WorkUnit]:
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        lines = list(_lines(path))
        if len(lines) > 1 and not _any_is_json(lines[1:]):  # one Bundle over many lines
            yield WorkUnit(path.name, 1, (b"\n".join(lines),))
            return
    batch: list[bytes] = []
    row = 0
    for line in _lines(path):
        batch.append(line)
        row += 1
        if len(batch) == LINES_A_UNIT:
            yield WorkUnit(path.name, row - len(batch) + 1, tuple(batch))
            batch = []
    if batch:
        yield WorkUnit(path.name, row - len(batch) + 1, tuple(batch))


def _any_is_json(lines: list[bytes]) -> bool:
    """Whether one of some lines is a JSON object by itself, which lines of a pretty-printed file are not at this width."""
    return any(line[:1] == b"{" and line[-1:] == b"}" for line in lines[:20])


class _Damaged(Exception):
    pass


class _TooLong(Exception):
    pass


def _lines(path: Path) -> Iterator[bytes]:
    """Non-empty lines of a file, unpacked when it is gzip."""
    rest = b""
    for block in _blocks(path):
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()
        if len(rest) > LARGEST_RECORD:
            raise _TooLong
        for piece in pieces:
            line = piece.strip()
            if line:
                yield line
    rest = rest.strip()
    if rest:
        yield rest


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        block = stream.read(_READ)
        if block[:2] != b"\x1f\x8b":
            if block[:3] == b"\xef\xbb\xbf":
                block = block[3:]
            while block:
                yield block
                block = stream.read(_READ)
            return
        unpacker = zlib.decompressobj(wbits=31)
        try:
            while block:
                yield unpacker.decompress(block, 4 * _READ)
                block = unpacker.unconsumed_tail
                if unpacker.eof:
                    block = unpacker.unused_data or stream.read(_READ)
                    if block.strip(b"\0"):
                        unpacker = zlib.decompressobj(wbits=31)
                    else:
                        return
                elif not block:
                    block = stream.read(_READ)
        except zlib.error as error:
            raise _Damaged from error
        if not unpacker.eof:
            raise _Damaged


# --- bulk export ---------------------------------------------------------------------------------------------------------


def _bulk_units(files: Iterable[Path], problems: Problems, spill: Path) -> Iterator[WorkUnit]:
    """Sort the lines of a bulk export into parts by patient; each part is a unit."""
    paths = list(files)
    size = sum(path.stat().st_size * (12 if path.name.endswith(".gz") else 1) for path in paths)
    parts = max(1, min(200, size // _PART_BYTES + 1))
    shared = spill / "shared.ndjson"
    with ExitStack() as stack:
        streams = [stack.enter_context((spill / f"part-{place:03}.ndjson").open("wb")) for place in range(parts)]
        common = stack.enter_context(shared.open("wb"))
        for path in paths:
            try:
                for row, line in enumerate(_lines(path), start=1):
                    record = _parsed(line, path.name, row, problems)
                    if record is None:
                        continue
                    owner = _owner(record)
                    if record["resourceType"] == "Medication":
                        common.write(line + b"\n")
                    elif owner is None:
                        if record["resourceType"] in _SUBJECT:
                            problems.add(NO_SUBJECT, path.name, row=row, column=record["resourceType"])
                        elif record["resourceType"] == "Patient":
                            problems.add(PATIENT_WITHOUT_ID, path.name, row=row)
                    else:
                        streams[zlib.crc32(owner.encode("utf-8", "replace")) % parts].write(line + b"\n")
            except _Damaged:
                problems.add(CUT_GZIP, path.name)
            except _TooLong:
                problems.add(LINE_TOO_LONG, path.name)
    for place in range(parts):
        yield WorkUnit("bulk export", 1, (), spill / f"part-{place:03}.ndjson", shared)


def _owner(record: Resource) -> str | None:
    """The id of the patient a resource is about, or of the patient it is."""
    kind = record["resourceType"]
    if kind == "Patient":
        return str(record["id"]) if _has_id(record) else None
    subject = record.get(_SUBJECT.get(kind, ""))
    address = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(address, str) or not address:
        return None
    return reference_id(address).removeprefix("urn:uuid:")


# --- units to patients ---------------------------------------------------------------------------------------------------


def patients_of(unit: WorkUnit, reader: FactReader, problems: Problems) -> Iterator[Patient]:
    """The patients of one unit. Problems of lines go to `problems`, those of resources to `reader.counts`."""
    if unit.part is not None:
        yield from _patients_of_part(unit, reader)
        return
    for row, line in enumerate(unit.lines, start=unit.first_row):
        record = _parsed(line, unit.file, row, problems)
        if record is not None:
            yield from patients_of_bundle(record, reader, problems, file=unit.file, row=row)


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
                if all(resource[element]["reference"] == own for resource in resources) and (
                    len({resource["id"] for resource in resources}) == len(resources)
                ):
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
    assert unit.part is not None
    by_type: dict[str, list[Resource]] = {}
    for path in (unit.part, unit.shared):
        if path is not None:
            for line in _lines(path):
                record: Any = orjson.loads(line)
                by_type.setdefault(record["resourceType"], []).append(record)
    patients = by_type.pop("Patient", [])
    if patients:
        yield from _several(patients, by_type, {}, reader)
    else:
        for kind, resources in by_type.items():
            if kind in _SUBJECT:
                reader.counts[OTHER_SUBJECT, kind] += len(resources)


def note_counts(reader: FactReader, problems: Problems, source: str) -> None:
    """Turn what a reader counted into problems, in a fixed order."""
    for (kind, resource_type), count in sorted(reader.counts.items(), key=lambda item: (item[0][0].code, item[0][1])):
        problems.add(kind, source, column=resource_type, found=f"{count}", count=count)
