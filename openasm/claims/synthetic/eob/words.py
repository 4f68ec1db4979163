"""The systems, codes and small pieces that CMS's v2 resources are made of (shape: beneficiary-fhir-data, CC0-1.0)."""

from __future__ import annotations

from typing import Any

BLUE = "https://bluebutton.cms.gov/resources"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
PROFILE = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit"

Json = dict[str, Any]

CLAIM_KINDS: dict[str, tuple[str, str, str, str]] = {
    # setting: nch_clm_type_cd, eob-type, claim-type, profile
    "professional": ("71", "CARRIER", "professional", "Professional-NonClinician"),
    "dme": ("82", "DME", "professional", "Professional-NonClinician"),
    "outpatient": ("40", "OUTPATIENT", "institutional", "Outpatient-Institutional"),
    "inpatient": ("60", "INPATIENT", "institutional", "Inpatient-Institutional"),
    "snf": ("20", "SNF", "institutional", "Inpatient-Institutional"),
    "home_health": ("10", "HHA", "institutional", "Outpatient-Institutional"),
    "hospice": ("50", "HOSPICE", "institutional", "Outpatient-Institutional"),
    "drug": ("", "PDE", "pharmacy", "Pharmacy"),
}


def variable(name: str) -> str:
    """The address of a CCW variable."""
    return f"{BLUE}/variables/{name}"


def coding(system: str, code: str) -> Json:
    """A concept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def extension(name: str, code: str) -> Json:
    """A coded extension."""
    return {"url": variable(name), "valueCoding": {"system": variable(name), "code": code}}


def money(cents: int) -> Json:
    """Dollars as the API sends them."""
    return {"value": cents / 100, "currency": "USD"}


def adjudication(code: str, name: str, cents: int, *, carin: bool = False) -> Json:
    """One amount of a line: its category and CCW variable."""
    system = f"{CARIN}/C4BBAdjudication" if carin else f"{TERMINOLOGY}/adjudication"
    return {
        "category": {
            "coding": [
                {"system": system, "code": code},
                {"system": f"{BLUE}/codesystem/adjudication", "code": variable(name)},
            ]
        },
        "amount": money(cents),
    }


def claim_type(setting: str) -> Json:
    """The codes that tell a claim's kind."""
    number, kind, general, _ = CLAIM_KINDS[setting]
    codes = [
        {"system": f"{BLUE}/codesystem/eob-type", "code": kind},
        {"system": f"{TERMINOLOGY}/claim-type", "code": general},
    ]
    if number:
        codes.insert(0, {"system": variable("nch_clm_type_cd"), "code": number})
    return {"coding": codes}


def clinician(npi: str, role: str, specialty: str = "") -> Json:
    """A member of the care team by NPI."""
    member: Json = {
        "sequence": 1,
        "provider": {"identifier": {"type": coding(f"{CARIN}/C4BBIdentifierType", "npi"), "value": npi}},
        "role": coding(f"{CARIN}/C4BBClaimCareTeamRole", role),
    }
    if specialty:
        member["qualification"] = coding(variable("prvdr_spclty"), specialty)
    return member


def diagnosis(sequence: int, code: str, *, principal: bool) -> Json:
    """A header diagnosis."""
    kind = "principal" if principal else "secondary"
    system = f"{TERMINOLOGY}/ex-diagnosistype" if principal else f"{CARIN}/C4BBClaimDiagnosisType"
    return {
        "sequence": sequence,
        "diagnosisCodeableConcept": coding("http://hl7.org/fhir/sid/icd-10-cm", code),
        "type": [coding(system, kind)],
    }
