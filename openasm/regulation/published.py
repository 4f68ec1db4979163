"""CMS's published MIPS benchmarks of ASM's measures: context, what-ifs and the parametric cohort, never ASM's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from openasm.base.errors import NotFound
from openasm.base.parameters import Rules, RuleValue

PARAMETERS = (
    "published_benchmarks.cost_hf_1",
    "published_benchmarks.cost_lbp_1",
    "published_benchmarks.quality_492",
    "published_benchmarks.quality_008",
    "published_benchmarks.quality_005",
    "published_benchmarks.quality_236",
    "published_benchmarks.quality_377",
    "published_benchmarks.quality_238",
    "published_benchmarks.quality_134",
    "published_benchmarks.quality_128",
    "published_benchmarks.quality_220",
)


@dataclass(frozen=True, slots=True)
class PublishedBenchmark:
    """One national benchmark: percent (492: admissions per 100 person-years), as CMS stores it.

    year: MIPS performance year; mock: a placeholder of CMS's, a copy of the year before; scale: `percentile`, `flat` (10, 20,
    ..., 90) or `median_sd_grid` (edges in standard deviations); deciles: p10..p90 in rising order, for inverse measures too.
    """

    measure: str
    collection_type: str
    year: int
    mock: bool
    scale: str
    average: Fraction
    p1: Fraction
    deciles: tuple[Fraction, ...]
    p99: Fraction


def published_quality_benchmark(measure: str, collection_type: str, year: int, rules: Rules) -> PublishedBenchmark:
    """One published benchmark; NotFound where CMS has none.

    >>> from openasm.regulation.rulebook import rules_for
    >>> float(published_quality_benchmark("236", "ecqm", 2026, rules_for(2027)).deciles[4])
    68.98
    """
    for benchmark in published_quality_benchmarks(measure, rules):
        if benchmark.collection_type == collection_type and benchmark.year == year:
            return benchmark
    raise NotFound(f"CMS has published no benchmark of measure {measure}, {collection_type}, for {year}.")


def published_quality_benchmarks(measure: str, rules: Rules) -> tuple[PublishedBenchmark, ...]:
    """Every published benchmark of a measure, by collection type and rising year; NotFound for an unknown measure."""
    table = rules[f"published_benchmarks.quality_{measure}"].table
    return tuple(
        _benchmark(measure, collection_type, int(year), row)
        for collection_type, rows in table.items()
        for year, row in _mapping(rows).items()
    )


def published_cost_mean(measure: str, year: int, rules: Rules) -> Fraction:
    """CMS's mean score of a cost measure in a MIPS performance year, dollars; NotFound where there is none."""
    row = rules[f"published_benchmarks.{measure.lower()}"].table.get(str(year))
    if row is None:
        raise NotFound(f"CMS has published no mean of {measure} for {year}.")
    return _number(_mapping(row)["mean"])


def _benchmark(measure: str, collection_type: str, year: int, value: RuleValue) -> PublishedBenchmark:
    row = _mapping(value)
    deciles = row["deciles"]
    assert isinstance(deciles, tuple)
    return PublishedBenchmark(
        measure=measure,
        collection_type=collection_type,
        year=year,
        mock=row["mock"] is True,
        scale=str(row["scale"]),
        average=_number(row["average"]),
        p1=_number(row["p1"]),
        deciles=tuple(_number(item) for item in deciles),
        p99=_number(row["p99"]),
    )


def _mapping(value: RuleValue) -> Mapping[str, RuleValue]:
    assert isinstance(value, Mapping)
    return value


def _number(value: RuleValue) -> Fraction:
    assert isinstance(value, int | Fraction)
    return Fraction(value)
