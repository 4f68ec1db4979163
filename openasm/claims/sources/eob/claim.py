"""One ExplanationOfBenefit to claim lines and diagnoses.

Allowed amounts: a clinician's or supplier's line states it; facility lines do not, so it is rebuilt as Medicare's payment +
deductible + coinsurance + other payers. Facility lines count one by one only on outpatient claims whose line payments add up
to the claim's; otherwise the claim's whole amount stands on one line, as with CCLF.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from openasm.claims import codes
from openasm.claims.sources.cclf.denials import CLAIM_DENIED, FACILITY_NOT_DENIED, LINE_DENIED
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
_NOT_COUNTED_DIAGNOSES = {"admitting", "patientreasonforvisit"}


class Unreadable(Exception):
    """A resource lacks what no claim can lack, or holds a value that cannot be read; `where` names the element."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(where)


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
    rows.diagnoses = _diagnoses(resource)
    return rows


def person_of(reference: Any) -> str | None:
    """The id in a reference to a Patient (`Patient/123`), None when there is none."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    return text.rsplit("/", 1)[-1].removeprefix("urn:uuid:") or None if isinstance(text, str) else None


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
    if _header_code(resource, shape.claim_denial) in CLAIM_DENIED and setting in ("professional", "dme"):
        return DENIED_CLAIM
    if setting in _FACILITY:
        denial = _header_code(resource, shape.facility_denial)
        if denial and denial not in FACILITY_NOT_DENIED and not _payment(resource):
            return DENIED_CLAIM
    return None


def _header_code(resource: Mapping[str, Any], wanted: str) -> str | None:
    found = extension(resource, wanted)
    if found is not None:
        return found
    for info in resource.get("supportingInfo") or ():
        if any(name(each.get("code") or "") == wanted for each in codings(info.get("category"))):
            for coding in codings(info.get("code")):
                return str(coding.get("code") or "") or None
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
    diagnosis_at = {each.get("sequence"): _diagnosis_code(each) for each in resource.get("diagnosis") or ()}
    for place, item in enumerate(items, start=1):
        if extension(item, shape.line_processing) in LINE_DENIED:
            rows.denied_lines += 1
            continue
        amounts = _amounts(item.get("adjudication"))
        allowed, paid = amounts.get(shape.line_allowed), _first(amounts, shape.line_paid)
        member = _member(team, item, _ROLES[setting])
        from_date, thru_date = _dates(item, period)
        cost, basis = _cost(allowed, paid, amounts, shape.line_shares)
        pointed = [diagnosis_at.get(sequence) for sequence in item.get("diagnosisSequence") or ()]
        rows.lines.append(
            _line(
                item,
                place,
                setting,
                from_date,
                thru_date,
                line_diagnosis=next((code for code in pointed if code), None),
                place_of_service=_place(item, shape),
                specialty=_specialty(item, member, shape),
                npi=_npi(member),
                tin=_tin(item, shape) if setting == "professional" else None,
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
    npi = _npi(next((m for m in resource.get("careTeam") or () if "attending" in _roles(m)), None))
    paid = _payment(resource)
    shares = _claim_amounts(resource)
    whole = None if paid is None else paid + sum(_shares(shares, shape.claim_shares))
    basis = "paid" if not any(_present(shares, group) for group in shape.claim_shares) else "rebuilt"
    start, end = _period(period)
    if setting != "outpatient" or not items:
        drg = codes.drg(_header_code(resource, "clm_drg_cd") or _header_code(resource, "drg") or "")
        return [
            _line(
                {},
                1,
                setting,
                start,
                end,
                npi=npi,
                hcpcs=next((code for item in items if (code := _hcpcs(item))), None)
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
    amounts = [_amounts(item.get("adjudication")) for item in items]
    payments = [_first(each, shape.line_paid) for each in amounts]
    by_line = any(each is not None for each in payments) and (
        paid is None or sum(each or 0 for each in payments) == paid
    )
    bearer = min(
        range(len(items)), key=lambda place: (_hcpcs(items[place]) is None, _sequence(items[place], place + 1))
    )
    lines = []
    for place, item in enumerate(items):
        if by_line:
            cost, line_basis = _cost(
                amounts[place].get(shape.line_allowed), payments[place], amounts[place], shape.line_shares
            )
            line_paid = payments[place] or 0
        else:
            line_paid, cost, line_basis = ((paid or 0), (whole or 0), basis) if place == bearer else (0, 0, basis)
        from_date, thru_date = _dates(item, period)
        lines.append(
            _line(
                item,
                place + 1,
                "outpatient",
                from_date,
                thru_date,
                npi=npi,
                revenue_center=_revenue_center(item),
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
    prescriber = next((m for m in resource.get("careTeam") or () if "prescribing" in _roles(m)), None)
    lines = []
    for place, item in enumerate(items, start=1):
        amounts = _amounts(item.get("adjudication"))
        gross, paid = amounts.get(shape.drug_cost), amounts.get(shape.drug_paid)
        day, _ = _dates(item, period)
        ndc = next((codes.ndc(str(each.get("code") or "")) for each in _ndc_codings(item)), None)
        cost, basis = (gross, "allowed") if gross is not None else (paid or 0, "paid")
        lines.append(
            _line(
                {"sequence": _sequence(item, place)},
                place,
                "drug",
                day,
                day,
                npi=_npi(prescriber),
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
        "line": _sequence(item, place),
        "setting": setting,
        "from_date": from_date,
        "thru_date": max(from_date, thru_date),
        "hcpcs": _hcpcs(item),
        "modifiers": " ".join(modifiers) or None,
        **given,
    }


def _sequence(item: Mapping[str, Any], place: int) -> int:
    found = item.get("sequence")
    return found if isinstance(found, int) else place


def _hcpcs(item: Mapping[str, Any]) -> str | None:
    for coding in codings(item.get("productOrService")):
        system = (coding.get("system") or "").lower()
        if "hcpcs" in system or "cpt" in system:
            return codes.hcpcs(str(coding.get("code") or ""))
    return None


def _ndc_codings(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    concepts = [item.get("productOrService"), *(each.get("productOrService") for each in item.get("detail") or ())]
    return [each for concept in concepts for each in codings(concept) if name(each.get("system") or "") == "ndc"]


def _revenue_center(item: Mapping[str, Any]) -> str | None:
    for coding in codings(item.get("revenue")):
        return codes.revenue_center(str(coding.get("code") or ""))
    return None


def _place(item: Mapping[str, Any], shape: Shape) -> str | None:
    for coding in codings(item.get("locationCodeableConcept")):
        if name(coding.get("system") or "") in shape.place_of_service:
            return codes.two(str(coding.get("code") or ""))
    return None


def _roles(member: Mapping[str, Any]) -> set[str]:
    return {str(each.get("code")) for each in codings(member.get("role"))}


def _member(team: Mapping[Any, Mapping[str, Any]], item: Mapping[str, Any], roles: tuple[str, ...]) -> Any:
    """Who did the line: the member the line names, else the only ones of the claim in that role (the first of them)."""
    named = [team[sequence] for sequence in item.get("careTeamSequence") or () if sequence in team]
    for members in (named, list(team.values()) if not named else []):
        for member in members:
            if _roles(member) & set(roles):
                return member
    return None


def _npi(member: Mapping[str, Any] | None) -> str | None:
    provider = (member or {}).get("provider") or {}
    value = (provider.get("identifier") or {}).get("value")
    if value is None and isinstance(provider.get("reference"), str):
        value = provider["reference"].lstrip("#").rsplit("/", 1)[-1]
    return codes.npi(str(value or ""))


def _specialty(item: Mapping[str, Any], member: Mapping[str, Any] | None, shape: Shape) -> str | None:
    stated = extension(item, shape.specialty)
    if stated:
        return codes.two(stated)
    for coding in codings((member or {}).get("qualification")):
        if name(coding.get("system") or "") == shape.specialty:
            return codes.two(str(coding.get("code") or ""))
    return None


def _tin(item: Mapping[str, Any], shape: Shape) -> str | None:
    return codes.tin(extension(item, *shape.tin) or "")


def _diagnosis_code(diagnosis: Mapping[str, Any]) -> str | None:
    for coding in codings(diagnosis.get("diagnosisCodeableConcept")):
        if name(coding.get("system") or "") == "icd_10_cm":
            return codes.diagnosis(str(coding.get("code") or ""))
    return None


def _diagnoses(resource: Mapping[str, Any]) -> list[str]:
    """Header diagnoses, the principal one first, then in order of sequence; each code once."""
    ranked = []
    for place, diagnosis in enumerate(resource.get("diagnosis") or ()):
        kinds = {str(each.get("code")) for concept in diagnosis.get("type") or () for each in codings(concept)}
        if kinds and kinds <= _NOT_COUNTED_DIAGNOSES:
            continue
        code = _diagnosis_code(diagnosis)
        if code:
            ranked.append(("principal" not in kinds, diagnosis.get("sequence") or place, code))
    return list(dict.fromkeys(code for _, _, code in sorted(ranked)))


def _dates(item: Mapping[str, Any], period: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    serviced = item.get("servicedPeriod") or {}
    start = serviced.get("start") or item.get("servicedDate") or period.get("start")
    end = serviced.get("end") or item.get("servicedDate") or serviced.get("start") or period.get("end") or start
    return _date(start, "item.serviced"), _date(end, "item.serviced")


def _period(period: Mapping[str, Any]) -> tuple[dt.date, dt.date]:
    start = _date(period.get("start"), "billablePeriod")
    return start, _date(period.get("end") or period.get("start"), "billablePeriod")


def _date(text: Any, where: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        raise Unreadable(where) from None
    if not dt.date(1900, 1, 1) <= day <= dt.date(2100, 12, 31):
        raise Unreadable(where)
    return day


def _payment(resource: Mapping[str, Any]) -> int | None:
    amount = (resource.get("payment") or {}).get("amount")
    return None if amount is None else _cents(amount.get("value"), "payment")


def _amounts(adjudications: Any) -> dict[str, int]:
    """Amounts by name; a name that repeats counts once, with its last amount."""
    found: dict[str, int] = {}
    for each in adjudications or ():
        amount = each.get("amount")
        if not isinstance(amount, dict) or amount.get("value") is None:
            continue
        for coding in codings(each.get("category")):
            found[name(str(coding.get("code") or ""))] = _cents(amount["value"], "adjudication")
    return found


def _claim_amounts(resource: Mapping[str, Any]) -> dict[str, int]:
    found = _amounts(resource.get("adjudication"))
    found.update(_amounts(resource.get("total")))
    for balance in resource.get("benefitBalance") or ():
        for financial in balance.get("financial") or ():
            money = financial.get("usedMoney")
            if isinstance(money, dict) and money.get("value") is not None:
                for coding in codings(financial.get("type")):
                    found[name(str(coding.get("code") or ""))] = _cents(money["value"], "benefitBalance")
    return found


def _cents(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable(where)
    if -1e11 < value < 1e11:
        near = round(value * 100)
        if abs(value * 100 - near) < 1e-4:  # two decimals or fewer: the usual case, without exact arithmetic
            return near
    try:
        return int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, OverflowError, ValueError):
        raise Unreadable(where) from None


def _first(amounts: Mapping[str, int], names: Sequence[str]) -> int | None:
    return next((amounts[each] for each in names if each in amounts), None)


def _present(amounts: Mapping[str, int], alternatives: tuple[tuple[str, ...], ...]) -> bool:
    return any(each in amounts for alternative in alternatives for each in alternative)


def _shares(amounts: Mapping[str, int], groups: tuple[tuple[tuple[str, ...], ...], ...]) -> list[int]:
    """What the patient and other payers bear, one number a group: the first alternative any of whose names is there."""
    found = []
    for alternatives in groups:
        for alternative in alternatives:
            if any(each in amounts for each in alternative):
                found.append(sum(amounts.get(each, 0) for each in alternative))
                break
    return found


def _cost(
    allowed: int | None,
    paid: int | None,
    amounts: Mapping[str, int],
    groups: tuple[tuple[tuple[str, ...], ...], ...],
) -> tuple[int, str]:
    """What counts as the cost of a line, and on what basis."""
    if allowed is not None:
        return allowed, "allowed"
    shares = _shares(amounts, groups)
    if shares:
        return (paid or 0) + sum(shares), "rebuilt"
    return paid or 0, "paid"
