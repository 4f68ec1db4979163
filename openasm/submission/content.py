"""What is handed in, before it becomes a file: counts of rates, who reports, attested items, the practice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from openasm.regulation.attestations import AttestationRow

# population code of QRDA III -> its count's place in a row of quality.csv
QUALITY_COLUMN = {"DENOM": "eligible", "DENEX": "exclusions", "DENEXCEP": "exceptions", "NUMER": "met"}


@dataclass(frozen=True, slots=True)
class Population:
    """One population of a rate. breakdown: kind (`sex`, ...) -> code -> patients; each kind adds up to `count`, or is absent."""

    code: str
    count: int
    breakdown: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of a measure. group: its number, from 1; name: its name in QPP, empty where there is one only.

    eligible: the denominator before exclusions and exceptions. populations: empty where no counts by population were given.
    """

    group: int
    name: str
    eligible: int
    met: int
    not_met: int
    exclusions: int
    exceptions: int
    populations: tuple[Population, ...] = ()

    @property
    def answered(self) -> int:
        """met + not met + exclusions + exceptions."""
        return self.met + self.not_met + self.exclusions + self.exceptions

    @property
    def performance(self) -> Fraction | None:
        """met / (met + not met), exact; None when nobody is left."""
        left = self.met + self.not_met
        return Fraction(self.met, left) if left else None


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """One measure as handed in. collection_type: `ecqm` or `cqm`."""

    measure: str
    collection_type: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Quality of one cohort at one level: of one clinician (`individual`), or of the practice for all its clinicians (`tin`)."""

    level: str
    cohort: str
    npis: tuple[str, ...]
    measures: tuple[MeasureResult, ...]


@dataclass(frozen=True, slots=True)
class Practice:
    """A row of practice.csv. signer: empty when nobody is named; end_to_end: eCQMs are reported without a manual step."""

    tin: str
    name: str
    street: str
    city: str
    state: str
    zip: str
    telephone: str
    cehrt_id: str
    end_to_end: bool
    signer_given: str = ""
    signer_family: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not handed in, and why. what: as people call it; cost: what that means for the score, may be empty."""

    what: str
    why: str
    cost: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything a practice hands in for a performance year.

    attested: rows of attestations that are handed in, by item; details: item -> exclusion or level of engagement.
    """

    year: int
    practice: Practice
    reports: tuple[QualityReport, ...]
    attested: Mapping[str, AttestationRow]
    details: Mapping[str, str]
    left_out: tuple[LeftOut, ...]

    @property
    def start(self) -> dt.date:
        """1 January of the year."""
        return dt.date(self.year, 1, 1)

    @property
    def end(self) -> dt.date:
        """31 December of the year."""
        return dt.date(self.year, 12, 31)


def rate_text(rate: Fraction, decimals: int = 6) -> str:
    """A rate with a fixed number of decimals, rounded half up from the exact value.

    >>> rate_text(Fraction(2, 3)), rate_text(Fraction(1, 2), 1)
    ('0.666667', '0.5')
    """
    scaled = (rate * 10**decimals + Fraction(1, 2)).__floor__()
    whole, part = divmod(scaled, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"
