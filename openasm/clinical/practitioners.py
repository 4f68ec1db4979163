"""Who the practitioners of a FHIR source are: the NPIs behind the references of its encounters.

Encounters usually name a clinician by reference (`Practitioner/17`); the NPI stands in the Practitioner resource, of a bulk export
in a file of its own. Only lines that hold the word Practitioner are parsed. What cannot be read is passed over: the reading of the
records reports it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from openasm.clinical.fhir_facts import reference_id
from openasm.clinical.fhir_source import LARGEST_RECORD, source_files

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
_WORD = b'"Practitioner'


def practitioner_npis(source: Path) -> dict[str, str]:
    """Resource id or `urn:` address of every Practitioner and PractitionerRole of a source -> NPI."""
    npis: dict[str, str] = {}
    roles: dict[str, str] = {}  # role -> its practitioner's address
    for path in source_files(source):
        for record in _records(path):
            for address, resource in _resources(record):
                _note(address, resource, npis, roles)
    for role, practitioner in roles.items():
        npi = npis.get(practitioner) or npis.get(reference_id(practitioner))
        if npi:
            npis.setdefault(role, npi)
    return npis


def _note(address: str, resource: Mapping[str, Any], npis: dict[str, str], roles: dict[str, str]) -> None:
    names = [name for name in (resource.get("id"), address if address.startswith("urn:") else "") if name]
    person = resource if resource.get("resourceType") == "Practitioner" else resource.get("practitioner")
    if not isinstance(person, dict):
        return
    stated = person.get("identifier")
    npi = next((each["value"] for each in _listed(stated) if _is_npi(each)), "")
    for name in names:
        if not isinstance(name, str):
            continue
        if npi:
            npis[name] = npi
        elif isinstance(person.get("reference"), str):
            roles[name] = person["reference"]


def _is_npi(identifier: Any) -> bool:
    return (
        isinstance(identifier, dict)
        and identifier.get("system") == NPI_SYSTEM
        and isinstance(identifier.get("value"), str)
    )


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _resources(record: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Practitioners and roles of a Bundle or a single resource, with their full addresses."""
    if not isinstance(record, dict):
        return
    if record.get("resourceType") in ("Practitioner", "PractitionerRole"):
        yield "", record
    entries = record.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") in ("Practitioner", "PractitionerRole"):
            yield str(entry.get("fullUrl") or ""), resource


def _records(path: Path) -> Iterator[Any]:
    """Parsed lines of a file that hold a practitioner; a file of one record over many lines as one."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            whole = False
            for line in stream:
                if _WORD not in line:
                    continue
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError:
                    whole = True
                    break
                yield record
            if whole:
                stream.seek(0)
                content = stream.read(LARGEST_RECORD)
                yield orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except (OSError, EOFError, zlib.error, orjson.JSONDecodeError):
        return
