"""Claims already in our shape: four tables as Parquet or CSV, checked strictly, all problems at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from openasm.base.problems import Problems
from openasm.claims.accounting import Account
from openasm.claims.contract import CLAIMS_TABLES, COST_BASES, SETTINGS
from openasm.claims.sources.delivery import Delivery, hash_beside
from openasm.claims.sources.tabular import (
    TABLE_FILE_MISSING,
    TableFile,
    Value,
    check_columns,
    check_key,
    check_values,
    code,
    date,
    find_table,
    flag,
    integer,
    open_table,
    plain_text,
    text,
    word,
)
from openasm.tables.contracts import ColumnContract, Kind
from openasm.tables.duckdb_engine import DuckDbEngine

SEXES = {
    "female": "female",
    "f": "female",
    "2": "female",
    "male": "male",
    "m": "male",
    "1": "male",
    "unknown": "unknown",
    "0": "unknown",
    "u": "unknown",
}
_WORDS: dict[str, Mapping[str, str]] = {
    "setting": {setting: setting for setting in SETTINGS},
    "cost_basis": {basis: basis for basis in COST_BASES},
    "sex": SEXES,
}


def load_plain(engine: DuckDbEngine, sources: Sequence[Path]) -> Delivery:
    """Read the four tables from files or folders.

    Any missing table or column, unreadable or missing value and repeated key raises InputRefused, with rows where they are
    known; codes of a wrong form become null and are counted.
    """
    problems = Problems()
    queries: dict[str, str] = {}
    accounts: list[Account] = []
    inputs = []
    for name, contract in CLAIMS_TABLES.items():
        files = find_table(sources, name)
        if not files:
            problems.add(TABLE_FILE_MISSING, name)
            continue
        inputs += files
        account = Account(name, 0)
        parts: list[tuple[TableFile, dict[str, Value]]] = []
        for file in open_table(engine, name, files, problems):
            check_columns(file, contract.names, contract.names, problems)
            given = [column for column in contract.columns if column.name in file.columns]
            values = {column.name: _value(column, file.columns[column.name]) for column in given}
            check_values(engine, file, values, account, problems)
            parts.append((file, values))
        check_key(engine, parts, contract.key, problems)
        account.kept = account.records
        accounts.append(account)
        queries[name] = " UNION ALL ".join(
            f"SELECT {', '.join(f'{each.value} AS {column}' for column, each in values.items())} FROM {file.view}"
            for file, values in parts
        )
    problems.refuse_errors()
    return Delivery(
        {name: engine.sql(query) for name, query in queries.items()}, problems, accounts, hash_beside(inputs)
    )


def _value(column: ColumnContract, kind: str) -> Value:
    required = not column.may_be_null
    name = column.name
    if name in _WORDS:
        return word(name, _WORDS[name], required=required)
    if column.kind is Kind.DATE:
        return date(name, kind, required=required)
    if column.kind is Kind.INTEGER:
        return integer(name, kind, required=required, low=column.low if isinstance(column.low, int) else None)
    if column.kind is Kind.BOOLEAN:
        return flag(name, kind, required=required)
    if column.form:
        return code(name, column.form, _standard_form(name), required=required)
    return plain_text(name, required=required)


def _standard_form(name: str) -> str:
    """SQL that brings a code to its standard form, empty where upper case is enough."""
    raw = f"upper({text(name)})"
    if name in ("line_diagnosis", "code"):
        return f"replace({raw}, '.', '')"
    if name in ("zip", "service_zip"):
        return f"{raw}[1:5]"
    if name in ("tin", "ndc"):
        return f"replace({raw}, '-', '')"
    if name == "modifiers":
        return f"trim(regexp_replace({raw}, '[^0-9A-Z]+', ' ', 'g'))"
    return ""
