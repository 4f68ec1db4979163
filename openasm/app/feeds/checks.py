"""Checks of an uploaded file before anything of it is kept: name, size, content, and what an archive would unpack to.

Archives are unpacked by our own loop: a member's name is cleaned part by part, links and locked members are refused, and bytes are
counted as they come, whatever the archive's directory promises.
"""

from __future__ import annotations

import gzip
import re
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from openasm.app.feeds.kinds import LARGEST_RATIO, LARGEST_UNPACKED, MOST_MEMBERS, FileKind
from openasm.app.feeds.models import private_folder
from openasm.base.problems import Problems, declare

BLOCK = 1 << 20
_SLACK = 1 << 20  # small files may pack very well

NOT_TAKEN = declare(
    "A030",
    "a file of this kind is not taken here",
    expected="a file with one of the endings named beside its kind",
    next_step="Choose the right kind for the file, or save it in one of these forms.",
)
TOO_LARGE = declare(
    "A031",
    "the file is too large",
    expected="a file within the limit of its kind",
    next_step="Send it in parts, or have it put into a run with `openasm run` on the server.",
)
EMPTY = declare("A032", "the file is empty", expected="data", next_step="See whether it was saved or sent whole.")
OTHER_CONTENT = declare(
    "A033",
    "the content is not what the name says",
    expected="text in UTF-8, Parquet, gzip or a ZIP archive, as its ending says",
    next_step="Save the file again from its source; a program or a picture is never taken.",
)
UNSAFE_ARCHIVE = declare(
    "A034",
    "the archive holds something that is not unpacked",
    expected="ordinary files under plain names, without passwords, links or archives within",
    next_step="Make the archive again from the data files alone.",
)
BOMB = declare(
    "A035",
    "the file unpacks to far more than data do",
    expected=f"at most {LARGEST_UNPACKED // 2**30} GB and {LARGEST_RATIO} times its size, in at most {MOST_MEMBERS:,} files",
    next_step="Do not open it. Ask the sender what it is, or send the data in parts.",
)
NO_ROOM = declare(
    "A036",
    "there is no room for the file",
    expected="room on the server's disk and within the practice's share",
    next_step="Remove files that are no longer needed, or ask the operator of this workbench for room.",
)


def clean_name(given: str) -> str:
    """A harmless form of a name: its last part, letters, digits, dot, hyphen and underscore, at most 120 characters.

    >>> clean_name("../../etc/passwd"), clean_name("C:\\\\data\\\\Müller 1.csv"), clean_name(".hidden")
    ('passwd', 'Muller_1.csv', 'hidden')
    """
    last = re.split(r"[/\\]", given)[-1]
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).lstrip(".-")
    stem, dot, ending = cleaned.rpartition(".")
    return (f"{stem[: 118 - len(ending)]}.{ending[:20]}" if dot else cleaned[:120]) or "file"


def check_file(path: Path, name: str, kind: FileKind, problems: Problems) -> None:
    """Whether a file that has arrived may be kept. name: as given by the sender, for its ending and the messages."""
    shown = clean_name(name)
    size = path.stat().st_size
    ending = PurePosixPath(shown.lower()).suffix
    if kind.endings and ending not in kind.endings:
        problems.add(NOT_TAKEN, shown, found=ending or "no ending", expected=" or ".join(kind.endings))
    if size == 0:
        problems.add(EMPTY, shown)
    elif size > kind.largest:
        problems.add(TOO_LARGE, shown, found=f"{size:,} bytes", expected=f"at most {kind.largest // 2**20} MB")
    else:
        _check_content(path, shown, ending, kind, problems)


def _check_content(path: Path, name: str, ending: str, kind: FileKind, problems: Problems) -> None:
    with path.open("rb") as stream:
        beginning = stream.read(1 << 16)
    found = _form(beginning)
    wanted = {".zip": "zip", ".xlsx": "zip", ".gz": "gzip", ".parquet": "parquet"}.get(ending, "text")
    if found != wanted:
        problems.add(OTHER_CONTENT, name, found=found, expected=wanted)
    elif found == "zip":
        _check_archive(path, name, kind, problems, unpacked=ending == ".zip")
    elif found == "gzip":
        _check_gzip(path, name, problems)


def _form(beginning: bytes) -> str:
    """What the first bytes say: zip, parquet, gzip, text, or something else."""
    if beginning.startswith(b"PK\x03\x04"):
        return "zip"
    if beginning.startswith(b"PAR1"):
        return "parquet"
    if beginning.startswith(b"\x1f\x8b"):
        return "gzip"
    if b"\x00" in beginning or beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith(
        (b"<!doctype html", b"<html")
    ):
        return "something else"
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 4:  # a character cut at the end of the block is none
            return "something else"
    return "text"


def _check_archive(path: Path, name: str, kind: FileKind, problems: Problems, *, unpacked: bool) -> None:
    """An archive's directory: what it promises. unpacked: whether members become files (a workbook is only measured)."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        problems.add(OTHER_CONTENT, name, found="a damaged archive", expected="a ZIP archive")
        return
    total = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS or total > LARGEST_UNPACKED or total > LARGEST_RATIO * size + _SLACK:
        problems.add(BOMB, name, found=f"{len(members):,} files of {total:,} bytes from {size:,}")
        return
    if not unpacked:
        return
    seen: set[str] = set()
    kept = 0
    for number, member in enumerate(members, start=1):
        wrong = _wrong_with(member, seen)
        if wrong:
            problems.add(UNSAFE_ARCHIVE, name, row=number, column="member", found=wrong)
        kept += _is_data(member)
    if not kept:
        problems.add(EMPTY, name, found="an archive without files")
    if kind.code == "peers":
        missing = {"participants.csv", "quality.csv", "cost.csv", "attestations.csv"} - {
            each.split("/")[-1] for each in seen
        }
        if missing:
            problems.add(
                NOT_TAKEN, name, found=f"no {', '.join(sorted(missing))}", expected="the four tables of a cohort"
            )


def _wrong_with(member: zipfile.ZipInfo, seen: set[str]) -> str:
    """Why a member is not unpacked; empty when it is fine. seen: places taken, in lower case."""
    given = member.orig_filename.replace("\\", "/")
    mode = member.external_attr >> 16
    if (
        given.startswith("/")
        or re.match(r"[A-Za-z]:", given)
        or ".." in given.split("/")
        or "\x00" in member.orig_filename
    ):
        return "a name that leads elsewhere"
    if member.flag_bits & 0x1:
        return "a member locked with a password"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or a device"
    if not _is_data(member):
        return ""
    if given.lower().endswith((".zip", ".7z", ".rar", ".tar", ".tgz")):
        return "an archive within the archive"
    place = "/".join(member_place(given).parts).lower()
    if place in seen:
        return "two files of one name"
    seen.add(place)
    return ""


def _is_data(member: zipfile.ZipInfo) -> bool:
    """Whether a member becomes a file: no folder, no leftovers of file managers."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    return not member.is_dir() and bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith(".")


def member_place(given: str) -> PurePosixPath:
    """Where a member goes below the upload's folder: its parts, each cleaned."""
    return PurePosixPath(*(clean_name(part) for part in given.replace("\\", "/").split("/") if part not in ("", ".")))


def _check_gzip(path: Path, name: str, problems: Problems) -> None:
    limit = min(LARGEST_UNPACKED, LARGEST_RATIO * path.stat().st_size + _SLACK)
    total = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(BLOCK):
                total += len(block)
                if total > limit:
                    problems.add(BOMB, name, found=f"more than {limit:,} bytes from {path.stat().st_size:,}")
                    return
    except (OSError, EOFError, zlib.error):
        problems.add(OTHER_CONTENT, name, found="a damaged file", expected="gzip")


def unpack(path: Path, folder: Path, name: str, problems: Problems) -> int:
    """Unpack a checked archive into an empty folder; returns the number of files. What is wrong yet goes to `problems`."""
    limit = min(LARGEST_UNPACKED, LARGEST_RATIO * path.stat().st_size + _SLACK)
    files = total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for number, member in enumerate(archive.infolist(), start=1):
                if not _is_data(member):
                    continue
                place = folder / member_place(member.filename)
                private_folder(place.parent)
                with archive.open(member) as packed, place.open("xb") as target:
                    total = _copied(packed, target, total, limit)
                place.chmod(0o600)
                if total > limit:
                    problems.add(BOMB, name, row=number, found=f"more than {limit:,} bytes")
                    return files
                with place.open("rb") as stream:
                    if _form(stream.read(1 << 16)) == "something else":
                        problems.add(OTHER_CONTENT, name, row=number, column="member", found="something else than data")
                files += 1
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, OSError):
        problems.add(OTHER_CONTENT, name, found="a damaged archive", expected="a ZIP archive")
    return files


def _copied(packed: IO[bytes], target: IO[bytes], total: int, limit: int) -> int:
    """Copy until the end, or until the limit of all members together is passed; returns the bytes so far."""
    while total <= limit and (block := packed.read(BLOCK)):
        total += len(block)
        target.write(block)
    return total
