"""Step 7c: expected costs by model: winsorizing, least squares, floor, scaling, outliers.

The normal equations are accumulated block by block, so that the matrix of a nation's episodes is never whole in memory;
its entries are 0 and 1, hence its sums of products are exact. Money is cents a year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from openasm.episodes.design import INTERCEPT, Design, Flags, Floats, Ints, RiskFacts
from openasm.episodes.specifications.construction import Construction

STEPS_A_CENT = 100
"""Expected costs and residuals are compared in hundredths of a cent, so that noise cannot part episodes that are equal."""

DEPENDENT = 1e-9
"""A column is taken as a sum of earlier ones when this share of its squares, or less, is its own."""


class Basis(StrEnum):
    """What expected costs of a model rest on; every result says which."""

    REGRESSION = "regression"
    SUPPLIED_COEFFICIENTS = "supplied_coefficients"
    SUPPLIED_MEAN = "unadjusted_supplied_mean"
    OWN_MEAN = "unadjusted_own_mean"
    NO_COST = "no_cost"


@dataclass(frozen=True, eq=False)
class Model:
    """A model as fitted. coefficients: dollars a year by column; dependent: columns left out as sums of earlier ones.

    scale: what expected costs were multiplied by in all; winsorized_at, floor: dollars a year; residual_bounds: dollars.
    """

    name: str
    basis: Basis
    episodes: int
    winsorized_at: float
    coefficients: Mapping[str, float]
    dependent: tuple[str, ...] = ()
    floor: float | None = None
    residual_bounds: tuple[float, float] | None = None
    scale: float = 1.0
    outliers: int = 0


@dataclass(frozen=True, eq=False)
class Expected:
    """Expected costs of episodes, shape (episodes,): cents a year, NaN where there is none.

    observed: winsorized annualized cost; outlier: left out by its residual.
    """

    observed: Floats
    expected: Floats
    outlier: Flags
    models: tuple[Model, ...]


def expected_costs(
    annualized: Floats, model_of: Sequence[str | None], facts: RiskFacts, design: Design, construction: Construction
) -> Expected:
    """Expected costs of every episode that belongs to a model (None: excluded, belongs to none). As `plain.fit_model`.

    annualized: (episodes,) observed cents a year; the order of episodes is their numbers' order.
    """
    size = len(annualized)
    result = Expected(np.full(size, np.nan), np.full(size, np.nan), np.zeros(size, dtype=np.bool_), ())
    names = np.array([name or "" for name in model_of], dtype=object)
    models = []
    for name in sorted({name for name in model_of if name}):
        members = np.flatnonzero(names == name)
        models.append(_fit(name, members, annualized, facts, design, construction, result))
    return Expected(result.observed, result.expected, result.outlier, tuple(models))


def _fit(
    name: str,
    members: Ints,
    annualized: Floats,
    facts: RiskFacts,
    design: Design,
    construction: Construction,
    result: Expected,
) -> Model:
    own = annualized[members]
    top = percentile(own, construction.winsorize_percentile)
    observed = np.minimum(own, top)
    result.observed[members] = observed
    mean_observed = float(observed.mean())

    if len(members) < construction.minimum_model_episodes:
        basis, expected, coefficients = _supplied(name, members, mean_observed, facts, design, construction)
        result.expected[members] = np.where(expected > 0, expected, np.nan)
        return Model(name, basis, len(members), top / 100, coefficients)
    if mean_observed <= 0:
        return Model(name, Basis.NO_COST, len(members), top / 100, {})
    beta, dependent = least_squares(lambda: design.blocks(facts, members), observed, design.names)
    expected = in_steps(predicted(design, facts, members, beta))
    floor = float(in_steps(percentile(expected, construction.expected_floor_percentile)))
    if floor <= 0:
        floor = float(expected[expected > 0].min()) if (expected > 0).any() else 1 / STEPS_A_CENT
    expected = np.maximum(expected, floor)
    first_scale = mean_observed / float(expected.mean())
    expected = expected * first_scale
    residuals = in_steps(observed - expected)
    low = float(in_steps(percentile(residuals, construction.residual_low_percentile)))
    high = float(in_steps(percentile(residuals, construction.residual_high_percentile)))
    kept = (residuals >= low) & (residuals <= high)
    scale = float(observed[kept].mean()) / float(expected[kept].mean())
    expected = np.where(kept, expected * scale, np.nan)
    result.expected[members] = expected if scale > 0 else np.nan
    result.outlier[members] = ~kept
    return Model(
        name,
        Basis.REGRESSION,
        len(members),
        top / 100,
        coefficients={column: float(b) / 100 for column, b in zip(design.names, beta, strict=True) if b != 0},
        dependent=dependent,
        outliers=int((~kept).sum()),
        floor=floor / 100,
        residual_bounds=(low / 100, high / 100),
        scale=first_scale * scale,
    )


def _supplied(
    name: str, members: Ints, mean_observed: float, facts: RiskFacts, design: Design, construction: Construction
) -> tuple[Basis, Floats, Mapping[str, float]]:
    """Expected costs where the model has too few episodes: as `plain.supplied_expected`."""
    dollars = construction.coefficients.get(name, construction.coefficients.get("all"))
    if dollars is not None:
        beta = np.array([100 * dollars.get(column, 0.0) for column in design.names])
        expected = np.maximum(in_steps(predicted(design, facts, members, beta)), 1 / STEPS_A_CENT)
        return Basis.SUPPLIED_COEFFICIENTS, expected, dollars
    if construction.national_mean_dollars is not None:
        given = float(100 * construction.national_mean_dollars)
        return Basis.SUPPLIED_MEAN, np.full(len(members), given), {INTERCEPT: given / 100}
    return Basis.OWN_MEAN, np.full(len(members), mean_observed), {INTERCEPT: mean_observed / 100}


def percentile(values: Floats, percent: Fraction) -> float:
    """Type 7 percentile (NumPy's `linear`).

    >>> percentile(np.array([10.0, 20.0, 30.0, 40.0]), Fraction(50))
    25.0
    """
    return float(np.percentile(values, float(percent), method="linear"))


def in_steps(cents: Floats | float) -> Floats:
    """Cents at the nearest step."""
    return np.asarray(np.rint(np.asarray(cents) * STEPS_A_CENT) / STEPS_A_CENT)


def predicted(design: Design, facts: RiskFacts, members: Ints, beta: Floats) -> Floats:
    """Sum of coefficients of each episode; column by column, so that equal rows give equal bits."""
    values = np.zeros(len(members))
    for part, rows in design.blocks(facts, members):
        for column in np.flatnonzero(beta):
            values[part] += rows[:, column] * beta[column]
    return values


def least_squares(
    blocks: Callable[[], Iterable[tuple[slice, Floats]]], values: Floats, names: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """Ordinary least squares by accumulated normal equations.

    blocks: gives (slice of `values`, rows) anew at each call; names: of the columns, the first being the intercept. Returns a
    coefficient a column, zero for columns without variation and for those that depend on earlier ones, and the names of the
    latter.
    """
    width = len(names)
    products, moments = np.zeros((width, width)), np.zeros(width)
    for part, rows in blocks():
        products += rows.T @ rows
        moments += rows.T @ values[part]
    count = products[0, 0]
    ones = np.diag(products)
    wanted = [0, *(place for place in range(1, width) if 0 < ones[place] < count)]
    beta = np.zeros(width)
    solution, independent = solved(products[np.ix_(wanted, wanted)], moments[wanted])
    beta[wanted] = solution
    return beta, tuple(names[place] for place, free in zip(wanted, independent, strict=True) if not free)


def solved(products: Floats, moments: Floats) -> tuple[Floats, list[bool]]:
    """Solution of symmetric normal equations by elimination in order; a column that depends on earlier ones gets zero."""
    width = len(moments)
    system = np.column_stack([products, moments])
    scale = np.diag(products).copy()
    independent = []
    for column in range(width):
        pivot = system[column, column]
        free = bool(pivot > DEPENDENT * scale[column])
        independent.append(free)
        if not free:
            system[column, :] = 0.0
            system[:, column] = 0.0
            continue
        system[column] /= pivot
        factors = system[:, column].copy()
        factors[column] = 0.0
        system -= np.outer(factors, system[column])
    return system[:, width], independent
