"""The run folder of a measure that is worked out from one file beside its data: `openasm admissions`, `openasm functional-status`."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openasm import __version__
from openasm.archive.folder import new_run
from openasm.archive.manifest import Provenance, input_record, write_manifest
from openasm.base.files import written_whole
from openasm.base.parameters import Parameter
from openasm.base.problems import Problems
from openasm.runs.scoring.inputs import QUALITY_COLUMNS


@dataclass(frozen=True, slots=True)
class MeasureRun:
    """What the manifest says of a run. table, file: what was read; counts, settings, notes: as `write_manifest` takes them."""

    command: str
    year: int
    table: str
    file: Path
    settings: Mapping[str, object]
    counts: Mapping[str, object]
    notes: Sequence[str]
    parameters: Sequence[Parameter] = field(default=())


def write_measure_run(
    out: Path,
    run: MeasureRun,
    write: Callable[[Path], None],
    *,
    problems: Problems,
    started: dt.datetime,
    now: Callable[[], dt.datetime],
    replace: bool,
) -> None:
    """Write a run folder whole: its results by `write`, then the manifest."""
    with new_run(out, replace=replace) as folder:
        write(folder)
        write_manifest(
            folder,
            provenance=Provenance(
                version=__version__,
                command=run.command,
                name=out.name,
                year=run.year,
                inputs=[input_record(run.table, run.file)],
                overlays=(),
                settings=run.settings,
                started=started,
                ended=now(),
            ),
            parameters=run.parameters,
            counts=run.counts,
            problems=problems,
            notes=run.notes,
        )


def write_score_input(folder: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write scores/score_input.csv: rows of quality.csv of `openasm score`; columns that a row lacks stay empty."""
    with written_whole(folder / "scores" / "score_input.csv") as stream:
        table = csv.DictWriter(stream, [column.name for column in QUALITY_COLUMNS], lineterminator="\n", restval="")
        table.writeheader()
        table.writerows(rows)
