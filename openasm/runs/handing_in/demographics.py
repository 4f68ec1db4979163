"""Sex, race, ethnicity and payer of patients in the codes of QRDA III, from FHIR records or a table.

A patient with several races stands under `2131-1` (other race), one with several payers under the first group of Medicare, Medicaid,
private, other; CMS publishes no rule for either (assumed). What is not recorded is UNK.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from openasm.base import files
from openasm.base.files import Column, read_table
from openasm.base.problems import Problems
from openasm.clinical.fhir_elements import reference_id
from openasm.clinical.fhir_source import SOURCE_MISSING, source_files
from openasm.submission.formats import KINDS, UNKNOWN, Formats

_EXTENSIONS = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_OTHER_RACE = "2131-1"
_SEX = {"female": "248152002", "male": "248153007"}
_PAYER_SYSTEM = ("nahdo", "2.16.840.1.113883.3.221.5", "sourceofpayment", "source-of-payment")
_PAYER_OF_DIGIT = {"1": "A", "2": "B", "5": "C", "6": "C", "7": "C"}  # Source of Payment Typology, first digit
_WANTED = (b'"Patient"', b'"Coverage"')

Codes = tuple[str, str, str, str]  # in the order of KINDS
NOT_KNOWN: Codes = (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Demographics:
    """Patient id -> codes in the order of KINDS (sex, race, ethnicity, payer)."""

    of_patient: Mapping[str, Codes]

    def codes(self, patient: str) -> Codes:
        """A patient's codes; all unknown for a patient who is not in the source."""
        return self.of_patient.get(patient, NOT_KNOWN)


def read_demographics(source: Path, *, formats: Formats, problems: Problems) -> Demographics:
    """From a table (`patient` and a column a kind, codes as in supplemental.csv, empty: unknown) or from FHIR records.

    Problems are added, never raised; no patient is named in one.
    """
    if source.suffix in (".csv", ".parquet"):
        columns = [Column("patient", files.text)]
        columns += [
            Column(kind, files.choice(*formats.codes(kind), UNKNOWN), required=False, may_be_empty=True)
            for kind in KINDS
        ]
        table = read_table(source, columns, problems, key=("patient",), private_columns=frozenset({"patient", *KINDS}))
        rows = zip(table["patient"], *(table[kind] for kind in KINDS), strict=True)
        return Demographics({patient: _codes(codes) for patient, *codes in rows})
    found = source_files(source)
    if not found:
        problems.add(SOURCE_MISSING, source.name)
    return Demographics(_from_fhir(found))


def _codes(codes: Iterable[str | None]) -> Codes:
    sex, race, ethnicity, payer = (code or UNKNOWN for code in codes)
    return sex, race, ethnicity, payer


def _from_fhir(paths: Iterable[Path]) -> dict[str, Codes]:
    stated: dict[str, tuple[str, str, str]] = {}
    payers: dict[str, str] = {}
    for path in paths:
        for resource in _resources(path):
            if resource["resourceType"] == "Patient":
                stated[str(resource.get("id"))] = (_sex(resource), _race(resource), _ethnicity(resource))
            else:
                patient = reference_id(str((resource.get("beneficiary") or {}).get("reference", "")))
                group = _payer(resource)
                if patient and group:
                    payers[patient] = min(group, payers.get(patient, group))
    return {patient: (*codes, payers.get(patient, UNKNOWN)) for patient, codes in stated.items()}


def _resources(path: Path) -> Iterator[dict[str, Any]]:
    """Every Patient and Coverage of a file: one Bundle or resource, or one a line. Lines that cannot be read are passed over: the run
    of `openasm quality` over the same records has named them."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    try:
        yield from _within(orjson.loads(content))
        return
    except orjson.JSONDecodeError:
        pass  # a record a line
    for line in content.splitlines():
        if any(word in line for word in _WANTED):
            try:
                yield from _within(orjson.loads(line))
            except orjson.JSONDecodeError:
                continue


def _within(record: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(record, dict):
        return
    if record.get("resourceType") in ("Patient", "Coverage"):
        yield record
    entries = record.get("entry") if record.get("resourceType") == "Bundle" else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") in ("Patient", "Coverage"):
            yield resource


def _sex(patient: Mapping[str, Any]) -> str:
    """US Core's sex where it is stated, else the administrative gender."""
    for extension in _extensions(patient):
        if extension.get("url") == f"{_EXTENSIONS}sex":
            code = str(extension.get("valueCode") or (extension.get("valueCoding") or {}).get("code", ""))
            if code in _SEX.values():
                return code
    return _SEX.get(str(patient.get("gender")), UNKNOWN)


def _race(patient: Mapping[str, Any]) -> str:
    codes = {code for code in _omb(patient, "race") if code != UNKNOWN}
    if len(codes) > 1:
        return _OTHER_RACE
    return codes.pop() if codes else UNKNOWN


def _ethnicity(patient: Mapping[str, Any]) -> str:
    return next(iter(_omb(patient, "ethnicity")), UNKNOWN)


def _omb(patient: Mapping[str, Any], kind: str) -> list[str]:
    """The codes of US Core's race or ethnicity that QRDA III knows."""
    known = ("1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1") if kind == "race" else ("2135-2", "2186-5")
    return [
        code
        for extension in _extensions(patient)
        if extension.get("url") == f"{_EXTENSIONS}{kind}"
        for part in _extensions(extension)
        if part.get("url") == "ombCategory"
        for code in (str((part.get("valueCoding") or {}).get("code", "")),)
        if code in known
    ]


def _extensions(holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = holder.get("extension")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _payer(coverage: Mapping[str, Any]) -> str:
    """The payer group of a Coverage by the Source of Payment Typology; empty when its type is coded otherwise."""
    if coverage.get("status") in ("cancelled", "entered-in-error"):
        return ""
    codings = (coverage.get("type") or {}).get("coding")
    for coding in codings if isinstance(codings, list) else ():
        system = str(coding.get("system", "")).lower() if isinstance(coding, dict) else ""
        if any(name in system for name in _PAYER_SYSTEM):
            return _PAYER_OF_DIGIT.get(str(coding.get("code", ""))[:1], "D")
    return ""
