"""Patient and Coverage resources to persons and covered months."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openasm.claims import codes
from openasm.claims.sources.eob.elements import Unreadable, person_of
from openasm.claims.sources.eob.shape import codings, extension

_SEXES = {"male": "male", "female": "female", "unknown": "unknown", "other": "unknown"}
_NO_PLAN = {"", "0", "N", "X", "NA", "00", "*"}
_DUAL = {"01", "02", "03", "04", "05", "06", "08"}
_PART = re.compile(r"part[\s-]*([abcd])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One Patient: key, update time, and what beneficiaries need."""

    beneficiary: str
    updated: str
    birth_date: dt.date | None
    death_date: dt.date | None
    sex: str | None
    county_fips: str | None
    zip: str | None


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One statement of one Coverage: the months from first to last (None: to the end of the data) in which it holds.

    part: `a`, `b`, `c` or `d`; covered: whether the person had it; the others are None where the resource is silent.
    """

    beneficiary: str
    first: dt.date
    last: dt.date | None
    part: str
    covered: bool
    monthly: bool
    esrd: bool | None
    dual: bool | None
    disabled_origin: bool | None


def read_patient(resource: Mapping[str, Any]) -> PatientRow:
    """Read one Patient; Unreadable without an id or with a date that is none."""
    identity = resource.get("id")
    if not identity:
        raise Unreadable("id")
    address: Mapping[str, Any] = next(iter(resource.get("address") or ()), {})
    district = str(address.get("district") or "")
    return PatientRow(
        str(identity),
        str(resource.get("meta", {}).get("lastUpdated") or ""),
        _day(resource.get("birthDate"), "birthDate"),
        _day(resource.get("deceasedDateTime"), "deceasedDateTime"),
        _SEXES.get(str(resource.get("gender") or "").lower()),
        district if re.fullmatch(r"[0-9]{5}", district) else None,
        codes.zip_code(str(address.get("postalCode") or "")),
    )


def read_coverage(resource: Mapping[str, Any]) -> Iterator[CoverageRow]:
    """Read one Coverage: month by month where it states a reference year, else its period.

    CMS states, for a reference year, entitlement (`buyin01` to `buyin12`), Part C and D contracts and dual status by month.
    """
    beneficiary = person_of(resource.get("beneficiary"))
    if beneficiary is None:
        raise Unreadable("beneficiary")
    part = _part(resource)
    if part is None:
        return
    esrd = _esrd(resource)
    origin = extension(resource, "orec")
    disabled = None if origin is None or origin == "4" else origin in ("1", "3")
    year = (extension(resource, "rfrnc_yr") or "")[:4]
    monthly = list(_months(resource, part, int(year))) if year.isdigit() else []
    for month, covered, dual in monthly:
        last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        yield CoverageRow(beneficiary, month, last, part, covered, True, esrd, dual, disabled)
    if monthly:
        return
    period = resource.get("period") or {}
    start = _day(period.get("start"), "period")
    if resource.get("status", "active") not in ("active", "cancelled") or (start is None and not period):
        return
    yield CoverageRow(
        beneficiary,
        start or dt.date(1900, 1, 1),
        _day(period.get("end"), "period"),
        part,
        True,
        False,
        esrd,
        _dual_at_all(resource),
        disabled,
    )


def _dual_at_all(resource: Mapping[str, Any]) -> bool | None:
    """Dual status of a Coverage that names months without their year: of any of them."""
    stated = [extension(resource, f"dual_{month:02d}", f"dual_stus_cd_{month:02d}") for month in range(1, 13)]
    known = [status in _DUAL for status in stated if status is not None and status != "99"]
    return any(known) if known else None


def _months(resource: Mapping[str, Any], part: str, year: int) -> Iterator[tuple[dt.date, bool, bool | None]]:
    for month in range(1, 13):
        buy_in = extension(resource, f"buyin{month:02d}", f"mdcr_entlmt_buyin_ind_{month:02d}")
        plan = extension(resource, f"ptc_cntrct_id_{month:02d}", f"ptccntrct{month:02d}") if part == "c" else None
        if part == "d":
            plan = extension(resource, f"ptdcntrct{month:02d}", f"ptd_cntrct_id_{month:02d}")
        status = extension(resource, f"dual_{month:02d}", f"dual_stus_cd_{month:02d}")
        dual = None if status is None or status == "99" else status in _DUAL
        covered: bool | None = None
        if part in ("a", "b") and buy_in is not None:
            covered = buy_in in (("1", "3", "A", "C") if part == "a" else ("2", "3", "B", "C"))
        elif part in ("c", "d") and plan is not None:
            covered = plan.strip().upper() not in _NO_PLAN
        if covered is not None:
            yield dt.date(year, month, 1), covered, dual


def _part(resource: Mapping[str, Any]) -> str | None:
    texts = [str(each.get("value") or "") for each in resource.get("class") or ()]
    texts += [str(resource.get("id") or ""), str((resource.get("type") or {}).get("text") or "")]
    texts += [str(each.get("display") or each.get("code") or "") for each in codings(resource.get("type"))]
    for text in texts:
        match = _PART.search(text)
        if match:
            return match[1].lower()
    return None


def _esrd(resource: Mapping[str, Any]) -> bool | None:
    indicator = extension(resource, "esrd_ind", "bene_esrd_ind")
    if indicator is not None:
        return indicator.upper() in ("Y", "1")
    status = extension(resource, "ms_cd", "bene_mdcr_status_cd", "bene_mdcr_stus_cd")
    return None if status is None else status in ("11", "21", "31")


def _day(value: Any, where: str) -> dt.date | None:
    if not value:
        return None
    text = str(value)
    try:
        day = dt.date.fromisoformat(text[:10] if len(text) >= 10 else {4: f"{text}-01-01", 7: f"{text}-01"}[len(text)])
    except (ValueError, KeyError):
        raise Unreadable(where) from None
    return day
