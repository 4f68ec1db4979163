"""Small ExplanationOfBenefit resources in CMS's two shapes."""

from __future__ import annotations

from typing import Any

V2 = "https://bluebutton.cms.gov/resources/variables/"
V3 = "https://bluebutton.cms.gov/fhir/CodeSystem/"
PROFILE = "http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-"


def concept(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


def coded(variable: str, code: str) -> dict[str, Any]:
    return {"url": V2 + variable, "valueCoding": {"system": V2 + variable, "code": code}}


def adjudication(amounts: dict[str, float], base: str = V2) -> list[dict[str, Any]]:
    return [
        {"category": concept(("x", base + name if base == V2 else name)), "amount": {"value": value, "currency": "USD"}}
        for name, value in amounts.items()
    ]


def claim(number: str, kind: str, person: str = "11", **more: Any) -> dict[str, Any]:
    """A version 2 claim of one of CMS's types (`CARRIER`, `INPATIENT`, ...)."""
    return {
        "resourceType": "ExplanationOfBenefit",
        "id": f"{kind.lower()}-{number}",
        "meta": {"lastUpdated": "2026-05-01T00:00:00Z", "profile": [PROFILE + "Professional-NonClinician"]},
        "identifier": [{"system": V2 + "clm_id", "value": number}],
        "status": "active",
        "use": "claim",
        "type": concept(("https://bluebutton.cms.gov/resources/codesystem/eob-type", kind)),
        "patient": {"reference": f"Patient/{person}"},
        "billablePeriod": {"start": "2026-03-02", "end": "2026-03-04"},
        "diagnosis": [
            {
                "sequence": 1,
                "type": [concept(("x", "principal"))],
                "diagnosisCodeableConcept": concept(("http://hl7.org/fhir/sid/icd-10-cm", "I5022")),
            }
        ],
        "careTeam": [
            {
                "sequence": 1,
                "role": concept(("x", "performing" if kind in ("CARRIER", "DME") else "attending")),
                "provider": {"identifier": {"value": "2999000047"}},
                "qualification": concept((V2 + "prvdr_spclty", "06")),
            }
        ],
        **more,
    }


def visit(sequence: int, amounts: dict[str, float], **more: Any) -> dict[str, Any]:
    """A version 2 line of a clinician."""
    return {
        "sequence": sequence,
        "careTeamSequence": [1],
        "diagnosisSequence": [1],
        "servicedPeriod": {"start": "2026-03-02", "end": "2026-03-02"},
        "productOrService": concept(("https://bluebutton.cms.gov/resources/codesystem/hcpcs", "99214")),
        "modifier": [concept(("x", "25"))],
        "locationCodeableConcept": {
            **concept((V2 + "line_place_of_srvc_cd", "11")),
            "extension": [coded("prvdr_zip", "122070000")],
        },
        "extension": [coded("line_prcsg_ind_cd", "A"), coded("tax_num", "000000012")],
        "adjudication": adjudication(amounts),
        **more,
    }
