"""An export of ExplanationOfBenefit, Patient and Coverage resources to the four claims tables.

Resources are read one at a time; rows go to the engine in blocks, so that memory does not grow with the export.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.accounting import Account, stop_if_damaged
from openasm.claims.sources.delivery import Delivery, hash_beside
from openasm.claims.sources.eob.claim import (
    DENIED_CLAIM,
    UNKNOWN_SHAPE,
    UNKNOWN_TYPE,
    ClaimRows,
    read_claim,
)
from openasm.claims.sources.eob.elements import Unreadable
from openasm.claims.sources.eob.people import read_coverage, read_patient
from openasm.claims.sources.eob.stream import FileReader, find_files
from openasm.tables.duckdb_engine import DuckDbEngine

UNREADABLE = declare(
    "C206",
    "a resource lacks what it must have, or a date or amount cannot be read; it was left out",
    expected="an id, a patient, a service date, numbers as amounts",
    next_step="Report these resources to the sender; totals lack them.",
    severity=Severity.WARNING,
)
REPEATED = declare(
    "C207",
    "resources repeat others and were left out",
    expected="each claim once",
    next_step="Nothing needs doing; exports overlap. The one updated last was kept.",
    severity=Severity.WARNING,
)
NO_TIN = declare(
    "C208",
    "professional lines carry no taxpayer number",
    expected="tax_num on every line (version 2 sends it when tax numbers are asked for; version 3 does not send it)",
    next_step="Ask for tax numbers in the export: a line without one qualifies for no episode.",
    severity=Severity.WARNING,
)
NOT_KNOWN = declare(
    "C209",
    "claims of a type or shape that is not known were left out",
    expected="CMS's ExplanationOfBenefit, version 2 or 3",
    next_step="Check that the export comes from a CMS API; older shapes are not read.",
    severity=Severity.WARNING,
)
DENIED = declare(
    "C210",
    "denied claims and lines were left out",
    expected="only what Medicare allowed",
    next_step="Nothing needs doing.",
    severity=Severity.WARNING,
)

NOTES = (
    "Facility costs are rebuilt: payment + deductible + coinsurance + other payers (cost_basis rebuilt).",
    "A drug's cost is its whole price (cost_basis allowed).",
    "Version 3 carries no taxpayer number; such lines qualify for no episode.",
    "CMS's Patient has no county; institutional status and payment-standardized amounts are not there.",
)

_BLOCK = 20_000
_LINE_COLUMNS: dict[str, Any] = {
    "resource": pa.int64(),
    "line": pa.int64(),
    "setting": pa.string(),
    "from_date": pa.date32(),
    "thru_date": pa.date32(),
    **{
        column: pa.string()
        for column in (
            *("hcpcs", "modifiers", "line_diagnosis", "place_of_service", "specialty", "npi", "tin", "service_zip"),
            *("drg", "revenue_center", "ndc"),
        )
    },
    "allowed_cents": pa.int64(),
    "paid_cents": pa.int64(),
    "cost_cents": pa.int64(),
    "cost_basis": pa.string(),
}
_TABLES: dict[str, dict[str, Any]] = {
    "eob_claims": {
        "resource": pa.int64(),
        "beneficiary": pa.string(),
        "claim_id": pa.string(),
        "updated": pa.string(),
        "digest": pa.string(),
        "reason": pa.string(),
        "kept_items": pa.int64(),
    },
    "eob_lines": _LINE_COLUMNS,
    "eob_diagnoses": {"resource": pa.int64(), "position": pa.int64(), "code": pa.string()},
    "eob_patients": {
        "beneficiary": pa.string(),
        "updated": pa.string(),
        "birth_date": pa.date32(),
        "death_date": pa.date32(),
        "sex": pa.string(),
        "county_fips": pa.string(),
        "zip": pa.string(),
    },
    "eob_coverage": {
        "beneficiary": pa.string(),
        "first": pa.date32(),
        "last": pa.date32(),
        "part": pa.string(),
        "covered": pa.bool_(),
        "monthly": pa.bool_(),
        "esrd": pa.bool_(),
        "dual": pa.bool_(),
        "disabled_origin": pa.bool_(),
    },
}


class _Rows:
    """Rows on their way to the engine, a block at a time."""

    def __init__(self, engine: DuckDbEngine) -> None:
        self._engine = engine
        self._waiting: dict[str, dict[str, list[Any]]] = {}
        for table, columns in _TABLES.items():
            schema = pa.schema(list(columns.items()))
            engine.create_table(table, pa.RecordBatchReader.from_batches(schema, iter(())))
            self._waiting[table] = {column: [] for column in columns}

    def add(self, table: str, values: Mapping[str, Any]) -> None:
        columns = self._waiting[table]
        for name, kept in columns.items():
            kept.append(values.get(name))
        if len(kept) >= _BLOCK:
            self._send(table)

    def flush(self) -> None:
        for table in _TABLES:
            self._send(table)

    def _send(self, table: str) -> None:
        columns = self._waiting[table]
        schema = pa.schema(list(_TABLES[table].items()))
        self._engine.append(table, pa.table(columns, schema=schema))
        self._waiting[table] = {column: [] for column in columns}


def load_eob(engine: DuckDbEngine, sources: Sequence[Path]) -> Delivery:
    """Read FHIR files or folders into the four tables.

    Raises InputRefused for missing sources, cut or oversized files, and files of which more than one line or resource in a
    hundred cannot be read. Resources of other types are counted and left.
    """
    problems = Problems()
    files = find_files(sources, problems)
    problems.refuse_errors()
    rows = _Rows(engine)
    accounts: dict[str, Account] = {}
    items = Account("ExplanationOfBenefit items", 0)
    number = 0
    for path in files:
        reader = FileReader(path, problems)
        resources = unreadable = 0
        for line, resource in reader:
            number += 1
            resources += 1
            kind = str(resource.get("resourceType") or "no resource type")[:40]
            account = accounts.setdefault(kind, Account(kind, 0))
            account.records += 1
            try:
                _take(kind, resource, number, rows, account, items)
            except (Unreadable, AttributeError, TypeError) as error:
                unreadable += 1
                account.drop("cannot be read", 1)
                where = error.where if isinstance(error, Unreadable) else "an element of another type"
                problems.add(UNREADABLE, path.name, row=line, column=f"{kind}.{where}", found="a value not shown")
        if reader.broken:
            lines = accounts.setdefault("lines", Account("lines that are no JSON", 0))
            lines.records += reader.broken
            lines.drop("not JSON", reader.broken)
        stop_if_damaged(path.name, reader.broken, reader.lines, problems)
        stop_if_damaged(path.name, unreadable, resources, problems)
    problems.refuse_errors()
    rows.flush()
    _settle_repeats(engine, accounts, items)
    _report(engine, accounts, items, problems)
    tables = {name: engine.sql(query) for name, query in _queries().items()}
    ordered = [accounts[kind] for kind in sorted(accounts)]
    return Delivery(tables, problems, [*ordered, items], hash_beside(files), list(NOTES))


def _take(kind: str, resource: Mapping[str, Any], number: int, rows: _Rows, account: Account, items: Account) -> None:
    if kind == "ExplanationOfBenefit":
        claim = read_claim(resource)
        digest = hashlib.sha256(orjson.dumps(resource, option=orjson.OPT_SORT_KEYS)).hexdigest()
        _add_claim(claim, digest, number, rows, account, items)
    elif kind == "Patient":
        patient = read_patient(resource)
        names = tuple(_TABLES["eob_patients"])
        rows.add("eob_patients", dict(zip(names, astuple(patient), strict=True)))
        account.kept += 1
    elif kind == "Coverage":
        names = tuple(_TABLES["eob_coverage"])
        found = [dict(zip(names, astuple(row), strict=True)) for row in read_coverage(resource)]
        for each in found:
            rows.add("eob_coverage", each)
        if found:
            account.kept += 1
        else:
            account.drop("names no part of Medicare and no period", 1)
    else:
        account.drop("not used", 1)


def _add_claim(claim: ClaimRows, digest: str, number: int, rows: _Rows, account: Account, items: Account) -> None:
    items.records += claim.items
    rows.add(
        "eob_claims",
        {
            "resource": number,
            "beneficiary": claim.beneficiary,
            "claim_id": claim.claim_id,
            "updated": claim.updated,
            "digest": digest,
            "reason": claim.reason,
            "kept_items": claim.items - claim.denied_lines - claim.folded_lines,
        },
    )
    if claim.reason:
        account.drop(claim.reason, 1)
        items.drop(f"its claim: {claim.reason}", claim.items)
        return
    account.kept += 1
    items.drop("denied line", claim.denied_lines)
    items.drop("part of a bill that counts as one line", claim.folded_lines)
    items.kept += claim.items - claim.denied_lines - claim.folded_lines
    for line in claim.lines:
        rows.add("eob_lines", {**line, "resource": number})
    for position, code in enumerate(claim.diagnoses, start=1):
        rows.add("eob_diagnoses", {"resource": number, "position": position, "code": code})


def _settle_repeats(engine: DuckDbEngine, accounts: dict[str, Account], items: Account) -> None:
    """Keep, of claims with one id, the one updated last; ties by content, so that the order of files does not matter."""
    engine.execute(
        """
        CREATE OR REPLACE TEMP TABLE eob_repeats AS
        SELECT resource FROM eob_claims WHERE reason IS NULL
        QUALIFY row_number() OVER (PARTITION BY beneficiary, claim_id ORDER BY updated DESC, digest, resource) > 1
        """
    )
    repeats, lines = engine.execute(
        "SELECT count(*), coalesce(sum(kept_items), 0) FROM eob_claims WHERE resource IN (SELECT resource FROM eob_repeats)"
    )[0]
    if repeats:
        account = accounts["ExplanationOfBenefit"]
        account.kept -= int(repeats)
        account.drop("repeats another resource", int(repeats))
        items.kept -= int(lines)
        items.drop("its claim: repeats another resource", int(lines))


def _report(engine: DuckDbEngine, accounts: dict[str, Account], items: Account, problems: Problems) -> None:
    for account in (*accounts.values(), items):
        account.close()
    claims = accounts.get("ExplanationOfBenefit", Account("ExplanationOfBenefit", 0))
    for kind, reasons, account in (
        (REPEATED, ("repeats another resource",), claims),
        (NOT_KNOWN, (UNKNOWN_SHAPE, UNKNOWN_TYPE), claims),
        (DENIED, (DENIED_CLAIM,), claims),
        (DENIED, ("denied line",), items),
    ):
        count = sum(account.dropped.get(reason, 0) for reason in reasons)
        if count:
            problems.add(kind, account.source, found=f"{count:,} records", count=count)
    without = engine.execute(
        "SELECT count(*) FILTER (tin IS NULL), count(*) FROM eob_lines WHERE setting = 'professional' "
        "AND resource NOT IN (SELECT resource FROM eob_repeats)"
    )[0]
    if without[0]:
        problems.add(
            NO_TIN,
            "ExplanationOfBenefit",
            column="tin",
            found=f"{without[0]:,} of {without[1]:,} lines",
            count=int(without[0]),
        )


def _queries() -> dict[str, str]:
    columns = ", ".join(f"l.{column}" for column in _LINE_COLUMNS if column != "resource")
    standing = "SELECT * FROM eob_claims WHERE reason IS NULL AND resource NOT IN (SELECT resource FROM eob_repeats)"
    return {
        "claim_lines": f"SELECT c.beneficiary, c.claim_id, {columns} FROM eob_lines AS l JOIN ({standing}) AS c USING (resource)",
        "claim_diagnoses": (
            f"SELECT c.beneficiary, c.claim_id, d.position, d.code FROM eob_diagnoses AS d JOIN ({standing}) AS c USING (resource) "
            "WHERE c.resource IN (SELECT resource FROM eob_lines)"
        ),
        "enrollment": """
            WITH span AS (
                SELECT date_trunc('month', min(from_date))::DATE AS first, max(from_date) AS last FROM eob_lines
            ),
            months AS (
                SELECT unnest(generate_series(first, last, INTERVAL 1 MONTH))::DATE AS month FROM span WHERE first IS NOT NULL
            ),
            stated AS (
                SELECT c.*, m.month FROM eob_coverage AS c JOIN months AS m
                  ON m.month BETWEEN date_trunc('month', c.first) AND coalesce(c.last, DATE '2100-12-31')
                UNION ALL
                SELECT c.*, c.first FROM eob_coverage AS c, span
                WHERE c.monthly AND (span.first IS NULL OR c.first NOT BETWEEN span.first AND span.last)
            ),
            -- A statement for the month itself is believed before one for a period.
            by_part AS (
                SELECT beneficiary, month, part,
                       coalesce(bool_or(covered) FILTER (monthly), bool_or(covered)) AS covered,
                       bool_or(esrd) AS esrd, bool_or(dual) AS dual, bool_or(disabled_origin) AS disabled_origin
                FROM stated GROUP BY beneficiary, month, part
            ),
            known AS (SELECT beneficiary, list(DISTINCT part) AS parts FROM eob_coverage GROUP BY beneficiary)
            SELECT b.beneficiary, b.month,
                   coalesce(bool_or(covered) FILTER (part = 'a'), false) AS part_a,
                   coalesce(bool_or(covered) FILTER (part = 'b'), false) AS part_b,
                   coalesce(bool_or(covered) FILTER (part = 'c'),
                            CASE WHEN list_contains(any_value(k.parts), 'c') THEN false END) AS part_c,
                   coalesce(bool_or(covered) FILTER (part = 'd'),
                            CASE WHEN list_contains(any_value(k.parts), 'd') THEN false END) AS part_d,
                   bool_or(esrd) AS esrd, bool_or(dual) AS dual, bool_or(disabled_origin) AS disabled_origin,
                   NULL::BOOLEAN AS institutional
            FROM by_part AS b JOIN known AS k USING (beneficiary)
            LEFT JOIN (SELECT beneficiary, max(death_date) AS died FROM eob_patients GROUP BY beneficiary) AS p
              USING (beneficiary)
            WHERE p.died IS NULL OR b.month <= p.died
            GROUP BY b.beneficiary, b.month
            HAVING bool_or(covered)
        """,
        "beneficiaries": """
            SELECT beneficiary, birth_date, death_date, sex, county_fips, zip FROM eob_patients
            QUALIFY row_number() OVER (
                PARTITION BY beneficiary
                ORDER BY updated DESC, death_date DESC NULLS LAST, birth_date NULLS LAST, sex NULLS LAST, county_fips NULLS LAST,
                         zip NULLS LAST
            ) = 1
        """,
    }
