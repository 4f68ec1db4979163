"""The files of `openasm quality`: lines of populations and gaps of patients, and the rates of measures.

Every line of populations.csv starts with measure, group and patient, one of gaps.csv with measure and patient; the comma that ends an id
sorts before every character an id can hold, so the order of lines is the order of these.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from openasm.base.files import written_whole
from openasm.quality.attribution import AttributedCounts
from openasm.quality.populations import Gap, Outcome, Tally
from openasm.quality.specification import Specification

POPULATIONS_HEADER = (
    "measure,group,patient,initial_population,denominator,denominator_exclusion,denominator_exception,numerator,reason"
)
GAPS_HEADER = "measure,patient,missing,by_when,group,kind,earliest"
_ROW_GROUP = 50_000
SCORES_HEADER = (
    *("measure", "group", "eligible", "met", "not_met", "exclusions", "exceptions", "rate"),
    *("quality_id", "version", "lower_is_better", "what", "tin", "npi"),
)


def population_line(measure: str, patient: str, outcome: Outcome) -> bytes:
    """A line of populations.csv."""
    if outcome.denominator:
        return f"{measure},{outcome.group},{patient},{_answers(outcome)}\n".encode()
    said = _outside.get(outcome)
    if said is None:
        if len(_outside) >= _KEPT:
            _outside.clear()
        said = _outside[outcome] = _answers(outcome)
    return f"{measure},{outcome.group},{patient},{said}\n".encode()


_outside: dict[Outcome, str] = {}  # what is said of patients outside the denominator: mostly one of a few things
_KEPT = 10_000


def _answers(outcome: Outcome) -> str:
    """The fields after the patient."""
    _, initial, denominator, exclusion, exception, numerator, reason, _ = outcome
    answers = (initial, denominator, exclusion, exception, numerator)
    flags = _flags.get(answers)
    if flags is None:
        flags = _flags[answers] = ",".join("" if answer is None else str(int(answer)) for answer in answers)
    return f"{flags},{_quoted(reason)}"


_flags: dict[tuple[bool | None, ...], str] = {}  # the few combinations of answers as text


def gap_line(measure: str, group: int, patient: str, gap: Gap) -> bytes:
    """A line of gaps.csv. by_when is empty where nothing closes the gap any more, earliest where it can be closed at once."""
    kind, missing, due, earliest = gap
    return f"{measure},{patient},{_quoted(missing)},{due or ''},{group},{kind},{earliest or ''}\n".encode()


def _quoted(text: str) -> str:
    if '"' in text or "\n" in text or "\r" in text:
        text = text.replace('"', '""').replace("\r", " ").replace("\n", " ")
        return f'"{text}"'
    return f'"{text}"' if "," in text else text


def repeated_records(lines: Sequence[bytes], measure: str, group: int) -> int:
    """How many of the sorted lines of populations.csv about one measure and group repeat the patient of the line before: records of a
    patient beyond the first, as every record has one line in each group of each measure."""
    head = f"{measure},{group},".encode()
    first, last = bisect_left(lines, head), bisect_left(lines, head[:-1] + b"-")  # "-" sorts behind ","
    patients = [line[: line.index(b",", len(head)) + 1] for line in lines[first:last]]
    return len(patients) - len(set(patients))


class PopulationsParquet:
    """Writes populations.parquet from lines of populations.csv, in row groups of a fixed length, however the lines come.

    A thread does it beside what the caller does meanwhile; `add` waits until the lines of the last time are done.
    """

    def __init__(self, target: IO[Any]) -> None:
        import pyarrow as pa  # heavy: loaded when results are written
        import pyarrow.parquet as pq

        types = dict.fromkeys(POPULATIONS_HEADER.split(","), pa.int8())
        self._types = types | dict.fromkeys(("measure", "patient", "reason"), pa.string())
        self._writer = pq.ParquetWriter(
            target,
            pa.schema(list(self._types.items())),
            compression="zstd",
            use_dictionary=["measure", "reason"],  # hardly a patient stands twice in a row group
        )
        self._held: Any = None
        self._thread = ThreadPoolExecutor(1)
        self._adding: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        try:
            if error is None:
                self._wait()
                if self._held is not None:
                    self._write(self._held)
        finally:
            self._writer.close()

    def add(self, text: bytes) -> None:
        """Add whole lines."""
        self._wait()
        self._adding = self._thread.submit(self._add, text)

    def _wait(self) -> None:
        if self._adding is not None:
            self._adding.result()

    def _add(self, text: bytes) -> None:
        import pyarrow as pa
        import pyarrow.csv as pa_csv

        rows = pa_csv.read_csv(
            pa.BufferReader(text),
            read_options=pa_csv.ReadOptions(column_names=list(self._types), use_threads=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=self._types, null_values=[""], strings_can_be_null=False
            ),
        )
        held = rows if self._held is None else pa.concat_tables([self._held, rows])
        while held.num_rows >= _ROW_GROUP:
            self._write(held.slice(0, _ROW_GROUP))
            held = held.slice(_ROW_GROUP)
        self._held = held if held.num_rows else None

    def _write(self, rows: Any) -> None:
        # One array a column, so that pages do not end where lines happened to come apart.
        self._writer.write_table(rows.combine_chunks())


def write_scores(
    folder: Path,
    tallies: Mapping[tuple[str, int], Tally],
    specifications: Iterable[Specification],
    by_clinician: AttributedCounts | None = None,
) -> None:
    """Write scores/quality.csv: counts and rate of every measure and group. No patient is in it.

    Rows of the whole source come first, their TIN and NPI empty; then those of each practice (NPI empty) and clinician, if they are
    known, sorted by TIN, NPI, measure and group.
    """
    by_name = {each.measure: each for each in specifications}
    rows = [(measure, group, tally, "", "") for (measure, group), tally in sorted(tallies.items())]
    if by_clinician is not None:
        rows += [(key.measure, key.group, tally, key.tin, key.npi) for key, tally in by_clinician.tallies.items()]
    with written_whole(folder / "scores" / "quality.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(SCORES_HEADER)
        for measure, group, tally, tin, npi in rows:
            specification = by_name[measure]
            rate = tally.rate
            writer.writerow(
                (
                    *(measure, group, tally.eligible, tally.met, tally.not_met, tally.exclusions, tally.exceptions),
                    "" if rate is None else repr(float(rate)),
                    *(specification.quality_id, specification.version),
                    "yes" if specification.lower_is_better else "no",
                    *(specification.groups[group], tin, npi),
                )
            )
