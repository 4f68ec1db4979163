"""Finding CCLF files in what was given: files, folders or zips, told apart by their names."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openasm.base.problems import Problems, Severity, declare

NO_FILES = declare(
    "C102",
    "there is no CCLF file",
    expected="files or zips named as CMS names them (`...ZC5Y27.D270315.T...`) or plainly (`CCLF5.txt`)",
    next_step="Give the folder or zip as it was downloaded.",
)
NOT_RECOGNISED = declare(
    "C103",
    "a file was not recognised as a CCLF file and was not read",
    expected="a name with ZC or CCLF and 0-9, A or B",
    next_step="Nothing needs doing unless it holds claims; then give it its CMS name.",
    severity=Severity.WARNING,
)
ZIP_DAMAGED = declare(
    "C104", "the zip file is damaged or cut short", expected="a whole zip file", next_step="Download it again."
)
ZIP_TOO_LARGE = declare(
    "C105",
    "the zip file would unpack to more than it should",
    expected="at most 500 times its size, and room for it on the disk",
    next_step="Check where the file comes from; unpack it yourself if it is sound and give the folder.",
)
SOURCE_MISSING = declare(
    "C106",
    "what was given is neither a file nor a folder",
    expected="files or folders",
    next_step="Save what comes through a pipe to a file first.",
)

# P.A1234.ACO.ZC5Y27.D270315.T0123456, ...ZC5R27..., CCLF5.txt, cclf_5_2027.csv: kind, then the day it was made.
_KIND = re.compile(r"(?:^|[._-])(?:ZC|CCLF[_-]?)([0-9AB])(?=[YR._-]|$)", re.IGNORECASE)
_MADE = re.compile(r"\.D([0-9]{6})(?=\.|$)", re.IGNORECASE)
_MOST_BLANK = 500  # records are mostly blanks and shrink up to a hundredfold; a bomb shrinks a thousandfold


@dataclass(frozen=True, slots=True)
class CclfFile:
    """One file: kind (`CCLF5`), where it stands unpacked, its own name, the day it was made when the name says so, and the
    delivery it belongs to: files with one delivery came in one folder or zip under names that differ in their kind alone.
    """

    kind: str
    path: Path
    name: str
    made: dt.date | None
    delivery: tuple[str, str]


def find_files(sources: Sequence[Path], unpack_to: Path, problems: Problems) -> tuple[list[CclfFile], list[Path]]:
    """The CCLF files behind files, folders and zips, by kind and name, and the input files to hash.

    Zips are unpacked under `unpack_to`; member paths are never used as paths, and members inside members are not opened.
    """
    found: list[CclfFile] = []
    inputs: list[Path] = []
    for source in sources:
        if not source.is_dir() and not source.is_file():
            problems.add(SOURCE_MISSING, source.name)
            continue
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if not path.is_file() or path.name.startswith("."):
                continue
            if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
                inputs.append(path)
                found += _unpacked(path, unpack_to, problems)
                continue
            known = _known(path.name, path, came_in=path.parent)
            if known is None:
                problems.add(NOT_RECOGNISED, path.name)
            else:
                inputs.append(path)
                found.append(known)
    if not found and not problems.errors:
        problems.add(NO_FILES, ", ".join(source.name for source in sources)[:80])
    return sorted(found, key=lambda file: (file.kind, file.name, str(file.path))), sorted(inputs)


def _known(name: str, path: Path, *, came_in: Path) -> CclfFile | None:
    kind = _KIND.search(name)
    if kind is None:
        return None
    # The files of a delivery agree in whose they are, in year or run-out and in day; the time of day may differ.
    made = _MADE.search(name)
    shared = f"{name[: kind.start(1)]}*{name[kind.end(1) : made.end() if made else len(name)]}"
    return CclfFile(f"CCLF{kind[1].upper()}", path, name, _made(name), (str(came_in), shared.upper()))


def _made(name: str) -> dt.date | None:
    match = _MADE.search(name)
    if match is None:
        return None
    try:
        return dt.datetime.strptime(match[1], "%y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


def _unpacked(path: Path, unpack_to: Path, problems: Problems) -> list[CclfFile]:
    found: list[CclfFile] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            total = sum(member.file_size for member in members)
            if total > max(path.stat().st_size, 1) * _MOST_BLANK or total > shutil.disk_usage(unpack_to).free * 9 // 10:
                problems.add(ZIP_TOO_LARGE, path.name, found=f"{total:,} bytes from {path.stat().st_size:,}")
                return []
            for member in members:
                name = Path(member.filename.replace("\\", "/")).name
                target = unpack_to / f"{len(list(unpack_to.iterdir()))}.member"
                known = _known(name, target, came_in=path)
                if known is None:
                    problems.add(NOT_RECOGNISED, f"{path.name}: {name}"[:80])
                    continue
                # zipfile stops at the size the directory states and checks the sum: a lying size ends in BadZipFile.
                with archive.open(member) as packed, target.open("wb") as unpacked:
                    target.chmod(0o600)
                    shutil.copyfileobj(packed, unpacked, 1 << 20)
                found.append(known)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        problems.add(ZIP_DAMAGED, path.name)
        return []
    return found
