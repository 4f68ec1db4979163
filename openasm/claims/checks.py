"""What a CLAIMS folder holds and lacks, and what each lack does to the measures, in plain words."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw

from openasm.base.problems import Problem, Problems
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.covered import coverage_rules, covered_months
from openasm.claims.folder import Claims, open_claims, table_path
from openasm.tables.contracts import check_table
from openasm.tables.engine import Engine, Frame

COMPLETE_AFTER_MONTHS = 3
"""Months after which a month of service counts as complete here: CMS's own run-out is three months (CCLF packet, 3.4)."""

COMPARED_MONTHS = 12
"""At most so many months before those tell how many lines a month usually has: a year has every season once."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: what was counted, out of how many, and what it does to the measures."""

    name: str
    count: int
    of: int
    effect: str

    @property
    def share(self) -> float:
        """The share from 0 to 1; 0 of 0 is 0."""
        return self.count / self.of if self.of else 0.0

    def as_record(self) -> dict[str, Any]:
        """The finding as a JSON-ready mapping."""
        return {
            "name": self.name,
            "count": self.count,
            "of": self.of,
            "share": round(self.share, 6),
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class ClaimsCheck:
    """The result of a check: volumes by month and setting, findings, and what breaks the contract."""

    data_start: dt.date
    data_end: dt.date
    rows: dict[str, int]
    people: int
    volumes: list[dict[str, Any]]
    cost_basis: list[dict[str, Any]]
    findings: list[Finding]
    problems: list[Problem]
    run_out: dict[str, Any]
    notes: list[str]

    def as_record(self) -> dict[str, Any]:
        """The whole as one JSON-ready document."""
        return {
            "data_start": self.data_start.isoformat(),
            "data_end": self.data_end.isoformat(),
            "rows": self.rows,
            "people": self.people,
            "volumes": self.volumes,
            "cost_basis": self.cost_basis,
            "run_out": self.run_out,
            "findings": [finding.as_record() for finding in self.findings],
            "problems": [problem.as_record() for problem in self.problems],
            "notes": self.notes,
        }


def check_claims(folder: Path, engine: Engine) -> ClaimsCheck:
    """Check a CLAIMS folder; raises as `open_claims` does when it cannot be read at all."""
    claims = open_claims(folder, engine)
    problems = Problems()
    rows: dict[str, int] = {}
    repeats: dict[str, int] = {}
    for name, contract in CLAIMS_TABLES.items():
        path = table_path(folder, name)
        assert path is not None
        found = check_table(engine.read_parquet(path), contract, problems, file=path.name)
        rows[name], repeats[name] = found.rows, found.key_repeats
    findings = [
        *_gaps(claims, engine),
        *_orphans(claims, engine),
        Finding(
            "claim lines sharing claim and line number with another",
            repeats["claim_lines"],
            rows["claim_lines"],
            "The same service may be counted twice: costs too high, attribution shares wrong.",
        ),
    ]
    volumes = _volumes(claims, engine)
    findings.append(_scattered(volumes, rows["claim_lines"]))
    return ClaimsCheck(
        claims.data_start,
        claims.data_end,
        rows,
        _count(claims.claim_lines.select("beneficiary").unique(), engine),
        volumes,
        _bases(claims, engine),
        findings,
        list(problems),
        _run_out(volumes, claims.data_start, claims.data_end),
        [str(note) for note in claims.manifest.get("notes", [])],
    )


def _count(frame: Frame, engine: Engine) -> int:
    return int(engine.to_arrow(frame.select(nw.len().alias("rows"))).to_pylist()[0]["rows"])


def _scattered(volumes: list[dict[str, Any]], every: int) -> Finding:
    """Lines outside the months that the lines themselves say are covered, whatever `claims.json` says."""
    lines = Counter[dt.date]()
    for row in volumes:
        lines[dt.date.fromisoformat(f"{row['month']}-01")] += row["lines"]
    first, last = covered_months(lines) if lines else (dt.date.min, dt.date.max)
    return Finding(
        "lines outside the months that hold nearly all others",
        sum(count for month, count in lines.items() if not first <= month <= last),
        every,
        "Most likely mistyped dates. If the days covered reach to them, load the claims again: episodes are cut at these days.",
    )


def _volumes(claims: Claims, engine: Engine) -> list[dict[str, Any]]:
    """Lines and cents by month and setting; lines without a day stand in no month."""
    grouped = (
        claims.claim_lines.filter(~nw.col("from_date").is_null())
        .with_columns(month=nw.col("from_date").dt.truncate("1mo"))
        .group_by("month", "setting")
        .agg(nw.len().alias("lines"), nw.col("cost_cents").sum().alias("cents"))
        .sort("month", "setting")
    )
    return [
        {
            "month": row["month"].isoformat()[:7],
            "setting": row["setting"] or "unknown",
            "lines": int(row["lines"]),
            "cents": int(row["cents"] or 0),
        }
        for row in engine.to_arrow(grouped).to_pylist()
    ]


def _bases(claims: Claims, engine: Engine) -> list[dict[str, Any]]:
    grouped = (
        claims.claim_lines.group_by("setting", "cost_basis")
        .agg(nw.len().alias("lines"), nw.col("cost_cents").sum().alias("cents"))
        .sort("setting", "cost_basis")
    )
    return [
        {
            "setting": row["setting"],
            "cost_basis": row["cost_basis"],
            "lines": int(row["lines"]),
            "cents": int(row["cents"] or 0),
        }
        for row in engine.to_arrow(grouped).to_pylist()
    ]


def _gaps(claims: Claims, engine: Engine) -> list[Finding]:
    lines = claims.claim_lines
    professional = nw.col("setting") == "professional"

    def among(name: str) -> nw.Expr:
        return (professional & nw.col(name).is_null()).cast(nw.Int64).sum().alias(name)

    counted = engine.to_arrow(
        lines.select(
            nw.len().alias("lines"),
            professional.cast(nw.Int64).sum().alias("professional"),
            among("tin"),
            among("npi"),
            among("specialty"),
            among("line_diagnosis"),
            (nw.col("cost_cents") < 0).cast(nw.Int64).sum().alias("negative"),
            (nw.col("cost_basis") == "paid").cast(nw.Int64).sum().alias("paid_only"),
            (nw.col("thru_date") < nw.col("from_date")).cast(nw.Int64).sum().alias("backward"),
            (nw.col("from_date") < claims.data_start).cast(nw.Int64).sum().alias("before_start"),
            (nw.col("from_date") > claims.data_end).cast(nw.Int64).sum().alias("after_end"),
        )
    ).to_pylist()[0]
    every, some = int(counted["lines"] or 0), int(counted["professional"] or 0)

    def finding(name: str, key: str, of: int, effect: str) -> Finding:
        return Finding(name, int(counted[key] or 0), of, effect)

    without_code = (
        lines.filter(professional, nw.col("line_diagnosis").is_null())
        .select("beneficiary", "claim_id")
        .join(claims.claim_diagnoses.select("beneficiary", "claim_id"), on=["beneficiary", "claim_id"], how="anti")
    )
    return [
        finding(
            "professional lines without TIN",
            "tin",
            some,
            "Such a line starts no episode and attributes nothing; its cost still counts in others' episodes.",
        ),
        finding(
            "professional lines without NPI",
            "npi",
            some,
            "Such a line counts for the practice but for no clinician, so shares of clinicians fall.",
        ),
        finding(
            "professional lines without specialty",
            "specialty",
            some,
            "The clinician's specialty must come from another source to tell who can take part.",
        ),
        finding(
            "professional lines without a line diagnosis",
            "line_diagnosis",
            some,
            "The claim's header diagnoses decide; services assigned by line diagnosis may be missed.",
        ),
        Finding(
            "professional lines without any diagnosis",
            _count(without_code, engine),
            some,
            "Such a line can neither start nor confirm an episode: fewer episodes than in CMS's data.",
        ),
        finding(
            "lines whose cost is only what was paid",
            "paid_only",
            every,
            "Costs are too low against CMS's (no deductible, coinsurance or plan payment); compare only within this data.",
        ),
        finding(
            "lines with a negative cost", "negative", every, "Corrections of the source; they lower episode costs."
        ),
        finding("lines that end before they start", "backward", every, "Only the first day is used."),
        finding(
            "lines before the first day covered",
            "before_start",
            every,
            "They count where they stand, but nothing is known of the time around them; correct the dates if they are mistyped.",
        ),
        finding(
            "lines after the last day covered", "after_end", every, "They can open windows that are not scored yet."
        ),
    ]


def _orphans(claims: Claims, engine: Engine) -> list[Finding]:
    lines = claims.claim_lines
    people = lines.select("beneficiary").unique()
    whole = _count(people, engine)
    enrolled = claims.enrollment.select("beneficiary").unique()
    known = claims.beneficiaries.select("beneficiary").unique()
    keys = ["beneficiary", "claim_id"]
    diagnoses = claims.claim_diagnoses
    dangling = diagnoses.join(lines.select(*keys).unique(), on=keys, how="anti")
    months = lines.select("beneficiary", month=nw.col("from_date").dt.truncate("1mo"))
    outside = months.join(claims.enrollment.select("beneficiary", "month"), on=["beneficiary", "month"], how="anti")
    return [
        Finding(
            "people with claims but no enrollment",
            _count(people.join(enrolled, on="beneficiary", how="anti"), engine),
            whole,
            "Their episodes are excluded: Parts A and B cannot be shown.",
        ),
        Finding(
            "people with claims but no row in beneficiaries",
            _count(people.join(known, on="beneficiary", how="anti"), engine),
            whole,
            "Their episodes are excluded: no birth date.",
        ),
        Finding(
            "lines in months without enrollment",
            _count(outside, engine),
            _count(lines, engine),
            "Episodes over such months are excluded; many mean that enrollment is incomplete.",
        ),
        Finding(
            "diagnoses without a claim line",
            _count(dangling, engine),
            _count(diagnoses, engine),
            "They count nowhere, neither for episodes nor for risk adjustment: a claim's day and setting stand in its lines.",
        ),
    ]


def _run_out(volumes: list[dict[str, Any]], data_start: dt.date, data_end: dt.date) -> dict[str, Any]:
    """How the last months compare with up to twelve covered ones before: a falling end means claims that are still to come.

    `can_be_told` is false, and shares are None, where too few months before them are covered.
    """
    rules = coverage_rules()
    lines: dict[str, int] = {}
    for row in volumes:
        lines[row["month"]] = lines.get(row["month"], 0) + int(row["lines"])
    end = data_end.year * 12 + data_end.month - 1
    covered = end - (data_start.year * 12 + data_start.month - 1) + 1

    def month(back: int) -> str:
        place = end - back
        return f"{place // 12:04d}-{place % 12 + 1:02d}"

    recent = [month(back) for back in range(min(COMPLETE_AFTER_MONTHS, covered))]
    before = [
        lines.get(month(back), 0)
        for back in range(COMPLETE_AFTER_MONTHS, min(COMPLETE_AFTER_MONTHS + COMPARED_MONTHS, covered))
    ]
    needed = rules["claims.run_out_months_needed"].integer
    usual = sorted(before)[len(before) // 2] if len(before) >= needed else 0
    shares = {each: round(lines.get(each, 0) / usual, 4) if usual else None for each in sorted(recent)}
    complete = rules["claims.run_out_complete_share"].number
    low = [each for each, share in shares.items() if share is not None and share < complete]
    if len(before) < needed:
        effect = (
            f"Cannot be told: the claims cover {covered} month{'s' if covered != 1 else ''}, and at least "
            f"{COMPLETE_AFTER_MONTHS + needed} are needed to compare the last {COMPLETE_AFTER_MONTHS} with those before. "
            "Costs of episodes that end in them may still rise."
        )
    elif not usual:
        effect = (
            "Cannot be told: most of the months before the last ones have no lines to compare them with. "
            "Costs of episodes that end in them may still rise."
        )
    elif low:
        effect = "Costs of episodes that end in these months will still rise; wait for three months of run-out."
    else:
        effect = "The last months look complete."
    return {
        "months_looked_at": sorted(recent),
        "can_be_told": bool(usual),
        "usual_lines_a_month": usual or None,
        "share_of_usual": shares,
        "incomplete_months": low,
        "effect": effect,
    }
