"""One ExplanationOfBenefit to claim lines and diagnoses.

Allowed amounts: a clinician's or supplier's line states it; facility lines do not, so it is rebuilt as Medicare's payment +
deductible + coinsurance + other payers. Facility lines count one by one only on outpatient claims whose line payments add up
to the claim's; otherwise the claim's whole amount stands on one line, as with CCLF.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openasm.claims import codes
from openasm.claims.sources.cclf.denials import CLAIM_DENIED, FACILITY_NOT_DENIED, LINE_DENIED
from openasm.claims.sources.eob.amounts import (
    amounts_of,
    any_present,
    claim_amounts,
    cost_of,
    first_amount,
    payment_of,
    shares_of,
)
from openasm.claims.sources.eob.elements import (
    Unreadable,
    dates_of,
    diagnoses_of,
    diagnosis_code_of,
    hcpcs_of,
    header_code,
    member_for,
    ndc_codings,
    npi_of,
    period_of,
    person_of,
    place_of_service_of,
    revenue_center_of,
    roles_of,
    sequence_of,
    specialty_of,
    tin_of,
)
from openasm.claims.sources.eob.shape import SETTINGS, Shape, codings, extension, name, shape_of

DENIED_CLAIM = "denied claim"
NOT_FINAL = "not the final action"
CANCELLED = "cancelled claim"
NOT_A_CLAIM = "a preauthorization or estimate"
UNKNOWN_TYPE = "claim type not known"
UNKNOWN_SHAPE = "neither version 2 nor 3 of CMS's shape"

_FACILITY = ("outpatient", "inpatient", "snf", "home_health", "hospice")
_ROLES = {
    "professional": ("performing", "rendering"),
    "dme": ("performing", "rendering", "supplier"),
    "drug": ("prescribing",),
}


@dataclass(slots=True)
class ClaimRows:
    """What one resource gives: a reason to leave it out, or rows; `denied_lines` were left out of them."""

    beneficiary: str
    claim_id: str
    updated: str
    version: str = ""
    reason: str | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)
    items: int = 0
    denied_lines: int = 0
    folded_lines: int = 0


def read_claim(resource: Mapping[str, Any]) -> ClaimRows:
    """Read one ExplanationOfBenefit; Unreadable when it lacks an id, a person or a date, or an amount or date cannot be read."""
    shape = shape_of(resource)
    beneficiary = person_of(resource.get("patient"))
    if beneficiary is None:
        raise Unreadable("patient")
    rows = ClaimRows(beneficiary, _claim_id(resource), str(resource.get("meta", {}).get("lastUpdated") or ""))
    items = resource.get("item") or []
    rows.items = len(items)
    if shape is None:
        rows.reason = UNKNOWN_SHAPE
        return rows
    rows.version = shape.version
    setting = _setting(resource)
    rows.reason = _reason(resource, shape, setting)
    if rows.reason or setting is None:
        return rows
    period = resource.get("billablePeriod") or {}
    if setting == "drug":
        rows.lines = _drug_lines(resource, shape, items, period)
    elif setting in _FACILITY:
        rows.lines = _facility_lines(resource, shape, items, setting, period)
        # A whole bill is one line: one of its items stands for all.
        rows.folded_lines = max(0, rows.items - len(rows.lines))
    else:
        _clinician_lines(resource, shape, items, setting, rows, period)
    rows.diagnoses = diagnoses_of(resource)
    return rows


def _claim_id(resource: Mapping[str, Any]) -> str:
    unique = None
    for identifier in resource.get("identifier") or ():
        system = name(identifier.get("system") or "")
        value = identifier.get("value")
        if value and system in ("clm_id", "pde_id"):
            return str(value)
        if value and not system and any(each.get("code") == "uc" for each in codings(identifier.get("type"))):
            unique = str(value)
    found = unique or resource.get("id")
    if not found:
        raise Unreadable("id")
    return str(found)


def _setting(resource: Mapping[str, Any]) -> str | None:
    by_code = None
    for coding in codings(resource.get("type")):
        system, code = name(coding.get("system") or ""), str(coding.get("code") or "").lower()
        if system == "eob_type":
            return SETTINGS.get(code)
        if system in ("nch_clm_type_cd", "clm_type_cd"):
            by_code = SETTINGS.get(code)
    return by_code


def _reason(resource: Mapping[str, Any], shape: Shape, setting: str | None) -> str | None:
    if resource.get("use", "claim") != "claim":
        return NOT_A_CLAIM
    if resource.get("status", "active") != "active":
        return CANCELLED
    for tag in resource.get("meta", {}).get("tag") or ():
        if name(tag.get("system") or "") == "final_action" and tag.get("code") == "NotFinalAction":
            return NOT_FINAL
    if setting is None:
        return UNKNOWN_TYPE
    if header_code(resource, shape.claim_denial) in CLAIM_DENIED and setting in ("professional", "dme"):
        return DENIED_CLAIM
    if setting in _FACILITY:
        denial = header_code(resource, shape.facility_denial)
        if denial and denial not in FACILITY_NOT_DENIED and not payment_of(resource):
            return DENIED_CLAIM
    return None


def _clinician_lines(
    resource: Mapping[str, Any],
    shape: Shape,
    items: Sequence[Mapping[str, Any]],
    setting: str,
    rows: ClaimRows,
    period: Mapping[str, Any],
) -> None:
    team = {member.get("sequence"): member for member in resource.get("careTeam") or ()}
    diagnosis_at = {each.get("sequence"): diagnosis_code_of(each) for each in resource.get("diagnosis") or ()}
    for place, item in enumerate(items, start=1):
        if extension(item, shape.line_processing) in LINE_DENIED:
            rows.denied_lines += 1
            continue
        amounts = amounts_of(item.get("adjudication"))
        allowed, paid = amounts.get(shape.line_allowed), first_amount(amounts, shape.line_paid)
        member = member_for(team, item, _ROLES[setting])
        from_date, thru_date = dates_of(item, period)
        cost, basis = cost_of(allowed, paid, amounts, shape.line_shares)
        pointed = [diagnosis_at.get(sequence) for sequence in item.get("diagnosisSequence") or ()]
        rows.lines.append(
            _line(
                item,
                place,
                setting,
                from_date,
                thru_date,
                line_diagnosis=next((code for code in pointed if code), None),
                place_of_service=place_of_service_of(item, shape),
                specialty=specialty_of(item, member, shape),
                npi=npi_of(member),
                tin=tin_of(item, shape) if setting == "professional" else None,
                service_zip=codes.zip_code(extension(item.get("locationCodeableConcept") or {}, "prvdr_zip") or ""),
                allowed_cents=cost if basis == "rebuilt" else allowed,
                paid_cents=paid,
                cost_cents=cost,
                cost_basis=basis,
            )
        )


def _facility_lines(
    resource: Mapping[str, Any],
    shape: Shape,
    items: Sequence[Mapping[str, Any]],
    setting: str,
    period: Mapping[str, Any],
) -> list[dict[str, Any]]:
    npi = npi_of(next((m for m in resource.get("careTeam") or () if "attending" in roles_of(m)), None))
    paid = payment_of(resource)
    shares = claim_amounts(resource)
    whole = None if paid is None else paid + sum(shares_of(shares, shape.claim_shares))
    basis = "paid" if not any(any_present(shares, group) for group in shape.claim_shares) else "rebuilt"
    start, end = period_of(period)
    if setting != "outpatient" or not items:
        drg = codes.drg(header_code(resource, "clm_drg_cd") or header_code(resource, "drg") or "")
        return [
            _line(
                {},
                1,
                setting,
                start,
                end,
                npi=npi,
                hcpcs=next((code for item in items if (code := hcpcs_of(item))), None)
                if setting in ("home_health", "hospice")
                else None,
                drg=drg if setting == "inpatient" else None,
                allowed_cents=whole if basis == "rebuilt" else None,
                paid_cents=paid,
                cost_cents=whole or 0,
                cost_basis=basis,
            )
        ]
    return _outpatient_lines(shape, items, period, npi, paid, whole, basis)


def _outpatient_lines(
    shape: Shape,
    items: Sequence[Mapping[str, Any]],
    period: Mapping[str, Any],
    npi: str | None,
    paid: int | None,
    whole: int | None,
    basis: str,
) -> list[dict[str, Any]]:
    amounts = [amounts_of(item.get("adjudication")) for item in items]
    payments = [first_amount(each, shape.line_paid) for each in amounts]
    by_line = any(each is not None for each in payments) and (
        paid is None or sum(each or 0 for each in payments) == paid
    )
    bearer = min(
        range(len(items)), key=lambda place: (hcpcs_of(items[place]) is None, sequence_of(items[place], place + 1))
    )
    lines = []
    for place, item in enumerate(items):
        if by_line:
            cost, line_basis = cost_of(
                amounts[place].get(shape.line_allowed), payments[place], amounts[place], shape.line_shares
            )
            line_paid = payments[place] or 0
        else:
            line_paid, cost, line_basis = ((paid or 0), (whole or 0), basis) if place == bearer else (0, 0, basis)
        from_date, thru_date = dates_of(item, period)
        lines.append(
            _line(
                item,
                place + 1,
                "outpatient",
                from_date,
                thru_date,
                npi=npi,
                revenue_center=revenue_center_of(item),
                allowed_cents=None if line_basis == "paid" else cost,
                paid_cents=line_paid,
                cost_cents=cost,
                cost_basis=line_basis,
            )
        )
    return lines


def _drug_lines(
    resource: Mapping[str, Any], shape: Shape, items: Sequence[Mapping[str, Any]], period: Mapping[str, Any]
) -> list[dict[str, Any]]:
    prescriber = next((m for m in resource.get("careTeam") or () if "prescribing" in roles_of(m)), None)
    lines = []
    for place, item in enumerate(items, start=1):
        amounts = amounts_of(item.get("adjudication"))
        gross, paid = amounts.get(shape.drug_cost), amounts.get(shape.drug_paid)
        day, _ = dates_of(item, period)
        ndc = next((codes.ndc(str(each.get("code") or "")) for each in ndc_codings(item)), None)
        cost, basis = (gross, "allowed") if gross is not None else (paid or 0, "paid")
        lines.append(
            _line(
                {"sequence": sequence_of(item, place)},
                place,
                "drug",
                day,
                day,
                npi=npi_of(prescriber),
                ndc=ndc,
                allowed_cents=gross,
                paid_cents=paid,
                cost_cents=cost,
                cost_basis=basis,
            )
        )
    return lines


def _line(
    item: Mapping[str, Any], place: int, setting: str, from_date: dt.date, thru_date: dt.date, **given: Any
) -> dict[str, Any]:
    modifiers = [
        modifier
        for concept in item.get("modifier") or ()
        for coding in codings(concept)
        if (modifier := codes.two(str(coding.get("code") or "")))
    ]
    return {
        "line": sequence_of(item, place),
        "setting": setting,
        "from_date": from_date,
        "thru_date": max(from_date, thru_date),
        "hcpcs": hcpcs_of(item),
        "modifiers": " ".join(modifiers) or None,
        **given,
    }
