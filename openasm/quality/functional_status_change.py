"""Quality measure 220: change of functional status in low back pain, from treatment episodes with stored scores.

The score and the predicted change come from the instrument's owner and are taken as data: nothing is recomputed and no instrument's text
ships. Residual = (discharge - intake) - predicted change; met when it is 0 or more (MIPS CQM 220; spec page of quality measures, 3.7). Other
instruments (ODI, PROMIS) are tracked as clinical values and never counted.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from openasm.base import files
from openasm.base.files import Column, read_table
from openasm.base.problems import Problems, Severity, declare
from openasm.quality.populations import Tally

COUNTED = "FOTO_LOW_BACK"
INSTRUMENTS = (COUNTED, "ODI", "PROMIS_PF")
MODES = ("adaptive", "short_form", "paper", "proxy")
EXCLUSIONS = ("neurological", "unable")
AGE_LEAST = 14

REVERSED = declare(
    "Q160",
    "the episode ends before it begins",
    expected="a discharge on or after the intake",
    next_step="Correct the dates.",
)
TRACKED_ONLY = declare(
    "Q161",
    "episodes measured with an instrument that measure 220 does not count",
    expected=f"instrument {COUNTED}",
    next_step="Nothing needs doing: their values are listed, and they are left out of the counts.",
    severity=Severity.WARNING,
)

COLUMNS = (
    Column("episode", files.text),
    Column("patient", files.text),
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("age", files.integer(0, 120)),
    Column("instrument", files.choice(*INSTRUMENTS)),
    Column("instrument_version", files.text, may_be_empty=True),
    Column("mode", files.choice(*MODES), may_be_empty=True),
    Column("intake_date", files.iso_date),
    Column("intake_score", files.number(0, 100), may_be_empty=True),
    Column("discharge_date", files.iso_date, may_be_empty=True),
    Column("discharge_score", files.number(0, 100), may_be_empty=True),
    Column("predicted_change", files.number(-100, 100), may_be_empty=True),
    Column("exclusion", files.choice(*EXCLUSIONS), required=False, may_be_empty=True),
)


class Result(StrEnum):
    """What became of an episode."""

    MET = "met"
    NOT_MET = "not_met"
    EXCLUDED = "excluded"
    NOT_CAPTURED = "not_captured"  # eligible, but a score or the prediction is missing: lowers completeness
    NOT_ELIGIBLE = "not_eligible"
    TRACKED = "tracked"  # another instrument


class Episode(NamedTuple):
    """One treatment episode, from initial evaluation to discharge. Scores are 0 to 100 (ODI: percent of disability)."""

    episode: str
    patient: str
    tin: str
    npi: str
    age: int
    instrument: str
    instrument_version: str | None
    mode: str | None
    intake_date: dt.date
    intake_score: Fraction | None
    discharge_date: dt.date | None
    discharge_score: Fraction | None
    predicted_change: Fraction | None
    exclusion: str | None

    @property
    def change(self) -> Fraction | None:
        """Discharge less intake; None when either is missing."""
        if self.intake_score is None or self.discharge_score is None:
            return None
        return self.discharge_score - self.intake_score

    @property
    def residual(self) -> Fraction | None:
        """Change less predicted change; None when one of them is missing."""
        if self.change is None or self.predicted_change is None:
            return None
        return self.change - self.predicted_change


class FunctionalCounts(NamedTuple):
    """Counts of a clinician, or with an empty NPI of the practice. eligible: episodes before anything was captured."""

    tin: str
    npi: str
    eligible: int
    met: int
    not_met: int

    @property
    def completeness(self) -> Fraction | None:
        """Captured of eligible; None with nothing eligible."""
        return Fraction(self.met + self.not_met, self.eligible) if self.eligible else None

    @property
    def tally(self) -> Tally:
        """As other measures' counts; what was not captured stands under not met there."""
        return Tally(self.met + self.not_met, self.met, 0, 0)


def read_treatment_episodes(path: Path, problems: Problems) -> list[Episode]:
    """The episodes of a CSV or Parquet file in the order of episode ids. Problems are added; ids of patients are not shown."""
    table = read_table(
        path, COLUMNS, problems, key=("episode",), private_columns=frozenset(("patient", "episode", "age"))
    )
    columns = [table.columns[column.name] for column in COLUMNS]
    episodes = [Episode(*values) for values in zip(*columns, strict=True)]
    for row, episode in zip(table.row_numbers, episodes, strict=True):
        if episode.discharge_date is not None and episode.discharge_date < episode.intake_date:
            problems.add(REVERSED, path.name, row=row, column="discharge_date")
    other = sum(episode.instrument != COUNTED for episode in episodes)
    if other:
        problems.add(TRACKED_ONLY, path.name, column="instrument", found=f"{other} episodes", count=other)
    return sorted(episodes, key=lambda episode: episode.episode)


def result_of(episode: Episode, year: int) -> Result:
    """What an episode counts as in a year: that of its discharge.

    The surprise: a missing score does not take an episode out; it stays eligible and lowers completeness.
    """
    if episode.instrument != COUNTED:
        return Result.TRACKED
    ended = episode.discharge_date
    if episode.age < AGE_LEAST or ended is None or ended.year != year:
        return Result.NOT_ELIGIBLE
    if episode.exclusion is not None:
        return Result.EXCLUDED
    if episode.residual is None:
        return Result.NOT_CAPTURED
    return Result.MET if episode.residual >= 0 else Result.NOT_MET


def functional_counts(episodes: list[Episode], year: int) -> list[FunctionalCounts]:
    """Counts by practice and clinician, sorted. Excluded episodes are not eligible (a CQM hands over 0 exclusions)."""
    found: Counter[tuple[str, str, Result]] = Counter()
    for episode in episodes:
        result = result_of(episode, year)
        for npi in ("", episode.npi):
            found[episode.tin, npi, result] += 1
    counted = (Result.MET, Result.NOT_MET, Result.NOT_CAPTURED)
    return [
        FunctionalCounts(
            tin,
            npi,
            sum(found[tin, npi, result] for result in counted),
            found[tin, npi, Result.MET],
            found[tin, npi, Result.NOT_MET],
        )
        for tin, npi in sorted({(tin, npi) for tin, npi, _ in found})
    ]
