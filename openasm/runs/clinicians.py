"""Results of the quality measures by clinician and practice, and their hand-over to `openasm score`.

`read_attribution` turns the user's files into an `openasm.quality.attribution.Attribution`; `write_clinician_results` writes
scores/quality_by_clinician.csv and scores/score_input.csv. Points are those the rate would get against CMS's published MIPS
benchmarks: CMS sets ASM's own from its participants, so they only show where a rate stands nationally.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from openasm.base import files
from openasm.base.errors import NotFound, RuleUnpublished, WrongUsage
from openasm.base.files import Column, read_table, written_whole
from openasm.base.identity import is_npi, is_tin
from openasm.base.parameters import Rules
from openasm.base.problems import Problems, Severity, declare
from openasm.base.years import PERFORMANCE_YEARS
from openasm.clinical.practitioners import practitioner_npis
from openasm.quality.attribution import AttributedCounts, Attribution, Clinician, CountKey
from openasm.quality.populations import Tally
from openasm.quality.specification import Specification
from openasm.regulation.deciles import QualityBenchmark, points_of
from openasm.regulation.final_score import is_small_practice
from openasm.regulation.published import PublishedBenchmark, published_quality_benchmarks
from openasm.regulation.quality import completeness_reached, is_inverse
from openasm.regulation.ratios import Ratios
from openasm.regulation.rulebook import rules_for
from openasm.runs.score_checks import COHORTS, cohort_of_measures
from openasm.runs.score_inputs import QUALITY_COLUMNS

NOT_IN_ROSTER = declare(
    "Q130",
    "no row is about the TIN asked for",
    expected="rows of the TIN given with --tin",
    next_step="Check the TIN, or leave --tin out.",
)
NOBODYS_PATIENTS = declare(
    "Q131",
    "patients in a measure's denominator are no listed clinician's and count for nobody",
    expected="every patient in the attribution file, or a qualifying visit with a clinician of the roster",
    next_step="Add the patients to the file, or the clinicians (NPI, or the id the records use as practitioner) to the roster.",
    severity=Severity.WARNING,
)
NO_PERFORMERS = declare(
    "Q132",
    "no qualifying visit names a clinician of the roster",
    expected="encounters whose participants are NPIs or practitioners of the roster",
    next_step="Give the ids that the records use in the roster's column practitioner, or say with --attribution whose patients they are.",
    severity=Severity.WARNING,
)

ATTRIBUTION_COLUMNS = (
    Column("patient", files.text),
    Column("tin", files.tin),
    Column("npi", files.npi, may_be_empty=True),
)
ROSTER_COLUMNS = (
    Column("tin", files.tin),
    Column("npi", files.npi),
    Column("practitioner", files.text, required=False, may_be_empty=True),
    Column("cohort", files.choice(*COHORTS), required=False, may_be_empty=True),
    Column("clinicians_in_tin", files.integer(1, 1_000_000), required=False, may_be_empty=True),
    # participants.csv of `openasm score` serves as a roster; what it holds besides is not needed here.
    *(
        Column(name, files.text, required=False, may_be_empty=True)
        for name in ("name", "organization", "state", "part_b_paid", "hcc_mean", "dual_share")
    ),
)
BY_CLINICIAN_HEADER = (
    *("tin", "npi", "measure", "group", "eligible", "met", "not_met", "exclusions", "exceptions", "rate"),
    *("completeness", "completeness_status", "case_minimum_status"),
    *("mips_points_ecqm", "mips_benchmark_ecqm", "mips_points_cqm", "mips_benchmark_cqm"),
)


@dataclass(frozen=True, slots=True)
class WhosePatients:
    """What the user said about whose patients the source holds; all empty: nothing, and no results by clinician."""

    tin: str = ""
    npi: str = ""
    cohort: str = ""
    attribution: Path | None = None
    roster: Path | None = None

    @property
    def asked(self) -> bool:
        """Whether results by clinician or practice are wanted."""
        return bool(self.tin or self.attribution or self.roster)

    def check(self) -> None:
        """WrongUsage for options that do not go together."""
        if self.tin and not is_tin(self.tin):
            raise WrongUsage("--tin is nine digits without a hyphen.")
        if self.npi and not is_npi(self.npi):
            raise WrongUsage("--npi is ten digits with a right check digit.")
        if self.npi and not self.tin:
            raise WrongUsage("--npi needs --tin: a clinician may bill under several TINs.")
        if self.npi and (self.attribution or self.roster):
            raise WrongUsage(
                "--npi says that the whole source is one clinician's; leave out --attribution and --roster."
            )
        if self.cohort and self.cohort not in COHORTS:
            raise WrongUsage(f"--cohort is {' or '.join(COHORTS)}.")
        if self.cohort and not self.asked:
            raise WrongUsage("--cohort needs --tin, --attribution or --roster.")


@dataclass(frozen=True, slots=True)
class Practices:
    """The clinicians results are wanted for, and what the roster says of them.

    cohorts: clinician -> cohorts; sizes: TIN -> clinicians in it; both only as far as they were given.
    """

    attribution: Attribution
    clinicians: tuple[Clinician, ...]
    cohorts: Mapping[Clinician, frozenset[str]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def read_attribution(whose: WhosePatients, source: Path, problems: Problems) -> Practices:
    """Read and check the files that say whose patients they are. Problems are added, never raised; ids of patients are not shown.

    source: where the records are; with a roster its practitioners are looked up, so that a reference leads to an NPI.
    """
    whose.check()
    cohorts: dict[Clinician, set[str]] = {}
    sizes: dict[str, int] = {}
    performers: dict[str, set[Clinician]] = {}
    if whose.roster is not None:
        table = read_table(whose.roster, ROSTER_COLUMNS, problems)
        columns = [table.columns[column.name] or [None] * len(table) for column in ROSTER_COLUMNS[:5]]
        for tin, npi, practitioner, cohort, size in zip(*columns, strict=True):
            if whose.tin and tin != whose.tin:
                continue
            clinician = Clinician(tin, npi)
            performers.setdefault(npi, set()).add(clinician)
            if practitioner:
                performers.setdefault(practitioner, set()).add(clinician)
            if cohort:
                cohorts.setdefault(clinician, set()).add(cohort)
            if size:
                sizes[tin] = size
        if len(table) and not performers:
            problems.add(NOT_IN_ROSTER, whose.roster.name, column="tin")
    if whose.attribution is not None:
        by_patient = _by_patient(whose.attribution, whose.tin, problems)
        listed = {each for clinicians in by_patient.values() for each in clinicians}
        attribution = Attribution(by_patient={patient: tuple(sorted(each)) for patient, each in by_patient.items()})
    elif whose.roster is not None:
        for name, npi in practitioner_npis(source).items():
            if npi in performers:
                performers.setdefault(name, set()).update(performers[npi])
        listed = {each for clinicians in performers.values() for each in clinicians}
        attribution = Attribution(by_performer={name: tuple(sorted(each)) for name, each in performers.items()})
    else:
        whole = Clinician(whose.tin, whose.npi)
        return Practices(Attribution(whole=whole), (whole,), _cohorts_said(whose.cohort, [whole]))
    listed |= {Clinician(each.tin, "") for each in listed}
    said = _cohorts_said(whose.cohort, listed)
    return Practices(
        attribution,
        tuple(sorted(listed)),
        said or {clinician: frozenset(each) for clinician, each in _with_practice_cohorts(cohorts).items()},
        sizes,
    )


def _by_patient(path: Path, tin: str, problems: Problems) -> dict[str, set[Clinician]]:
    key = ("patient", "tin", "npi")
    table = read_table(path, ATTRIBUTION_COLUMNS, problems, key=key, private_columns=frozenset({"patient"}))
    found: dict[str, set[Clinician]] = {}
    for patient, own_tin, npi in zip(table["patient"], table["tin"], table["npi"], strict=True):
        if not tin or own_tin == tin:
            found.setdefault(patient, set()).add(Clinician(own_tin, npi or ""))
    if len(table) and not found:
        problems.add(NOT_IN_ROSTER, path.name, column="tin")
    return found


def _cohorts_said(cohort: str, clinicians: Iterable[Clinician]) -> dict[Clinician, frozenset[str]]:
    return {each: frozenset((cohort,)) for each in clinicians} if cohort else {}


def _with_practice_cohorts(cohorts: Mapping[Clinician, set[str]]) -> dict[Clinician, set[str]]:
    found: dict[Clinician, set[str]] = {}
    for clinician, own in cohorts.items():
        found.setdefault(clinician, set()).update(own)
        found.setdefault(Clinician(clinician.tin, ""), set()).update(own)
    return found


def scoring_rules(year: int) -> Rules:
    """The rule values that results of a measurement year are held against: the year's own, else those of the nearest year that has
    all values."""
    try:
        return rules_for(year)
    except RuleUnpublished:
        return rules_for(PERFORMANCE_YEARS[0])


def write_clinician_results(
    folder: Path, counts: AttributedCounts, practices: Practices, specifications: Sequence[Specification], year: int
) -> None:
    """Write scores/quality_by_clinician.csv and scores/score_input.csv. No patient is in them."""
    rules = scoring_rules(year)
    quality_ids = {each.measure: each.quality_id for each in specifications}
    benchmarks = {each: newest_benchmarks(each, rules) for each in quality_ids.values()}
    with written_whole(folder / "scores" / "quality_by_clinician.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(BY_CLINICIAN_HEADER)
        for key, tally in counts.tallies.items():
            points = mips_points(key, tally, benchmarks[quality_ids[key.measure]], rules)
            writer.writerow((*key, *_counts(tally), _rate(tally), *_statuses(tally, rules), *points))
    with written_whole(folder / "scores" / "score_input.csv") as stream:
        table = csv.DictWriter(stream, [column.name for column in QUALITY_COLUMNS], lineterminator="\n")
        table.writeheader()
        table.writerows(score_input_rows(counts, practices, quality_ids, rules))


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


def mips_points(
    key: CountKey, tally: Tally, benchmarks: Mapping[str, PublishedBenchmark], rules: Rules
) -> tuple[str, str, str, str]:
    """Points and benchmark by collection type (`ecqm`, `cqm`), empty where CMS has none or the rate would not be scored."""
    cells: list[str] = []
    for collection_type in ("ecqm", "cqm"):
        benchmark = benchmarks.get(collection_type)
        if benchmark is None or key.group != 1:
            cells += ["", ""]
            continue
        points = points_against(tally, benchmark, rules)
        cells += ["" if points is None else f"{points:.1f}", f"MIPS {benchmark.year}, {collection_type}"]
    first, first_label, second, second_label = cells
    return first, first_label, second, second_label


def points_against(tally: Tally, benchmark: PublishedBenchmark, rules: Rules) -> float | None:
    """Points of a rate against a published benchmark by the decile rule of 42 CFR 512.725; None below the case minimum."""
    rate = tally.rate
    if rate is None or tally.met + tally.not_met < rules["quality.case_minimum"].integer:
        return None
    return float(points_of(Ratios.of_fractions([rate]), as_pool(benchmark, rules), rules)[0])


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
