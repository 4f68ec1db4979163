"""FHIR resources from files, a few megabytes at a time: NDJSON, gzip, Bundles; broken lines are counted, cut files stop."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson

from openasm.base.problems import Problems, Severity, declare

LINE_BROKEN = declare(
    "C201",
    "a line is not a JSON object and was left out",
    expected="one FHIR resource or Bundle a line",
    next_step="Fetch the export again; totals lack these resources.",
    severity=Severity.WARNING,
)
FILE_CUT = declare(
    "C202", "the gzip file is damaged or cut short", expected="a whole gzip file", next_step="Download it again."
)
TOO_LARGE = declare(
    "C203",
    "the file would unpack to more than it should, or holds one JSON document too large to read",
    expected="at most 1,000 times its packed size; documents of at most 256 MiB (NDJSON has no such limit)",
    next_step="Check where the file comes from; give large data as NDJSON.",
)
SOURCE_MISSING = declare(
    "C204",
    "what was given is neither a file nor a folder",
    expected="files or folders",
    next_step="Save what comes through a pipe to a file first.",
)
NO_FILES = declare(
    "C205",
    "there is no FHIR file",
    expected="files ending in .json, .ndjson, .jsonl or these with .gz",
    next_step="Give the folder of the export.",
)

_ENDINGS = (".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz")
_LARGEST_DOCUMENT = 256 * 1024**2
_LARGEST_RATIO = 1_000
_PIECE_BYTES = 4 * 1024**2


def find_files(sources: Sequence[Path], problems: Problems) -> list[Path]:
    """The FHIR files behind files and folders, in name order."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += [path for path in source.rglob("*") if path.is_file() and path.name.lower().endswith(_ENDINGS)]
        elif source.is_file():
            found.append(source)
        else:
            problems.add(SOURCE_MISSING, source.name)
    if not found and not problems.errors:
        problems.add(NO_FILES, ", ".join(source.name for source in sources)[:80])
    return sorted(found, key=lambda path: (path.name, str(path)))


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of a file, not read yet: the file's place among the files and its name, the number of the first line, the
    lines."""

    place: int
    file: str
    first: int
    text: bytes
    is_document: bool = False

    def lines(self) -> list[bytes]:
        """The lines; a single document over many lines is one."""
        return [self.text] if self.is_document else self.text.split(b"\n")


def pieces(place: int, path: Path, problems: Problems) -> Iterator[Piece]:
    """The lines of a file a few megabytes at a time, the first piece even of an empty file.

    A cut or oversized file adds its problem and ends.
    """
    try:
        with _open(path) as stream:
            yield from _pieces(place, path, stream)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        problems.add(FILE_CUT, path.name)
    except _TooLarge:
        problems.add(TOO_LARGE, path.name)


def _pieces(place: int, path: Path, stream: IO[bytes]) -> Iterator[Piece]:
    limit = max(path.stat().st_size, 1) * _LARGEST_RATIO
    start = stream.readline(_LARGEST_DOCUMENT + 1)
    if len(start) > _LARGEST_DOCUMENT:
        raise _TooLarge
    if start.strip() and _parsed(start) is None and start.lstrip()[:1] in (b"{", b"["):
        # Perhaps one document over many lines.
        document = start + stream.read(_LARGEST_DOCUMENT)
        if _parsed(document) is not None:
            yield Piece(place, path.name, 1, document, is_document=True)
            return
        if len(document) > _LARGEST_DOCUMENT:
            raise _TooLarge
        yield Piece(place, path.name, 1, b"\n".join(document.splitlines()))
        return
    read, first = len(start), 1
    parts = [start]  # of the piece, the last line perhaps begun
    for block in iter(lambda: stream.read(_PIECE_BYTES), b""):
        read += len(block)
        end = block.rfind(b"\n") + 1
        parts.append(block[:end] if end else block)
        if read > limit or (not end and sum(map(len, parts)) > _LARGEST_DOCUMENT):
            raise _TooLarge
        if end:
            text = b"".join(parts)
            if first == 1 or text.strip():
                yield Piece(place, path.name, first, text)
            first += text.count(b"\n")
            parts = [block[end:]]
    if any(parts) or first == 1:
        yield Piece(place, path.name, first, b"".join(parts))


class PieceReader:
    """Resources of a piece with the line each stands in; afterwards `lines` and `broken` say how it went."""

    def __init__(self, piece: Piece, problems: Problems) -> None:
        self.piece = piece
        self.problems = problems
        self.lines = 0
        self.broken = 0

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, line in enumerate(self.piece.lines(), start=self.piece.first):
            if not line.strip():
                continue
            self.lines += 1
            value = _parsed(line)
            if value is None:
                self._break(number)
            else:
                yield from self._inside(value, number)

    def _inside(self, value: Any, number: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The resources in a parsed value: itself, the entries of a Bundle, the members of an array."""
        if isinstance(value, list):
            for each in value:
                yield from self._inside(each, number)
        elif isinstance(value, dict) and value.get("resourceType") == "Bundle":
            for entry in value.get("entry") or ():
                if isinstance(entry, dict):
                    yield from self._inside(entry.get("resource"), number)
        elif isinstance(value, dict):
            yield number, value
        else:
            self._break(number)

    def _break(self, number: int) -> None:
        self.broken += 1
        self.problems.add(LINE_BROKEN, self.piece.file, row=number)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    if packed or path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


class _TooLarge(Exception):
    pass


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
