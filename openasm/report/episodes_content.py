"""What the report on `openasm episodes` says, before anything is drawn: page and workbook show these and compute nothing.

Nobody is named: patients are numbered in the order in which the page speaks of them, days are counted from an episode's first day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openasm.base.identity import masked
from openasm.report.content import CostDriver, DriverTable, RuleLine


@dataclass(frozen=True, slots=True)
class EpisodeGroup:
    """A TIN (npi `""`) or a clinician in it, with counted episodes.

    score: of the cost measure, dollars; mean, lowest, highest: annualized cost of an episode, dollars, None where the run's
    `patients/` is not there; mips: points of the years of `CohortEpisodes.mips_years`, None below MIPS's case minimum.
    """

    tin: str
    npi: str
    episodes: int
    score: float
    mean: float | None
    lowest: float | None
    highest: float | None
    mips: tuple[float | None, ...]

    @property
    def label(self) -> str:
        """How a page names it."""
        return f"NPI {self.npi}" if self.npi else f"TIN {masked(self.tin)}"


@dataclass(frozen=True, slots=True)
class Service:
    """One service of an episode. day: 1 is the episode's first; code: what was billed; npi: who billed it, may be empty."""

    day: int
    setting: str
    category: str
    code: str
    npi: str
    dollars: float


@dataclass(frozen=True, slots=True)
class CostlyEpisode:
    """One of the costliest counted episodes.

    rank: its place among its TIN's, from 1, as in patients/costliest.parquet; patient: a number within the report; npis: to
    whom it is attributed; observed, annualized, expected: dollars; ratio: what enters the score.
    """

    key: str
    tin: str
    rank: int
    patient: int
    npis: tuple[str, ...]
    subgroup: str
    days: int
    observed: float
    annualized: float
    expected: float | None
    ratio: float | None
    services: tuple[Service, ...]

    @property
    def categories(self) -> tuple[tuple[str, int, float], ...]:
        """Category, services and dollars, dearest first."""
        found: dict[str, list[float]] = {}
        for each in self.services:
            found.setdefault(each.category, []).append(each.dollars)
        rows = ((name, len(amounts), sum(amounts)) for name, amounts in found.items())
        return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))


@dataclass(frozen=True, slots=True)
class Warned:
    """Warnings of one kind: code, what they say, what was found where, what would be right, and what to do."""

    code: str
    title: str
    found: tuple[str, ...]
    expected: str
    next_step: str


@dataclass(frozen=True, slots=True)
class ModelLine:
    """What expected costs of one model rest on. basis: `regression` or what stands in for one."""

    name: str
    basis: str
    episodes: int
    outliers: int


@dataclass(frozen=True, slots=True)
class CohortEpisodes:
    """One run of `openasm episodes`: a cohort and year.

    groups: those shown, each TIN before its clinicians; further: how many TINs are not shown; reasons: why episodes do or do
    not count, in words, with how many; drivers: services against peers; differences: TIN and category most above peers,
    the most first; with_patients: whether the run's `patients/` was there; demonstration: made-up codes list.
    """

    cohort: str
    title: str
    run_name: str
    measure: str
    mips_years: tuple[str, ...]
    groups: tuple[EpisodeGroup, ...]
    further: int
    reasons: tuple[tuple[str, int], ...]
    national_mean: float | None
    mean_is_supplied: bool
    models: tuple[ModelLine, ...]
    drivers: tuple[DriverTable, ...]
    differences: tuple[tuple[str, CostDriver], ...]
    costliest: tuple[CostlyEpisode, ...]
    with_patients: bool
    demonstration: bool
    warnings: tuple[Warned, ...]
    notes: tuple[str, ...]
    rules: tuple[RuleLine, ...]
    inputs: tuple[tuple[str, str], ...]

    @property
    def counted(self) -> int:
        """Episodes that enter scores."""
        return dict(self.reasons).get(COUNTED, 0)

    @property
    def unconfirmed(self) -> tuple[RuleLine, ...]:
        """The rule values not yet read in CMS's own text."""
        return tuple(rule for rule in self.rules if not rule.confirmed)


COUNTED = "counted in the measure"


@dataclass(frozen=True, slots=True)
class EpisodesReport:
    """Everything the report shows. kind: `all`, `practice` or `clinician`; made_up: every NPI begins with 2, as demonstrations' do."""

    kind: str
    title: str
    year: int
    made: str
    program_version: str
    cohorts: tuple[CohortEpisodes, ...]
    made_up: bool

    def drivers_by_key(self) -> Mapping[tuple[str, str, str], DriverTable]:
        """Cost drivers by cohort, TIN and NPI."""
        return {(each.cohort, each.tin, each.npi): each for view in self.cohorts for each in view.drivers}
