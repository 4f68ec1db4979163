"""Results of the quality measures by clinician and practice, and their hand-over to `openasm score`.

`write_clinician_results` writes scores/quality_by_clinician.csv and scores/score_input.csv. Points are those the rate would get, as an
electronic measure and as a registry measure: against CMS's published MIPS benchmarks, which only show where a rate stands nationally,
as CMS sets ASM's own from its participants; and against the pool of a scored cohort where there is one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from openasm.archive.run import Run
from openasm.base.errors import NotFound, RuleUnpublished
from openasm.base.files import written_whole
from openasm.base.parameters import Rules
from openasm.base.years import PERFORMANCE_YEARS
from openasm.quality.attribution import AttributedCounts, Clinician, CountKey
from openasm.quality.populations import Tally
from openasm.quality.specification import Specification
from openasm.regulation.deciles import QualityBenchmark, points_of
from openasm.regulation.final_score import is_small_practice
from openasm.regulation.published import PublishedBenchmark, published_quality_benchmarks
from openasm.regulation.quality import completeness_reached, is_inverse
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from openasm.runs.measures.measure_run import write_score_input
from openasm.runs.measures.whose_patients import Practices
from openasm.runs.scoring.checks import cohort_of_measures

BY_CLINICIAN_HEADER = (
    *("tin", "npi", "measure", "group", "eligible", "met", "not_met", "exclusions", "exceptions", "rate"),
    *("completeness", "completeness_status", "case_minimum_status"),
    *("mips_points_ecqm", "mips_benchmark_ecqm", "mips_points_cqm", "mips_benchmark_cqm"),
    *("pool_points_ecqm", "pool_benchmark_ecqm", "pool_points_cqm", "pool_benchmark_cqm"),
)
COLLECTION_TYPES = ("ecqm", "cqm")


def scoring_rules(year: int) -> Rules:
    """The rule values that results of a measurement year are held against: the year's own, else those of the nearest year that has
    all values."""
    try:
        return rules_for(year)
    except RuleUnpublished:
        return rules_for(PERFORMANCE_YEARS[0])


def write_clinician_results(
    folder: Path,
    counts: AttributedCounts,
    practices: Practices,
    specifications: Sequence[Specification],
    *,
    year: int,
    pool: Run | None = None,
) -> None:
    """Write scores/quality_by_clinician.csv and scores/score_input.csv. No patient is in them. pool: a scored cohort whose benchmarks the
    rates are held against too."""
    rules = scoring_rules(year)
    quality_ids = {each.measure: each.quality_id for each in specifications}
    of_measure = {each: labelled_benchmarks(each, rules, pool) for each in quality_ids.values()}
    with written_whole(folder / "scores" / "quality_by_clinician.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(BY_CLINICIAN_HEADER)
        for key, tally in counts.tallies.items():
            points = benchmark_points(key, tally, of_measure[quality_ids[key.measure]], rules)
            writer.writerow((*key, *_counts(tally), _rate(tally), *_statuses(tally, rules), *points))
    write_score_input(folder, score_input_rows(counts, practices, quality_ids, rules))


def score_input_rows(
    counts: AttributedCounts, practices: Practices, quality_ids: Mapping[str, str], rules: Rules
) -> list[dict[str, str]]:
    """Rows of quality.csv of `openasm score`, in its columns.

    quality_ids: `CMS165` -> `236`. Of a measure with several rates the first counts (238: QPP's stratum `overall`). A clinician whose
    cohort is known gets the rows of that cohort's measures only. A practice as a whole gets rows when it is known to be small,
    as only small practices may report so, or when its size is unknown and it has no clinicians' rows.
    """
    cohort_of = cohort_of_measures(rules)
    with_clinicians = {each.tin for each in practices.clinicians if each.npi}
    rows = []
    for key, tally in counts.tallies.items():
        measure = quality_ids[key.measure]
        cohorts = practices.cohorts.get(Clinician(key.tin, key.npi))
        if key.group != 1 or measure not in cohort_of or (cohorts is not None and cohort_of[measure] not in cohorts):
            continue
        if not key.npi:
            size = practices.sizes.get(key.tin)
            if size is None and key.tin in with_clinicians:
                continue
            if size is not None and not bool(is_small_practice(np.array(size), rules)):
                continue
        names = ("eligible", "met", "not_met", "exclusions", "exceptions")
        cells = dict(zip(names, (str(count) for count in _counts(tally)), strict=True))
        rows.append(
            {"tin": key.tin, "npi": key.npi, "measure": measure, "collection_type": "ecqm", **cells, "rate": ""}
        )
    return sorted(rows, key=lambda row: (row["tin"], row["npi"], row["measure"]))


Labelled = tuple[QualityBenchmark, str]  # a benchmark, and whose it is


def labelled_benchmarks(measure: str, rules: Rules, pool: Run | None) -> list[Labelled | None]:
    """A measure's benchmarks by collection type, MIPS before the pool's; None where there is none."""
    newest = newest_benchmarks(measure, rules)
    found: list[Labelled | None] = []
    for collection_type in COLLECTION_TYPES:
        published = newest.get(collection_type)
        found.append(
            None if published is None else (as_pool(published, rules), f"MIPS {published.year}, {collection_type}")
        )
    cohort = cohort_of_measures(rules).get(measure)
    for collection_type in COLLECTION_TYPES:
        own = None if pool is None or cohort is None else pool_benchmark(pool, cohort, measure, collection_type)
        found.append(None if own is None else (own, f"pool of {own.pool_size}, {collection_type}"))
    return found


def pool_benchmark(run: Run, cohort: str, measure: str, collection_type: str) -> QualityBenchmark | None:
    """The benchmark of a scored cohort's pool; None where the pool is too small for one."""
    for row in run.table("benchmarks").where(cohort=cohort, measure=measure, collection_type=collection_type):
        edges = [row[f"e{place}"] for place in range(1, 10)]
        if all(edges):
            inverse = row["inverse"] == "yes"
            sign = -1 if inverse else 1
            exact = tuple(sign * Fraction(edge) for edge in edges)
            return QualityBenchmark(inverse, int(row["pool_size"]), sign * Fraction(row["worst"]), exact)
    return None


def benchmark_points(key: CountKey, tally: Tally, benchmarks: Sequence[Labelled | None], rules: Rules) -> list[str]:
    """Points and whose benchmark, for each in turn; empty where there is none, and points where the rate would not be scored."""
    cells: list[str] = []
    for each in benchmarks:
        if each is None or key.group != 1:
            cells += ["", ""]
            continue
        benchmark, label = each
        points = points_against(tally, benchmark, rules)
        cells += ["" if points is None else f"{points:.1f}", label]
    return cells


def points_against(tally: Tally, benchmark: QualityBenchmark, rules: Rules) -> float | None:
    """Points of a rate against a benchmark by the decile rule of 42 CFR 512.725; None below the case minimum."""
    rate = tally.rate
    if rate is None or tally.met + tally.not_met < rules["quality.case_minimum"].integer:
        return None
    return float(points_of(Ratios.of_fractions([rate]), benchmark, rules)[0])


def as_pool(benchmark: PublishedBenchmark, rules: Rules) -> QualityBenchmark:
    """A published benchmark in place of a pool's. Published deciles are percent, in rising order."""
    if is_inverse(benchmark.measure, rules):
        edges = tuple(-each / 100 for each in reversed(benchmark.deciles))
        return QualityBenchmark(True, 0, -benchmark.p99 / 100, edges)
    edges = tuple(each / 100 for each in benchmark.deciles)
    return QualityBenchmark(False, 0, benchmark.p1 / 100, edges)


def newest_benchmarks(measure: str, rules: Rules) -> dict[str, PublishedBenchmark]:
    """Collection type -> the newest benchmark that is not a placeholder."""
    found: dict[str, PublishedBenchmark] = {}
    try:
        published = published_quality_benchmarks(measure, rules)
    except (NotFound, KeyError):
        return found
    for each in published:
        if not each.mock and (each.collection_type not in found or each.year > found[each.collection_type].year):
            found[each.collection_type] = each
    return found


def _counts(tally: Tally) -> tuple[int, int, int, int, int]:
    return tally.eligible, tally.met, tally.not_met, tally.exclusions, tally.exceptions


def _rate(tally: Tally) -> str:
    return "" if tally.rate is None else repr(float(tally.rate))


def _statuses(tally: Tally, rules: Rules) -> tuple[str, str, str]:
    """Completeness of the source's patients, whether it reaches the minimum, and whether there are cases enough."""
    least, cases = rules["quality.data_completeness"].exact, rules["quality.case_minimum"].integer
    answered = tally.met + tally.not_met + tally.exclusions + tally.exceptions
    enough = f"reached ({cases})" if tally.met + tally.not_met >= cases else f"too few (of {cases})"
    if not tally.eligible:
        return "", "nothing eligible", "nothing eligible"
    reached = bool(completeness_reached(np.array(answered), np.array(tally.eligible), least))
    share = repr(float(Fraction(answered, tally.eligible)))
    return share, "reached" if reached else "not reached", enough
