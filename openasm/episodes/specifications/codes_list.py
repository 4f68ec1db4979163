"""A measure's codes list once it is understood: triggers, service rules, conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CodeKind(StrEnum):
    """What a code of the lists is compared with; the values but `diagnosis` are columns of claim lines."""

    HCPCS = "hcpcs"
    DRG = "drg"
    REVENUE = "revenue_center"
    NDC = "ndc"
    DIAGNOSIS = "diagnosis"


@dataclass(frozen=True, slots=True)
class Role:
    """What a service on the trigger list may do."""

    trigger: bool
    confirming: bool


@dataclass(frozen=True, slots=True)
class DiagnosisCondition:
    """Which diagnosis a service rule asks for.

    Met by a diagnosis that begins with `category` (any when empty) and, when `listed` is given, equals it, but by none of
    `barred` (in order). All empty: no diagnosis is needed.
    """

    category: str = ""
    listed: str = ""
    barred: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        """No diagnosis is needed."""
        return not (self.category or self.listed or self.barred)

    def met_by(self, code: str) -> bool:
        """Whether one diagnosis meets it.

        >>> all_but = DiagnosisCondition("I50", barred=("I5020", "I509"))
        >>> all_but.met_by("I5022"), all_but.met_by("I509")
        (True, False)
        """
        return code.startswith(self.category) and code not in self.barred and (not self.listed or code == self.listed)


@dataclass(frozen=True, slots=True)
class Window:
    """Days relative to an episode's first day (0), both included; negative days lie before it. last_day None: its last day.

    No window reaches past the episode's end.
    """

    first_day: int = 0
    last_day: int | None = None

    def holds(self, day: int, *, start: int, end: int) -> bool:
        """Whether a day lies in the window of the episode from start to end.

        >>> [Window(0, 30).holds(day, start=100, end=464) for day in (99, 100, 130, 131)]
        [False, True, True, False]
        """
        last = end if self.last_day is None else min(start + self.last_day, end)
        return start + self.first_day <= day <= last


WHOLE_EPISODE = Window()


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """One row of a service assignment sheet. order: place in the workbook, A and B before D; code "": every service.

    window: the days of the episode whose services it takes.
    """

    order: int
    settings: tuple[str, ...]
    kind: CodeKind
    code: str
    condition: DiagnosisCondition
    category: str
    window: Window = WHOLE_EPISODE


@dataclass(frozen=True, slots=True)
class Condition:
    """One row of a details sheet: codes that must stand on one claim.

    codes: kind and code, all of them; first_position: the diagnoses must stand first on the claim; days_before: the claim's
    first day lies in that many days before the episode (None: within the episode).
    """

    name: str
    codes: tuple[tuple[CodeKind, str], ...]
    settings: tuple[str, ...]
    first_position: bool
    days_before: int | None


@dataclass(frozen=True)
class CodesList:
    """A measure's codes list, understood.

    triggers: HCPCS -> role; exclusions, subgroups, risk_variables: names in workbook order with the conditions behind them;
    known_years: MIPS years whose row counts all agree.
    """

    file: str
    cohort: str
    is_demonstration: bool
    triggers: Mapping[str, Role]
    trigger_diagnoses: frozenset[str]
    attribution_codes: tuple[tuple[str, str], ...]
    service_rules: tuple[ServiceRule, ...]
    exclusions: tuple[str, ...]
    exclusion_conditions: tuple[Condition, ...]
    subgroups: tuple[str, ...]
    subgroup_conditions: tuple[Condition, ...]
    risk_variables: tuple[str, ...]
    risk_conditions: tuple[Condition, ...]
    known_years: tuple[str, ...]
