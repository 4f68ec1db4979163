"""What a comparison of two runs says, as plain values: `openasm compare` computes it, pages and commands show it.

The amounts of a split are binary fractions of one fine grid, so their sums are exact in floating point, in any order:
`own + peers + rules + program == change`, and `before + change == after`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from openasm.archive.records import typed_record
from openasm.base.errors import InputRefused
from openasm.base.problems import Problem, declare

FORMAT = "openasm-comparison"
FORMAT_VERSION = 1
DAMAGED = declare(
    "X003",
    "the comparison cannot be read",
    expected="what `openasm compare --json` of this version of the program printed",
    next_step="Make it again with `openasm compare FIRST SECOND --json`.",
)
PARTS = ("own", "peers", "rules", "program")
PART_TITLES = {
    "data": "Data",
    "own": "Own data",
    "peers": "Peers",
    "rules": "Rule values",
    "program": "Program version",
}


@dataclass(frozen=True, slots=True)
class Split:
    """One number of the first run (before) and the second (after), and what its change is made of.

    data = own + peers; own and peers are None where they were not taken apart. together: how much of the change exists only
    because several causes changed at once; it is already in the parts, in equal shares.
    """

    before: float
    after: float
    data: float
    own: float | None
    peers: float | None
    rules: float
    program: float
    together: float | None

    @property
    def change(self) -> float:
        """after - before: the sum of the parts."""
        return self.after - self.before

    @property
    def parts(self) -> dict[str, float]:
        """The parts by name: own, peers, rules, program; or data, rules, program where data was not taken apart."""
        if self.own is None or self.peers is None:
            return {"data": self.data, "rules": self.rules, "program": self.program}
        return {"own": self.own, "peers": self.peers, "rules": self.rules, "program": self.program}


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step of the final score in both runs: category scores 0-1, adjustments in points; None: not scored."""

    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """A measure of one participant in both runs. Rates and level (`individual`, `tin`) as in measure_scores; pool medians of its benchmark;
    None: not there."""

    measure: str
    collection_type: str
    rate_before: float | None
    rate_after: float | None
    points_before: float | None
    points_after: float | None
    pool_median_before: float | None
    pool_median_after: float | None
    status_before: str
    status_after: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class ParticipantChange:
    """One participant of both runs. final_score is None where a run, or a step between them, has no final score."""

    cohort: str
    tin: str
    npi: str
    name: str
    final_score_before: float | None
    final_score_after: float | None
    status_before: str
    status_after: str
    final_score: Split | None
    factor: Split
    dollars: Split
    own_rows_changed: bool
    steps: tuple[StepChange, ...]
    measures: tuple[MeasureChange, ...]


@dataclass(frozen=True, slots=True)
class OneRunOnly:
    """A participant that stands in one of the runs: `first` or `second`."""

    run: str
    cohort: str
    tin: str
    npi: str
    name: str
    final_score: float | None
    dollars: float


@dataclass(frozen=True, slots=True)
class InputChange:
    """Rows of one input table about one measure (or item; empty for participants): how many came, went and changed."""

    table: str
    measure: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule value or setting that differs: texts of both values, citations and evidence status; empty: not in that run."""

    name: str
    title: str
    unit: str
    before: str
    after: str
    citation_before: str
    citation_after: str
    status_before: str
    status_after: str


@dataclass(frozen=True, slots=True)
class RunNamed:
    """Which run was compared."""

    name: str
    year: int
    version: str
    ended: str


@dataclass(frozen=True, slots=True)
class CohortChange:
    """A cohort's participants of both runs together: dollars a year, and their number."""

    cohort: str
    participants: int
    rising: int
    falling: int
    dollars: Split


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything `openasm compare` found; participants in the order of the runs (cohort, TIN, NPI), those chosen only.

    not_taken_apart: how many of them have no split of data into own and peers, because too many were asked for at once.
    """

    first: RunNamed
    second: RunNamed
    cohorts: tuple[CohortChange, ...]
    participants: tuple[ParticipantChange, ...]
    one_run_only: tuple[OneRunOnly, ...]
    inputs: tuple[InputChange, ...]
    rules: tuple[RuleChange, ...]
    not_taken_apart: int
    notes: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """JSON-ready: every split with its change beside its parts."""
        record = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        for shown, each in zip(record["cohorts"], self.cohorts, strict=True):
            shown["dollars"] = split_record(each.dollars)
        for shown, one in zip(record["participants"], self.participants, strict=True):
            for name in ("final_score", "factor", "dollars"):
                split = getattr(one, name)
                shown[name] = None if split is None else split_record(split)
        return record


def comparison_from_record(record: object, *, file: str) -> Comparison:
    """The comparison back from `as_record` or its JSON; InputRefused (X003) when the record is not one. file: its name for messages."""
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputRefused([Problem(DAMAGED, file, found="another kind of document")])
    if record.get("format_version") != FORMAT_VERSION:
        raise InputRefused([Problem(DAMAGED, file, found="another version of the format")])
    try:
        return typed_record(Comparison, record)
    except (TypeError, KeyError) as error:
        raise InputRefused([Problem(DAMAGED, file, found=str(error)[:80])]) from None


def split_record(split: Split) -> dict[str, float | None]:
    """A split with its change, JSON-ready."""
    return {"change": split.change, **asdict(split)}


def rounded_parts(split: Split, *, places: int) -> tuple[int, int, int, dict[str, int]]:
    """Before, after, change and parts as whole numbers of `10 ** -places`, rounded so that what is shown adds up.

    Before and after are rounded as such, the change is their difference, and the parts are rounded down or up, those with
    the largest remainder first, until they give the change. A part of exactly 0 stays 0.

    >>> split = Split(10.0, 10.5, 0.25, 0.125, 0.125, 0.25, 0.0, 0.0)
    >>> rounded_parts(split, places=1)
    (100, 105, 5, {'own': 1, 'peers': 1, 'rules': 3, 'program': 0})
    """
    before, after = (_nearest(value, places) for value in (split.before, split.after))
    change = after - before
    return before, after, change, shared_out(split.parts, change, places)


def shared_out(parts: Mapping[str, float], change: int, places: int) -> dict[str, int]:
    """Parts as whole numbers of `10 ** -places` that add up to `change`, as `rounded_parts` rounds them.

    >>> shared_out({"a": 0.26, "b": 0.74}, 10, 1)
    {'a': 3, 'b': 7}
    """
    scaled = {name: value * 10**places for name, value in parts.items()}
    rounded = {name: int(value // 1) for name, value in scaled.items()}
    movable = [name for name, value in parts.items() if value != 0]
    missing = change - sum(rounded.values())
    order: Sequence[str] = sorted(movable, key=lambda name: rounded[name] - scaled[name])
    if missing < 0:
        order = order[::-1]
    for place in range(abs(missing) if movable else 0):
        rounded[order[place % len(order)]] += 1 if missing > 0 else -1
    return rounded


def _nearest(value: float, places: int) -> int:
    scaled = value * 10**places
    return int(scaled + 0.5) if scaled >= 0 else -int(0.5 - scaled)
