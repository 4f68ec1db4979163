"""The files of `openasm quality`: populations and gaps of patients, counts of measures.

Lines come sorted by nobody and in any number. They are kept on disk in sorted runs and merged at the end, so that memory stays level
however many patients there are. Every line starts with measure, group and patient; the comma that ends an id sorts before every
character an id can hold, so the order of lines is the order of (measure, group, patient).
"""

from __future__ import annotations

import csv
import heapq
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from openasm.base.files import written_whole
from openasm.quality.populations import Gap, Outcome, Tally
from openasm.quality.specification import Specification

POPULATIONS_HEADER = (
    "measure,group,patient,initial_population,denominator,denominator_exclusion,denominator_exception,numerator,reason"
)
GAPS_HEADER = "measure,group,patient,kind,missing,earliest,due"
_RUN_LINES = 100_000


@dataclass(slots=True)
class Lines:
    """Lines of the two patient files, without header, each ended by a line feed."""

    populations: list[bytes] = field(default_factory=list)
    gaps: list[bytes] = field(default_factory=list)


def population_line(measure: str, patient: str, outcome: Outcome) -> bytes:
    """A line of populations.csv."""
    group, initial, denominator, exclusion, exception, numerator, reason, _ = outcome
    answers = (initial, denominator, exclusion, exception, numerator)
    flags = _flags.get(answers)
    if flags is None:
        flags = _flags[answers] = ",".join("" if answer is None else str(int(answer)) for answer in answers)
    return f"{measure},{group},{patient},{flags},{_quoted(reason)}\n".encode()


_flags: dict[tuple[bool | None, ...], str] = {}  # the few combinations of answers as text


def gap_line(measure: str, group: int, patient: str, gap: Gap) -> bytes:
    """A line of gaps.csv."""
    earliest = "" if gap.earliest is None else gap.earliest.isoformat()
    due = "" if gap.due is None else gap.due.isoformat()
    return f"{measure},{group},{patient},{gap.kind},{_quoted(gap.missing)},{earliest},{due}\n".encode()


def _quoted(text: str) -> str:
    if '"' in text or "\n" in text or "\r" in text:
        text = text.replace('"', '""').replace("\r", " ").replace("\n", " ")
        return f'"{text}"'
    return f'"{text}"' if "," in text else text


class SortedRuns:
    """Lines kept on disk in sorted runs, to be merged once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._populations: list[bytes] = []
        self._gaps: list[bytes] = []
        self._files: dict[str, list[Path]] = {"populations": [], "gaps": []}

    def add(self, lines: Lines) -> None:
        """Take over some lines."""
        self._populations += lines.populations
        self._gaps += lines.gaps
        if len(self._populations) >= _RUN_LINES:
            self._populations = self._spilled("populations", self._populations)
        if len(self._gaps) >= _RUN_LINES:
            self._gaps = self._spilled("gaps", self._gaps)

    def _spilled(self, name: str, lines: list[bytes]) -> list[bytes]:
        path = self.folder / f"{name}-{len(self._files[name]):05}"
        lines.sort()
        with path.open("wb") as stream:
            stream.writelines(lines)
        self._files[name].append(path)
        return []

    def populations(self) -> Iterator[bytes]:
        """All population lines in order."""
        return self._merged("populations", self._populations)

    def gaps(self) -> Iterator[bytes]:
        """All gap lines in order."""
        return self._merged("gaps", self._gaps)

    def _merged(self, name: str, last: list[bytes]) -> Iterator[bytes]:
        last.sort()
        with ExitStack() as stack:
            streams: list[Iterable[bytes]] = [stack.enter_context(path.open("rb")) for path in self._files[name]]
            yield from heapq.merge(*streams, last) if streams else last


def write_patient_files(folder: Path, runs: SortedRuns) -> int:
    """Write patients/populations.csv, .parquet and gaps.csv, readable by their owner alone. Returns how many lines repeat the measure,
    group and patient of the line before: records of a patient beyond the first."""
    patients = folder / "patients"
    patients.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(patients, 0o700)
    repeated = 0
    with written_whole(patients / "populations.csv", "wb", private=True) as stream:
        stream.write(f"{POPULATIONS_HEADER}\n".encode())
        before = b""
        for line in runs.populations():
            key = line[: line.index(b",", line.index(b",", line.index(b",") + 1) + 1)]
            repeated += key == before
            before = key
            stream.write(line)
    with written_whole(patients / "gaps.csv", "wb", private=True) as stream:
        stream.write(f"{GAPS_HEADER}\n".encode())
        stream.writelines(runs.gaps())
    _write_parquet(patients / "populations.csv", patients / "populations.parquet")
    return repeated


def _write_parquet(source: Path, target: Path) -> None:
    """The same table as Parquet, streamed."""
    import pyarrow as pa  # heavy: loaded when results are written
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    types = {
        "measure": pa.string(),
        "group": pa.int8(),
        "patient": pa.string(),
        "initial_population": pa.int8(),
        "denominator": pa.int8(),
        "denominator_exclusion": pa.int8(),
        "denominator_exception": pa.int8(),
        "numerator": pa.int8(),
        "reason": pa.string(),
    }
    schema = pa.schema(list(types.items()))
    options = pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False)
    with (
        written_whole(target, "wb", private=True) as stream,
        pq.ParquetWriter(stream, schema, compression="zstd") as writer,
    ):
        if source.stat().st_size > len(POPULATIONS_HEADER) + 1:
            read = pa_csv.ReadOptions(block_size=8 << 20)
            for batch in pa_csv.open_csv(source, read_options=read, convert_options=options):
                writer.write_batch(batch)


def write_scores(
    folder: Path, tallies: Mapping[tuple[str, int], Tally], specifications: Iterable[Specification]
) -> None:
    """Write scores/quality.csv: counts and rate of every measure and group. No patient is in it."""
    by_name = {each.measure: each for each in specifications}
    with written_whole(folder / "scores" / "quality.csv") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            (
                *("measure", "group", "eligible", "met", "not_met", "exclusions", "exceptions", "rate"),
                *("quality_id", "version", "lower_is_better", "what"),
            )
        )
        for (measure, group), tally in sorted(tallies.items()):
            specification = by_name[measure]
            rate = tally.rate
            writer.writerow(
                (
                    *(measure, group, tally.eligible, tally.met, tally.not_met, tally.exclusions, tally.exceptions),
                    "" if rate is None else repr(float(rate)),
                    specification.quality_id,
                    specification.version,
                    "yes" if specification.lower_is_better else "no",
                    specification.groups[group],
                )
            )
