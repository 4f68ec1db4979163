"""What a projection assumes: the rule values, who the peers are, and how sure a participant's own numbers are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from openasm.base.errors import WrongUsage
from openasm.base.parameters import Parameter, RuleBook, Rules, RuleValue, load_overlays, load_rule_book
from openasm.base.problems import Problems, declare, shown

PUBLISHED: Final = "published"
OWN: Final = "own"
NEXT_YEAR: Final = "next_year"
NO_ERROR: Final = "none"
MOST_DRAWS: Final = 100_000

NOT_USABLE = declare(
    "J003",
    "an assumption of the projection has a value that cannot be used",
    expected="a value that makes sense for this assumption",
    next_step="Correct the value in the file given with --assumptions.",
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is assumed in one projection.

    rules: the rule values of the performance year; assumptions: the projection's own values (`projection.*`);
    peers: `published` (drawn from CMS's published MIPS benchmarks) or `own` (the run's participants, drawn with
    replacement); own_error: `next_year` (a participant's rates and costs are those of another year of the same size) or
    `none` (the run's numbers are final); draws: simulated cohorts; seed: equal seeds give equal results.
    """

    rules: Rules
    assumptions: Rules
    peers: str = PUBLISHED
    own_error: str = NEXT_YEAR
    draws: int = 2000
    seed: int = 2027

    def __post_init__(self) -> None:
        if self.peers not in (PUBLISHED, OWN):
            raise WrongUsage("Peers are `published` or `own`.")
        if self.own_error not in (NEXT_YEAR, NO_ERROR):
            raise WrongUsage("The own error is `next_year` or `none`.")
        if not 1 <= self.draws <= MOST_DRAWS:
            raise WrongUsage(f"The number of draws is between 1 and {MOST_DRAWS:,}.")
        if not 0 <= self.seed < 2**63:
            raise WrongUsage("The seed is a whole number from 0 up.")

    def with_rule(self, name: str, value: RuleValue) -> Scenario:
        """The same with another rule value (what-if)."""
        return replace(self, rules=self.rules.with_value(name, value, citation="what-if"))

    def with_assumption(self, name: str, value: RuleValue) -> Scenario:
        """The same with another assumption (what-if); `name` without its `projection.`."""
        changed = self.assumptions.with_value(f"projection.{name}", value, citation="what-if")
        return replace(self, assumptions=changed)

    def number(self, name: str) -> float:
        """An assumption that is a number; `name` without its `projection.`."""
        return self.assumptions[f"projection.{name}"].number

    def text(self, name: str) -> str:
        """An assumption that is a word."""
        return self.assumptions[f"projection.{name}"].text

    def shares(self, name: str) -> dict[float, float]:
        """An assumption that is a table of amounts to shares."""
        table = self.assumptions[f"projection.{name}"].table
        return {float(key): float(share) for key, share in table.items() if isinstance(share, int | Fraction)}

    def participants_in_cohort(self, cohort: str) -> int:
        """How many participants the cohort is assumed to have."""
        value = self.assumptions["projection.participants_in_cohort"].table[cohort]
        assert isinstance(value, int | Fraction)
        return int(value)


@cache
def assumption_book() -> RuleBook:
    """The packaged assumptions."""
    with as_file(files("openasm.projection") / "parameters" / "projection.yaml") as path:
        return load_rule_book([path])


def assumptions_for(year: int, *, overlays: Iterable[Path] = ()) -> Rules:
    """The assumptions in force for a performance year, with the user's files of the same form on top.

    Raises InputRefused, every problem at once, for a file that cannot be read or a value that cannot be used.
    """
    paths = tuple(overlays)
    book = load_overlays(paths, assumption_book()) if paths else assumption_book()
    problems = Problems()
    for entry in book.entries:
        expected, holds = _EXPECTED[entry.name.removeprefix("projection.")]
        if not holds(entry.value):
            problems.add(
                NOT_USABLE,
                entry.source_file,
                row=entry.source_line,
                column=entry.name,
                found=shown(str(entry.value)),
                expected=expected,
            )
    problems.refuse_errors()
    return book.for_year(year)


def value_text(parameter: Parameter) -> str:
    """A value as people read it.

    >>> value_text(assumptions_for(2027)["projection.ecqm_share"])
    '0.5'
    """
    return _text(parameter.value)


def _text(value: RuleValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return f"{float(value):.12g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)


_Check = tuple[str, Callable[[RuleValue], bool]]


def _between(low: Fraction | int, high: Fraction | int | None) -> _Check:
    expected = f"a number of at least {low}" if high is None else f"a number from {low} to {high}"
    return (
        expected,
        lambda value: isinstance(value, int | Fraction) and low <= value and (high is None or value <= high),
    )


def _above_zero() -> _Check:
    return "a number above 0", lambda value: isinstance(value, int | Fraction) and value > 0


def _shares(keys: tuple[str, ...] | None) -> _Check:
    expected = "shares that add up to 1" + (f", for {', '.join(keys)}" if keys else ", by a score from 0 to 100")

    def holds(value: RuleValue) -> bool:
        if not isinstance(value, Mapping) or not value:
            return False
        parts = [share for share in value.values() if isinstance(share, int | Fraction) and share >= 0]
        if len(parts) != len(value) or sum(parts) != 1:
            return False
        if keys is not None:
            return set(value) == set(keys)
        return all(key.isascii() and key.isdigit() and int(key) <= 100 for key in value)

    return expected, holds


def _sizes(value: RuleValue) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) == {"heart_failure", "low_back_pain"}
        and all(
            isinstance(size, int | Fraction) and Fraction(size).denominator == 1 and 1 <= size <= 1_000_000
            for size in value.values()
        )
    )


_SHARE = _between(0, 1)
_EXPECTED: Mapping[str, _Check] = {
    "participants_in_cohort": ("whole numbers for heart_failure and low_back_pain", _sizes),
    "benchmark_vintage": ("newest or previous", lambda value: value in ("newest", "previous")),
    "ecqm_share": _SHARE,
    "below_minimum_share": _SHARE,
    "not_reported_share": _SHARE,
    "nothing_submitted_share": _SHARE,
    "without_cost_share": _SHARE,
    "quality_correlation": _between(0, Fraction(99, 100)),
    "cost_trend": _above_zero(),
    "admission_years_per_patient": _above_zero(),
    "episode_cost_variation": _between(0, 10),
    "prior_cases": _above_zero(),
    "small_practice_share": _SHARE,
    "solo_share": _SHARE,
    "improvement_shares": _shares(("2", "1", "0")),
    "interoperability_shares": _shares(None),
    "risk_score_median": _above_zero(),
    "risk_score_variation": _between(0, 10),
    "dual_share_median": _between(0, 1),
    "dual_share_variation": _between(0, 10),
    "part_b_median": _above_zero(),
    "part_b_variation": _between(0, 10),
}
