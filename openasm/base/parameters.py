"""Rule values that never travel without unit, years, citation, edition and evidence status.

A parameter file is YAML, one a section of the rule:

    section: payment
    title: Payment adjustment
    parameters:
      risk_level:
        title: Share of Part B payments at risk
        unit: fraction
        type: number
        values:
          - years: [2027, 2028]
            value: 0.09
            citation: 42 CFR 512.750(c)(1)(i); ASM model page, 17 Jul 2026
            edition: CY 2026 PFS final rule (CMS-1832-F)
            status: cms
            note: 9% in the first two performance years

The loader refuses unknown keys, missing citations, wrong types and overlapping years, each with file and line and all at
once. A year that no entry covers raises `RuleUnpublished`; nothing is carried forward silently.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from openasm.base.errors import NotFound, RuleUnpublished, why_unreadable
from openasm.base.problems import ProblemKind, Problems, declare, shown

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is built in

RuleValue = Fraction | int | bool | str | tuple["RuleValue", ...] | Mapping[str, "RuleValue"]


class Evidence(StrEnum):
    """How sure a rule value is."""

    CODIFIED = "codified"  # the words of 42 CFR part 512 subpart G were read
    CMS = "cms"  # a CMS publication says so
    SECONDARY = "secondary"  # articles or vendors restating CMS
    ANALOG = "analog"  # taken from a sibling CMS programme
    ASSUMED = "assumed"  # our decision
    USER = "user"  # a value the user put in its place, with the user's citation

    @property
    def confirmed(self) -> bool:
        """Whether the value was read in CMS's own words (a user's value counts as the user's to answer for)."""
        return self in (Evidence.CODIFIED, Evidence.CMS, Evidence.USER)


class ValueType(StrEnum):
    """Shape of a value; numbers are exact (decimal text to fraction), never binary floats."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"
    NUMBERS = "numbers"  # a list of numbers
    TEXTS = "texts"  # a list of texts
    TABLE = "table"  # a mapping of names to numbers, texts, lists or mappings


@dataclass(frozen=True, slots=True)
class Parameter:
    """One rule value in force for one performance year.

    name: `section.key`; value: exact; years: the performance years the entry covers; assumed_from_year: the year a what-if
    borrowed the value from.
    """

    name: str
    title: str
    unit: str
    type: ValueType
    value: RuleValue
    years: tuple[int, ...]
    citation: str
    edition: str
    status: Evidence
    note: str = ""
    source_file: str = ""
    source_line: int = 0
    assumed_from_year: int | None = None

    @property
    def confirmed(self) -> bool:
        """Read in CMS's own text, or supplied by the user; never so when borrowed from another year."""
        return self.status.confirmed and self.assumed_from_year is None

    @property
    def exact(self) -> Fraction:
        """The value as an exact fraction (NUMBER and INTEGER only)."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | Fraction):
            raise TypeError(f"{self.name} is not a number")
        return Fraction(self.value)

    @property
    def number(self) -> float:
        """The value as the nearest float."""
        return float(self.exact)

    @property
    def integer(self) -> int:
        """The value as an int (INTEGER only)."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise TypeError(f"{self.name} is not an integer")
        return self.value

    @property
    def text(self) -> str:
        """The value as text (TEXT only)."""
        if not isinstance(self.value, str):
            raise TypeError(f"{self.name} is not text")
        return self.value

    @property
    def flag(self) -> bool:
        """The value as a bool (BOOLEAN only)."""
        if not isinstance(self.value, bool):
            raise TypeError(f"{self.name} is not yes or no")
        return self.value

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The value as exact fractions (NUMBERS only)."""
        if self.type is not ValueType.NUMBERS or not isinstance(self.value, tuple):
            raise TypeError(f"{self.name} is not a list of numbers")
        return tuple(Fraction(item) for item in self.value if isinstance(item, int | Fraction))

    @property
    def texts(self) -> tuple[str, ...]:
        """The value as texts (TEXTS only)."""
        if self.type is not ValueType.TEXTS or not isinstance(self.value, tuple):
            raise TypeError(f"{self.name} is not a list of texts")
        return tuple(item for item in self.value if isinstance(item, str))

    @property
    def table(self) -> Mapping[str, RuleValue]:
        """The value as a mapping (TABLE only)."""
        if not isinstance(self.value, Mapping):
            raise TypeError(f"{self.name} is not a table")
        return self.value

    def as_record(self) -> dict[str, object]:
        """JSON-ready mapping: what `openasm rules --json` and a run's manifest hold."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "value": plain_value(self.value),
            "years": list(self.years),
            "citation": self.citation,
            "edition": self.edition,
            "status": self.status.value,
            "confirmed": self.confirmed,
            "note": self.note,
            "assumed_from_year": self.assumed_from_year,
        }


def plain_value(value: RuleValue) -> object:
    """A rule value as JSON would hold it (fractions as the shortest float)."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    return value


def value_from_plain(value: object, kind: ValueType | None = None) -> RuleValue:
    """A rule value back from what `plain_value` made of it: numbers exact again, by their shortest decimal text.

    >>> value_from_plain(0.09, ValueType.NUMBER), value_from_plain([1, "x"])
    (Fraction(9, 100), (Fraction(1, 1), 'x'))
    """
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return int(value) if kind is ValueType.INTEGER else Fraction(repr(value))
    if isinstance(value, Mapping):
        return {str(key): value_from_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(value_from_plain(item) for item in value)
    raise TypeError("a rule value is a number, a text, yes or no, a list or a table")


@dataclass(frozen=True)
class RuleBook:
    """Every parameter entry of a set of files; `for_year` gives the values in force."""

    entries: tuple[Parameter, ...]

    def for_year(self, year: int, *, assume_year: int | None = None) -> Rules:
        """The values of one performance year.

        assume_year: a what-if may borrow another year's value where this one has none; each borrowed value says so.
        Raises RuleUnpublished, naming every missing parameter, when a value has no entry for the year.
        """
        by_name: dict[str, Parameter] = {}
        names = {entry.name: None for entry in self.entries}
        for entry in self.entries:
            if year in entry.years:
                by_name[entry.name] = entry
        missing = [name for name in names if name not in by_name]
        if missing and assume_year is not None:
            for entry in self.entries:
                if entry.name in missing and assume_year in entry.years:
                    by_name[entry.name] = replace(entry, assumed_from_year=assume_year)
            missing = [name for name in names if name not in by_name]
        if missing:
            published = sorted({known for entry in self.entries if entry.name in missing for known in entry.years})
            known = ", ".join(str(each) for each in published) or "none"
            raise RuleUnpublished(
                f"No published value for performance year {year}: {_named(missing, year)}. Years with values: {known}. "
                "Give a file of values with --rules, or ask a what-if to assume another year with --assume-year."
            )
        return Rules(year, {name: by_name[name] for name in names})

    def overlaid(self, overlay: RuleBook) -> RuleBook:
        """This book with the overlay's entries in place of the same names and years."""
        replaced = {(entry.name, year) for entry in overlay.entries for year in entry.years}
        kept: list[Parameter] = []
        for entry in self.entries:
            years = tuple(year for year in entry.years if (entry.name, year) not in replaced)
            if years:
                kept.append(entry if years == entry.years else replace(entry, years=years))
        return RuleBook((*kept, *overlay.entries))


@dataclass(frozen=True)
class Rules:
    """The parameters in force for one performance year."""

    year: int
    parameters: Mapping[str, Parameter]

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self.parameters[name]
        except KeyError:
            raise NotFound(f"There is no rule parameter named {name}.") from None

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters.values())

    @property
    def unconfirmed(self) -> tuple[Parameter, ...]:
        """Parameters not yet read in CMS's own text."""
        return tuple(parameter for parameter in self if not parameter.confirmed)

    def with_value(self, name: str, value: RuleValue, *, citation: str) -> Rules:
        """These rules with one value replaced (what-if); the new value carries the given citation and status `user`."""
        changed = replace(self[name], value=value, citation=citation, status=Evidence.USER)
        return Rules(self.year, {**self.parameters, name: changed})


BAD_YAML = declare(
    "R001",
    "the file is not readable YAML",
    expected="a YAML mapping with section, title and parameters",
    next_step="Mend the line named; indentation and colons are the usual cause.",
)
UNKNOWN_KEY = declare(
    "R002",
    "unknown key",
    expected="one of the documented keys",
    next_step="Check the spelling against docs/reference/rules.md, or remove the key.",
)
MISSING_KEY = declare(
    "R003",
    "a required key is missing or empty",
    expected="every value with unit, years, citation, edition and status",
    next_step="Add the key; a value without its source is not taken.",
)
WRONG_TYPE = declare(
    "R004",
    "the value has the wrong type",
    expected="a value of the declared type",
    next_step="Write the value in the declared type, or correct `type`.",
)
OVERLAPPING_YEARS = declare(
    "R005",
    "two entries cover the same performance year",
    expected="at most one entry a year",
    next_step="Remove the year from one of the entries.",
)
BAD_YEARS = declare(
    "R006",
    "the years are not performance years",
    expected="whole years between 2027 and 2031",
    next_step="List each year the value holds for, for example [2027, 2028].",
)
BAD_STATUS = declare(
    "R007",
    "unknown evidence status",
    expected="codified, cms, secondary, analog, assumed or user",
    next_step="Use the status that says how the value is known.",
)
UNKNOWN_PARAMETER = declare(
    "R008",
    "an overlay names a parameter that does not exist",
    expected="a name printed by `openasm rules`",
    next_step="Check section and name against `openasm rules`.",
)
REPEATED_NAME = declare(
    "R009",
    "a name stands twice",
    expected="each key once",
    next_step="Merge the two entries.",
)

_FILE_KEYS = {"section", "title", "parameters"}
_PARAMETER_KEYS = {"title", "unit", "type", "values"}
_ENTRY_KEYS = {"years", "value", "citation", "edition", "status", "note"}


def load_rule_book(paths: Iterable[Path], *, problems: Problems | None = None) -> RuleBook:
    """Read parameter files, refusing them all at once (InputRefused) when any has an error."""
    found = Problems() if problems is None else problems
    entries: list[Parameter] = []
    for path in paths:
        entries.extend(_Reader(path, found, overlay_of=None).entries())
    _check_overlaps(entries, found)
    found.refuse_errors()
    return RuleBook(tuple(entries))


def load_overlays(paths: Iterable[Path], book: RuleBook) -> RuleBook:
    """Read overlay files and lay them, in order, over `book`.

    An overlay has the same form; title, unit and type may be left out (they come from the book), and the status becomes
    `user`: the value is the user's, with the user's citation.
    """
    problems = Problems()
    result = book
    for path in paths:
        entries = list(_Reader(path, problems, overlay_of=book).entries())
        _check_overlaps(entries, problems)
        result = result.overlaid(RuleBook(tuple(entries)))
    problems.refuse_errors()
    return result


def _check_overlaps(entries: Sequence[Parameter], problems: Problems) -> None:
    seen: dict[tuple[str, int], Parameter] = {}
    for entry in entries:
        for year in entry.years:
            earlier = seen.setdefault((entry.name, year), entry)
            if earlier is not entry:
                problems.add(
                    OVERLAPPING_YEARS,
                    entry.source_file,
                    row=entry.source_line,
                    column=entry.name,
                    found=f"{year}, also at {earlier.source_file} line {earlier.source_line}",
                )


class _Reader:
    """Walks one file's YAML nodes, so that each complaint knows its line."""

    def __init__(self, path: Path, problems: Problems, *, overlay_of: RuleBook | None) -> None:
        self.path = path
        self.problems = problems
        self.known = None if overlay_of is None else {entry.name: entry for entry in overlay_of.entries}

    def complain(
        self, kind: ProblemKind, node: Node | None, column: str = "", found: str = "", expected: str = ""
    ) -> None:
        line = None if node is None else node.start_mark.line + 1
        self.problems.add(kind, self.path.name, row=line, column=column, found=found, expected=expected)

    def entries(self) -> Iterator[Parameter]:
        try:
            root = yaml.compose(self.path.read_text(encoding="utf-8"), Loader=_LOADER)
        except (OSError, UnicodeDecodeError) as error:
            self.problems.add(BAD_YAML, self.path.name, found=why_unreadable(error))
            return
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.problems.add(BAD_YAML, self.path.name, row=None if mark is None else mark.line + 1)
            return
        top = self.mapping(root, "the file", _FILE_KEYS)
        if top is None:
            return
        section = self.required_text(top, "section", root, "the file")
        if self.known is None:
            self.required_text(top, "title", root, "the file")
        parameters = top.get("parameters")
        if parameters is None:
            self.complain(MISSING_KEY, root, "parameters")
            return
        by_name = self.mapping(parameters, "parameters", None)
        for name, node in (by_name or {}).items():
            yield from self.parameter(f"{section}.{name}", node)

    def mapping(self, node: Node | None, column: str, allowed: set[str] | None) -> dict[str, Node] | None:
        if not isinstance(node, MappingNode):
            self.complain(BAD_YAML, node, column, expected="a mapping of keys to values")
            return None
        result: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
            if allowed is not None and key not in allowed:
                self.complain(
                    UNKNOWN_KEY, key_node, column, found=shown(key), expected=f"one of {', '.join(sorted(allowed))}"
                )
            elif key in result:
                self.complain(REPEATED_NAME, key_node, column, found=shown(key))
            else:
                result[key] = value_node
        return result

    def required_text(self, keys: Mapping[str, Node], key: str, parent: Node | None, column: str) -> str:
        node = keys.get(key)
        if not isinstance(node, ScalarNode) or not node.value.strip():
            self.complain(MISSING_KEY, node or parent, column, found=f"no {key}")
            return ""
        return str(node.value).strip()

    def parameter(self, name: str, node: Node) -> Iterator[Parameter]:
        keys = self.mapping(node, name, _PARAMETER_KEYS)
        if keys is None:
            return
        base = None if self.known is None else self.known.get(name)
        if self.known is not None and base is None:
            self.complain(UNKNOWN_PARAMETER, node, name)
            return
        title = base.title if base and "title" not in keys else self.required_text(keys, "title", node, name)
        unit = base.unit if base and "unit" not in keys else self.required_text(keys, "unit", node, name)
        if base is not None:
            value_type = base.type
        else:
            type_text = self.required_text(keys, "type", node, name)
            if type_text not in {each.value for each in ValueType}:
                if type_text:
                    self.complain(WRONG_TYPE, keys["type"], name, found=shown(type_text), expected="a known type")
                return
            value_type = ValueType(type_text)
        values = keys.get("values")
        if not isinstance(values, SequenceNode) or not values.value:
            self.complain(MISSING_KEY, values or node, name, found="no values")
            return
        for entry in values.value:
            parsed = self.entry(name, entry, title, unit, value_type)
            if parsed is not None:
                yield parsed

    def entry(self, name: str, node: Node, title: str, unit: str, value_type: ValueType) -> Parameter | None:
        keys = self.mapping(node, name, _ENTRY_KEYS)
        if keys is None:
            return None
        before = len(self.problems)
        years = self.years(keys.get("years"), node, name)
        citation = self.required_text(keys, "citation", node, name)
        if self.known is not None:
            edition = (
                str(keys["edition"].value) if isinstance(keys.get("edition"), ScalarNode) else "supplied by the user"
            )
            status = Evidence.USER
        else:
            edition = self.required_text(keys, "edition", node, name)
            status_text = self.required_text(keys, "status", node, name)
            status = Evidence.ASSUMED
            if status_text in {each.value for each in Evidence}:
                status = Evidence(status_text)
            elif status_text:
                self.complain(BAD_STATUS, keys["status"], name, found=shown(status_text))
        note = keys.get("note")
        value: RuleValue = 0
        value_node = keys.get("value")
        if value_node is None:
            self.complain(MISSING_KEY, node, name, found="no value")
        else:
            try:
                value = _typed(value_node, value_type)
            except ValueError as error:
                self.complain(WRONG_TYPE, value_node, name, found=str(error), expected=f"a value of type {value_type}")
            except RecursionError:
                self.complain(BAD_YAML, value_node, name, found="a value that holds itself")
        if len(self.problems) > before:
            return None
        return Parameter(
            name=name,
            title=title,
            unit=unit,
            type=value_type,
            value=value,
            years=years,
            citation=citation,
            edition=edition,
            status=status,
            note=str(note.value).strip() if isinstance(note, ScalarNode) else "",
            source_file=self.path.name,
            source_line=node.start_mark.line + 1,
        )

    def years(self, node: Node | None, parent: Node, name: str) -> tuple[int, ...]:
        if not isinstance(node, SequenceNode) or not node.value:
            self.complain(MISSING_KEY if node is None else BAD_YEARS, node or parent, name, found="no list of years")
            return ()
        years: list[int] = []
        for item in node.value:
            text = item.value if isinstance(item, ScalarNode) else ""
            if not (isinstance(text, str) and text.isascii() and text.isdigit() and 2027 <= int(text) <= 2031):
                self.complain(BAD_YEARS, item, name, found=shown(str(text)))
            elif int(text) in years:
                self.complain(OVERLAPPING_YEARS, item, name, found=text)
            else:
                years.append(int(text))
        return tuple(sorted(years))


def _typed(node: Node, value_type: ValueType) -> RuleValue:
    """A node's value in its declared type; ValueError says what stood there."""
    if value_type is ValueType.NUMBERS:
        return tuple(_typed(item, ValueType.NUMBER) for item in _items(node))
    if value_type is ValueType.TEXTS:
        return tuple(_typed(item, ValueType.TEXT) for item in _items(node))
    if value_type is ValueType.TABLE:
        if not isinstance(node, MappingNode):
            raise ValueError("not a table")
        return {str(key.value): _anything(value) for key, value in node.value}
    if not isinstance(node, ScalarNode):
        raise ValueError("a list or table")
    kind = node.tag.rsplit(":", 1)[-1]
    text = str(node.value)
    match value_type:
        case ValueType.NUMBER if kind in ("int", "float"):
            return _fraction(text)
        case ValueType.INTEGER if kind == "int" and _WHOLE.fullmatch(text):
            return int(text.replace("_", ""))
        case ValueType.BOOLEAN if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        case ValueType.TEXT if kind == "str":
            return text
        case _:
            raise ValueError(shown(text))


# Whole numbers as people write them; YAML would also take 0x10, 010 (eight) and 1:30 (ninety).
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9_]*)", re.ASCII)


def _anything(node: Node) -> RuleValue:
    """A value inside a table: number, text, flag, list or table, by what it looks like."""
    if isinstance(node, MappingNode):
        return {str(key.value): _anything(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return tuple(_anything(item) for item in node.value)
    kind = node.tag.rsplit(":", 1)[-1]
    wanted = {"int": ValueType.NUMBER, "float": ValueType.NUMBER, "bool": ValueType.BOOLEAN}.get(kind, ValueType.TEXT)
    return _typed(node, wanted)


def _items(node: Node) -> list[Node]:
    if not isinstance(node, SequenceNode):
        raise ValueError("not a list")
    return list(node.value)


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text.replace("_", ""))
    except (ValueError, ZeroDivisionError):
        raise ValueError(shown(text)) from None


def _named(missing: Sequence[str], year: int, most: int = 8) -> str:
    """The first names and how many more there are."""
    more = f" and {len(missing) - most} more (openasm rules --missing {year})" if len(missing) > most else ""
    return ", ".join(missing[:most]) + more


def unpublished_names(book: RuleBook, year: int) -> tuple[str, ...]:
    """Names that have no value for a year: what a manager should know months ahead."""
    names = {entry.name: None for entry in book.entries}
    covered = {entry.name for entry in book.entries if year in entry.years}
    return tuple(name for name in names if name not in covered)


def stamp(moment: dt.datetime) -> str:
    """A moment as manifests write it: UTC, whole seconds, `Z`."""
    return moment.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
