"""What CMS's published MIPS benchmarks say about how rates and costs are distributed among clinicians."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from openasm.base.errors import NotFound
from openasm.base.parameters import Rules, RuleValue
from openasm.projection.quantiles import (
    FloatTable,
    from_percentiles,
    lognormal,
    normal_quantiles,
    number_of,
    over_latent,
    published_values,
)
from openasm.projection.standing import Numbers
from openasm.regulation.cost import cost_measure_of
from openasm.regulation.quality import is_inverse


@dataclass(frozen=True, slots=True)
class Published:
    """Which published benchmark stands for the peers of a measure. year: MIPS performance year; how: in plain words."""

    measure: str
    collection_type: str
    year: int
    how: str


@dataclass(frozen=True, slots=True)
class CostSpread:
    """Median and standard deviation of a cost measure among clinicians, dollars, worked out from CMS's cut points."""

    median: float
    standard_deviation: float


def rate_quantiles(
    measure: str, collection_type: str, probabilities: FloatTable, *, rules: Rules, vintage: str
) -> tuple[FloatTable, Published]:
    """Rates (fractions; measure 492: per 100 person-years) at some probabilities, worst first, and where they come from.

    vintage: `newest` or `previous` real year. A flat scale (10, 20, ... 90) says nothing about the distribution: the
    measure's other collection type is moved so that its mean is the published average. Since 2025 measure 492 is given as
    median and standard deviation: a normal distribution. Raises NotFound without a published benchmark.
    """
    table = rules[f"published_benchmarks.quality_{measure}"].table
    year, record = _record(table, collection_type, vintage, measure)
    at = 1 - probabilities if is_inverse(measure, rules) else probabilities
    scale = 1.0 if collection_type == "claims" else 100.0
    if record["scale"] == "median_sd_grid":
        spread = spread_of(published_values(record)[1:])
        values = spread.median + spread.standard_deviation * normal_quantiles(at)
        how = f"normal with the median {spread.median:.2f} and standard deviation {spread.standard_deviation:.2f}"
        return np.asarray(np.maximum(values, 0.0) / scale), Published(measure, collection_type, year, how)
    high = 100.0 if scale == 100.0 else np.inf
    how = "percentiles"
    if record["scale"] == "flat":
        other = next((each for each in table if each != collection_type and each != "claims"), None)
        if other is None:
            raise NotFound(f"Measure {measure} has no published percentiles by {collection_type}.")
        _, other_record = _record(table, other, vintage, measure)
        move = number_of(record["average"]) - number_of(other_record["average"])
        values = from_percentiles(published_values(other_record), at, low=0.0, high=high) + move
        how = f"percentiles of the other collection type, moved by {move:+.2f} points to the published average"
        return np.asarray(np.clip(values, 0.0, high) / scale), Published(measure, collection_type, year, how)
    values = from_percentiles(published_values(record), at, low=0.0, high=high)
    return np.asarray(values / scale), Published(measure, collection_type, year, how)


def rate_table(measure: str, collection_type: str, *, rules: Rules, vintage: str) -> tuple[Numbers, Published]:
    """Peers' rates over the latent grid, better is larger (inverse measures are negated), and their source."""
    found: list[Published] = []

    def quantiles(probabilities: FloatTable) -> FloatTable:
        values, source = rate_quantiles(measure, collection_type, probabilities, rules=rules, vintage=vintage)
        found.append(source)
        return values

    table = over_latent(quantiles)
    return (-table if is_inverse(measure, rules) else table), found[0]


def cost_spread(cohort: str, *, rules: Rules, vintage: str) -> tuple[CostSpread, int]:
    """Median and standard deviation of the cohort's cost measure, and their MIPS performance year."""
    measure = cost_measure_of(cohort, rules)
    table = rules[f"published_benchmarks.{measure.lower()}"].table
    year, record = _record({"": table}, "", vintage, measure)
    cuts = record["cut_points"]
    if not isinstance(cuts, tuple):
        raise TypeError("cut_points must be a list")
    return spread_of(tuple(number_of(each) for each in cuts)), year


def cost_table(cohort: str, *, rules: Rules, vintage: str, trend: float) -> tuple[Numbers, CostSpread, int]:
    """Peers' cost scores over the latent grid, dollars, falling: a better performance is a lower cost.

    Lognormal with the published median and standard deviation times `trend`. (The mean it implies is within 1% of the
    published mean score for both measures.)
    """
    spread, year = cost_spread(cohort, rules=rules, vintage=vintage)
    scaled = CostSpread(spread.median * trend, spread.standard_deviation * trend)
    return over_latent(lambda at: lognormal(scaled.median, scaled.standard_deviation, 1 - at)), scaled, year


def spread_of(cuts: tuple[float, ...]) -> CostSpread:
    """Median and standard deviation behind ten cut points at -1.5, -1, -0.5, +0.5 ... +2.75 standard deviations.

    The third and fourth cut point bound the middle band of one standard deviation.

    >>> spread_of((1, 2, 3, 5, 6, 7, 8, 8.5, 9, 9.5))
    CostSpread(median=4.0, standard_deviation=2)
    """
    return CostSpread((cuts[2] + cuts[3]) / 2, cuts[3] - cuts[2])


def _record(
    table: Mapping[str, RuleValue], collection_type: str, vintage: str, measure: str
) -> tuple[int, Mapping[str, RuleValue]]:
    """The newest (or the one before) real published year of one collection type."""
    years = table.get(collection_type)
    real = (
        sorted(
            (
                (int(year), record)
                for year, record in years.items()
                if isinstance(record, Mapping) and record.get("mock") is False
            ),
            key=lambda each: each[0],
        )
        if isinstance(years, Mapping)
        else []
    )
    if not real:
        raise NotFound(f"No benchmark of measure {measure} ({collection_type}) has been published.")
    return real[-1] if vintage == "newest" or len(real) == 1 else real[-2]
