"""What a synthetic region looks like: sizes, years and the documented knobs of realism."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from openasm.base.errors import WrongUsage
from openasm.claims.synthetic.codelists import CodeLists, demonstration_lists

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Reals = NDArray[np.float64]

BLOCK = 4_000
"""Beneficiaries made together. A constant, not a knob: the bytes of a region must not depend on how it is computed."""

BENEFICIARIES_PER_PARTICIPANT = 83
"""550,000 people in the care of the 6,637 clinicians on CMS's preliminary list of February 2026."""

_EPOCH = dt.date(1970, 1, 1)


def day_number(date: dt.date) -> int:
    """Days since 1970-01-01, the unit of every day in this package."""
    return (date - _EPOCH).days


def month_number(date: dt.date) -> int:
    """Months since January 1970."""
    return (date.year - 1970) * 12 + date.month - 1


def months_of(days: Ints) -> Ints:
    """Month numbers of day numbers."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_days(months: Ints) -> Ints:
    """Day number of the first day of each month number."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Realism:
    """Knobs. Shares are of beneficiaries unless said otherwise; rates are events a person and year at average frailty.

    The targets they aim at: annual cost of a heart failure episode near $14,000-15,000 and of a low back pain episode near
    $1,900-2,000 (means published with CMS's 2024 and 2025 cost measure benchmarks) when lists as wide as CMS's are used;
    about 180 claim lines a person over three years. With narrow demonstration lists only what the lists name is assigned.
    """

    heart_failure: float = 0.20  # people in the care of these practices, hence above the national 14 percent
    low_back_pain: float = 0.30
    second_practice: float = 0.22  # courses shared with another practice at the same time
    third_practice: float = 0.05
    lonely_visit: float = 0.12  # segments that are a trigger nobody confirms
    edge_gap: float = 0.06  # gaps set exactly on a limit of the definition
    same_day_pair: float = 0.07  # visits with a second qualifying line on the same day
    no_npi: float = 0.006  # qualifying lines without a clinician
    no_tin: float = 0.02  # qualifying-looking claims without a practice, of people in a course
    died: float = 0.11  # over three years
    dual: float = 0.18
    under_65: float = 0.13
    esrd: float = 0.012
    institutional: float = 0.03
    children: float = 0.002
    no_birth_date: float = 0.002
    abroad: float = 0.004  # living outside the 50 states and DC
    part_c_later: float = 0.05
    part_c_before: float = 0.04
    part_b_lapse: float = 0.02
    enrolled_later: float = 0.04
    part_d_always: float = 0.70
    part_d_partly: float = 0.06
    excluded: float = 0.03  # of people in a course: a planted reason of the workbook's exclusions
    new_mbi: float = 0.03
    solo_practices: float = 0.42
    two_practices: float = 0.08  # of clinicians: also billing under a second TIN
    split_specialty: float = 0.04  # of clinicians: bills two specialty codes
    style_spread: float = 0.30  # sigma of the practices' log appetite for hospital, imaging and procedures
    background: float = 1.0  # multiplier on everything that has to do with neither cohort


@dataclass(frozen=True)
class Region:
    """What to make.

    seed: any whole number; participants: clinicians of the cohort specialties; beneficiaries: people; years: calendar years
    of care, consecutive. The same values give the same bytes, whatever the number of processes.
    """

    seed: int
    participants: int = 24
    beneficiaries: int = 0
    first_year: int = 2025
    last_year: int = 2027
    lists: CodeLists = field(default_factory=demonstration_lists)
    realism: Realism = field(default_factory=Realism)

    def __post_init__(self) -> None:
        if self.beneficiaries == 0:
            object.__setattr__(self, "beneficiaries", self.participants * BENEFICIARIES_PER_PARTICIPANT)
        if self.seed < 0:
            raise WrongUsage("The seed must be a whole number of zero or more.")
        if not 1 <= self.participants <= 20_000:
            raise WrongUsage("The number of participants must lie between 1 and 20,000.")
        if not 1 <= self.beneficiaries <= 9_999_999:
            raise WrongUsage("The number of beneficiaries must lie between 1 and 9,999,999.")
        if not 2000 <= self.first_year <= self.last_year <= 2099 or self.last_year - self.first_year > 9:
            raise WrongUsage("The years must be a span of at most ten between 2000 and 2099, as in 2025-2027.")
        self.lists.check()

    @cached_property
    def first_day(self) -> int:
        """Day number of the first day of care."""
        return day_number(dt.date(self.first_year, 1, 1))

    @cached_property
    def last_day(self) -> int:
        """Day number of the last day the claims cover."""
        return day_number(dt.date(self.last_year, 12, 31))

    @cached_property
    def first_month(self) -> int:
        """Month number of the first month."""
        return month_number(dt.date(self.first_year, 1, 1))

    @cached_property
    def last_month(self) -> int:
        """Month number of the last month."""
        return month_number(dt.date(self.last_year, 12, 1))

    @property
    def years(self) -> int:
        """Number of calendar years."""
        return self.last_year - self.first_year + 1

    @property
    def blocks(self) -> int:
        """Number of blocks of beneficiaries."""
        return -(-self.beneficiaries // BLOCK)

    def generator(self, *path: int) -> np.random.Generator:
        """The stream of random numbers of one part of the work; equal paths give equal streams."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=path)))
