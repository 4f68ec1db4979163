"""MIPS as the fallback: what the same data mean for a clinician or a year that ASM does not score, and for the partners who stay there.

Participants are exempt from MIPS for the years in which they meet ASM's criteria (42 CFR 512.710(a)(1)); for other years and for everybody
else in the TIN MIPS asks what it asked before. Nothing of MIPS is scored here.

>>> from openasm.regulation.rulebook import rules_for
>>> fallback = mips_fallback("low_back_pain", rules_for(2027))
>>> [each.measure for each in fallback.measures if each.open_to == "mvp_only"], fallback.deadline.isoformat()
(['128'], '2028-03-31')
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from openasm.base.parameters import Parameter, RuleBook, Rules, load_rule_book
from openasm.base.years import payment_year, submission_deadline
from openasm.regulation.quality import collection_types_of, measures_of

_OPEN_WORDS = {
    "traditional": "counts in MIPS as it is",
    "mvp_only": "counts in MIPS only within an MVP that has it",
    "not_individual": "not scored for single clinicians in MIPS",
}
_CATEGORY_WORDS = {
    "quality": "quality measures of the clinician's own choice, the ASM measures among them where open",
    "cost": "calculated by CMS from claims over every MIPS cost measure with enough cases",
    "promoting_interoperability": "the same measures and attestations as for ASM, here earning points instead of only losing them",
    "improvement_activities": "activities of the MIPS inventory; ASM's two activities have no id in it",
}


@dataclass(frozen=True, slots=True)
class MipsMeasure:
    """An ASM quality measure seen from MIPS. open_to: `traditional`, `mvp_only`, `not_individual`; words: that in words."""

    measure: str
    open_to: str
    collection_types: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class MipsCategory:
    """A MIPS performance category: its weight in percent, and what it asks."""

    name: str
    weight: int
    words: str


@dataclass(frozen=True, slots=True)
class MipsFallback:
    """What comes back with MIPS for a performance year."""

    year: int
    payment_year: int
    deadline: dt.date
    measures: tuple[MipsMeasure, ...]
    categories: tuple[MipsCategory, ...]
    measures_to_report: int
    measures_missing: int  # beyond the ASM measures that count in traditional MIPS
    completeness_percent: int
    largest_adjustment_percent: int
    facts: tuple[Parameter, ...]  # with citation and status

    @property
    def sentences(self) -> tuple[str, ...]:
        """The whole in words, a fact a sentence."""
        counting = sum(each.open_to == "traditional" for each in self.measures)
        return (
            f"MIPS applies for {self.year}; its data are due by {self.deadline.day} {self.deadline:%B %Y} and change payments in "
            f"{self.payment_year}, by at most {self.largest_adjustment_percent} percent.",
            f"Of the cohort's quality measures {counting} count in traditional MIPS, which asks for {self.measures_to_report}: "
            f"{self.measures_missing} more are to be found, or an MVP chosen.",
            f"Each measure needs {self.completeness_percent} percent of its cases, the same as in ASM.",
        )


@dataclass(frozen=True, slots=True)
class Partners:
    """Clinicians of a TIN beside its ASM participants."""

    participants: int
    others: int

    @property
    def words(self) -> str:
        """What holds for both, in one sentence."""
        if not self.others:
            return "Every clinician of the practice takes part in ASM; MIPS asks nothing of the practice for this year."
        who = "1 clinician stays" if self.others == 1 else f"{self.others} clinicians stay"
        return (
            f"{who} in MIPS for this year: the practice still reports quality, improvement activities and Promoting "
            "Interoperability for them there. ASM's attestations of the TIN cover its ASM participants only."
        )


@cache
def mips_book() -> RuleBook:
    """The packaged facts (parameters/mips.yaml)."""
    return load_rule_book([Path(__file__).parent / "parameters" / "mips.yaml"])


def mips_fallback(cohort: str, rules: Rules) -> MipsFallback:
    """What MIPS asks instead of ASM for the rules' performance year. RuleUnpublished for a year without facts.

    The surprise: the deadline is the same day, so a clinician who learns late of being outside ASM has no more time.
    """
    facts = mips_book().for_year(rules.year)
    open_to = facts["mips.open_to"].table
    measures = tuple(
        MipsMeasure(each, kind, collection_types_of(each, rules), _OPEN_WORDS[kind])
        for each in measures_of(cohort, rules)
        for kind in (str(open_to[each]),)
    )
    wanted = facts["mips.quality_measures"].integer
    counting = sum(each.open_to == "traditional" for each in measures)
    return MipsFallback(
        rules.year,
        payment_year(rules.year),
        submission_deadline(rules.year),
        measures,
        tuple(
            MipsCategory(name, int(str(weight)), _CATEGORY_WORDS[name])
            for name, weight in facts["mips.categories"].table.items()
        ),
        wanted,
        max(0, wanted - counting),
        int(facts["mips.data_completeness"].exact * 100),
        facts["mips.largest_adjustment"].integer,
        tuple(facts),
    )


def partners_of(clinicians_in_tin: int, participants: Iterable[str]) -> Partners:
    """How many clinicians of a TIN take part and how many stay in MIPS. participants: NPIs, repeats allowed.

    >>> partners_of(4, ["2000000010", "2000000010"])
    Partners(participants=1, others=3)
    """
    here = len(set(participants))
    return Partners(here, max(0, clinicians_in_tin - here))
