"""Checks of a file somebody attaches: its size, its name, and that it is of the kind its name says."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST_BYTES = 10 << 20
LONGEST_NAME = 120
_ENTRIES = 5_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A checked file. kind: ending of its name, in lower case."""

    name: str
    kind: str
    content: bytes


class BadAttachment(ValueError):
    """The file is not taken; the message says why, for people."""


def _office(part: str) -> Callable[[bytes], bool]:
    def is_office(content: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
            return False
        macros = any(name.lower().endswith("vbaproject.bin") for name in names)
        return len(names) <= _ENTRIES and part in names and "[Content_Types].xml" in names and not macros

    return is_office


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)


_KINDS: Mapping[str, Callable[[bytes], bool]] = {
    "pdf": lambda content: content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:],
    "png": lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"),
    "jpg": lambda content: content.startswith(b"\xff\xd8\xff"),
    "jpeg": lambda content: content.startswith(b"\xff\xd8\xff"),
    "docx": _office("word/document.xml"),
    "xlsx": _office("xl/workbook.xml"),
    "csv": _is_text,
    "txt": _is_text,
}
KINDS = tuple(_KINDS)
MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
}


def checked_attachment(name: str, content: bytes) -> Attachment:
    """The file, when it may be kept; BadAttachment with the reason when not.

    Of the name only letters, digits, spaces and `.-_()` stay. Office files with macros are refused.

    >>> checked_attachment("../notes\\n.TXT", b"kept").name
    'notes_.txt'
    """
    if not content:
        raise BadAttachment("The file is empty.")
    if len(content) > MOST_BYTES:
        raise BadAttachment(f"The file is larger than {MOST_BYTES >> 20} MB. Attach a smaller scan or an extract.")
    stem, _, ending = name.replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    kind = ending.lower()
    if kind not in _KINDS:
        raise BadAttachment(f"Files of these kinds are taken: {', '.join(KINDS)}.")
    if not _KINDS[kind](content):
        raise BadAttachment(f"The file is not what its name says: its content is no {kind}, or it holds macros.")
    clean = re.sub(r"[^\w .()-]", "_", stem, flags=re.ASCII).strip(" .") or "document"
    return Attachment(f"{clean[: LONGEST_NAME - len(kind) - 1]}.{kind}", kind, content)
