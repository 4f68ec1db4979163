"""The failures a user can meet, each with its exit code.

Exit codes are an interface (docs/reference): 2 wrong usage, 3 input refused, 4 rule value unpublished for the year,
5 not found. Anything else that escapes is a defect of ours and ends with 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from openasm.base.problems import Problem


class OpenAsmError(Exception):
    """A failure with a message for people; shown without a traceback."""

    exit_code: ClassVar[int] = 1


class WrongUsage(OpenAsmError):
    """The command or call does not make sense as given."""

    exit_code: ClassVar[int] = 2


class InputRefused(OpenAsmError):
    """An input has errors; nothing was written. `problems` holds all of them."""

    exit_code: ClassVar[int] = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.as_text() for problem in self.problems))


class RuleUnpublished(OpenAsmError):
    """A rule value has not been published for the performance year asked for."""

    exit_code: ClassVar[int] = 4


class NotFound(OpenAsmError):
    """What was asked for by key is not there."""

    exit_code: ClassVar[int] = 5


def file_that_is_there(path: Path) -> Path:
    """The path given, where a file lies there; else NotFound. For files named by the user, before they are read."""
    if not path.is_file():
        what = "is no ordinary file" if path.exists() else "is not there"
        raise NotFound(f"The file {path.name} {what}.")
    return path


def why_unreadable(error: BaseException) -> str:
    """What is wrong with a file that could not be opened or parsed, in words and without any of its content.

    >>> why_unreadable(FileNotFoundError())
    'no such file'
    """
    for kind, words in (
        (FileNotFoundError, "no such file"),
        (IsADirectoryError, "a folder"),
        (PermissionError, "a file that this account may not read"),
        (UnicodeDecodeError, "bytes that are not UTF-8 text"),
    ):
        if isinstance(error, kind):
            return words
    if type(error).__name__ == "BadZipFile":  # by name: the module takes its time to load
        return "a file of another kind, or one cut short"
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
