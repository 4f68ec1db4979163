"""What a report says, before anything is drawn: plain dataclasses that page, workbook and PDF all show.

Every number is taken from the run as it stands there; the only arithmetic here is counting, sorting and medians for the
overview. Units are in the names; None means "there is none", never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from openasm.archive.projection import Histogram, ParticipantProjection, Spread

FEW_NOTES = 3
COUNTING = ("scored", "zero")  # statuses of a measure that counts in the category


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
    eligible: int | None
    met: int | None
    not_met: int | None
    pool_median: float | None
    pool_top: float | None
    source: str

    @property
    def label(self) -> str:
        """Number and title, and that it is the whole practice's where it is."""
        return f"{self.measure} {self.title}" + (" (TIN)" if self.level == "tin" else "")


@dataclass(frozen=True, slots=True)
class ScoreStep:
    """One step from categories to final score, in points of the final score."""

    label: str
    points: float
    how: str


@dataclass(frozen=True, slots=True)
class AlternativeLine:
    """An unconfirmed value changed: what the median payment change becomes (dollars)."""

    label: str
    dollars: float
    difference: float


@dataclass(frozen=True, slots=True)
class PeerCosts:
    """A clinician's cost score among the cohort's, in dollars.

    histogram: the scores that form the benchmark pool, its first and last bin holding everything beyond; None where the pool
    is too small to show. better_share: the share of the pool whose cost is higher; edges: upper edges of the bands for 10, 9,
    ..., 1 points; source: `pool`, or CMS's published cut points.
    """

    own: float | None
    episodes: int | None
    pool_size: int
    median: float | None
    better_share: float | None
    edges: tuple[float, ...]
    histogram: Histogram | None
    source: str


@dataclass(frozen=True, slots=True)
class CostDriver:
    """One service category: dollars a year of episode, the clinician's or practice's and the peers' (None: no peers)."""

    category: str
    episodes: int
    services: int
    dollars: float
    peers_dollars: float | None

    @property
    def difference(self) -> float | None:
        """Dollars a year above (positive) or below the peers."""
        return None if self.peers_dollars is None else self.dollars - self.peers_dollars


@dataclass(frozen=True, slots=True)
class DriverTable:
    """Cost drivers of one clinician (npi `""`: of the practice) in one cohort, by falling difference from peers."""

    cohort: str
    cohort_title: str
    tin: str
    npi: str
    name: str
    drivers: tuple[CostDriver, ...]


@dataclass(frozen=True, slots=True)
class RateRow:
    """One clinician's measures in the order of the table; None where there is no row."""

    name: str
    npi: str
    lines: tuple[MeasureLine | None, ...]


@dataclass(frozen=True, slots=True)
class RateTable:
    """The quality measures of a cohort's clinicians side by side."""

    cohort_title: str
    titles: tuple[str, ...]
    rows: tuple[RateRow, ...]


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One attested item of a practice. met: None for sources of points, which have earned of available instead."""

    item: str
    title: str
    met: bool | None
    earned: float | None
    available: float | None


@dataclass(frozen=True, slots=True)
class Attestations:
    """What one practice attested. Adjustments are points on the final score; score: Promoting Interoperability, 0-100."""

    tin: str
    organization: str
    activities: tuple[ItemLine, ...]
    requirements: tuple[ItemLine, ...]
    points: tuple[ItemLine, ...]
    improvement_adjustment: float | None
    interoperability_score: float | None
    interoperability_adjustment: float | None


@dataclass(frozen=True, slots=True)
class Clinician:
    """One participant (TIN, NPI and cohort) of the practice the report is about. Factor as a fraction, money in dollars.

    forecast: its projection, where the run was projected and gave it a score in some draw; payment_bars: the distribution of
    its dollars where there is one to draw (not where every draw gives the same, or many were projected at once).
    """

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
    peer_costs: PeerCosts | None
    forecast: ParticipantProjection | None
    alternatives: tuple[AlternativeLine, ...]

    @property
    def counted(self) -> tuple[MeasureLine, ...]:
        """One line a quality measure: of several rows the one that counts, else the first."""
        found: dict[str, MeasureLine] = {}
        for line in self.measures:
            known = found.setdefault(line.measure, line)
            if line.status in COUNTING and known.status not in COUNTING:
                found[line.measure] = line
        return tuple(found.values())

    @property
    def payment_bars(self) -> Histogram | None:
        """The distribution of the payment change, None where it is not known or all draws give the same."""
        bars = self.forecast.dollars_histogram if self.forecast else None
        return bars if bars is not None and len(bars.counts) > 1 else None


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
    histogram: Histogram
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
    """Everything a report shows.

    kind: `cohort`, `practice` or `clinician`; made_up: the run's clinicians do not exist (a demonstration); together: the
    shown practice's payment change as a whole over the draws, dollars; absent: what the run does not hold, and how to get it.
    """

    kind: str
    title: str
    run_name: str
    performance_year: int
    payment_year: int
    made: str
    program_version: str
    cohorts: tuple[CohortView, ...]
    clinicians: tuple[Clinician, ...]
    attestations: tuple[Attestations, ...]
    rates: tuple[RateTable, ...]
    drivers: tuple[DriverTable, ...]
    rules: tuple[RuleLine, ...]
    assumptions: tuple[str, ...]
    problems: tuple[Mapping[str, object], ...]
    inputs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    together: Spread | None = None
    absent: tuple[str, ...] = ()
    made_up: bool = False

    def drivers_of(self, who: Clinician) -> tuple[DriverTable, ...]:
        """A clinician's own cost drivers, where the run holds them."""
        wanted = (who.cohort, who.tin, who.npi)
        return tuple(each for each in self.drivers if (each.cohort, each.tin, each.npi) == wanted)

    @property
    def practice_drivers(self) -> tuple[DriverTable, ...]:
        """The cost drivers of practices as a whole."""
        return tuple(each for each in self.drivers if not each.npi)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes that stand at the top: of a what-if always, all of them where they are few."""
        few = len(self.notes) <= FEW_NOTES
        return tuple(note for note in self.notes if few or "what-if" in note.lower())

    @property
    def further_notes(self) -> tuple[str, ...]:
        """The notes that neither stand at the top nor are among the assumptions."""
        elsewhere = {*self.remarks, *self.assumptions}
        return tuple(note for note in self.notes if note not in elsewhere)

    @property
    def unconfirmed(self) -> tuple[RuleLine, ...]:
        """The rule values not yet read in CMS's own text."""
        return tuple(rule for rule in self.rules if not rule.confirmed)
