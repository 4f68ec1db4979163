"""The code lists a synthetic region is made for: which codes trigger, confirm, are assigned or exclude.

The generator never reads a workbook. Whoever has read one (the command line) hands over these few facts; without it
`demonstration_lists` gives made-up lists that agree with the demonstration workbooks that ship.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from openasm.base.errors import InputRefused
from openasm.base.identity import stable_hash
from openasm.base.problems import Problems, declare

HEART_FAILURE = "heart_failure"
LOW_BACK_PAIN = "low_back_pain"
COHORTS = (HEART_FAILURE, LOW_BACK_PAIN)

LISTS_TOO_NARROW = declare(
    "G001",
    "the code lists leave nothing to build care from",
    expected="a trigger service, a confirming service and a trigger diagnosis that no exclusion uses",
    next_step="Check that the workbook is whole; its trigger sheets decide.",
)


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """One row of the service assignment: which lines it takes and into which category.

    settings: as in the claims contract; code_type: `hcpcs`, `drg`, `ndc` or `revenue_center`; code: the service's code,
    empty for every service. The line must carry a diagnosis that starts with `begins` and, where given, is `listed` and is
    none of `barred` (codes without dot, apart by blanks); with all three empty it needs none.
    """

    settings: tuple[str, ...]
    code_type: str
    code: str
    category: str
    begins: str = ""
    listed: str = ""
    barred: str = ""

    @property
    def is_free(self) -> bool:
        """Whether the rule asks for no diagnosis."""
        return not (self.begins or self.listed or self.barred)

    def fits(self, diagnosis: str) -> bool:
        """Whether one diagnosis is what the rule asks for."""
        listed = not self.listed or diagnosis == self.listed
        return diagnosis.startswith(self.begins) and listed and diagnosis not in self.barred.split()

    def takes(self, *, setting: str, code: str, diagnoses: Sequence[str]) -> bool:
        """Whether a line of this setting and code with these diagnoses falls under the rule.

        >>> rule = ServiceRule(("professional",), "hcpcs", "99213", "Visits", begins="I50")
        >>> rule.takes(setting="professional", code="99213", diagnoses=["I5022"])
        True
        """
        if setting not in self.settings or self.code not in ("", code):
            return False
        return self.is_free or any(self.fits(diagnosis) for diagnosis in diagnoses)


@dataclass(frozen=True, slots=True)
class ExclusionRule:
    """One condition behind an exclusion; its codes act jointly on one claim. Rules stand in the order of the exclusions.

    services: codes of any other kind (HCPCS, DRG, drug, revenue center) that must stand on the claim.
    days_before: the claim lies in that many days before the episode's first day; None: it lies within the episode.
    primary: the diagnosis stands first on the claim. settings: where the claim was billed.
    """

    name: str
    diagnoses: tuple[str, ...]
    services: tuple[str, ...] = ()
    primary: bool = False
    days_before: int | None = None
    settings: tuple[str, ...] = ("professional",)

    def met_by(self, *, setting: str, codes: Sequence[str], diagnoses: Sequence[str]) -> bool:
        """Whether a claim of this setting with these codes and diagnoses (first one first) meets the condition."""
        carried = list(diagnoses[:1]) if self.primary else list(diagnoses)
        return setting in self.settings and set(self.services) <= set(codes) and set(self.diagnoses) <= set(carried)


@dataclass(frozen=True, slots=True)
class CohortLists:
    """Everything the planner of one cohort needs to lay out care whose episodes it knows.

    Days as in the working definition: a trigger is confirmed within `confirm_days`, each qualifying line holds the window
    open for `window_days`, episodes have `episode_days`.
    """

    cohort: str
    confirm_days: int
    window_days: int
    trigger_services: tuple[str, ...]
    confirming_services: tuple[str, ...]
    trigger_diagnoses: tuple[str, ...]
    service_rules: tuple[ServiceRule, ...]
    exclusions: tuple[ExclusionRule, ...] = ()
    episode_days: int = 365
    minimum_days: int = 365
    minimum_age: int = 18
    lookback_days: int = 120
    share_numerator: int = 3
    share_denominator: int = 10
    prior_days: int = 365

    def safe_diagnoses(self) -> tuple[str, ...]:
        """Trigger diagnoses that no exclusion names, so that care carrying them excludes nothing."""
        used = {code for rule in self.exclusions for code in rule.diagnoses}
        return tuple(code for code in self.trigger_diagnoses if code not in used)

    def confirm_only(self) -> tuple[str, ...]:
        """Services that confirm and cannot trigger."""
        return tuple(code for code in self.confirming_services if code not in set(self.trigger_services))

    def category(self, *, setting: str, code: str, diagnoses: Sequence[str]) -> str | None:
        """The category of the first rule, in the order of the list, that takes such a line; None when none does."""
        for rule in self.service_rules:
            if rule.takes(setting=setting, code=code, diagnoses=diagnoses):
                return rule.category
        return None

    def ruled_codes(self) -> frozenset[str]:
        """Every service code that some rule names; the empty code stands for every service."""
        return frozenset(rule.code for rule in self.service_rules)

    def named_diagnoses(self) -> tuple[str, ...]:
        """Every diagnosis, or beginning of one, that means something to this cohort."""
        named = set(self.trigger_diagnoses)
        for rule in self.service_rules:
            named.update(code for code in (rule.begins, rule.listed) if code)
        for exclusion in self.exclusions:
            named.update(exclusion.diagnoses)
        return tuple(sorted(named))


@dataclass(frozen=True, slots=True)
class CodeLists:
    """The lists of both cohorts and where they come from."""

    heart_failure: CohortLists
    low_back_pain: CohortLists
    source: str = "made-up demonstration lists"
    cohorts: tuple[CohortLists, CohortLists] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cohorts", (self.heart_failure, self.low_back_pain))

    def check(self) -> None:
        """Raise InputRefused when a list is too narrow to build care from."""
        problems = Problems()
        other = {HEART_FAILURE: self.low_back_pain, LOW_BACK_PAIN: self.heart_failure}
        for lists in self.cohorts:
            foreign = set(other[lists.cohort].named_diagnoses())
            if not lists.trigger_services or not lists.confirming_services:
                problems.add(
                    LISTS_TOO_NARROW, self.source, column=lists.cohort, found="no trigger or confirming services"
                )
            if not set(lists.safe_diagnoses()) - foreign:
                problems.add(
                    LISTS_TOO_NARROW, self.source, column=lists.cohort, found="no trigger diagnosis free of exclusions"
                )
        problems.refuse_errors()

    def fingerprint(self) -> str:
        """A stable hash of the contents; the truth holds for these lists only."""
        return stable_hash(*(json.dumps(asdict(lists), sort_keys=True) for lists in self.cohorts), length=32)


_VISITS = ("99202", "99203", "99204", "99205", "99211", "99212", "99213", "99214", "99215")


def demonstration_lists() -> CodeLists:
    """Made-up lists that agree with the demonstration workbooks; nothing here is CMS's list.

    >>> demonstration_lists().heart_failure.confirm_days
    180
    """
    drugs = tuple(
        ServiceRule(("drug",), "ndc", ndc, "Invented drug category") for ndc in ("00000000001", "00000000002")
    )
    heart = CohortLists(
        cohort=HEART_FAILURE,
        confirm_days=180,
        window_days=365,
        minimum_days=365,
        trigger_services=_VISITS,
        confirming_services=(*_VISITS, "99304", "99341"),
        trigger_diagnoses=("I5020", "I5021", "I5022", "I5023", "I5030", "I5032", "I509", "I110", "I130", "I132"),
        service_rules=(
            ServiceRule(("professional", "dme"), "hcpcs", "99213", "Invented category A", "I50"),
            ServiceRule(("outpatient",), "hcpcs", "99284", "Invented category B", "I50", "I5020"),
            ServiceRule(("inpatient",), "drg", "291", "Invented category C", "I50"),
            *drugs,
        ),
        exclusions=(
            ExclusionRule("DEMO_EXCL_1", ("I5020",), days_before=120, settings=("inpatient",)),
            ExclusionRule("DEMO_EXCL_2", ("I5021",), settings=("professional", "dme")),
        ),
    )
    back = CohortLists(
        cohort=LOW_BACK_PAIN,
        confirm_days=60,
        window_days=120,
        minimum_days=120,
        trigger_services=_VISITS,
        confirming_services=(*_VISITS, "99304", "99341", "99348"),
        trigger_diagnoses=("M5450", "M5451", "M5459", "M5116", "M5117", "M5126", "M5127", "M48061", "M48062"),
        service_rules=(
            ServiceRule(("professional", "dme"), "hcpcs", "99213", "Invented category A", "M54"),
            ServiceRule(("outpatient",), "hcpcs", "99284", "Invented category B", "M54", "M5450"),
            ServiceRule(("inpatient",), "drg", "551", "Invented category C", "M54"),
            *drugs,
        ),
        exclusions=(
            ExclusionRule(
                "DEMO_EXCL_1",
                ("M5450",),
                services=("99214",),
                primary=True,
                days_before=120,
                settings=("inpatient", "professional", "dme"),
            ),
            ExclusionRule("DEMO_EXCL_2", ("M5451",), settings=("professional", "dme")),
        ),
    )
    return CodeLists(heart, back)


__all__ = [
    "COHORTS",
    "HEART_FAILURE",
    "LOW_BACK_PAIN",
    "CodeLists",
    "CohortLists",
    "ExclusionRule",
    "InputRefused",
    "ServiceRule",
    "demonstration_lists",
]
