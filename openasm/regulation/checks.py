"""Rule values that must fit together: refused, with file and line, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise

from openasm.base.parameters import Parameter, RuleBook, RuleValue
from openasm.base.problems import Problems, declare, shown
from openasm.regulation.choices import choice_problem

NOT_USABLE = declare(
    "R011",
    "the value has the declared type but cannot be computed with",
    expected="a value that makes sense for this parameter",
    next_step="Compare with the packaged value, which `openasm rules` prints.",
)


def _between(low: Fraction | int, high: Fraction | int) -> tuple[str, Callable[[RuleValue], bool]]:
    return (f"a number from {low} to {high}", lambda value: isinstance(value, int | Fraction) and low <= value <= high)


def _at_least(low: int) -> tuple[str, Callable[[RuleValue], bool]]:
    return (f"{low} or more", lambda value: isinstance(value, int | Fraction) and value >= low)


def _rising(count: int) -> tuple[str, Callable[[RuleValue], bool]]:
    def holds(value: RuleValue) -> bool:
        if not isinstance(value, tuple) or len(value) != count:
            return False
        numbers = [Fraction(item) for item in value if isinstance(item, int | Fraction)]
        return all(low < high for low, high in pairwise(numbers))

    return (f"{count} numbers, each larger than the one before", holds)


def _numbers(count: int) -> tuple[str, Callable[[RuleValue], bool]]:
    return (f"{count} numbers", lambda value: isinstance(value, tuple) and len(value) == count)


def _each_once(*words: str) -> tuple[str, Callable[[RuleValue], bool]]:
    return (
        f"each of {', '.join(words)} once",
        lambda value: isinstance(value, tuple) and sorted(map(str, value)) == sorted(words),
    )


def _table_of(keys: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, Callable[[RuleValue], bool]]:
    return (
        f"{' and '.join(keys)}, each {' or '.join(words)}",
        lambda value: (
            isinstance(value, Mapping) and set(value) == set(keys) and all(item in words for item in value.values())
        ),
    )


def _lists_by(keys: tuple[str, ...]) -> tuple[str, Callable[[RuleValue], bool]]:
    return (
        f"a list for each of {', '.join(keys)}",
        lambda value: (
            isinstance(value, Mapping)
            and set(value) == set(keys)
            and all(
                isinstance(item, tuple) and item and all(isinstance(each, str) for each in item)
                for item in value.values()
            )
        ),
    )


_COHORTS = ("heart_failure", "low_back_pain")
_FRACTION = _between(0, 1)

# name -> what is expected, and whether a value is so
_EXPECTED: Mapping[str, tuple[str, Callable[[RuleValue], bool]]] = {
    "participation.specialty_codes": _lists_by(_COHORTS),
    "quality.weight": _FRACTION,
    "quality.measures": _lists_by(_COHORTS),
    "quality.case_minimum": _at_least(0),
    "quality.data_completeness": _FRACTION,
    "quality.order_of_tests": _each_once("nothing_eligible", "incomplete", "too_few_cases", "no_benchmark"),
    "quality.not_submitted": _table_of(("required_measure", "claims_measure"), ("zero_points", "excluded")),
    "quality.smallest_pool": _at_least(1),
    "quality.maximum_points": (
        "10, the number of deciles",
        lambda value: value == 10,
    ),
    "quality.partial_points_cap": _FRACTION,
    "quality.row_choice_ties": (
        "ecqm or cqm, and individual or tin",
        lambda value: (
            isinstance(value, tuple)
            and len(value) == 2
            and sum(item in ("ecqm", "cqm") for item in value) == 1
            and sum(item in ("individual", "tin") for item in value) == 1
        ),
    ),
    "quality.minimum_submission_measures": _at_least(0),
    "quality.minimum_submission_completeness": _FRACTION,
    "cost.weight": _FRACTION,
    "cost.case_minimum": _at_least(0),
    "cost.smallest_pool": _at_least(2),
    "cost.grid_multiples": _rising(10),
    "cost.partial_points_cap": _FRACTION,
    "cost.maximum_points": (
        "10, the number of bands",
        lambda value: value == 10,
    ),
    "improvement.period_days": _between(0, 366),
    "improvement.points_by_activities_attested": _numbers(3),
    "interoperability.period_days": _between(0, 366),
    "interoperability.incomplete_score": _between(0, 100),
    "interoperability.score_cap": _at_least(1),
    "final_score.lowest": (
        "0",
        lambda value: value == 0,
    ),
    "final_score.highest": _at_least(1),
    "final_score.small_practice_clinicians": _at_least(0),
    "payment.risk_level": _FRACTION,
    "payment.redistributed_share": _FRACTION,
    "payment.transform_slope": _at_least(0),
    "payment.display_decimals": _between(0, 12),
    "incentives.cap_dollars": _at_least(0),
    "incentives.technology_dollars": _at_least(0),
    "incentives.documentation_years": _at_least(0),
}


def check_book(book: RuleBook) -> None:
    """Refuse (InputRefused, every problem at once) values that are well formed but cannot be computed with."""
    problems = Problems()
    for entry in book.entries:
        _check(entry, problems)
    problems.refuse_errors()


def _check(entry: Parameter, problems: Problems) -> None:
    choice = choice_problem(entry)
    if choice is not None:
        problems.extend([choice])
    expected, holds = _EXPECTED.get(entry.name, ("", lambda _: True))
    if not holds(entry.value):
        problems.add(
            NOT_USABLE,
            entry.source_file,
            row=entry.source_line,
            column=entry.name,
            found=shown(_readable(entry.value)),
            expected=expected,
        )


def _readable(value: RuleValue) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_readable(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_readable(item)}" for key, item in value.items()) + "}"
    return str(float(value)) if isinstance(value, Fraction) and value.denominator != 1 else str(value)
