"""Keys for exports, and what they make of identifiers and dates: equal key, equal result; without the key no way back.

A pseudonym is the HMAC-SHA-256 of what kind of identifier it is and the identifier, in base32, cut to 130 bits. A patient's dates all
move by one number of whole weeks between one and fifty-two, forward or back, which the key and the patient decide: intervals, and
days of the week, stay exact.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from openasm.base.errors import InputRefused, WrongUsage, why_unreadable
from openasm.base.problems import Problem, declare

KEY_UNREADABLE = declare(
    "X010",
    "the key file cannot be used",
    expected="a file that `openasm export --new-key` wrote",
    next_step="Give that file, or make a new key; exports under different keys cannot be joined.",
)
KEY_OPEN = declare(
    "X011",
    "other accounts may read the key file",
    expected="a key that its owner alone may read (mode 0600)",
    next_step="Take the others' permissions away (chmod 600), and think about who may have read it: a new key may be due.",
)

_MARK = "openasm-export-key-1"
_KEY_BYTES = 32
_LINE = re.compile(rf"{_MARK} ([A-Z2-7]{{52}})\n?", re.ASCII)
_LENGTH = 26  # base32 characters: 130 bits
_WEEKS = 52
TOP_AGE = 90  # ages over 89 become 90 (45 CFR 164.514(b)(2)(i)(C))


@dataclass(frozen=True, slots=True)
class ExportKey:
    """A key; it never shows itself."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Which key it is, without giving it away: sixteen hexadecimal digits."""
        return self._code("key id", "").hex()[:16]

    def pseudonym(self, kind: str, identifier: str) -> str:
        """The pseudonym of an identifier; the same identifier as another kind has another one. Empty stays empty.

        >>> key = ExportKey(bytes(32))
        >>> key.pseudonym("patient", "A1") == key.pseudonym("patient", "A1") != key.pseudonym("claim", "A1")
        True
        """
        if not identifier:
            return ""
        return base64.b32encode(self._code(f"pseudonym {kind}", identifier)).decode()[:_LENGTH].lower()

    def shift(self, patient: str) -> dt.timedelta:
        """By how much the patient's dates move: whole weeks, never none."""
        drawn = int.from_bytes(self._code("weeks", patient)[:8], "big") % (2 * _WEEKS)
        return dt.timedelta(weeks=drawn - _WEEKS if drawn < _WEEKS else drawn - _WEEKS + 1)

    def moved(self, patient: str, day: dt.date) -> dt.date:
        """A date of the patient's, moved."""
        return day + self.shift(patient)

    def _code(self, purpose: str, text: str) -> bytes:
        return hmac.new(self.secret, f"openasm-export\x1f{purpose}\x1f{text}".encode(), hashlib.sha256).digest()


def top_coded(age: int) -> int:
    """An age as it may be shared: 90 stands for all above 89.

    >>> top_coded(89), top_coded(101)
    (89, 90)
    """
    return min(age, TOP_AGE)


def shared_birth_year(birth: dt.date, *, year: int) -> int:
    """The year of birth as it may be shared: of people who turn 90 by the end of `year`, that of a 90-year-old.

    >>> shared_birth_year(dt.date(1950, 5, 1), year=2027), shared_birth_year(dt.date(1930, 5, 1), year=2027)
    (1950, 1937)
    """
    return max(birth.year, year - TOP_AGE)


def new_key(path: Path) -> ExportKey:
    """Make a key and write it to a new file that its owner alone may read; WrongUsage where something has that name already."""
    secret = secrets.token_bytes(_KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUsage(f"{path.name} exists; a key is never overwritten. Give another name.") from None
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(f"{_MARK} {base64.b32encode(secret).decode().rstrip('=')}\n")
        stream.flush()
        os.fsync(stream.fileno())
    return ExportKey(secret)


def read_key(path: Path) -> ExportKey:
    """The key of a file; InputRefused when it is none (X010) or lies open to others (X011)."""
    try:
        open_to_others = stat.S_IMODE(path.stat().st_mode) & 0o077
        found = _LINE.fullmatch(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused([Problem(KEY_UNREADABLE, path.name, found=why_unreadable(error))]) from None
    if found is None:
        raise InputRefused([Problem(KEY_UNREADABLE, path.name, found="a file of another form")])
    if open_to_others:
        raise InputRefused([Problem(KEY_OPEN, path.name)])
    return ExportKey(base64.b32decode(found.group(1) + "===="))
