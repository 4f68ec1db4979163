"""An export of ExplanationOfBenefit, Patient and Coverage resources to the four claims tables.

Files are read a few megabytes at a time, by several processes where that pays; rows go to the engine piece by piece, so that
memory does not grow with the export.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from openasm.base.problems import Problems, Severity, declare
from openasm.base.processes import Processes
from openasm.claims.accounting import FIRST_ROWS, Account, Places, counted, refuse_errors, report_rows, stop_if_damaged
from openasm.claims.covered import Days, make_covered
from openasm.claims.sources.delivery import Delivery, hash_beside
from openasm.claims.sources.eob.claim import DENIED_CLAIM, UNKNOWN_SHAPE, UNKNOWN_TYPE
from openasm.claims.sources.eob.rows import LINE_COLUMNS, TABLES, PieceRows, read_piece
from openasm.claims.sources.eob.stream import find_files, pieces
from openasm.tables.duckdb_engine import DuckDbEngine

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

_WORTH_PROCESSES = 32 * 1024**2
"""Bytes of input (packed ones count tenfold) below which starting processes takes longer than reading."""


def load_eob(engine: DuckDbEngine, sources: Sequence[Path], *, jobs: int = 1, stated: Days | None = None) -> Delivery:
    """Read FHIR files or folders into the four tables.

    jobs: processes to read with; what comes out does not depend on their number; stated: days covered that the user gave.
    Raises InputRefused for missing sources, cut or oversized files, and files of which more than one line or resource in a
    hundred cannot be read. Resources of other types are counted and left.
    """
    problems = Problems()
    files = find_files(sources, problems)
    problems.refuse_errors()
    for table, columns in TABLES.items():
        schema = pa.schema(list(columns.items()))
        engine.create_table(table, pa.RecordBatchReader.from_batches(schema, iter(())))
    accounts: dict[str, Account] = {}
    items = Account("ExplanationOfBenefit items", 0)
    cut = Problems()  # found while processes still read what came before
    before = 0
    size = sum(path.stat().st_size * (10 if path.suffix == ".gz" else 1) for path in files)
    with Processes(_nothing_kept, jobs if size >= _WORTH_PROCESSES else 1, fresh=True) as processes:
        every_piece = (piece for place, path in enumerate(files) for piece in pieces(place, path, cut))
        for _, of_file in groupby(processes.each(read_piece, every_piece), key=lambda found: found.place):
            lines = broken = resources = unreadable = 0
            for found in of_file:
                file = found.file
                lines, broken = lines + found.lines, broken + found.broken
                resources, unreadable = resources + found.resources, unreadable + found.unreadable
                _take_over(engine, found, before, accounts, items)
                problems.extend(found.problems)
                before += found.resources
            stop_if_damaged(file, broken, lines, problems)
            stop_if_damaged(file, unreadable, resources, problems)
    problems.extend(cut)
    refuse_errors(problems)
    _settle_repeats(engine, accounts, items)
    for account in (*accounts.values(), items):
        account.close()
    _report(engine, [path.name for path in files], problems)
    make_covered(
        engine, "SELECT from_date FROM eob_lines WHERE resource NOT IN (SELECT resource FROM eob_repeats)", stated
    )
    tables = {name: engine.sql(query) for name, query in _queries().items()}
    ordered = [accounts[kind] for kind in sorted(accounts)]
    return Delivery(tables, problems, [*ordered, items], hash_beside(files), list(NOTES))


def _nothing_kept(_: int) -> None:
    """What a process keeps from piece to piece."""


def _take_over(
    engine: DuckDbEngine, found: PieceRows, before: int, accounts: dict[str, Account], items: Account
) -> None:
    """Send a piece's rows to the engine, resources numbered through all files, and add up its counts."""
    for name, table in found.tables.items():
        if "resource" in table.schema.names:
            place = table.schema.get_field_index("resource")
            table = table.set_column(place, table.schema.field(place), pc.add(table.column(place), before))
        engine.append(name, table)
    for kind, account in found.accounts.items():
        accounts.setdefault(kind, Account(account.source, 0)).add(account)
    items.add(found.items)


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


_STANDING = "eob_claims WHERE reason IS NULL AND resource NOT IN (SELECT resource FROM eob_repeats)"


def _report(engine: DuckDbEngine, files: Sequence[str], problems: Problems) -> None:
    """Say which claims were left out or lack something: by file and row, and what is routine by file and number."""
    for place, count, first in engine.execute(
        f"SELECT file, count(*), min(row, {FIRST_ROWS}) FROM eob_claims WHERE reason IN (?, ?) GROUP BY file ORDER BY file",
        [UNKNOWN_SHAPE, UNKNOWN_TYPE],
    ):
        report_rows(NOT_KNOWN, files[place], Places(int(count), dict.fromkeys(first, "")), problems)
    for kind, number in (
        (REPEATED, "count(*) FILTER (resource IN (SELECT resource FROM eob_repeats))"),
        (DENIED, f"count(*) FILTER (reason = '{DENIED_CLAIM}') + sum(denied_items)"),
    ):
        query = f"SELECT file, {number} AS number FROM eob_claims GROUP BY file HAVING number > 0 ORDER BY file"
        for place, count in engine.execute(query):
            problems.add(kind, files[place], found=f"{int(count):,} left out", count=int(count))
    _report_tins(engine, files, problems)


def _report_tins(engine: DuckDbEngine, files: Sequence[str], problems: Problems) -> None:
    """Name the claims of lines without a taxpayer number; a file without any is named once."""
    if not engine.execute("SELECT 1 FROM eob_lines WHERE setting = 'professional' AND tin IS NULL LIMIT 1"):
        return
    lines = f"(SELECT * FROM {_STANDING}) JOIN eob_lines USING (resource) WHERE setting = 'professional'"
    whole = dict(engine.execute(f"SELECT file, count(*) FROM {lines} GROUP BY file"))
    for place, count, first in engine.execute(
        f"SELECT file, count(*), min(row, {FIRST_ROWS}) FROM {lines} AND tin IS NULL GROUP BY file ORDER BY file"
    ):
        if count == whole[place]:
            found = f"none of {counted(int(count), 'line')} has one"
            problems.add(NO_TIN, files[place], column="tin", found=found, count=int(count))
        else:
            report_rows(NO_TIN, files[place], Places(int(count), dict.fromkeys(first, "")), problems, column="tin")


def _queries() -> dict[str, str]:
    columns = ", ".join(f"l.{column}" for column in LINE_COLUMNS if column != "resource")
    standing = f"SELECT * FROM {_STANDING}"
    return {
        "claim_lines": f"SELECT c.beneficiary, c.claim_id, {columns} FROM eob_lines AS l JOIN ({standing}) AS c USING (resource)",
        "claim_diagnoses": (
            f"SELECT c.beneficiary, c.claim_id, d.position, d.code FROM eob_diagnoses AS d JOIN ({standing}) AS c USING (resource) "
            "WHERE c.resource IN (SELECT resource FROM eob_lines)"
        ),
        "enrollment": """
            WITH span AS (
                SELECT date_trunc('month', first)::DATE AS first, last FROM covered
            ),
            months AS (
                SELECT unnest(generate_series(first, last, INTERVAL 1 MONTH))::DATE AS month FROM span
            ),
            stated AS (
                SELECT c.*, m.month FROM eob_coverage AS c JOIN months AS m
                  ON m.month BETWEEN date_trunc('month', c.first) AND coalesce(c.last, DATE '2100-12-31')
                UNION ALL
                SELECT c.*, c.first FROM eob_coverage AS c LEFT JOIN span ON true
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
