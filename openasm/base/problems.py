"""Numbered problems: what is wrong with an input, said so that its owner can mend it.

A *problem kind* is declared once by the room that finds it and keeps its code for ever; codes are never renumbered or
used again. A *problem* is one finding of a kind. Readers collect every problem of a file and raise once.

No message holds a patient's identifier: say where (file, row, column), never who.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from openasm.base.errors import InputRefused


class Severity(StrEnum):
    """What a problem does to the work at hand."""

    ERROR = "error"  # the input is refused
    WARNING = "warning"  # the work goes on; the result says so


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem, as listed in the reference.

    code: a letter for the room and three digits (`S101`), stable for ever.
    title: what is wrong, in a few plain words.
    expected: what a correct input has there.
    next_step: what the reader of the message can do about it.
    citation: the rule or format behind the expectation, empty when it is a matter of form.
    """

    code: str
    title: str
    expected: str
    next_step: str
    severity: Severity = Severity.ERROR
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    file: name of the file without its folders; row: 1-based data row of a table (the header is row 0), line of a text, record of a
    fixed-width file, or a workbook's own row number, None for the whole file; column: column or element; found: what stood there, shortened, never a patient's identifier; count: how many
    further places of the same kind this entry stands for.
    """

    kind: ProblemKind
    file: str
    row: int | None = None
    column: str = ""
    found: str = ""
    expected: str = ""
    count: int = 1

    @property
    def where(self) -> str:
        """File, row and column as one phrase: `quality.csv, row 3, column met`; of YAML, XML and JSON the line and the name."""
        is_text = self.file.endswith((".yaml", ".yml", ".xml", ".json"))
        parts = [self.file]
        if self.row:  # row 0 is the header, and its columns are named
            parts.append(f"{'line' if is_text else 'row'} {self.row}")
        if self.column:
            parts.append(self.column if is_text else f"column {self.column}")
        return ", ".join(part for part in parts if part)

    def as_text(self) -> str:
        """The message a person reads: code, where, what was found, what was expected, what to do."""
        found = f" Found {self.found}." if self.found else ""
        more = f" ({self.count} places)" if self.count > 1 else ""
        cited = f" [{self.kind.citation}]" if self.kind.citation else ""
        expected = self.expected or self.kind.expected
        return (
            f"{self.kind.code} {self.where}: {self.kind.title}{more}.{found} Expected {expected}.{cited} "
            f"{self.kind.next_step}"
        )

    def as_record(self) -> dict[str, object]:
        """The same as a JSON-ready mapping (manifest, `--json`)."""
        return {
            "code": self.kind.code,
            "severity": self.kind.severity.value,
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "title": self.kind.title,
            "found": self.found,
            "expected": self.expected or self.kind.expected,
            "citation": self.kind.citation,
            "next_step": self.kind.next_step,
            "count": self.count,
        }


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems as their owner goes through the files: files as they came, in each what concerns it whole, then row by row, column by
    column; what stands for further places of a kind comes last.

    >>> kind = ProblemKind("Z999", "bad", "good", "mend it")
    >>> [each.row for each in in_reading_order([Problem(kind, "a.csv", row) for row in (7, 2, None)])]
    [None, 2, 7]
    """
    found = list(problems)
    files = {file: place for place, file in reversed(list(enumerate(each.file for each in found)))}

    def place(each: Problem) -> tuple[int, bool, int, str]:
        return files[each.file], each.found.endswith("more of the same"), each.row or 0, each.column

    return sorted(found, key=place)


_CATALOGUE: dict[str, ProblemKind] = {}


def declare(
    code: str,
    title: str,
    *,
    expected: str,
    next_step: str,
    severity: Severity = Severity.ERROR,
    citation: str = "",
) -> ProblemKind:
    """Enter a kind in the catalogue and return it. A code declared twice raises ValueError."""
    if code in _CATALOGUE:
        raise ValueError(f"problem code {code} is declared twice")
    kind = ProblemKind(code, title, expected, next_step, severity, citation)
    _CATALOGUE[code] = kind
    return kind


def catalogue() -> Mapping[str, ProblemKind]:
    """Every kind declared by the modules imported so far, by code."""
    return dict(sorted(_CATALOGUE.items()))


def shown(value: object, limit: int = 40) -> str:
    """A found value as it may be printed: quoted, printable, shortened.

    >>> shown("12a")
    "'12a'"
    """
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


@dataclass(slots=True)
class Problems:
    """The problems of one input, collected before anything is refused.

    At most `per_kind` entries of one kind, file and column are kept; the rest are counted in the last of them, so that a
    file with a million bad rows gives a short list and a bounded memory.
    """

    per_kind: int = 20
    _entries: list[Problem] = field(default_factory=list)
    _kept: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _overflow: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add(
        self,
        kind: ProblemKind,
        file: str,
        *,
        row: int | None = None,
        column: str = "",
        found: str = "",
        expected: str = "",
        count: int = 1,
    ) -> None:
        """Note a finding."""
        key = (kind.code, file, column)
        kept = self._kept.get(key, 0)
        if kept >= self.per_kind:
            self._overflow[key] = self._overflow.get(key, 0) + count
            return
        self._kept[key] = kept + 1
        self._entries.append(Problem(kind, file, row, column, found, expected, count))

    def extend(self, others: Iterable[Problem]) -> None:
        """Take over findings made elsewhere."""
        for other in others:
            self.add(
                other.kind,
                other.file,
                row=other.row,
                column=other.column,
                found=other.found,
                expected=other.expected,
                count=other.count,
            )

    def __iter__(self) -> Iterator[Problem]:
        yield from self._entries
        for (code, file, column), count in self._overflow.items():
            yield Problem(_CATALOGUE[code], file, None, column, f"{count} more of the same", "", count)

    def __len__(self) -> int:
        return len(self._entries) + len(self._overflow)

    @property
    def errors(self) -> list[Problem]:
        """The findings that refuse the input."""
        return [problem for problem in self if problem.kind.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Problem]:
        """The findings that do not."""
        return [problem for problem in self if problem.kind.severity is Severity.WARNING]

    def refuse_errors(self) -> None:
        """Raise InputRefused with every error found, if there is one."""
        errors = self.errors
        if errors:
            raise InputRefused(errors)
