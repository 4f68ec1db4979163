"""Sorting more lines than memory holds, by several processes, without one of them merging at the end.

Every process keeps its lines in sorted runs on disk, with an index of where each block of a run begins. `pieces` cuts the whole order into
stretches of a few megabytes that can be read from all runs independently of each other, so that the processes share the merge too,
and memory stays level however many lines there are. Lines are bytes, each ended by a line feed, and are compared as bytes; their key is
a fixed number of leading fields, each ended by a comma. Lines of one key are never torn apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

RUN_LINES = 25_000  # lines a process holds before it writes a run
_BLOCK_LINES = 128  # lines between two entries of a run's index
_PIECE_BYTES = 3 << 20


class Run(NamedTuple):
    """A stretch of a file that holds sorted lines. starts: the key of each block's first line; offsets: where each block begins, and
    where the last one ends."""

    path: Path
    starts: tuple[bytes, ...]
    offsets: tuple[int, ...]


class Piece(NamedTuple):
    """A stretch of the order: lines from `low` on and before `high` (None: to the end). blocks: where they may stand: file, first byte,
    bytes."""

    low: bytes
    high: bytes | None
    blocks: tuple[tuple[Path, int, int], ...]


class RunWriter:
    """Keeps lines of one kind in sorted runs in a file of its own."""

    def __init__(self, path: Path, key_fields: int) -> None:
        self.path = path
        self.key_fields = key_fields
        self._lines: list[bytes] = []
        self._runs: list[Run] = []
        self._written = 0

    def add(self, lines: Iterable[bytes]) -> None:
        """Take lines in any order."""
        self._lines += lines
        if len(self._lines) >= RUN_LINES:
            self._write()

    def runs(self) -> tuple[Run, ...]:
        """Everything taken, written; nothing can be added afterwards."""
        if self._lines:
            self._write()
        return tuple(self._runs)

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        lines.sort()
        starts, offsets = [], [self._written]
        with self.path.open("ab") as stream:
            for place in range(0, len(lines), _BLOCK_LINES):
                starts.append(_key(lines[place], self.key_fields))
                block = b"".join(lines[place : place + _BLOCK_LINES])
                stream.write(block)
                offsets.append(offsets[-1] + len(block))
        self._written = offsets[-1]
        self._runs.append(Run(self.path, tuple(starts), tuple(offsets)))


def _key(line: bytes, fields: int) -> bytes:
    end = 0
    for _ in range(fields):
        end = line.index(b",", end) + 1
    return line[:end]


def pieces(runs: Sequence[Run]) -> Iterator[Piece]:
    """The whole order of some runs in stretches of about the same size, in order; none when there are no lines."""
    sizes = sorted(
        (start, run.offsets[place + 1] - run.offsets[place]) for run in runs for place, start in enumerate(run.starts)
    )
    if not sizes:
        return
    low, size = b"", 0
    for start, length in sizes:
        if size >= _PIECE_BYTES and start > low:
            yield _piece(runs, low, start)
            low, size = start, 0
        size += length
    yield _piece(runs, low, None)


def _piece(runs: Sequence[Run], low: bytes, high: bytes | None) -> Piece:
    blocks = []
    for path, starts, offsets in runs:
        # Lines of a key may begin in the block before the first one that starts with it.
        first = max(0, bisect_left(starts, low) - 1)
        last = len(starts) if high is None else bisect_left(starts, high)
        if first < last:
            blocks.append((path, offsets[first], offsets[last] - offsets[first]))
    return Piece(low, high, tuple(blocks))


def merged(piece: Piece) -> list[bytes]:
    """The lines of one piece from all runs, in order."""
    lines: list[bytes] = []
    for path, offset, size in piece.blocks:
        with path.open("rb") as stream:
            stream.seek(offset)
            found = stream.read(size).splitlines(keepends=True)
        end = len(found) if piece.high is None else bisect_left(found, piece.high)
        lines += found[bisect_left(found, piece.low) : end]
    lines.sort()
    return lines
