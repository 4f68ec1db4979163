"""How far the answer rests on values nobody has confirmed: one value changed at a time, the cohort simulated anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from openasm.base.parameters import RuleValue
from openasm.projection.scenario import PUBLISHED, Scenario, value_text


@dataclass(frozen=True, slots=True, eq=False)
class ChangedScenario:
    """A scenario with one value changed. base, changed: the values as text; status: evidence status of the base value."""

    key: str
    parameter: str
    title: str
    base: str
    changed: str
    status: str
    scenario: Scenario


def alternatives(scenario: Scenario) -> tuple[ChangedScenario, ...]:
    """The alternatives worth seeing: every one changes a value that is unconfirmed (or assumed about peers)."""
    rules = scenario.rules
    found: list[ChangedScenario] = []
    for name, title, values in _rule_alternatives(scenario):
        parameter = rules[name]
        for key, value in values:
            if value == parameter.value or parameter.confirmed:
                continue
            changed = scenario.with_rule(name, value)
            found.append(
                ChangedScenario(
                    f"{name}={key}",
                    name,
                    title,
                    value_text(parameter),
                    value_text(changed.rules[name]),
                    parameter.status.value,
                    changed,
                )
            )
    for name, peer_values in _peer_alternatives(scenario):
        parameter = scenario.assumptions[f"projection.{name}"]
        for value in peer_values:
            if value == parameter.value:
                continue
            changed = scenario.with_assumption(name, value)
            found.append(
                ChangedScenario(
                    f"projection.{name}={value_text(changed.assumptions[f'projection.{name}'])}",
                    f"projection.{name}",
                    parameter.title,
                    value_text(parameter),
                    value_text(changed.assumptions[f"projection.{name}"]),
                    parameter.status.value,
                    changed,
                )
            )
    return tuple(found)


def _rule_alternatives(
    scenario: Scenario,
) -> Iterator[tuple[str, str, Sequence[tuple[str, RuleValue]]]]:
    rules = scenario.rules
    yield (
        "payment.transform_midpoint_choice",
        "Midpoint of the logistic function: fixed, or the cohort's median score",
        [("fixed", "fixed"), ("cohort_median", "cohort_median")],
    )
    slope = rules["payment.transform_slope"].exact
    yield (
        "payment.transform_slope",
        "Steepness of the logistic function: half, and twice",
        [("half", slope / 2), ("twice", slope * 2)],
    )
    yield (
        "payment.positive_factor_cap",
        "Cap on positive factors",
        [("risk_level", "risk_level"), ("none", "none")],
    )
    share = rules["payment.redistributed_share"].exact
    yield (
        "payment.redistributed_share",
        "Share of the amount at risk that returns to participants: 5 points less, and 5 more",
        [("less", max(Fraction(0), share - Fraction(1, 20))), ("more", min(Fraction(1), share + Fraction(1, 20)))],
    )
    grid = rules["cost.grid_multiples"].numbers
    # The band for 5 points is the sixth; moved so that its middle is the median.
    move = (grid[4] + grid[5]) / 2
    yield (
        "cost.grid_multiples",
        "Cost grid: the median earns 5.5 points instead of 7.5",
        [("median_earns_5.5", tuple(each - move for each in grid))],
    )


def _peer_alternatives(scenario: Scenario) -> Iterator[tuple[str, Sequence[RuleValue]]]:
    if scenario.peers != PUBLISHED:
        return
    yield "nothing_submitted_share", [Fraction(0), Fraction(15, 100)]
    yield "not_reported_share", [Fraction(0), Fraction(25, 100)]
    yield "benchmark_vintage", ["previous"]
    yield "quality_correlation", [Fraction(0), Fraction(1, 2)]
    yield "ecqm_share", [Fraction(1, 5), Fraction(4, 5)]
