"""What a benchmark measures, and the row it hands in.

A benchmark module is a file `benchmarks/bench_<name>.py` with a docstring (its first line titles its section) and one
function `run() -> list[Row]`. `python -m benchmarks` gives each module an interpreter of its own, so that one module's
imports and memory do not show in another's numbers.

    from benchmarks.measure import Row, measured

    def run() -> list[Row]:
        ours = measured(lambda: score(cohort), repeat=5)
        theirs = measured(lambda: numpy.sort(column), repeat=5)
        return [Row(name="compute", what="8,600 participants, 60,000 rows", took=ours,
                    reference="numpy.sort of the same column", reference_took=theirs, limit_seconds=1.0,
                    note="bound by the sorts of the pools")]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Took:
    """What a piece of work took.

    seconds: wall-clock time of the fastest repetition; cpu_seconds: processor time of that repetition, child processes
    included; peak_mb: the largest resident memory (1 MB = 2**20 bytes) of the process over all repetitions, the
    interpreter and its libraries included (children that have ended count with the largest of them); None where the
    system does not tell.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    name: a few words; what: the work and its size; took: ours; reference, reference_took: what it is measured against
    in the same run (empty and None where nothing comparable exists); limit_seconds: the promised time, None without a
    promise; limit_mb: the promised memory; note: what bounds it.
    """

    name: str
    what: str
    took: Took
    reference: str = ""
    reference_took: Took | None = None
    limit_seconds: float | None = None
    limit_mb: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the reference's time ours takes (below 1: faster than the reference)."""
        if self.reference_took is None or self.reference_took.seconds <= 0:
            return None
        return self.took.seconds / self.reference_took.seconds

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None without a promise."""
        if self.limit_seconds is None and self.limit_mb is None:
            return None
        in_time = self.limit_seconds is None or self.took.seconds < self.limit_seconds
        in_memory = self.limit_mb is None or (self.took.peak_mb is not None and self.took.peak_mb < self.limit_mb)
        return in_time and in_memory

    def as_record(self) -> dict[str, Any]:
        """The row as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Row:
        """The row back from `as_record`."""
        reference = record["reference_took"]
        return cls(
            **{**record, "took": Took(**record["took"]), "reference_took": Took(**reference) if reference else None}
        )


def measured(work: Callable[[], object], *, repeat: int = 3) -> Took:
    """Do `work` `repeat` times in this process: the fastest time and the largest memory."""
    if repeat < 1:
        raise ValueError("repeat must be at least 1")
    best = best_cpu = float("inf")
    with _PeakMemory() as memory:
        for _ in range(repeat):
            cpu, wall = _cpu_seconds(), time.perf_counter()
            work()
            seconds = time.perf_counter() - wall
            if seconds < best:
                best, best_cpu = seconds, _cpu_seconds() - cpu
    return Took(best, best_cpu, memory.peak_mb)


def measured_command(
    command: Sequence[str | Path], *, repeat: int = 3, cwd: Path | None = None, told: bool = False
) -> Took:
    """Run a program `repeat` times, its output discarded (told: its standard error shown); a failure raises CalledProcessError."""
    best = best_cpu = float("inf")
    peak: float | None = None
    for _ in range(repeat):
        wall = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.DEVNULL,
            stderr=None if told else subprocess.DEVNULL,
            cwd=cwd,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - wall
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, [str(word) for word in command])
        peak = max(peak or 0.0, _rss_mb(usage.ru_maxrss))
        if seconds < best:
            best, best_cpu = seconds, usage.ru_utime + usage.ru_stime
    return Took(best, best_cpu, peak)


def _cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _rss_mb(maxrss: int) -> float:
    """ru_maxrss in MB: Linux counts kibibytes, macOS bytes."""
    return maxrss / 2**20 if sys.platform == "darwin" else maxrss / 2**10


class _PeakMemory:
    """The largest resident memory while a block runs, sampled 100 times a second (Linux; elsewhere the process's peak).

    The system's own peak never falls, so a benchmark's earlier, larger work would show in a later, smaller one.
    """

    def __init__(self) -> None:
        self.peak_mb: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._statm = Path("/proc/self/statm")

    def __enter__(self) -> _PeakMemory:
        self._children_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if self._statm.exists():
            self._look()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join()
            self._look()
        else:
            self.peak_mb = _rss_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if children > self._children_before:
            self.peak_mb = max(self.peak_mb or 0.0, _rss_mb(children))

    def _look(self) -> None:
        resident = int(self._statm.read_text().split()[1]) * resource.getpagesize() / 2**20
        self.peak_mb = max(self.peak_mb or 0.0, resident)

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self._look()
