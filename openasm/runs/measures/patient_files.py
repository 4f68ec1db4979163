"""From a source of records to the files about patients, on as many processes as asked for.

Every process reads records, evaluates the measures and keeps its lines in sorted runs on disk; then the processes share the merge of
the runs, a piece of the order each, and this one writes the pieces one after the other. Bytes do not depend on the number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread

from openasm.base.files import written_whole
from openasm.base.problems import Problem, Problems
from openasm.base.processes import Processes
from openasm.clinical.fhir import sort_by_patient
from openasm.clinical.fhir_source import PartFiles, WorkUnit, bulk_chunks, bundle_units, part_units, parts_for
from openasm.clinical.plain_tables import is_plain_tables, plain_table_units
from openasm.quality.attribution import VISITS_HEADER
from openasm.quality.evaluation import Counts, Job, UnitEvaluator, UnitResult
from openasm.quality.outputs import GAPS_HEADER, POPULATIONS_HEADER, PopulationsParquet, repeated_records
from openasm.quality.sorted_lines import Piece, Run, RunWriter, merged, pieces
from openasm.quality.worklist import WORKLIST_HEADER, Worth, worklist_text

_KEY_FIELDS = {"populations": 3, "gaps": 2, "worklist": 3, "visits": 3}
Runs = dict[str, tuple[Run, ...]]
Elsewhere = Callable[[Iterable[WorkUnit]], Iterator[UnitResult]]


@dataclass(slots=True)
class Read:
    """What came of reading a source: counts, and the lines of the files in sorted runs."""

    counts: Counts = field(default_factory=Counts)
    runs: Runs = field(default_factory=dict)


class Worker:
    """What every process keeps: the measures, and lines that are not yet written."""

    def __init__(self, job: Job, spill: Path, number: int) -> None:
        self.evaluate = UnitEvaluator(job)
        self.spill = spill
        self.number = number
        self.writers = {
            name: RunWriter(spill / f"{name}-{number}", key_fields) for name, key_fields in _KEY_FIELDS.items()
        }
        self.parts: PartFiles | None = None


def processes_for(job: Job, spill: Path, jobs: int) -> Processes[Worker]:
    """Processes that evaluate a job. spill: an empty folder for what does not stay in memory."""
    return Processes(partial(Worker, job, spill), jobs)


def read_records(
    source: Path,
    processes: Processes[Worker],
    problems: Problems,
    *,
    spill: Path,
    progress: Callable[[int], None] | None = None,
    elsewhere: Elsewhere | None = None,
) -> Read:
    """Evaluate every patient of a source. Problems are added; those that refuse the input are for the caller to raise.

    elsewhere: evaluates units in place of the processes (a cluster), which then only keep the lines.
    """
    read = Read()
    # Loading it takes a quarter of a second, in which this process would have the others wait at the end.
    Thread(target=import_module, args=("pyarrow.parquet",)).start()
    for units in _passes(source, processes, problems, spill):
        evaluated = processes.each(_evaluated, units) if elsewhere is None else processes.each(_kept, elsewhere(units))
        for counts, found in evaluated:
            read.counts.add(counts)
            problems.extend(found)
            if progress is not None:
                progress(read.counts.patients)
    kept = processes.all(_runs)
    read.runs = {name: tuple(run for runs in kept for run in runs[name]) for name in _KEY_FIELDS}
    return read


def _passes(
    source: Path, processes: Processes[Worker], problems: Problems, spill: Path
) -> Iterator[Iterable[WorkUnit]]:
    """The units of a source, one pass after the other; each is evaluated before the next begins, as the processes do one thing at a time:
    tables, or Bundles and then what a bulk export was sorted into."""
    if is_plain_tables(source):
        yield plain_table_units(source, problems, spill=spill)
        return
    bulk: list[Path] = []
    yield bundle_units(source, problems, bulk)
    if bulk:
        parts = parts_for(bulk)
        for found in processes.each(_sorted_into_parts, ((chunk, parts) for chunk in bulk_chunks(bulk, problems))):
            problems.extend(found)
        processes.all(_flushed)
        yield part_units(spill, parts)


def _evaluated(worker: Worker, unit: WorkUnit) -> tuple[Counts, list[Problem]]:
    return _kept(worker, worker.evaluate(unit))


def _kept(worker: Worker, result: UnitResult) -> tuple[Counts, list[Problem]]:
    for name, writer in worker.writers.items():
        writer.add(getattr(result.lines, name))
    return result.counts, result.problems


def _sorted_into_parts(worker: Worker, item: tuple[WorkUnit, int]) -> list[Problem]:
    chunk, parts = item
    if worker.parts is None:
        worker.parts = PartFiles(worker.spill, parts, f"{worker.number:03}")
    problems = Problems()
    sort_by_patient(chunk, worker.parts, problems)
    return list(problems)


def _flushed(worker: Worker) -> None:
    if worker.parts is not None:
        worker.parts.flush()


def _runs(worker: Worker) -> Runs:
    return {name: writer.runs() for name, writer in worker.writers.items()}


def write_patient_files(
    folder: Path, read: Read, processes: Processes[Worker], *, worth: Worth | None, with_visits: bool
) -> int:
    """Write patients/populations.csv and .parquet, gaps.csv, worklist.csv and, `with_visits`, attribution.csv, readable by their owner
    alone. Returns how many records there are of a patient beyond the first."""
    patients = folder / "patients"
    patients.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(patients, 0o700)
    repeated = 0
    with (
        written_whole(patients / "populations.csv", "wb", private=True) as stream,
        written_whole(patients / "populations.parquet", "wb", private=True) as target,
        PopulationsParquet(target) as table,
    ):
        stream.write(f"{POPULATIONS_HEADER}\n".encode())
        for text, count in processes.each(_populations, pieces(read.runs["populations"])):
            stream.write(text)
            table.add(text)
            repeated += count
    files: list[tuple[str, str, Callable[[Worker, Piece], bytes], str]]
    files = [
        ("gaps.csv", GAPS_HEADER, _text, "gaps"),
        ("worklist.csv", WORKLIST_HEADER, partial(_worklist, worth), "worklist"),
    ]
    if with_visits:
        files.append(("attribution.csv", VISITS_HEADER, _text, "visits"))
    for name, header, work, kind in files:
        with written_whole(patients / name, "wb", private=True) as stream:
            stream.write(f"{header}\n".encode())
            stream.writelines(processes.each(work, pieces(read.runs[kind])))
    return repeated


def _populations(worker: Worker, piece: Piece) -> tuple[bytes, int]:
    lines, measure = merged(piece), worker.evaluate.measures[0]
    return b"".join(lines), repeated_records(lines, measure.name, measure.groups[0])


def _text(_: Worker, piece: Piece) -> bytes:
    return b"".join(merged(piece))


def _worklist(worth: Worth | None, _: Worker, piece: Piece) -> bytes:
    return worklist_text(merged(piece), worth)
