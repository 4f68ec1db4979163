"""Elements of an ExplanationOfBenefit: who, when and by which codes. Amounts are in `amounts.py`.

A code that has not the form of its kind is as good as none; a date or a person that cannot be read makes the resource
unreadable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from openasm.claims import codes
from openasm.claims.sources.eob.shape import Shape, codings, extension, name

_NOT_COUNTED_DIAGNOSES = {"admitting", "patientreasonforvisit"}


class Unreadable(Exception):
    """A resource lacks what no claim can lack, or holds a value that cannot be read; `where` names the element."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(where)


def person_of(reference: Any) -> str | None:
    """The id in a reference to a Patient (`Patient/123`), None when there is none."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    return text.rsplit("/", 1)[-1].removeprefix("urn:uuid:") or None if isinstance(text, str) else None


def header_code(resource: Mapping[str, Any], wanted: str) -> str | None:
    """A code of the claim itself, from its extensions or its supporting information."""
    found = extension(resource, wanted)
    if found is not None:
        return found
    for info in resource.get("supportingInfo") or ():
        if any(name(each.get("code") or "") == wanted for each in codings(info.get("category"))):
            for coding in codings(info.get("code")):
                return str(coding.get("code") or "") or None
    return None


def sequence_of(item: Mapping[str, Any], place: int) -> int:
    """The number of a line as stated, else its place."""
    found = item.get("sequence")
    return found if isinstance(found, int) else place


def hcpcs_of(item: Mapping[str, Any]) -> str | None:
    """The HCPCS or CPT code of a line, None when there is none of its form."""
    for coding in codings(item.get("productOrService")):
        system = (coding.get("system") or "").lower()
        if "hcpcs" in system or "cpt" in system:
            return codes.hcpcs(str(coding.get("code") or ""))
    return None


def ndc_codings(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The codings of a drug line that are NDCs, in the order given."""
    concepts = [item.get("productOrService"), *(each.get("productOrService") for each in item.get("detail") or ())]
    return [each for concept in concepts for each in codings(concept) if name(each.get("system") or "") == "ndc"]


def revenue_center_of(item: Mapping[str, Any]) -> str | None:
    """The revenue center of a line, None when there is none of its form."""
    for coding in codings(item.get("revenue")):
        return codes.revenue_center(str(coding.get("code") or ""))
    return None


def place_of_service_of(item: Mapping[str, Any], shape: Shape) -> str | None:
    """The place of service of a line, two digits."""
    for coding in codings(item.get("locationCodeableConcept")):
        if name(coding.get("system") or "") in shape.place_of_service:
            return codes.two(str(coding.get("code") or ""))
    return None


def roles_of(member: Mapping[str, Any]) -> set[str]:
    """The codes of a care team member's role."""
    return {str(each.get("code")) for each in codings(member.get("role"))}


def member_for(team: Mapping[Any, Mapping[str, Any]], item: Mapping[str, Any], roles: tuple[str, ...]) -> Any:
    """Who did the line: the member the line names, else the only ones of the claim in that role (the first of them)."""
    named = [team[sequence] for sequence in item.get("careTeamSequence") or () if sequence in team]
    for members in (named, list(team.values()) if not named else []):
        for member in members:
            if roles_of(member) & set(roles):
                return member
    return None


def npi_of(member: Mapping[str, Any] | None) -> str | None:
    """The NPI of a care team member, by identifier or reference; None when it has not the form of one."""
    provider = (member or {}).get("provider") or {}
    value = (provider.get("identifier") or {}).get("value")
    if value is None and isinstance(provider.get("reference"), str):
        value = provider["reference"].lstrip("#").rsplit("/", 1)[-1]
    return codes.npi(str(value or ""))


def specialty_of(item: Mapping[str, Any], member: Mapping[str, Any] | None, shape: Shape) -> str | None:
    """The CMS specialty code: of the line, else of who did it."""
    stated = extension(item, shape.specialty)
    if stated:
        return codes.two(stated)
    for coding in codings((member or {}).get("qualification")):
        if name(coding.get("system") or "") == shape.specialty:
            return codes.two(str(coding.get("code") or ""))
    return None


def tin_of(item: Mapping[str, Any], shape: Shape) -> str | None:
    """The taxpayer number of a line, nine digits, where the version sends it."""
    return codes.tin(extension(item, *shape.tin) or "")


def diagnosis_code_of(diagnosis: Mapping[str, Any]) -> str | None:
    """The ICD-10-CM code of one diagnosis without its dot, None when it has none."""
    for coding in codings(diagnosis.get("diagnosisCodeableConcept")):
        if name(coding.get("system") or "") == "icd_10_cm":
            return codes.diagnosis(str(coding.get("code") or ""))
    return None


def diagnoses_of(resource: Mapping[str, Any]) -> list[str]:
    """Header diagnoses, the principal one first, then in order of sequence; each code once."""
    ranked = []
    for place, diagnosis in enumerate(resource.get("diagnosis") or ()):
        kinds = {str(each.get("code")) for concept in diagnosis.get("type") or () for each in codings(concept)}
        if kinds and kinds <= _NOT_COUNTED_DIAGNOSES:
            continue
        code = diagnosis_code_of(diagnosis)
        if code:
            ranked.append(("principal" not in kinds, diagnosis.get("sequence") or place, code))
    return list(dict.fromkeys(code for _, _, code in sorted(ranked)))


def dates_of(item: Mapping[str, Any], period: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    """First and last day of a line: its own, else the claim's; Unreadable without one."""
    serviced = item.get("servicedPeriod") or {}
    start = serviced.get("start") or item.get("servicedDate") or period.get("start")
    end = serviced.get("end") or item.get("servicedDate") or serviced.get("start") or period.get("end") or start
    return day_of(start, "item.serviced"), day_of(end, "item.serviced")


def period_of(period: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    """First and last day of a claim; Unreadable without a first."""
    start = day_of(period.get("start"), "billablePeriod")
    return start, day_of(period.get("end") or period.get("start"), "billablePeriod")


def day_of(text: Any, where: str) -> dt.date:
    """A date from 1900 to 2100; Unreadable otherwise. where: the element, for the message."""
    try:
        day = dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        raise Unreadable(where) from None
    if not dt.date(1900, 1, 1) <= day <= dt.date(2100, 12, 31):
        raise Unreadable(where)
    return day
