"""ASM beside accountable care organizations and other programs: what is known, from where, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

from openasm.base.parameters import Evidence


@dataclass(frozen=True, slots=True)
class OverlapNote:
    """One fact about another program. text: in plain words; status: how sure it is."""

    program: str
    text: str
    citation: str
    status: Evidence


OVERLAPS: tuple[OverlapNote, ...] = (
    OverlapNote(
        "MIPS and MVPs",
        "A participant who meets the criteria for a performance year is exempt from MIPS for that year. Partners under the same "
        "TIN who are not in ASM stay in MIPS.",
        "42 CFR 512.710(a)(1); the sentence about partners follows from it",
        Evidence.CODIFIED,
    ),
    OverlapNote(
        "Medicare Shared Savings Program, ACO REACH",
        "Being in an ACO neither ends nor prevents participation in ASM; the ACO's own payments go on.",
        "vendor summary of CMS's participant readiness roadmap, 2026; 42 CFR 512.710 was read only in part",
        Evidence.SECONDARY,
    ),
    OverlapNote(
        "Advanced APMs and QP status",
        "Whether a qualifying APM participant is exempt from ASM is not settled: no text of CMS that says so was found. ASM itself "
        "is reported not to be an Advanced APM. Ask CMS before relying on either.",
        "no CMS text found; secondary reports, 2026",
        Evidence.ASSUMED,
    ),
    OverlapNote(
        "Primary care models",
        "A collaborative care arrangement is made with a primary care practice with which at least one ASM patient is shared, "
        "whatever model that practice is in.",
        "42 CFR 512.771(a)(2); the second half is our reading",
        Evidence.ASSUMED,
    ),
    OverlapNote(
        "Rural health clinics and federally qualified health centers",
        "Their clinicians were to be left out in the proposed rule; the final text was not read. Bills of such a "
        "clinic are no professional lines and so do not count here; lines and days at clinics are shown beside the first test, as far "
        "as place of service, revenue center and visit codes tell them.",
        "summary of the proposed rule, July 2025",
        Evidence.SECONDARY,
    ),
)
