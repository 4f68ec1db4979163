"""Claims sent as tables (Parquet or CSV): finding the files, reading every column strictly, naming bad rows."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from openasm.base.problems import ProblemKind, Problems, Severity, declare
from openasm.claims.accounting import FIRST_ROWS, Account, Places, report_rows
from openasm.tables.duckdb_engine import DuckDbEngine

TABLE_FILE_MISSING = declare(
    "C301",
    "no file of this table was given",
    expected="a Parquet or CSV file, or a folder of them, with the table's name",
    next_step="Add the file; a table without rows still needs its header.",
)
NOT_READABLE = declare(
    "C302",
    "the file is not a table of the kind its name says",
    expected="a whole Parquet file, or CSV in UTF-8 with a header and as many fields in every line",
    next_step="Export it again; look at the line named.",
)
COLUMN_ABSENT = declare(
    "C303", "a column is missing", expected="the column named", next_step="Add the column; names are lower case."
)
COLUMN_EXTRA = declare(
    "C304",
    "a column is not known and was ignored",
    expected="only documented columns",
    next_step="Nothing needs doing unless a known column was misspelt.",
    severity=Severity.WARNING,
)
BAD_VALUE = declare(
    "C305", "a value cannot be read", expected="a value of the column's type", next_step="Correct the value."
)
VALUE_ABSENT = declare(
    "C306", "a value is missing", expected="a value in every row", next_step="Fill it in or leave the row out."
)
CODE_UNUSABLE = declare(
    "C307",
    "codes do not have the form of their kind and were taken as missing",
    expected="codes in their standard form",
    next_step="Correct them if they are many; spreadsheets drop leading zeros.",
    severity=Severity.WARNING,
)
KEY_REPEATED = declare(
    "C308", "rows share a key that must be unique", expected="each key once", next_step="Keep one row of each key."
)

_ENDINGS = (".parquet", ".csv", ".csv.gz")
_LINE = re.compile(r"Line: ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Value:
    """How a column becomes a value: SQL of the value, SQL that is true where it cannot be read, is missing or is unusable.

    `bad` refuses the file, `absent` too; `unusable` is counted and made null by `value`.
    """

    value: str
    bad: str = "false"
    absent: str = "false"
    unusable: str = "false"
    expected: str = ""


def find_table(sources: Sequence[Path], name: str) -> list[Path]:
    """The files of a table behind files and folders given: `name.*`, `name_anything.*` or everything in a folder `name`."""
    found: list[Path] = []
    for source in sources:
        candidates = sorted(source.rglob("*")) if source.is_dir() else [source]
        for path in candidates:
            if not path.is_file() or path.name.startswith(".") or not path.name.lower().endswith(_ENDINGS):
                continue
            stem = path.name.lower().split(".")[0]
            if stem == name or re.fullmatch(rf"{name}[-_]?[0-9].*", stem) or path.parent.name.lower() == name:
                found.append(path)
    return found


def text(column: str) -> str:
    """SQL of a column as text, blanks at the ends removed, empty as null."""
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def plain_text(column: str, *, required: bool = False) -> Value:
    """Any text."""
    return Value(text(column), absent=f"{text(column)} IS NULL" if required else "false")


def code(column: str, form: str, expression: str = "", *, required: bool = False) -> Value:
    """Text of a form (regular expression), upper case; any other is unusable, or bad where a value is required."""
    value = expression or f"upper({text(column)})"
    wrong = f"({value} IS NOT NULL AND NOT regexp_full_match({value}, '{form}'))"
    if required:
        return Value(value, bad=wrong, absent=f"{text(column)} IS NULL")
    return Value(f"CASE WHEN NOT {wrong} THEN {value} END", unusable=wrong)


def word(column: str, words: Mapping[str, str], *, required: bool = False) -> Value:
    """One of some words, each standing for a value."""
    cases = " ".join(f"WHEN '{given}' THEN '{meant}'" for given, meant in words.items())
    value = f"CASE lower({text(column)}) {cases} END"
    return Value(
        value,
        bad=f"({text(column)} IS NOT NULL AND {value} IS NULL)",
        absent=f"{text(column)} IS NULL" if required else "false",
        expected=f"one of {', '.join(dict.fromkeys(words.values()))}",
    )


def date(column: str, kind: str, *, required: bool = False) -> Value:
    """A date from 1900 to 2100, as a date or as text year-month-day."""
    if kind.startswith(("DATE", "TIMESTAMP")):
        value, wrong = f"CAST({column} AS DATE)", "false"
    else:
        shaped = f"regexp_full_match({text(column)}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}( 00:00:00.*)?')"
        value = f"CASE WHEN {shaped} THEN TRY_CAST({text(column)}[1:10] AS DATE) END"
        wrong = f"({text(column)} IS NOT NULL AND {value} IS NULL)"
    beyond = f"({value} NOT BETWEEN DATE '1900-01-01' AND DATE '2100-12-31')"
    return Value(
        value,
        bad=f"({wrong} OR coalesce({beyond}, false))",
        absent=f"{column} IS NULL OR {text(column)} IS NULL" if required else "false",
        expected="a date as in 2027-03-31",
    )


def integer(column: str, kind: str, *, required: bool = False, low: int | None = None) -> Value:
    """A whole number."""
    if kind.endswith("INT") or kind in ("INTEGER", "BIGINT", "HUGEINT"):
        value, wrong = f"CAST({column} AS BIGINT)", "false"
    else:
        shaped = f"regexp_full_match({text(column)}, '-?[0-9]{{1,15}}(\\.0+)?')"
        value = f"CASE WHEN {shaped} THEN CAST(split_part({text(column)}, '.', 1) AS BIGINT) END"
        wrong = f"({text(column)} IS NOT NULL AND {value} IS NULL)"
    if low is not None:
        wrong = f"({wrong} OR coalesce({value} < {low}, false))"
    return Value(value, bad=wrong, absent=f"{text(column)} IS NULL" if required else "false", expected="a whole number")


def cents(column: str) -> Value:
    """Dollars with at most two decimals, as integer cents."""
    number = f"TRY_CAST({text(column)} AS DECIMAL(18, 4))"
    return Value(
        f"CAST(round({number} * 100) AS BIGINT)",
        bad=f"({text(column)} IS NOT NULL AND {number} IS NULL)",
        expected="an amount in dollars",
    )


def flag(column: str, kind: str, *, required: bool = False) -> Value:
    """Yes or no, in any of the usual spellings."""
    if kind == "BOOLEAN":
        return Value(column, absent=f"{column} IS NULL" if required else "false")
    given = f"lower({text(column)})"
    value = (
        f"CASE WHEN {given} IN ('true', 't', 'yes', 'y', '1') THEN true "
        f"WHEN {given} IN ('false', 'f', 'no', 'n', '0') THEN false END"
    )
    return Value(
        value,
        bad=f"({given} IS NOT NULL AND {value} IS NULL)",
        absent=f"{given} IS NULL" if required else "false",
        expected="true or false",
    )


@dataclass(slots=True)
class TableFile:
    """A file of a table, opened as a view of the engine.

    columns: with their types; skipped: rows (from 1) that are no rows of the table and that the view leaves out;
    readable: whether its rows can be read at all.
    """

    view: str
    path: Path
    columns: dict[str, str]
    skipped: list[int] = field(default_factory=list)
    readable: bool = True

    def rows_in_file(self, rows: Sequence[int]) -> list[int]:
        """The rows of the file (from 1) that rows of the view are."""
        found = []
        for row in rows:
            for skipped in self.skipped:
                if skipped > row:
                    break
                row += 1
            found.append(row)
        return found


def open_table(engine: DuckDbEngine, name: str, files: Sequence[Path], problems: Problems) -> list[TableFile]:
    """Make a view of each file. Unreadable files are problems."""
    opened: list[TableFile] = []
    for number, path in enumerate(files):
        view = f"source_{name}_{number}"
        try:
            reader = f"read_parquet('{_quoted(path)}')" if path.suffix == ".parquet" else _csv(path)
            engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {reader}")
            described = engine.execute(f"DESCRIBE {view}")
        except (duckdb.Error, ValueError, csv.Error, EOFError, OSError) as error:
            _unreadable(path, error, problems)
            continue
        opened.append(TableFile(view, path, {str(row[0]): str(row[1]) for row in described}))
    return opened


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _csv(path: Path, more: str = "") -> str:
    """The reading of a CSV file with its own header; guessing a dialect would let a broken line pass as a header.

    Raises ValueError when the first line is no header.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        first = stream.readline(1_000_000).decode("utf-8-sig")
    header = next(csv.reader([first], strict=True), [])
    names = [title.strip() for title in header]
    if not names or len(set(names)) < len(names) or not all(names):
        raise ValueError("no header")
    columns = ", ".join("'{}': 'VARCHAR'".format(title.replace("'", "''")) for title in names)
    return (
        f"read_csv('{_quoted(path)}', header = true, auto_detect = false, columns = {{{columns}}}, delim = ',', "
        f"quote = '\"', escape = '\"', strict_mode = true, max_line_size = 1000000{more})"
    )


def _unreadable(path: Path, error: Exception, problems: Problems) -> None:
    line = _LINE.search(str(error))
    problems.add(NOT_READABLE, path.name, row=int(line[1]) - 1 if line else None)


def check_columns(file: TableFile, needed: Sequence[str], known: Sequence[str], problems: Problems) -> bool:
    """Whether every needed column is there; missing and unknown ones are noted."""
    for column in file.columns:
        if column not in known:
            problems.add(COLUMN_EXTRA, file.path.name, row=0, column=column[:60])
    missing = [column for column in needed if column not in file.columns]
    for column in missing:
        problems.add(COLUMN_ABSENT, file.path.name, row=0, column=column)
    return not missing


def check_values(
    engine: DuckDbEngine, file: TableFile, values: Mapping[str, Value], account: Account, problems: Problems
) -> None:
    """Count the rows of a file and note every value that cannot be read, is missing or unusable, the first with their rows.

    Lines of a CSV file that are no rows are noted too, and left out of the file's view, so that all else is still checked.
    """
    rules: list[tuple[ProblemKind, str, str, str]] = []
    for column, value in values.items():
        for kind, condition in ((BAD_VALUE, value.bad), (VALUE_ABSENT, value.absent), (CODE_UNUSABLE, value.unusable)):
            if condition != "false":
                rules.append((kind, column, condition, value.expected))
    sums = ", ".join(f"coalesce(sum(CAST({condition} AS INTEGER)), 0)" for _, _, condition, _ in rules)
    query = f"SELECT count(*){', ' + sums if sums else ''} FROM {file.view}"
    try:
        try:
            counts = engine.execute(query)[0]
        except duckdb.Error:
            if file.path.suffix == ".parquet":
                raise
            _leave_out_broken_lines(engine, file, problems)
            counts = engine.execute(query)[0]
    except duckdb.Error as error:
        file.readable = False
        _unreadable(file.path, error, problems)
        return
    account.records += int(counts[0])
    found = [(rule, int(count)) for rule, count in zip(rules, counts[1:], strict=True) if count]
    first = _first_rows(engine, file, [condition for (_, _, condition, _), _ in found])
    for ((kind, column, _, expected), count), rows in zip(found, first, strict=True):
        places = Places(count, dict.fromkeys(rows, ""))
        report_rows(kind, file.path.name, places, problems, column=column, expected=expected)


def _leave_out_broken_lines(engine: DuckDbEngine, file: TableFile, problems: Problems) -> None:
    """Note every line of a CSV file that is no row of its table, and have the view leave them out."""
    kept = ", store_rejects = true, rejects_table = 'broken_lines', rejects_scan = 'broken_scans', rejects_limit = 0"
    try:
        engine.execute(f"SELECT count(COLUMNS(*)) FROM {_csv(file.path, kept)}")
        # A line's number counts the header.
        lines = engine.execute("SELECT DISTINCT line FROM broken_lines WHERE line > 1 ORDER BY line")
    finally:
        for table in ("broken_lines", "broken_scans"):
            engine.execute(f"DROP TABLE IF EXISTS {table}")
    file.skipped = [int(line) - 1 for (line,) in lines]
    for row in file.skipped:
        problems.add(NOT_READABLE, file.path.name, row=row)
    engine.execute(
        f"CREATE OR REPLACE TEMP VIEW {file.view} AS SELECT * FROM {_csv(file.path, ', ignore_errors = true')}"
    )


def _first_rows(engine: DuckDbEngine, file: TableFile, conditions: Sequence[str]) -> list[list[int]]:
    """The first rows (from 1) of a file for which each condition holds."""
    if not conditions:
        return []
    firsts = ", ".join(f"min(row, {FIRST_ROWS}) FILTER ({condition})" for condition in conditions)
    engine.execute("SET preserve_insertion_order = true")
    try:
        found = engine.execute(f"SELECT {firsts} FROM (SELECT *, row_number() OVER () AS row FROM {file.view})")[0]
    finally:
        engine.execute("SET preserve_insertion_order = false")
    return [file.rows_in_file(rows) for rows in found]


def check_key(
    engine: DuckDbEngine,
    parts: Sequence[tuple[TableFile, Mapping[str, Value]]],
    key: Sequence[str],
    problems: Problems,
    *,
    whole: str = "",
) -> None:
    """Note rows of a table's files that share a key, the first of each file with their rows.

    Rows whose key cannot be read are left out; files that lack a column of it too. whole: the table made of all files, if
    there is one already.
    """
    parts = [(file, values) for file, values in parts if file.readable and set(key) <= set(values)]
    if not parts:
        return
    columns = ", ".join(key)
    doubted = bool(problems.errors)
    query = whole or " UNION ALL ".join(_keys(file, values, key, doubted=doubted) for file, values in parts)
    # Numbers group several times faster than texts, and rows that share a key share its number.
    shared = f"SELECT hash({columns}) AS bucket FROM ({query}) GROUP BY bucket HAVING count(*) > 1 LIMIT 1"
    if not engine.execute(shared):
        return
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE shared_keys AS SELECT {columns} FROM ({query}) GROUP BY {columns} HAVING count(*) > 1"
    )
    engine.execute("SET preserve_insertion_order = true")
    try:
        for file, values in parts:
            keys = _keys(file, values, key, doubted=doubted, numbered=True)
            count, first = engine.execute(
                f"SELECT count(*), min(row, {FIRST_ROWS}) FROM ({keys}) SEMI JOIN shared_keys USING ({columns})"
            )[0]
            places = Places(int(count), dict.fromkeys(file.rows_in_file(first or ()), ""))
            report_rows(KEY_REPEATED, file.path.name, places, problems, column="+".join(key))
    finally:
        engine.execute("SET preserve_insertion_order = false")


def _keys(
    file: TableFile, values: Mapping[str, Value], key: Sequence[str], *, doubted: bool, numbered: bool = False
) -> str:
    """A query of the keys of a file; doubted: some cannot be read and are left out; numbered: with their rows."""
    shown = ", ".join(f"{values[column].value} AS {column}" for column in key)
    unread = " OR ".join(condition for column in key for condition in (values[column].bad, values[column].absent))
    kept = f"({unread}) IS NOT TRUE" if doubted else "true"
    if numbered:
        given = ", ".join(f'"{column}"' for column in key)
        return f"SELECT {shown}, row FROM (SELECT {given}, row_number() OVER () AS row FROM {file.view}) WHERE {kept}"
    return f"SELECT {shown} FROM {file.view} WHERE {kept}"
