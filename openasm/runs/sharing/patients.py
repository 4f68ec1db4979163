"""One table of patients as it may leave: identifiers replaced, dates moved, everything not listed dropped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from openasm.base.files import written_whole
from openasm.runs.sharing.columns import Columns, Treatment
from openasm.runs.sharing.pseudonyms import ExportKey, shared_birth_year, top_coded

MOST_WORDS = 200
"""A kept column of words has no more distinct ones: a column with more is not one of coded words, and is dropped."""

_IDENTIFYING = (Treatment.PATIENT, Treatment.EPISODE, Treatment.CLAIM)


def exported_table(
    path: Path, allowed: Columns, key: ExportKey, *, keep_practices: bool, year: int
) -> tuple[Any, list[str]]:
    """The table as it may leave (pyarrow, sorted by its columns), and the names of the columns that stay behind.

    year: of the run, for the top code of ages. Dates need the patient in the same row; where there is none they are dropped. Kept words
    are dropped as well where one of them is an identifier of the table. ValueError for a file that is no table.
    """
    source = _read(path)
    person = next((name for name in source.column_names if allowed.get(name) is Treatment.PATIENT), None)
    secrets = {
        value
        for name in source.column_names
        if allowed.get(name) in _IDENTIFYING
        for value in pc.unique(source[name].cast(pa.string())).to_pylist()
        if value
    }
    columns: dict[str, Any] = {}
    dropped: list[str] = []
    for name in source.column_names:
        treatment = allowed.get(name)
        treated = None
        if treatment is Treatment.KEPT:
            treated = source[name] if _is_coded(source[name], secrets) else None
        elif treatment is Treatment.DATE:
            treated = None if person is None else _moved(source[name], source[person], key)
        elif treatment is not None:
            treated = _replaced(source[name], _replacement(treatment, key, keep_practices, year))
        if treated is None:
            dropped.append(name)
        else:
            columns[_shared_name(name, treatment)] = treated
    table = pa.table(columns)
    return table.sort_by([(name, "ascending") for name in table.column_names]), dropped


def write_table(table: Any, path: Path) -> None:
    """Write it as its name says, readable by its owner alone."""
    with written_whole(path, "wb", private=True) as stream:
        if path.suffix == ".parquet":
            pq.write_table(table, stream, compression="zstd")
        else:
            pa_csv.write_csv(table, stream, pa_csv.WriteOptions(quoting_style="needed"))


def _read(path: Path) -> Any:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with path.open(encoding="utf-8") as stream:
        header = stream.readline().rstrip("\n").split(",")
    options = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False, null_values=[]
    )
    return pa_csv.read_csv(path, convert_options=options, parse_options=pa_csv.ParseOptions(newlines_in_values=True))


def _is_coded(column: Any, secrets: set[str]) -> bool:
    """Whether a column holds numbers, flags, or few words of which none is an identifier."""
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return not pa.types.is_temporal(column.type) and not pa.types.is_binary(column.type)
    words = {value for value in pc.unique(column).to_pylist() if value and not _is_number(value)}
    return len(words) <= MOST_WORDS and not words & secrets


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _replacement(treatment: Treatment, key: ExportKey, keep_practices: bool, year: int) -> Callable[[Any], object]:
    def pseudonym(value: Any) -> str:
        return key.pseudonym(treatment.value, str(value))

    def pair(value: str) -> str:
        tin, _, npi = value.partition("/")
        return f"{key.pseudonym(Treatment.PRACTICE.value, tin)}/{key.pseudonym(Treatment.CLINICIAN.value, npi)}"

    if treatment is Treatment.BIRTH:
        return lambda value: shared_birth_year(_date(value), year=year)
    if treatment is Treatment.AGE:
        return lambda value: top_coded(int(float(value)))
    if keep_practices and treatment in (Treatment.PRACTICE, Treatment.CLINICIAN, Treatment.CLINICIANS):
        return str
    if treatment is Treatment.CLINICIANS:
        return lambda value: " ".join(sorted(pair(each) for each in value.split()))
    return pseudonym


def _replaced(column: Any, replacement: Callable[[Any], object]) -> Any:
    """Each distinct value replaced once; missing and empty ones stay as they are."""
    encoded = column.combine_chunks().dictionary_encode()
    values = [None if value in (None, "") else replacement(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(values).take(encoded.indices) if values else pa.array([None] * len(column), pa.string())


def _moved(column: Any, people: Any, key: ExportKey) -> Any:
    """Dates moved by each person's weeks; without a person there is nothing to move by, and no date."""
    shifts: Mapping[str, dt.timedelta] = {
        person: key.shift(person) for person in pc.unique(people).to_pylist() if person
    }
    return pa.array(
        [
            _date(day) + shifts[person] if day and person else None
            for day, person in zip(column.to_pylist(), people.to_pylist(), strict=True)
        ],
        pa.date32(),
    )


def _date(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def _shared_name(name: str, treatment: Treatment | None) -> str:
    return "birth_year" if treatment is Treatment.BIRTH else name
