"""FHIR resources from files, one at a time: NDJSON, gzip, Bundles; broken lines are counted, cut files stop."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
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
    "C204", "a file or folder given is not there", expected="an existing file or folder", next_step="Check the path."
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


class FileReader:
    """Resources of one file with the line each stands in; afterwards `lines` and `broken` say how it went."""

    def __init__(self, path: Path, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self.lines = 0
        self.broken = 0

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        try:
            with self._open() as stream:
                yield from self._resources(stream)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self.problems.add(FILE_CUT, self.path.name)
        except _TooLarge:
            self.problems.add(TOO_LARGE, self.path.name)

    def _open(self) -> IO[bytes]:
        with self.path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        if packed or self.path.suffix == ".gz":
            return cast(IO[bytes], gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def _resources(self, stream: IO[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        limit = max(self.path.stat().st_size, 1) * _LARGEST_RATIO
        read = 0
        first = self._line(stream)
        if first.strip() and _parsed(first) is None and first.lstrip()[:1] in (b"{", b"["):
            # Perhaps one document over many lines.
            document = first + stream.read(_LARGEST_DOCUMENT)
            whole = _parsed(document)
            if whole is not None:
                self.lines = 1
                yield from self._inside(whole, 1)
                return
            if len(document) > _LARGEST_DOCUMENT:
                raise _TooLarge
            yield from self._each_line(document.splitlines(keepends=True))
            return
        number, line = 0, first
        while line:
            number += 1
            read += len(line)
            if read > limit:
                raise _TooLarge
            yield from self._one(line, number)
            line = self._line(stream)

    def _each_line(self, lines: Sequence[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, line in enumerate(lines, start=1):
            yield from self._one(line, number)

    def _one(self, line: bytes, number: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        if not line.strip():
            return
        self.lines += 1
        value = _parsed(line)
        if value is None:
            self.broken += 1
            self.problems.add(LINE_BROKEN, self.path.name, row=number)
            return
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
            self.broken += 1
            self.problems.add(LINE_BROKEN, self.path.name, row=number)

    @staticmethod
    def _line(stream: IO[bytes]) -> bytes:
        line = stream.readline(_LARGEST_DOCUMENT + 1)
        if len(line) > _LARGEST_DOCUMENT:
            raise _TooLarge
        return line


class _TooLarge(Exception):
    pass


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
