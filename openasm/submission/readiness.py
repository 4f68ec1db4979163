"""A dated plan of what a practice does for a performance year, with why, and what each task is worth.

Dates of the rule are the rule's; how long before them one should be done is advice (parameters/readiness.yaml).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from openasm.base.parameters import RuleBook, Rules, load_rule_book
from openasm.base.years import first_day, last_day, submission_deadline
from openasm.regulation.final_score import is_small_practice
from openasm.regulation.improvement import activities, improvement_adjustment
from openasm.regulation.quality import collection_types_of, measures_of
from openasm.submission.clocks import latest_start
from openasm.submission.gathering import COHORT_WORDS


@dataclass(frozen=True, slots=True)
class PracticeFacts:
    """What the plan is tailored to. cohorts: of the practice's participants; clinicians_in_tin: all clinicians; done: keys of tasks that are
    done; data: kinds on hand (`claims`, `records`).
    """

    tin: str
    cohorts: tuple[str, ...]
    participants: int
    clinicians_in_tin: int
    done: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Task:
    """One task. key: stable for ever; due: the day to be done by; last: the day after which it is too late (None: no day of the rule);
    points: final score points at stake, 0 where none can be told; all: the whole final score is at stake.
    """

    key: str
    what: str
    why: str
    citation: str
    evidence: str
    due: dt.date
    last: dt.date | None
    points: float
    done: bool
    all: bool = False

    def state(self, today: dt.date) -> str:
        """`done`, `missed` (past its last day), `late` (past due), `soon` (within 14 days) or `open`."""
        if self.done:
            return "done"
        if self.last is not None and today > self.last:
            return "missed"
        if today > self.due:
            return "late"
        return "soon" if (self.due - today).days <= 14 else "open"


@cache
def readiness_book() -> RuleBook:
    """The packaged lead times."""
    return load_rule_book([Path(__file__).parent / "parameters" / "readiness.yaml"])


def readiness_plan(facts: PracticeFacts, *, rules: Rules) -> tuple[Task, ...]:
    """The tasks of a practice for the rules' performance year, by due date, then key.

    >>> from openasm.regulation.rulebook import rules_for
    >>> facts = PracticeFacts("000990001", ("heart_failure",), participants=1, clinicians_in_tin=3)
    >>> [task.due.isoformat() for task in readiness_plan(facts, rules=rules_for(2027)) if task.key == "arrangement_signed"]
    ['2027-09-19']
    """
    plan = _Plan(facts, rules)
    tasks = [*plan.before(), *plan.activities(), *plan.interoperability(), *plan.quality(), *plan.end()]
    return tuple(sorted(tasks, key=lambda task: (task.due, task.key)))


class _Plan:
    def __init__(self, facts: PracticeFacts, rules: Rules) -> None:
        self.facts = facts
        self.rules = rules
        self.year = rules.year
        lead = readiness_book().for_year(self.year)
        self.lead = {name: int(str(days)) for name, days in lead["readiness.lead_days"].table.items()}
        self.months = [int(each) for each in lead["readiness.quarterly_check"].numbers]
        self.deadline = submission_deadline(self.year)

    def task(
        self,
        key: str,
        what: str,
        why: str,
        citation: str,
        *,
        evidence: str,
        due: dt.date,
        last: dt.date | None = None,
        points: float = 0.0,
        everything: bool = False,
    ) -> Task:
        done = key in self.facts.done
        return Task(key, what, why, citation, evidence, due, last, points, done, everything)

    def back(self, day: dt.date, name: str) -> dt.date:
        return day - dt.timedelta(days=self.lead[name])

    def before(self) -> Iterable[Task]:
        first = first_day(self.year)
        several = self.facts.participants > 1
        yield self.task(
            "participation",
            "Compare CMS's participant list with the practice's clinicians",
            "Who takes part is decided by CMS's list; there is no opting out",
            "42 CFR 512.710",
            evidence="the list's version and the practice's roster, compared",
            due=first - dt.timedelta(days=1),
        )
        yield self.task(
            "registration",
            "Register in CMS's ASM portal"
            + (
                f", with an e-mail address of its own for each of {self.facts.participants} clinicians"
                if several
                else ""
            ),
            "Data requests and submissions go through the portal",
            "CMS ASM page, 17 Jul 2026",
            evidence="confirmation of the registration",
            due=self.back(first, "registration"),
        )
        yield self.task(
            "data_request",
            "Send the year's data request and attestation",
            "Beneficiary-identifiable data come on formal request only, at least once a year",
            "42 CFR 512.760(b)",
            evidence="the request as sent and CMS's answer",
            due=dt.date(self.year, 1, 31),
            last=last_day(self.year),
        )

    def activities(self) -> Iterable[Task]:
        needed = self.rules["improvement.period_days"].integer
        last = latest_start(self.year, needed)
        names = activities(self.rules)
        points = -float(improvement_adjustment(np.array([len(names) - 1]), self.rules)[0])
        why = f"Each activity needs {needed} days in a row within the year; {last.isoformat()} is the last day one can start"
        yield self.task(
            "activity_1_started",
            "Start the work of IA_1: primary care known, visit summaries sent back, yearly screening of social needs",
            why,
            "42 CFR 512.735",
            evidence="the process document and examples without patients' names",
            due=self.back(last, "activity_period"),
            last=last,
            points=points,
        )
        yield self.task(
            "arrangement_drafted",
            "Find the primary care practices that share most beneficiaries, and draft a collaborative care arrangement",
            "IA_2 needs at least one arrangement in force",
            "42 CFR 512.735, 512.771(a)",
            evidence="the draft, checked against the terms of 512.771(a)",
            due=self.back(last, "arrangement_drafted"),
        )
        yield self.task(
            "arrangement_signed",
            "Have the arrangement signed by both, with its effective date",
            why,
            "42 CFR 512.771(a)(1)",
            evidence="the arrangement signed by both",
            due=self.back(last, "arrangement_signed"),
            last=last,
            points=points,
        )

    def interoperability(self) -> Iterable[Task]:
        needed = self.rules["interoperability.period_days"].integer
        last = latest_start(self.year, needed)
        points = -self.rules["interoperability.largest_deduction"].number
        why = f"Certified technology must be in use for {needed} days in a row; {last.isoformat()} is the last day to begin"
        yield self.task(
            "technology",
            "Confirm that the EHR is certified for the year, and note its certification id",
            "Without the id neither eCQMs nor Promoting Interoperability are taken",
            "42 CFR 512.740; CMS 2027 QRDA Category III, CMS_140",
            evidence="the product's entry in the Certified Health IT Product List",
            due=self.back(last, "technology"),
            points=points,
        )
        yield self.task(
            "interoperability_started",
            "Begin the Promoting Interoperability period",
            why,
            "42 CFR 512.740",
            evidence="the EHR's report of the period",
            due=self.back(last, "interoperability_period"),
            last=last,
            points=points,
        )
        yield self.task(
            "security_analysis",
            "Do the security risk analysis and the SAFER guide of the year",
            "Both are required attestations; one missing makes the whole score 0",
            "42 CFR 512.740(b)",
            evidence="the dated analysis with what was done about it; the filled-in guide",
            due=last_day(self.year),
            last=last_day(self.year),
            points=points,
        )

    def quality(self) -> Iterable[Task]:
        for cohort in self.facts.cohorts:
            measures = [
                each for each in measures_of(cohort, self.rules) if collection_types_of(each, self.rules) != ("claims",)
            ]
            yield self.task(
                f"measures_{cohort}",
                f"Document what measures {', '.join(measures)} need ({COHORT_WORDS[cohort]}), from the first visit of the year",
                "Quality is half of the final score, and the whole calendar year counts",
                "42 CFR 512.725",
                evidence="a run of the measures over test records",
                due=first_day(self.year),
            )
        if "records" not in self.facts.data:
            yield self.task(
                "records_feed",
                "Get the EHR's records as FHIR or plain tables",
                "Rates, gaps and the files for CMS are computed from them",
                "42 CFR 512.725",
                evidence="a first export, read without errors",
                due=dt.date(self.year, 1, 31),
            )
        if "claims" not in self.facts.data:
            yield self.task(
                "claims_feed",
                "Get claims: CMS's data, an ACO's feed or the practice's own",
                "Episodes, shared primary care practices and the cost score are found in claims",
                "42 CFR 512.730, 512.760",
                evidence="claims loaded and checked",
                due=dt.date(self.year, 3, 31),
            )
        for month in self.months:
            end = dt.date(self.year, month + 1, 1) - dt.timedelta(days=1)
            yield self.task(
                f"results_{month:02}",
                "Look at rates, completeness and open gaps",
                f"A measure below {float(self.rules['quality.data_completeness'].exact):.0%} completeness earns nothing",
                "42 CFR 512.720",
                evidence="the run of that day",
                due=end,
            )

    def end(self) -> Iterable[Task]:
        small = bool(is_small_practice(np.array(self.facts.clinicians_in_tin), self.rules))
        if small:
            yield self.task(
                "level",
                "Decide whether quality is handed in by clinician or for the practice",
                "A small practice may choose; the run tells points and dollars of both",
                "42 CFR 512.720",
                evidence="openasm submit compare",
                due=dt.date(self.year + 1, 2, 15),
                last=self.deadline,
            )
        yield self.task(
            "attestation",
            "Review and sign the attestations of the practice",
            "What is attested must be true and provable",
            "42 CFR 512.735, 512.740",
            evidence="the signed attestations with their evidence",
            due=self.back(self.deadline, "package"),
            last=self.deadline,
            points=-float(improvement_adjustment(np.array([0]), self.rules)[0])
            - self.rules["interoperability.largest_deduction"].number,
        )
        yield self.task(
            "package",
            "Prepare and check the package",
            "Problems found in March can still be mended",
            "42 CFR 512.720",
            evidence="the package with its manifest",
            due=self.back(self.deadline, "package"),
            last=self.deadline,
        )
        yield self.task(
            "submission",
            "Hand the files in at CMS's portal and record the receipt",
            "Nothing handed in by the last day means a final score of 0 and the largest cut",
            "42 CFR 512.720",
            evidence="CMS's confirmation number",
            due=self.back(self.deadline, "submission"),
            last=self.deadline,
            everything=True,
        )
