"""`openasm quality`: from a practice's records to the populations, rates and gaps of its measures, as a run folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openasm import __version__
from openasm.archive.folder import new_run
from openasm.archive.manifest import Provenance, write_manifest
from openasm.archive.run import read_run
from openasm.base.files import written_whole
from openasm.base.problems import Problem, Problems, Severity, declare
from openasm.clinical.fhir import NO_PATIENTS_AT_ALL, source_files, work_units
from openasm.clinical.fhir_facts import ProfileUse
from openasm.clinical.plain_tables import is_plain_tables, plain_table_files, plain_table_units
from openasm.clinical.value_sets import read_value_sets, value_set_files
from openasm.quality.attribution import (
    VISITS_HEADER,
    AttributedCounts,
    AttributingJob,
    attributed_counts,
    npis_of_performers,
    with_empty_rows,
)
from openasm.quality.evaluation import Job, evaluated, tallies, terminology_for
from openasm.quality.outputs import Lines, SortedRuns, write_patient_files, write_scores
from openasm.quality.populations import Tally
from openasm.quality.specification import Specification, specification_for
from openasm.runs.clinicians import (
    NO_PERFORMERS,
    NOBODYS_PATIENTS,
    Practices,
    WhosePatients,
    read_attribution,
    write_clinician_results,
)
from openasm.runs.gap_worth import worth_for_patients, worth_of_gaps
from openasm.runs.worklist import write_gap_worth, write_worklist

PATIENT_TWICE = declare(
    "Q120",
    "patients stand in the source in more than one record; each record was evaluated and counted by itself",
    expected="one record a patient",
    next_step="Join the records of a patient into one Bundle, or give the bulk export.",
    severity=Severity.WARNING,
)
YEAR_NOT_READ = declare(
    "Q121",
    "the measure's specification of this year was not read; the latest version read was used with this year's period",
    expected="a measure version of the year",
    next_step="Compare with CMS's published specification of the year before relying on the result.",
    severity=Severity.WARNING,
)


@dataclass(frozen=True, slots=True)
class QualitySummary:
    """A finished run: patients read, counts by measure and group, the measures' versions, and what was wrong with the input."""

    out: Path
    year: int
    patients: int
    tallies: dict[tuple[str, int], Tally]
    specifications: tuple[Specification, ...]
    problems: tuple[Problem, ...]
    practices: Practices | None = None  # when results by clinician or practice were asked for
    by_clinician: AttributedCounts | None = None
    windows: Mapping[str, int] = field(default_factory=dict)  # open, later, closed, lost: gaps


def run_quality(
    source: Path,
    out: Path,
    *,
    value_sets: Path,
    year: int,
    measures: Sequence[str],
    now: Callable[[], dt.datetime],
    jobs: int = 1,
    profiles: ProfileUse = ProfileUse.AUTO,
    whose: WhosePatients | None = None,
    as_of: dt.date | None = None,
    worth: Path | None = None,
    replace: bool = False,
    progress: Callable[[int], None] | None = None,
) -> QualitySummary:
    """Evaluate measures over a source of FHIR records and write a run folder.

    measures: eCQM numbers (`CMS165`); now: the clock; whose: whose patients they are, for results by clinician and practice;
    as_of: the day the windows of gaps are seen from; worth: a run of `openasm score` that says what closed gaps are worth; progress: called with the number of patients read so far. InputRefused, with
    everything that is wrong, when the source or the value sets cannot be used; then nothing is written.
    """
    started = now()
    problems = Problems()
    specifications = tuple(specification_for(measure, year) for measure in sorted(set(measures)))
    terms = terminology_for(specifications, read_value_sets(value_sets, problems), problems)
    if worth is not None:
        read_run(worth)  # refused now rather than after all records were read
    practices = None if whose is None or not whose.asked else read_attribution(whose, source, problems)
    problems.refuse_errors()
    for specification in specifications:
        if not specification.read:
            problems.add(YEAR_NOT_READ, specification.measure, found=specification.version)
    tables = is_plain_tables(source)
    if tables:
        profiles = ProfileUse.INFER  # a table's row states no profile
    job = _job(Job(specifications, terms, year, profiles), practices)
    by_clinician: AttributedCounts | None = None
    with new_run(out, replace=replace) as folder:
        with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as scratch:
            spill = Path(scratch)
            runs, visits = SortedRuns(spill), SortedRuns(spill / "visits")
            visits.folder.mkdir()
            counts: Counter[tuple[str, int, str]] = Counter()
            patients = 0
            units = (plain_table_units if tables else work_units)(source, problems, spill=spill)
            for result in evaluated(units, job, jobs):
                runs.add(result.lines)
                visits.add(Lines(populations=result.visits))
                counts.update(result.counts)
                patients += result.patients
                problems.extend(result.problems)
                if progress is not None:
                    progress(patients)
            if not patients and not problems.errors:
                problems.add(NO_PATIENTS_AT_ALL, source.name)
            problems.refuse_errors()
            repeated = write_patient_files(folder, runs)
            if practices is not None:
                by_clinician = _by_clinician(folder, visits, practices, specifications, problems, source.name)
        groups = sum(len(each.groups) for each in specifications)
        if repeated:
            problems.add(PATIENT_TWICE, source.name, found=f"{repeated // groups} records", count=repeated // groups)
        found = tallies(counts, specifications)
        write_scores(folder, found, specifications)
        attribution = None if practices is None else practices.attribution
        valued = None
        if worth is not None and by_clinician is not None:
            by_name = {each.measure: each for each in specifications}
            values = worth_of_gaps(worth, by_clinician, by_name, problems)
            write_gap_worth(folder, values)
            valued = worth_for_patients(values, {each.measure: each.quality_id for each in specifications})
        with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as scratch:
            windows = write_worklist(folder, as_of=as_of, attribution=attribution, spill=Path(scratch), worth=valued)
        if practices is not None and by_clinician is not None:
            write_clinician_results(folder, by_clinician, practices, specifications, year)
        write_manifest(
            folder,
            provenance=Provenance(
                version=__version__,
                command="quality",
                name=out.name,
                year=year,
                inputs=_inputs(source, value_sets),
                overlays=(),
                settings={
                    "measures": {
                        each.measure: {"version": each.version, "library": each.cql_library, "year_was_read": each.read}
                        for each in specifications
                    },
                    "profiles": profiles.value,
                    "as_of": None if as_of is None else as_of.isoformat(),
                    "attribution": "none" if practices is None else practices.attribution.method,
                },
                started=started,
                ended=now(),
            ),
            parameters=(),
            counts={"patients": patients, "measures": len(specifications)},
            problems=problems,
            notes=[
                f"{each.measure}: the specification of {year} was not read; {each.version}."
                for each in specifications
                if not each.read
            ],
        )
    return QualitySummary(out, year, patients, found, specifications, tuple(problems), practices, by_clinician, windows)


def _job(job: Job, practices: Practices | None) -> Job:
    """The job, or one that notes performers when these decide whose patients they are."""
    performers = None if practices is None else practices.attribution.by_performer
    if performers is None:
        return job
    return AttributingJob(
        job.specifications, job.terms, job.year, job.profiles, performers=npis_of_performers(performers)
    )


def _by_clinician(
    folder: Path,
    visits: SortedRuns,
    practices: Practices,
    specifications: Sequence[Specification],
    problems: Problems,
    source_name: str,
) -> AttributedCounts:
    """Count populations.csv by clinician; with performers, also write patients/attribution.csv."""
    attribution = practices.attribution
    lines = folder / "patients" / "attribution.csv"
    any_visit = False
    with written_whole(lines, "wb", private=True) as stream:
        stream.write(f"{VISITS_HEADER}\n".encode())
        for line in visits.populations():
            stream.write(line)
            any_visit = True
    with (folder / "patients" / "populations.csv").open("rb") as populations, lines.open("rb") as noted:
        next(populations)
        next(noted)
        counts = attributed_counts(populations, attribution, visits=noted)
    if attribution.by_performer is None:
        lines.unlink()
    elif not any_visit:
        problems.add(NO_PERFORMERS, source_name)
    for measure, count in counts.nobodys.items():
        if count and (any_visit or attribution.by_performer is None):
            problems.add(NOBODYS_PATIENTS, source_name, column=measure, found=f"{count} records", count=count)
    return with_empty_rows(counts, practices.clinicians, specifications)


def _inputs(source: Path, value_sets: Path) -> list[dict[str, object]]:
    """Hashes of what was read: each record file, and the value sets as one. Names are shown by place, as they may hold a patient's."""
    records: list[dict[str, object]] = [
        {"table": "records", "name": f"file {place}", "sha256": _sha256([path]), "bytes": path.stat().st_size}
        for place, path in enumerate(
            plain_table_files(source) if is_plain_tables(source) else source_files(source), start=1
        )
    ]
    sets = value_set_files(value_sets)
    size = sum(path.stat().st_size for path in sets)
    return [*records, {"table": "value_sets", "name": f"{len(sets)} files", "sha256": _sha256(sets), "bytes": size}]


def _sha256(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
