"""A projection as a file of a run: `scores/projection.json`, and the same by participant as `scores/projection.csv`.

projection = read_projection(Path("run"))
projection.participants[0].dollars.median
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from openasm.archive.records import typed_record
from openasm.archive.tables import write_csv
from openasm.base.errors import InputRefused, NotFound
from openasm.base.files import written_whole
from openasm.base.problems import Problem, declare

PROJECTION_FILE = Path("scores") / "projection.json"
PROJECTION_TABLE = Path("scores") / "projection.csv"
FORMAT = "openasm-projection"
FORMAT_VERSION = 1

DAMAGED = declare(
    "J001",
    "the projection cannot be read",
    expected="a scores/projection.json that this version of the program wrote",
    next_step="Make it again with `openasm project`.",
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution over the draws in a few numbers; None where the quantity has no value in any draw."""

    mean: float | None
    p5: float | None
    p25: float | None
    median: float | None
    p75: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of draws between rising edges (one edge more than counts; the last bin holds its upper edge)."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A value the projection rests on, with its source and evidence status; `confirmed` as for rule values."""

    name: str
    title: str
    value: str
    unit: str
    status: str
    confirmed: bool
    citation: str
    note: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """One value changed, to see how far the answer rests on it. base, changed: the values as text."""

    key: str
    parameter: str
    title: str
    base: str
    changed: str
    status: str


@dataclass(frozen=True, slots=True)
class AlternativeEffect:
    """A participant's median dollars under an alternative, and the difference from the median without it.

    Both medians come from the same first draws (`Projection.sensitivity_draws`).
    """

    key: str
    median_dollars: float
    change_dollars: float


@dataclass(frozen=True, slots=True)
class Lever:
    """What one improvement would bring: mean differences over draws in final score, factor and dollars a year."""

    key: str
    title: str
    score: float
    factor: float
    dollars: float


@dataclass(frozen=True, slots=True)
class ParticipantProjection:
    """One participant's projection. Dollars are the change of the payment year's Part B payments.

    point_dollars: what one more point of final score is worth; histograms, levers and alternatives are empty where many
    participants were projected at once.
    """

    tin: str
    npi: str
    cohort: str
    name: str
    part_b_paid: float
    final_score: Spread
    factor: Spread
    dollars: Spread
    probability_of_cut: float
    probability_of_gain: float
    point_factor: float | None
    point_dollars: float | None
    final_score_histogram: Histogram | None
    dollars_histogram: Histogram | None
    levers: tuple[Lever, ...]
    alternatives: tuple[AlternativeEffect, ...]


@dataclass(frozen=True, slots=True)
class PracticeProjection:
    """The sum over one TIN's projected participants, draw by draw, both cohorts together."""

    tin: str
    participants: int
    part_b_paid: float
    dollars: Spread
    probability_of_cut: float
    dollars_histogram: Histogram | None


@dataclass(frozen=True, slots=True)
class CohortProjection:
    """What the simulated cohort looked like: what every participant's dollars depend on.

    break_even: the final score at which the factor is 0; share_cut: share of the cohort with a negative factor;
    scaling_factor: the S of 42 CFR 512.750; undistributed_dollars: what the cap on positive factors withholds.
    """

    cohort: str
    participants: int
    peers_drawn: int
    median_final_score: Spread
    break_even: Spread
    scaling_factor: Spread
    share_cut: Spread
    undistributed_dollars: Spread


@dataclass(frozen=True, slots=True)
class Projection:
    """Everything `openasm project` found. peers: `published` or `own`; own_error: `next_year` or `none`."""

    format: str
    format_version: int
    program_version: str
    performance_year: int
    payment_year: int
    assumed_from_year: int | None
    peers: str
    own_error: str
    draws: int
    sensitivity_draws: int
    seed: int
    cohorts: tuple[CohortProjection, ...]
    practices: tuple[PracticeProjection, ...]
    participants: tuple[ParticipantProjection, ...]
    alternatives: tuple[Alternative, ...]
    assumptions: tuple[Assumption, ...]
    unconfirmed_rules: tuple[Assumption, ...]
    notes: tuple[str, ...]

    def participant(self, tin: str, npi: str, cohort: str | None = None) -> ParticipantProjection:
        """One participant's projection (the first cohort's when none is named); NotFound when it is not here."""
        for each in self.participants:
            if (each.tin, each.npi) == (tin, npi) and cohort in (None, each.cohort):
                return each
        raise NotFound("There is no projection of that participant; see `openasm project --tin --npi`.")

    def as_record(self) -> dict[str, Any]:
        """JSON-ready mapping."""
        return asdict(self)


def write_projection(run: Path, projection: Projection) -> None:
    """Write the projection into a run, whole or not at all; an earlier one is replaced."""
    text = json.dumps(projection.as_record(), allow_nan=False, ensure_ascii=False, indent=1)
    write_csv(run / PROJECTION_TABLE, _table(projection))
    with written_whole(run / PROJECTION_FILE) as stream:
        stream.write(text + "\n")


def has_projection(run: Path) -> bool:
    """Whether a run has been projected."""
    return (run / PROJECTION_FILE).is_file()


def read_projection(run: Path) -> Projection:
    """Read a run's projection; NotFound when there is none, InputRefused (J001) when it is damaged."""
    path = run / PROJECTION_FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"{run.name} has no projection yet; make one with `openasm project`.") from None
    except (OSError, ValueError):
        raise InputRefused([Problem(DAMAGED, path.name, found="not a JSON document")]) from None
    return projection_from_record(record)


def projection_from_record(record: object) -> Projection:
    """The projection back from `as_record` or its JSON; InputRefused (J001) when the record is not one."""
    name = PROJECTION_FILE.name
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputRefused([Problem(DAMAGED, name, found="another kind of document")])
    if record.get("format_version") != FORMAT_VERSION:
        raise InputRefused([Problem(DAMAGED, name, found="another version of the format")])
    try:
        return typed_record(Projection, record)
    except (TypeError, ValueError, KeyError) as error:
        raise InputRefused([Problem(DAMAGED, name, found=str(error)[:80])]) from None


def _table(projection: Projection) -> dict[str, list[Any]]:
    """One row a participant: the distribution's numbers as columns."""
    columns: dict[str, list[Any]] = {name: [] for name in ("tin", "npi", "cohort")}
    for each in projection.participants:
        row: dict[str, Any] = {"tin": each.tin, "npi": each.npi, "cohort": each.cohort}
        for quantity, spread in (("final_score", each.final_score), ("factor", each.factor), ("dollars", each.dollars)):
            row |= {f"{quantity}_{field.name}": getattr(spread, field.name) for field in fields(Spread)}
        row |= {
            "probability_of_cut": each.probability_of_cut,
            "probability_of_gain": each.probability_of_gain,
            "point_dollars": each.point_dollars,
        }
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns
