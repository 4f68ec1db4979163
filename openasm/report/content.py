"""What a report says, before anything is drawn: plain dataclasses that the page and the workbook both show.

Every number is taken from the run as it stands there; the only arithmetic here is counting, sorting and medians for the
overview. Units are in the names; None means "there is none", never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure of one clinician: rate and completeness 0-1 (the claims measure: per 100 person-years), points 0-10."""

    measure: str
    title: str
    collection_type: str
    level: str
    rate: float | None
    completeness: float | None
    points: float | None
    status: str
    reason: str
    lower_is_better: bool
    pool_median: float | None
    pool_top: float | None
    source: str


@dataclass(frozen=True, slots=True)
class ScoreStep:
    """One step from categories to final score, in points of the final score."""

    label: str
    points: float
    how: str


@dataclass(frozen=True, slots=True)
class RangeLine:
    """A projected quantity: its 5th, 50th and 95th percentile over the draws."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class LeverLine:
    """A change within reach: what it adds to the final score (points) and to the yearly payment (dollars)."""

    label: str
    score_points: float
    dollars: float


@dataclass(frozen=True, slots=True)
class AlternativeLine:
    """An unconfirmed value changed: what the median payment change becomes (dollars)."""

    label: str
    dollars: float
    difference: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A clinician's projection. histogram: edges (n + 1) and shares (n) of the payment change in dollars."""

    final_score: RangeLine
    factor: RangeLine
    dollars: RangeLine
    chance_of_cut: float
    dollars_per_point: float
    histogram_edges: tuple[float, ...]
    histogram_shares: tuple[float, ...]
    levers: tuple[LeverLine, ...]
    alternatives: tuple[AlternativeLine, ...]


@dataclass(frozen=True, slots=True)
class Clinician:
    """One participant (TIN, NPI and cohort) of the practice the report is about. Factor as a fraction, money in dollars."""

    key: str
    tin: str
    npi: str
    cohort: str
    cohort_title: str
    name: str
    organization: str
    state: str
    clinicians_in_tin: int | None
    status: str
    status_text: str
    final_score: float | None
    factor: float | None
    part_b_paid: float | None
    change_dollars: float | None
    steps: tuple[ScoreStep, ...]
    measures: tuple[MeasureLine, ...]
    cost: MeasureLine | None
    forecast: Forecast | None


@dataclass(frozen=True, slots=True)
class CohortView:
    """A whole cohort in numbers. histogram over final scores; groups: by practice size and state."""

    cohort: str
    title: str
    participants: int
    scored: int
    zero: int
    without_score: int
    median_score: float | None
    gaining: int
    losing: int
    net_dollars: float
    scaling_factor: float | None
    histogram_edges: tuple[float, ...]
    histogram_counts: tuple[int, ...]
    groups: tuple[GroupLine, ...]


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group of a cohort (`practice size`, `solo`): how many, how they stand. Factor as a fraction."""

    kind: str
    label: str
    participants: int
    median_score: float | None
    median_factor: float | None
    share_gaining: float | None
    net_dollars: float


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule value the numbers rest on."""

    name: str
    title: str
    value: str
    unit: str
    status: str
    confirmed: bool
    citation: str
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report shows. together: the range of the shown practice's payment change as a whole, dollars."""

    title: str
    run_name: str
    performance_year: int
    payment_year: int
    made: str
    program_version: str
    cohorts: tuple[CohortView, ...]
    clinicians: tuple[Clinician, ...]
    rules: tuple[RuleLine, ...]
    assumptions: tuple[str, ...]
    problems: tuple[Mapping[str, object], ...]
    inputs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = field(default=())
    together: RangeLine | None = None

    @property
    def unconfirmed(self) -> tuple[RuleLine, ...]:
        """The rule values not yet read in CMS's own text."""
        return tuple(rule for rule in self.rules if not rule.confirmed)
