"""What closing gaps is worth to each participant of a score run: points of the measure, of the final score, and dollars.

The rate is the one that `openasm quality` has just counted. Points come from the run's own benchmark (of the pool) where it has one,
else from CMS's newest published MIPS benchmark, and the result says which. The category's other measures, the weights and the value of a
point of final score are those of the run and its projection.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from fractions import Fraction
from pathlib import Path

import numpy as np

from openasm.archive.projection import Projection, read_projection
from openasm.archive.run import Run, read_run
from openasm.archive.tables import cell_text
from openasm.base.errors import NotFound
from openasm.base.files import written_whole
from openasm.base.parameters import Rules
from openasm.base.problems import Problems, Severity, declare
from openasm.quality.attribution import AttributedCounts, Clinician, CountKey
from openasm.quality.populations import Tally
from openasm.quality.specification import Specification
from openasm.regulation.deciles import QualityBenchmark, points_of
from openasm.regulation.final_score import category_weights
from openasm.regulation.quality import measures_of
from openasm.regulation.ratios import Ratios
from openasm.runs.measures.clinicians import as_pool, newest_benchmarks, pool_benchmark, scoring_rules

NO_PROJECTION = declare(
    "Q133",
    "the run has no projection, so dollars of closed gaps are left empty",
    expected="a run that `openasm project` has projected",
    next_step="Run openasm project on it, then this command again.",
    severity=Severity.WARNING,
)
NOBODY_IN_RUN = declare(
    "Q134",
    "none of the clinicians or practices is a participant of the run",
    expected="the TIN and NPI of participants",
    next_step="Check --tin, the roster or the attribution file against the run's participants.",
    severity=Severity.WARNING,
)


@dataclass(frozen=True, slots=True)
class MeasureWorth:
    """What closing gaps of one measure is worth to one participant.

    points: of the measure (1 to 10) now, with one more case met, and with all open cases met; final_score: points of final score that one
    more case, and all, would add; dollars likewise, None without a projection; benchmark: whose deciles; open_cases: not met now.
    """

    tin: str
    npi: str
    cohort: str
    measure: str
    level: str
    benchmark: str
    open_cases: int
    points_now: float
    points_one: float
    points_all: float
    final_score_one: float
    final_score_all: float
    dollars_one: float | None
    dollars_all: float | None

    @property
    def dollars_per_case(self) -> float | None:
        """The average over all open cases; a single case often changes no tenth of a point by itself."""
        return None if self.dollars_all is None or not self.open_cases else self.dollars_all / self.open_cases

    @property
    def final_score_per_case(self) -> float:
        """As `dollars_per_case`, in points of final score."""
        return self.final_score_all / self.open_cases if self.open_cases else 0.0


def worth_of_gaps(
    run_path: Path, counts: AttributedCounts, specifications: Mapping[str, Specification], problems: Problems
) -> list[MeasureWorth]:
    """The worth of every measure to every participant of a run for whom there are counts, in the order of the run.

    A participant's own counts go before those of the practice. Measures below the case minimum earn no points and are left out.
    """
    run = read_run(run_path)
    rules = scoring_rules(run.year)
    projection = _projection(run_path, problems)
    by_quality_id = {each.quality_id: each for each in specifications.values()}
    found: list[MeasureWorth] = []
    anyone = False
    for participant in run.table("scores").rows():
        tin, npi, cohort = participant["tin"], participant["npi"], participant["cohort"]
        dollars = _point_dollars(projection, tin, npi, cohort)
        for measure in measures_of(cohort, rules):
            specification = by_quality_id.get(measure)
            if specification is None:
                continue
            own = counts.tallies.get(CountKey(tin, npi, specification.measure, 1))
            tally = own or counts.tallies.get(CountKey(tin, "", specification.measure, 1))
            if tally is None:
                continue
            anyone = True
            worth = _worth(run, participant, measure, tally, "individual" if own else "tin", dollars, rules)
            if worth is not None:
                found.append(worth)
    if not anyone:
        problems.add(NOBODY_IN_RUN, run_path.name)
    return found


@dataclass(frozen=True, slots=True)
class WorthOfPatients:
    """Final-score points and dollars of one closed gap by measure (`CMS165`) and clinicians, summed over the participants for whom the
    patient counts."""

    by_key: Mapping[tuple[str, str, str, str], frozenset[MeasureWorth]]  # measure, level, TIN, NPI
    quality_ids: Mapping[str, str]

    def __call__(self, measure: str, clinicians: frozenset[Clinician]) -> tuple[float, float | None]:
        """Points, and dollars as far as they are known."""
        chosen: set[MeasureWorth] = set()
        for clinician in clinicians:
            level = "individual" if clinician.npi else "tin"
            chosen |= self.by_key.get((self.quality_ids[measure], level, clinician.tin, clinician.npi), frozenset())
        known = [each.dollars_per_case for each in chosen if each.dollars_per_case is not None]
        return sum(sorted(each.final_score_per_case for each in chosen)), sum(sorted(known)) if known else None


def worth_for_patients(worth: Iterable[MeasureWorth], quality_ids: Mapping[str, str]) -> WorthOfPatients:
    """The worth of participants made ready for patients; a clinician's worth at the level of the practice counts for the practice."""
    by_key: dict[tuple[str, str, str, str], set[MeasureWorth]] = {}
    for each in worth:
        for npi in (each.npi, ""):
            by_key.setdefault((each.measure, each.level, each.tin, npi), set()).add(each)
    return WorthOfPatients({key: frozenset(found) for key, found in by_key.items()}, quality_ids)


def write_gap_worth(folder: Path, worth: Iterable[MeasureWorth]) -> None:
    """Write scores/gap_worth.csv: a row for each participant and measure. No patient is in it."""
    with written_whole(folder / "scores" / "gap_worth.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([each.name for each in fields(MeasureWorth)] + ["dollars_per_case"])
        for each in worth:
            writer.writerow([cell_text(value) for value in astuple(each)] + [cell_text(each.dollars_per_case)])


def _projection(run: Path, problems: Problems) -> Projection | None:
    try:
        return read_projection(run)
    except NotFound:
        problems.add(NO_PROJECTION, run.name)
        return None


def _point_dollars(projection: Projection | None, tin: str, npi: str, cohort: str) -> float | None:
    if projection is None:
        return None
    try:
        return projection.participant(tin, npi, cohort).point_dollars
    except NotFound:
        return None


def _worth(
    run: Run,
    participant: Mapping[str, str],
    measure: str,
    tally: Tally,
    level: str,
    point_dollars: float | None,
    rules: Rules,
) -> MeasureWorth | None:
    cases = tally.met + tally.not_met
    benchmark, label = _benchmark(run, participant["cohort"], measure, rules)
    if benchmark is None or cases < rules["quality.case_minimum"].integer:
        return None
    toward = -1 if benchmark.inverse else 1
    open_cases = tally.met if benchmark.inverse else tally.not_met
    counted = [tally.met, tally.met + toward * min(1, open_cases), tally.met + toward * open_cases]
    now, one, every = (
        float(each)
        for each in points_of(Ratios.of_fractions([Fraction(met, cases) for met in counted]), benchmark, rules)
    )
    a_point = _final_points_a_measure_point(run, participant, measure, rules)
    gain_one, gain_all = (one - now) * a_point, (every - now) * a_point
    return MeasureWorth(
        participant["tin"],
        participant["npi"],
        participant["cohort"],
        measure,
        level,
        label,
        open_cases,
        now,
        one,
        every,
        gain_one,
        gain_all,
        None if point_dollars is None else gain_one * point_dollars,
        None if point_dollars is None else gain_all * point_dollars,
    )


def _benchmark(run: Run, cohort: str, measure: str, rules: Rules) -> tuple[QualityBenchmark | None, str]:
    """The run's pool benchmark of electronic measures, else CMS's published one, else nothing."""
    own = pool_benchmark(run, cohort, measure, "ecqm")
    if own is not None:
        return own, "pool of the run"
    published = newest_benchmarks(measure, rules).get("ecqm")
    return (None, "") if published is None else (as_pool(published, rules), f"MIPS {published.year}, ecqm")


def _final_points_a_measure_point(run: Run, participant: Mapping[str, str], measure: str, rules: Rules) -> float:
    """Points of final score that one point of a measure adds: 100 x weight of quality / (10 x measures that count)."""
    key = {name: participant[name] for name in ("tin", "npi", "cohort")}
    ids = set(measures_of(participant["cohort"], rules))
    rows = run.table("measure_scores").where(**key)
    counting = {row["measure"] for row in rows if row["measure"] in ids and row["status"] in ("scored", "zero")}
    cost = float(participant["cost_score"]) if participant["cost_score"] else np.nan
    weight, _ = category_weights(np.array(0.5), np.array(cost), rules)
    return 100 * float(weight) / (10 * len(counting | {measure}))
