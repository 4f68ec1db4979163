"""Observed, unadjusted acute cardiovascular admissions per 100 person-years, beside quality measure 492. Not CMS's score.

CMS computes measure 492 itself, with a risk adjustment whose coefficients are not public. What a practice can see in its claims is how
many such admissions its own heart failure patients had, for how much time at risk. The steps follow the published outline
(parameters/admissions.yaml); codes come from the user's file. Frames select and add up; what remains is a few rows a patient, whose days
are reckoned one patient at a time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw

from openasm.base import files
from openasm.base.files import Column, read_table
from openasm.base.parameters import RuleBook, Rules, load_rule_book
from openasm.base.problems import Problems, Severity, declare
from openasm.claims.folder import Claims
from openasm.tables.engine import Engine, Frame

LABEL = "observed and unadjusted; not CMS's score"
LISTS = ("heart_failure", "cardiovascular", "planned_drg", "excluded_diagnosis", "excluded_hcpcs", "visit_hcpcs")

LIST_MISSING = declare(
    "Q150",
    "the codes file has no code of a list that is needed",
    expected="codes of the lists heart_failure and cardiovascular",
    next_step="Add rows list,code; diagnoses are ICD-10-CM codes or their beginnings, without dot.",
)
NOT_COVERED = declare(
    "Q151",
    "the claims do not cover the year and the months before it",
    expected="claims of the year and the two years before",
    next_step="Load more claims, or choose a year they cover; the result is of what is there.",
    severity=Severity.WARNING,
)


class AdmissionCodes(NamedTuple):
    """Codes by list. Diagnoses are beginnings of ICD-10-CM codes without dot; DRGs and HCPCS whole."""

    heart_failure: tuple[str, ...]
    cardiovascular: tuple[str, ...]
    planned_drg: tuple[str, ...]
    excluded_diagnosis: tuple[str, ...]
    excluded_hcpcs: tuple[str, ...]
    visit_hcpcs: tuple[str, ...]


class Observed(NamedTuple):
    """Counts of a clinician (npi empty: the practice; both empty: everybody, assigned or not)."""

    tin: str
    npi: str
    beneficiaries: int
    days_at_risk: int
    admissions: int
    days_in_year: int

    @property
    def person_years(self) -> Fraction:
        """Time at risk in years."""
        return Fraction(self.days_at_risk, self.days_in_year)

    @property
    def rate(self) -> Fraction | None:
        """Admissions per 100 person-years; None without time at risk.

        >>> Observed("", "", 1, 73, 1, 365).rate
        Fraction(500, 1)
        """
        return 100 * Fraction(self.admissions) / self.person_years if self.days_at_risk else None


@dataclass(frozen=True, slots=True)
class Stay:
    """A hospital or skilled nursing stay; counts: whether its admission is the outcome when it falls into time at risk."""

    first: dt.date
    last: dt.date
    counts: bool


@cache
def admission_book() -> RuleBook:
    """The working definition's values with their citations and statuses."""
    return load_rule_book([Path(__file__).parent / "parameters" / "admissions.yaml"])


def admission_rules() -> Rules:
    """Those of the one version there is."""
    return admission_book().for_year(2027)


def read_admission_codes(path: Path, problems: Problems) -> AdmissionCodes:
    """A file with the columns list, code. Problems are added."""
    columns = (Column("list", files.choice(*LISTS)), Column("code", files.text))
    table = read_table(path, columns, problems, key=("list", "code"))
    found: dict[str, set[str]] = {name: set() for name in LISTS}
    for name, code in zip(table["list"], table["code"], strict=True):
        found[name].add(code.replace(".", "").upper())
    for name in ("heart_failure", "cardiovascular"):
        if not found[name] and not problems.errors:
            problems.add(LIST_MISSING, path.name, column="list", found=f"no {name}")
    return AdmissionCodes(*(tuple(sorted(found[name])) for name in LISTS))


def observed_admissions(
    claims: Claims, engine: Engine, codes: AdmissionCodes, *, year: int, rules: Rules, problems: Problems
) -> list[Observed]:
    """Counts of everybody, of each practice and of each dominant cardiologist, in that order of keys.

    Citation: outline of measure 492 (CBE 3612); each value of `rules` has its own. Problem Q151 when the claims start too late or end too
    early; the result is then of what is there.
    """
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    months = rules["admissions.lookback_months"].integer
    since = dt.date(year - (months + 11) // 12, 1 + -months % 12, 1)
    if claims.data_start > since or claims.data_end < last:
        found = f"{claims.data_start} to {claims.data_end}"
        problems.add(NOT_COVERED, "claims", found=found, expected=f"{since} to {last}")
    cohort = engine.held(_cohort(claims, codes, first=first, last=last, since=since, rules=rules))
    lines = claims.claim_lines.join(cohort, on="beneficiary", how="inner")
    stays = _stays(lines, claims.claim_diagnoses, engine, codes, first=first, last=last)
    covered = _covered_months(claims.enrollment, cohort, engine, first, last)
    ends = _ends(claims.beneficiaries, lines, cohort, engine, first, last)
    doctors = _dominant(_visits(lines, engine, codes, first, last, rules), rules["admissions.visits_least"].integer)
    days_in_year = (last - first).days + 1
    totals: dict[tuple[str, str], list[int]] = {}
    for person in sorted(ends):
        at_risk, admitted = days_at_risk(
            covered.get(person, ()), stays.get(person, ()), ends[person], first, rules["admissions.buffer_days"].integer
        )
        tin, npi = doctors.get(person, ("", ""))
        for key in {("", ""), (tin, ""), (tin, npi)}:
            total = totals.setdefault(key, [0, 0, 0])
            total[0] += at_risk > 0
            total[1] += at_risk
            total[2] += admitted
    return [Observed(*key, total[0], total[1], total[2], days_in_year) for key, total in sorted(totals.items())]


def days_at_risk(
    months: Iterable[dt.date], stays: Iterable[Stay], end: dt.date, first: dt.date, buffer_days: int
) -> tuple[int, int]:
    """Days at risk in the year of `first`, and admissions that count.

    months: covered ones, by their first day; end: last day at risk (death, hospice, the year). Stays and the days after them are not at
    risk; an admission counts when its first day is covered, not after `end`, and outside every earlier stay and its buffer.
    """
    length = (dt.date(first.year + 1, 1, 1) - first).days
    covered = bytearray(length)
    for month in months:
        start = (month - first).days
        following = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
        for day in range(start, min((following - first).days, (end - first).days + 1)):
            covered[day] = 1
    at_risk = bytearray(covered)
    admitted, free_from = 0, -length
    for stay in sorted(stays, key=lambda each: (each.first, each.last, not each.counts)):
        start, stop = (stay.first - first).days, (stay.last - first).days + buffer_days
        if stay.counts and 0 <= start < length and covered[start] and start >= free_from:
            admitted += 1
        free_from = max(free_from, stop + 1)
        for day in range(max(start, 0), min(stop + 1, length)):
            at_risk[day] = 0
    return sum(at_risk), admitted


# --- frames --------------------------------------------------------------------------------------------------------------


def _starts(column: str, beginnings: Sequence[str]) -> Any:
    return reduce(or_, (nw.col(column).str.starts_with(each) for each in beginnings))


def _cohort(
    claims: Claims, codes: AdmissionCodes, *, first: dt.date, last: dt.date, since: dt.date, rules: Rules
) -> Frame:
    """Beneficiaries old enough with heart failure coded before the year, less those with an excluding code or ESRD."""
    claim = ("beneficiary", "claim_id")
    heads = claims.claim_lines.group_by(*claim, "setting").agg(nw.col("from_date").min().alias("day"))
    coded = claims.claim_diagnoses.filter(_starts("code", codes.heart_failure)).select(*claim).unique()
    seen = coded.join(heads, on=list(claim), how="inner").filter((nw.col("day") >= since) & (nw.col("day") < first))
    inpatient = seen.filter(nw.col("setting") == "inpatient").select("beneficiary").unique()
    outside = seen.filter(nw.col("setting").is_in(["professional", "outpatient"])).select("beneficiary", "day").unique()
    least = rules["admissions.outpatient_diagnoses"].integer
    often = outside.group_by("beneficiary").agg(nw.len().alias("days")).filter(nw.col("days") >= least)
    cohort = nw.concat([inpatient, often.select("beneficiary")]).unique()
    born_by = dt.date(first.year - rules["admissions.age_least"].integer, 1, 1)
    old_enough = claims.beneficiaries.filter(nw.col("birth_date") <= born_by).select("beneficiary")
    cohort = cohort.join(old_enough, on="beneficiary", how="inner")
    out = [
        claims.enrollment.filter(nw.col("esrd") & (nw.col("month") >= first) & (nw.col("month") <= last)).select(
            "beneficiary"
        )
    ]
    if codes.excluded_diagnosis:
        excluded = claims.claim_diagnoses.filter(_starts("code", codes.excluded_diagnosis))
        on_time = excluded.join(heads, on=list(claim), how="inner").filter(
            (nw.col("day") >= since) & (nw.col("day") <= last)
        )
        out.append(on_time.select("beneficiary"))
    if codes.excluded_hcpcs:
        billed = claims.claim_lines.filter(
            nw.col("hcpcs").is_in(codes.excluded_hcpcs) & (nw.col("from_date") >= since) & (nw.col("from_date") <= last)
        )
        out.append(billed.select("beneficiary"))
    return cohort.join(nw.concat(out).unique(), on="beneficiary", how="anti")


def _stays(
    lines: Frame, diagnoses: Frame, engine: Engine, codes: AdmissionCodes, *, first: dt.date, last: dt.date
) -> Mapping[str, list[Stay]]:
    claim = ["beneficiary", "claim_id"]
    near = lines.filter(
        nw.col("setting").is_in(["inpatient", "snf"])
        & (nw.col("from_date") <= last)
        & (nw.col("thru_date") >= first - dt.timedelta(days=60))
    )
    stays = near.group_by(*claim, "setting").agg(
        nw.col("from_date").min().alias("first"), nw.col("thru_date").max().alias("last"), nw.col("drg").max()
    )
    acute = diagnoses.filter((nw.col("position") == 1) & _starts("code", codes.cardiovascular)).select(*claim).unique()
    acute = acute.with_columns(acute=nw.lit(True))
    planned = frozenset(codes.planned_drg)
    found: dict[str, list[Stay]] = {}
    for row in engine.to_arrow(stays.join(acute, on=claim, how="left")).to_pylist():
        counts = bool(row["acute"]) and row["setting"] == "inpatient" and row["drg"] not in planned
        found.setdefault(row["beneficiary"], []).append(Stay(row["first"], row["last"], counts))
    return found


def _covered_months(
    enrollment: Frame, cohort: Frame, engine: Engine, first: dt.date, last: dt.date
) -> Mapping[str, list[dt.date]]:
    """Months of the year with Parts A and B and without Part C."""
    months = enrollment.filter(
        nw.col("part_a")
        & nw.col("part_b")
        & ~nw.col("part_c").fill_null(False)
        & (nw.col("month") >= first)
        & (nw.col("month") <= last)
    )
    found: dict[str, list[dt.date]] = {}
    chosen = months.join(cohort, on="beneficiary", how="inner").select("beneficiary", "month").unique()
    for row in engine.to_arrow(chosen).to_pylist():
        found.setdefault(row["beneficiary"], []).append(row["month"])
    return found


def _ends(
    beneficiaries: Frame, lines: Frame, cohort: Frame, engine: Engine, first: dt.date, last: dt.date
) -> Mapping[str, dt.date]:
    """The last day at risk of everybody in the cohort: the year's, of death, or the day before hospice."""
    hospice = (
        lines.filter(nw.col("setting") == "hospice")
        .group_by("beneficiary")
        .agg(nw.col("from_date").min().alias("hospice"))
    )
    people = beneficiaries.join(cohort, on="beneficiary", how="inner").select("beneficiary", "death_date")
    found = {}
    for row in engine.to_arrow(people.join(hospice, on="beneficiary", how="left")).to_pylist():
        ends = [last, row["death_date"] or last]
        if row["hospice"] is not None:
            ends.append(max(row["hospice"], first) - dt.timedelta(days=1))
        found[row["beneficiary"]] = min(ends)
    return found


def _visits(
    lines: Frame, engine: Engine, codes: AdmissionCodes, first: dt.date, last: dt.date, rules: Rules
) -> list[dict[str, Any]]:
    """One row a beneficiary, TIN, NPI and day with a visit to a cardiologist in the year."""
    visit = (
        nw.col("hcpcs").is_in(codes.visit_hcpcs)
        if codes.visit_hcpcs
        else nw.col("place_of_service").is_in(rules["admissions.visit_places"].texts)
    )
    chosen = lines.filter(
        (nw.col("setting") == "professional")
        & visit
        & nw.col("specialty").is_in(rules["admissions.specialties"].texts)
        & (nw.col("from_date") >= first)
        & (nw.col("from_date") <= last)
        & ~nw.col("npi").is_null()
        & ~nw.col("tin").is_null()
    )
    rows = engine.to_arrow(chosen.select("beneficiary", "tin", "npi", "from_date").unique()).to_pylist()
    return list(rows)


def _dominant(visits: list[dict[str, Any]], least: int) -> Mapping[str, tuple[str, str]]:
    """Beneficiary -> TIN and NPI of the cardiologist with most visit days, at least `least`.

    Ties: the one seen last, then the smaller NPI. The TIN is the one he was mostly seen under, then the smaller.
    """
    days: dict[str, dict[str, set[dt.date]]] = {}
    tins: dict[tuple[str, str], Counter[str]] = {}
    for row in visits:
        days.setdefault(row["beneficiary"], {}).setdefault(row["npi"], set()).add(row["from_date"])
        tins.setdefault((row["beneficiary"], row["npi"]), Counter())[row["tin"]] += 1
    found = {}
    for person, by_npi in days.items():
        npi, seen = min(by_npi.items(), key=lambda item: (-len(item[1]), -max(item[1]).toordinal(), item[0]))
        if len(seen) >= least:
            counts = tins[person, npi]
            found[person] = (min(counts, key=lambda tin: (-counts[tin], tin)), npi)
    return found
