"""The practice's own files with everything named that has to be filled in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from openasm.archive.run import Run
from openasm.base.errors import NotFound, WrongUsage
from openasm.base.files import Column, written_whole
from openasm.base.parameters import Rules
from openasm.regulation.improvement import activities
from openasm.regulation.quality import measures_of
from openasm.submission.attested import attestation_rows
from openasm.submission.formats import Formats
from openasm.submission.inputs import DETAIL_COLUMNS, IDENTIFIER_COLUMNS, PRACTICE_COLUMNS

NAMES = ("practice.csv", "identifiers.csv", "interoperability.csv")


def write_blanks(run: Run, tin: str, out: Path, *, formats: Formats, rules: Rules) -> tuple[Path, ...]:
    """Write practice.csv, identifiers.csv and interoperability.csv with a row for all that a practice's submission needs.

    Empty fields are to be filled in; `prepare` refuses them until they are. Raises NotFound for a TIN the run does not have,
    WrongUsage where one of the files is there already.
    """
    people = run.table("inputs/participants").where(tin=tin)
    if not people:
        raise NotFound(f"The run has no participant with TIN {tin}.")
    there = [name for name in NAMES if (out / name).exists()]
    if there:
        raise WrongUsage(f"{out.name} already holds {', '.join(there)}; nothing was written.")
    name = next((row["organization"] for row in people if row["organization"]), "")
    cohorts = tuple(dict.fromkeys(row["cohort"] for row in people))
    paths = tuple(out / each for each in NAMES)
    _write(paths[0], PRACTICE_COLUMNS, [{"tin": tin, "name": name, "state": people[0]["state"]}])
    _write(paths[1], IDENTIFIER_COLUMNS, _identifiers(cohorts, formats, rules))
    details = [
        {"tin": tin, "item": row.item}
        for row in attestation_rows(run, tin)
        if len(formats.exclusions(row.item) if row.answer == "excluded" else formats.engagement(row.item)) > 1
        and row.answer in ("yes", "excluded")
    ]
    _write(paths[2], DETAIL_COLUMNS, details)
    return paths


def _identifiers(cohorts: Sequence[str], formats: Formats, rules: Rules) -> Iterable[Mapping[str, object]]:
    yield {"item": "program_name"}
    yield from ({"item": "activity", "about": each} for each in activities(rules))
    for cohort in cohorts:
        yield {"item": "cohort", "about": cohort}
        for measure in measures_of(cohort, rules):
            if measure not in formats.measures or not formats.measure(measure).ecqm:
                continue
            yield {"item": "measure_id", "about": measure}
            for group in formats.measure(measure).groups:
                for population in formats.measure(measure).populations:
                    yield {"item": "population_id", "about": measure, "group": group, "population": population}


def _write(path: Path, columns: Sequence[Column], rows: Iterable[Mapping[str, object]]) -> None:
    with written_whole(path) as stream:
        writer = csv.DictWriter(stream, [column.name for column in columns], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
