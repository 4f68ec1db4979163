"""`openasm quality`: from a practice's records to the populations, rates and gaps of its measures, as a run folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from openasm import __version__
from openasm.archive.folder import new_run
from openasm.archive.manifest import Provenance, input_record, write_manifest
from openasm.base.problems import Problem, Problems, Severity, declare
from openasm.clinical.fhir import NO_PATIENTS_AT_ALL
from openasm.clinical.fhir_facts import ProfileUse
from openasm.clinical.fhir_source import WorkUnit, source_files
from openasm.clinical.plain_tables import is_plain_tables, plain_table_files
from openasm.clinical.value_sets import read_value_sets, value_set_files
from openasm.quality.attribution import AttributedCounts, attributed, with_empty_rows
from openasm.quality.evaluation import Counts, Job, UnitResult, tallies, terminology_for
from openasm.quality.outputs import write_scores
from openasm.quality.populations import Tally
from openasm.quality.specification import Specification, specification_for
from openasm.quality.worklist import Window, Worth
from openasm.runs.measures.patient_files import processes_for, read_records, write_patient_files
from openasm.runs.measures.whose_patients import (
    NO_PERFORMERS,
    NOBODYS_PATIENTS,
    Practices,
    WhosePatients,
    read_attribution,
)

if TYPE_CHECKING:
    from openasm.archive.run import Run

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
    cluster: Callable[[Job, Iterable[WorkUnit]], Iterator[UnitResult]] | None = None,
) -> QualitySummary:
    """Evaluate measures over a source of FHIR records and write a run folder.

    measures: eCQM numbers (`CMS165`); now: the clock; whose: whose patients they are, for results by clinician and practice;
    as_of: the day the windows of gaps are seen from; worth: a run of `openasm score` that says what closed gaps are worth; progress: called with the number of patients read so far;
    cluster: evaluates units of work in place of processes here. InputRefused, with
    everything that is wrong, when the source or the value sets cannot be used; then nothing is written.
    """
    started = now()
    problems = Problems()
    specifications = tuple(specification_for(measure, year) for measure in sorted(set(measures)))
    terms = terminology_for(specifications, read_value_sets(value_sets, problems), problems)
    if worth is not None:
        _read_run(worth)  # refused now rather than after all records were read
    practices = None if whose is None or not whose.asked else read_attribution(whose, source, problems)
    problems.refuse_errors()
    for specification in specifications:
        if not specification.read:
            problems.add(YEAR_NOT_READ, specification.measure, found=specification.version)
    if is_plain_tables(source):
        profiles = ProfileUse.INFER  # a table's row states no profile
    attribution = None if practices is None else practices.attribution
    job = Job(specifications, terms, year, profiles, attribution, as_of)
    with new_run(out, replace=replace) as folder:
        with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as scratch:
            spill = Path(scratch)
            with processes_for(job, spill, jobs) as processes:
                read = read_records(
                    source,
                    processes,
                    problems,
                    spill=spill,
                    progress=progress,
                    elsewhere=None if cluster is None else partial(cluster, job),
                )
                counts = read.counts
                if not counts.patients and not problems.errors:
                    problems.add(NO_PATIENTS_AT_ALL, source.name)
                problems.refuse_errors()
                by_clinician = None if practices is None else _by_clinician(counts, practices, specifications)
                valued = None
                if worth is not None and by_clinician is not None:
                    valued = _valued(folder, worth, by_clinician, specifications, problems)
                repeated = write_patient_files(
                    folder,
                    read,
                    processes,
                    worth=valued,
                    with_visits=attribution is not None and attribution.by_performer is not None,
                )
        if repeated:
            problems.add(PATIENT_TWICE, source.name, found=f"{repeated} records", count=repeated)
        if practices is not None:
            _note_nobodys(counts, practices, problems, source.name)
        found = tallies(counts.outcomes, specifications)
        write_scores(folder, found, specifications, by_clinician)
        if practices is not None and by_clinician is not None:
            from openasm.runs.measures.clinicians import write_clinician_results  # loads numpy

            pool = None if worth is None else _read_run(worth)
            write_clinician_results(folder, by_clinician, practices, specifications, year=year, pool=pool)
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
            counts={"patients": counts.patients, "measures": len(specifications)},
            problems=problems,
            notes=_notes(specifications, year),
        )
    windows = {each.value: counts.windows[each] for each in Window}
    return QualitySummary(
        out, year, counts.patients, found, specifications, tuple(problems), practices, by_clinician, windows
    )


def _notes(specifications: Sequence[Specification], year: int) -> list[str]:
    """One note that names every measure whose version of the year was not read."""
    unread = [each.version.replace("not read; ", "") for each in specifications if not each.read]
    return [f"The specifications of {year} were not read: {'; '.join(unread)}."] if unread else []


def _by_clinician(counts: Counts, practices: Practices, specifications: Sequence[Specification]) -> AttributedCounts:
    """Counts by clinician and practice, with rows of zeros for who has no patient."""
    return with_empty_rows(attributed(counts.attributed, counts.nobodys), practices.clinicians, specifications)


def _note_nobodys(counts: Counts, practices: Practices, problems: Problems, source_name: str) -> None:
    by_performers = practices.attribution.by_performer is not None
    if by_performers and not counts.visits:
        problems.add(NO_PERFORMERS, source_name)
        return
    for measure, count in sorted(counts.nobodys.items()):
        problems.add(NOBODYS_PATIENTS, source_name, column=measure, found=f"{count} records", count=count)


def _read_run(path: Path) -> Run:
    from openasm.archive.run import read_run  # loads numpy

    return read_run(path)


def _valued(
    folder: Path,
    run: Path,
    by_clinician: AttributedCounts,
    specifications: Sequence[Specification],
    problems: Problems,
) -> Worth:
    """Write scores/gap_worth.csv; the worth of a patient's gaps."""
    from openasm.runs.measures.gap_worth import worth_for_patients, worth_of_gaps, write_gap_worth  # loads numpy

    values = worth_of_gaps(run, by_clinician, {each.measure: each for each in specifications}, problems)
    write_gap_worth(folder, values)
    return worth_for_patients(values, {each.measure: each.quality_id for each in specifications})


def _inputs(source: Path, value_sets: Path) -> list[dict[str, object]]:
    """Hashes of what was read: each record file, and the value sets as one. Names are shown by place, as they may hold a patient's."""
    files = plain_table_files(source) if is_plain_tables(source) else source_files(source)
    records = [input_record("records", path, name=f"file {place}") for place, path in enumerate(files, start=1)]
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
