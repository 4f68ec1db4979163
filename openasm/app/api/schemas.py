"""What answers look like. Money is whole cents, shares go from 0 to 1, days are ISO dates. Fields are added, never changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ninja import Schema


class ErrorDetail(Schema):
    """Why a request was refused. fields: parameters that are wrong; request: the number to name when asking for help."""

    code: str
    message: str
    fields: list[str]
    request: str


class ErrorDocument(Schema):
    """Every answer that is not 200."""

    error: ErrorDetail


class PracticeOut(Schema):
    """A practice the token's owner is a member of. tin: its last four digits."""

    key: str
    name: str
    tin: str
    system: str | None


class PracticeList(Schema):
    """Practices by name."""

    items: list[PracticeOut]


class RunOut(Schema):
    """A published run."""

    key: str
    name: str
    performance_year: int
    payment_year: int
    made_at: dt.datetime
    published_at: dt.datetime
    program_version: str
    has_patients: bool
    has_projection: bool


class RunList(Schema):
    """Published runs with results of the practice, newest first."""

    items: list[RunOut]


class Summary(Schema):
    """The practice as a whole in its newest run."""

    practice: PracticeOut
    run: RunOut
    participants: int
    part_b_cents: int
    change_cents: int
    dollars_p5: float | None
    dollars_median: float | None
    dollars_p95: float | None
    probability_of_cut: float | None
    activities_attested: int | None
    improvement_adjustment: float | None
    interoperability_score: float | None
    interoperability_adjustment: float | None


class ParticipantOut(Schema):
    """One participant's score, its parts, its payment, and the projection's range where the run has one."""

    npi: str
    cohort: str
    name: str
    state: str
    status: str
    quality_score: float | None
    cost_score: float | None
    improvement_adjustment: float | None
    interoperability_adjustment: float | None
    complex_patient_adjustment: float | None
    small_practice_adjustment: float | None
    final_score: float | None
    factor: float | None
    part_b_cents: int
    change_cents: int | None
    score_p5: float | None
    score_p95: float | None
    dollars_p5: float | None
    dollars_median: float | None
    dollars_p95: float | None
    probability_of_cut: float | None


class MeasureOut(Schema):
    """One participant's row of one measure."""

    npi: str
    cohort: str
    measure: str
    collection_type: str
    level: str
    rate: float | None
    completeness: float | None
    points: float | None
    status: str
    reason: str
    eligible: int | None
    met: int | None
    not_met: int | None
    exclusions: int | None
    exceptions: int | None


class GapOut(Schema):
    """One open gap. patient: a pseudonym that stays the same; identifier: only when asked for and permitted."""

    id: int
    patient: str
    identifier: str | None
    measure: str
    group: int
    kind: str
    missing: str
    earliest: dt.date | None
    due: dt.date | None
    npis: list[str]
    points: float | None
    cents: int | None


class EpisodeOut(Schema):
    """One episode. costs: cents by service category."""

    id: int
    patient: str
    identifier: str | None
    episode: str
    cohort: str
    start: dt.date
    end: dt.date
    days: int
    observed_cents: int
    annualized_cents: int
    expected_cents: int | None
    ratio: float | None
    excluded_reason: str
    subgroup: str
    npis: list[str]
    costs: dict[str, Any]


class DeadlineOut(Schema):
    """One task of the readiness plan. due: day to be done by; last: the day after which it is too late; state: seen from today."""

    key: str
    what: str
    why: str
    citation: str
    evidence: str
    due: dt.date
    last: dt.date | None
    points: float
    whole_score: bool
    state: str


class DeadlineList(Schema):
    """Deadlines by day."""

    performance_year: int
    items: list[DeadlineOut]


class ParticipantPage(Schema):
    """A page of participants. next: `after` of the next page, null on the last."""

    run: str
    items: list[ParticipantOut]
    next: str | None


class MeasurePage(Schema):
    """A page of measure rows."""

    run: str
    items: list[MeasureOut]
    next: str | None


class GapPage(Schema):
    """A page of gaps."""

    run: str
    items: list[GapOut]
    next: str | None


class EpisodePage(Schema):
    """A page of episodes."""

    run: str
    items: list[EpisodeOut]
    next: str | None
