"""FHIR R4 files to pieces of work: Bundles (one a file or one a line) and bulk-export NDJSON (one resource a line), plain or gzip.

One process walks the source and unpacks it, which is cheap, and hands out whole lines; many processes read them (see `fhir`). The
lines of a bulk export lie scattered over files by resource type; they are first sorted into parts by patient on disk, so that memory
does not grow with the source.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import orjson

from openasm.base.problems import Problems, Severity, declare

SOURCE_MISSING = declare(
    "Q110",
    "the source is missing or holds no FHIR file",
    expected="a file, or a folder with .json, .ndjson or .jsonl files (gzip accepted)",
    next_step="Check the path; for a bulk export name the folder it was downloaded to.",
)
CUT_GZIP = declare(
    "Q114",
    "the gzip file is damaged or ends too soon",
    expected="a whole gzip file",
    next_step="Download the file again.",
)
FILE_EMPTY = declare(
    "Q115",
    "the file is empty",
    expected="at least one resource",
    next_step="Check that the export finished.",
    severity=Severity.WARNING,
)
LINE_TOO_LONG = declare(
    "Q119",
    "a line or file is too large for one record",
    expected="at most 256 MB a line",
    next_step="Export one Bundle a patient, or a bulk export.",
)

ENDINGS = (".json", ".ndjson", ".jsonl")
LARGEST_RECORD = 256 << 20
_PACKED = 1 << 16  # bytes of a gzip file unpacked at a time; records pack some tenfold
_PLAIN = 1 << 19
_PART_BYTES = 12 << 20  # size of the parts a bulk export is sorted into, as JSON
_HELD_BYTES = 24 << 20  # lines of parts that wait in memory to be written


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Some records to be read in one go.

    text: whole lines of a file, the first of them line `first_row`; each a Bundle or a resource, or all of them together one Bundle
    (`whole`). parts: instead, files that hold every line of a bulk export about some patients; shared: and the medications that any
    patient may refer to.
    """

    file: str
    first_row: int = 1
    text: bytes = b""
    whole: bool = False
    parts: tuple[Path, ...] = ()
    shared: tuple[Path, ...] = ()


def source_files(source: Path) -> list[Path]:
    """The FHIR files of a source, in a fixed order. A single file is taken whatever its name."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        return []
    return sorted(
        path
        for path in source.rglob("*")
        if path.is_file() and path.name.removesuffix(".gz").endswith(ENDINGS) and not path.name.startswith(".")
    )


def bundle_units(source: Path, problems: Problems, bulk: list[Path]) -> Iterator[WorkUnit]:
    """The Bundles of a source, in an order that depends only on the files; files of a bulk export are added to `bulk` instead.

    Problems are added; those that refuse the input are for the caller to raise when all is read.
    """
    files = source_files(source)
    if not files:
        problems.add(SOURCE_MISSING, source.name)
    for path in files:
        try:
            pieces = _chunks(path)
            row, text = next(pieces, (1, b""))
            first, _, others = text.lstrip().partition(b"\n")
            if not first:
                problems.add(FILE_EMPTY, path.name)
            elif _is_bulk(first):
                bulk.append(path)
            elif _is_one_bundle(first, others):
                yield WorkUnit(path.name, row, _joined(chain([text], (more for _, more in pieces))), whole=True)
            else:
                yield WorkUnit(path.name, row, text)
                for number, more in pieces:
                    yield WorkUnit(path.name, number, more)
        except _Damaged:
            problems.add(CUT_GZIP, path.name)
        except _TooLong:
            problems.add(LINE_TOO_LONG, path.name)


def bulk_files(files: Iterable[Path]) -> list[Path]:
    """Those of some files that are of a bulk export; files that are damaged or empty are not."""
    found = []
    for path in files:
        try:
            _, text = next(_chunks(path), (1, b""))
            if _is_bulk(text.lstrip().partition(b"\n")[0]):
                found.append(path)
        except (_Damaged, _TooLong):
            continue
    return found


def bulk_chunks(files: Iterable[Path], problems: Problems) -> Iterator[WorkUnit]:
    """The lines of a bulk export, some at a time, to be sorted into parts by patient."""
    for path in files:
        try:
            for row, text in _chunks(path):
                yield WorkUnit(path.name, row, text)
        except _Damaged:
            problems.add(CUT_GZIP, path.name)
        except _TooLong:
            problems.add(LINE_TOO_LONG, path.name)


def parts_for(files: Iterable[Path]) -> int:
    """How many parts a bulk export is sorted into."""
    size = sum(path.stat().st_size * (12 if path.name.endswith(".gz") else 1) for path in files)
    return size // _PART_BYTES + 1


def part_units(folder: Path, parts: int, *, file: str = "bulk export") -> Iterator[WorkUnit]:
    """The parts that one or more `PartFiles` wrote into a folder, a unit each."""
    by_part: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("part-*")):
        by_part.setdefault(path.name.split("-")[1], []).append(path)
    shared = tuple(by_part.pop("shared", ()))
    for part in range(parts):
        paths = by_part.get(f"{part:06}")
        if paths:
            yield WorkUnit(file, parts=tuple(paths), shared=shared)


class PartFiles:
    """Sorts lines into files by the patient they are about. Several may write into one folder, each under a name of its own."""

    def __init__(self, folder: Path, parts: int, name: str = "0") -> None:
        self.folder = folder
        self.parts = parts
        self.name = name
        self._held: dict[str, list[bytes]] = {}
        self._size = 0

    def add(self, owner: str | None, line: bytes) -> None:
        """Take a line, without its line feed, about a patient; None: it may be about anyone."""
        part = "shared" if owner is None else f"{zlib.crc32(owner.encode('utf-8', 'replace')) % self.parts:06}"
        self._held.setdefault(part, []).append(line)
        self._size += len(line)
        if self._size > _HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        for part, lines in self._held.items():
            lines.append(b"")
            with (self.folder / f"part-{part}-{self.name}").open("ab") as stream:
                stream.write(b"\n".join(lines))
        self._held, self._size = {}, 0


def _is_bulk(first_line: bytes) -> bool:
    try:
        record = orjson.loads(first_line)
    except orjson.JSONDecodeError:
        return False
    return (
        isinstance(record, dict)
        and isinstance(record.get("resourceType"), str)
        and record["resourceType"] != "Bundle"
        and "bundle" not in record
    )


def _is_one_bundle(first_line: bytes, others: bytes) -> bool:
    """Whether a file that begins so is one record written over many lines: no line is a JSON object by itself."""
    try:
        orjson.loads(first_line)
    except orjson.JSONDecodeError:
        lines = [line for each in others.split(b"\n", 20)[:20] if (line := each.strip())]
        return bool(lines) and not any(line[:1] == b"{" and line[-1:] == b"}" for line in lines)
    return False


def _joined(pieces: Iterable[bytes]) -> bytes:
    found, size = [], 0
    for piece in pieces:
        found.append(piece)
        size += len(piece)
        if size > LARGEST_RECORD:
            raise _TooLong
    return b"".join(found)


class _Damaged(Exception):
    pass


class _TooLong(Exception):
    pass


def _chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines of a file, unpacked when it is gzip, about a megabyte at a time, with the number of the first line. Chunks of blank
    lines alone are left out."""
    row, held, size = 1, [b""], 0
    for block in _blocks(path):
        cut = block.rfind(b"\n") + 1
        if cut:
            held.append(block[:cut])
            text = b"".join(held)
            if not text.isspace():
                yield row, text
            row += text.count(b"\n")
            held, size = [block[cut:]], len(block) - cut
        else:
            held.append(block)
            size += len(block)
            if size > LARGEST_RECORD:
                raise _TooLong
    rest = b"".join(held)
    if rest and not rest.isspace():
        yield row, rest


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        block = stream.read(_PACKED)
        if block[:2] == b"\x1f\x8b":
            yield from _unpacked(block, stream.read)
            return
        if block[:3] == b"\xef\xbb\xbf":
            block = block[3:]
        while block:
            yield block
            block = stream.read(_PLAIN)


def _unpacked(block: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        while block:
            yield unpacker.decompress(block, 16 * _PACKED)
            block = unpacker.unconsumed_tail
            if unpacker.eof:
                block = unpacker.unused_data or read(_PACKED)
                if not block.strip(b"\0"):
                    return
                unpacker = zlib.decompressobj(wbits=31)
            elif not block:
                block = read(_PACKED)
    except zlib.error as error:
        raise _Damaged from error
    if not unpacker.eof:
        raise _Damaged
