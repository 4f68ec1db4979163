"""Which claims stand: repeated records out, cancellations matched with what they cancel (sections 3.1, 5.1, 5.2).

CCLF1 to CCLF6 hold the whole history of a claim: originals (0), cancellations (1), adjustments (2), every amount without a
sign. A cancellation strikes one original or adjustment of the same natural key and both leave; what is left stands.

Worked (the packet's Part A case, one key, claim number: kind and payment): 1: original 200; 3: cancellation 200; 4: adjustment
210; 5 and 2: adjustments 0; 6: cancellation 0. Cancellation 3 strikes 1 (equal amount), 6 strikes 5 (of 2 and 5, equal in
amount, the earlier one); 4 and 2 stand, together 210. With claim 7 (another key, 50) the total is 260.
"""

from __future__ import annotations

from dataclasses import dataclass

from openasm.tables.duckdb_engine import DuckDbEngine

DUPLICATE = "repeats another record"
CANCELLED = "cancelled claim"
CANCELLATION = "cancellation matched with its claim"
ORPHAN = "cancellation without the claim it cancels"
OF_OTHER_AMOUNT = "cancellation of another amount than its claim"


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """How the records of one table group into claims, and claims into histories.

    person: expression of the person key; key: expressions that name the claim through its versions; amounts: expressions
    summed over a claim's records, equal in a cancellation and what it cancels; line: expression of the line number.
    """

    key: tuple[str, ...]
    amounts: tuple[str, ...]
    line: str


FACILITY = NaturalKey(
    ("coalesce(CLM_BLG_PRVDR_OSCAR_NUM, PRVDR_OSCAR_NUM, '')", "CLM_FROM_DT", "CLM_THRU_DT"),
    ("CLM_PMT_AMT",),
    "0",
)
CLINICIAN = NaturalKey(
    ("coalesce(CLM_CNTL_NUM, CUR_CLM_UNIQ_ID)",), ("CLM_LINE_CVRD_PD_AMT", "CLM_LINE_ALOWD_CHRG_AMT"), "CLM_LINE_NUM"
)


def leave_out_repeats(engine: DuckDbEngine, table: str, key: str) -> int:
    """Make the view `table` of the records in `<table>_read` without those that repeat another of the same key; returns how many.

    key: comma-separated expressions. Where repeats differ, the one loaded last stays, then the one that sorts last over all its columns, so that the
    order in which files and records come does not matter.
    """
    read = f"{table}_read"
    columns = [name for name in engine.columns(read) if name not in ("file_number", "record_number")]
    newest_first = [f"{name} DESC NULLS LAST" for name in ("CLM_IDR_LD_DT", "CLM_EFCTV_DT") if name in columns]
    # Of equal records the first one stays, for nothing but that the same ones are reported every time.
    order = ", ".join([*newest_first, *(f"{name} DESC NULLS LAST" for name in columns), "file_number", "record_number"])
    count = engine.changed(
        f"""
        CREATE OR REPLACE TABLE {table}_repeats AS
        SELECT file_number, record_number FROM (
            SELECT file_number, record_number, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS place
            FROM {read}
            WHERE hash({key}) IN (SELECT hash({key}) FROM {read} GROUP BY 1 HAVING count(*) > 1)
        ) WHERE place > 1
        """
    )
    if count:
        engine.execute(
            f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM {read} ANTI JOIN {table}_repeats USING (file_number, record_number)"
        )
    return count


def strike(engine: DuckDbEngine, table: str, struck: str, natural: NaturalKey) -> int:
    """Make the table `struck` (claim, kind, reason): claims of `table` that do not stand; returns the orphan cancellations.

    `table` must hold `person`. A cancellation is paired within its natural key with a claim of equal amounts first, else with
    any left over; ties by effective date, then claim number, earliest first.
    """
    key = ", ".join(natural.key)
    names = [f"key_{place}" for place in range(len(natural.key))]
    keyed = ", ".join(f"{expression} AS {name}" for expression, name in zip(natural.key, names, strict=True))
    sums = ", ".join(f"coalesce(sum({amount}), 0) AS amount_{place}" for place, amount in enumerate(natural.amounts))
    amounts = [f"amount_{place}" for place in range(len(natural.amounts))]
    engine.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE concerned AS
        SELECT person, {", ".join(names)}, claim, kind, cancels, {", ".join(amounts)}, effective, first_record FROM (
            SELECT person, {keyed}, CUR_CLM_UNIQ_ID AS claim, CLM_ADJSMT_TYPE_CD AS kind,
                   coalesce(CLM_ADJSMT_TYPE_CD, '0') = '1' AS cancels, {sums}, min(CLM_EFCTV_DT) AS effective,
                   min({{'file': file_number, 'record': record_number}}) AS first_record
            FROM {table}
            WHERE (person, {key}) IN (SELECT (person, {key}) FROM {table} WHERE CLM_ADJSMT_TYPE_CD = '1')
            GROUP BY person, {key}, CUR_CLM_UNIQ_ID, CLM_ADJSMT_TYPE_CD
        )
        """
    )
    engine.execute(f"CREATE OR REPLACE TABLE {struck} (claim VARCHAR, kind VARCHAR, reason VARCHAR)")
    for together in (["person", *names, *amounts], ["person", *names]):
        _pair(engine, struck, together)
    return engine.changed(
        f"""
        INSERT INTO {struck}
        SELECT claim, kind, '{ORPHAN}' FROM concerned
        WHERE cancels AND (claim, kind) NOT IN (SELECT (claim, kind) FROM {struck})
        """
    )


def _pair(engine: DuckDbEngine, struck: str, together: list[str]) -> None:
    """Strike the n-th cancellation and the n-th other claim of each group that are still there."""
    same = " AND ".join(f"debit.{name} IS NOT DISTINCT FROM credit.{name}" for name in together)
    engine.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placed AS
        SELECT *, row_number() OVER (
            PARTITION BY {", ".join(together)}, cancels ORDER BY effective NULLS FIRST, claim, kind
        ) AS place
        FROM concerned
        WHERE (claim, coalesce(kind, '')) NOT IN (SELECT (claim, coalesce(kind, '')) FROM {struck})
        """
    )
    engine.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pairs AS
        SELECT debit.claim AS debit_claim, debit.kind AS debit_kind, debit.first_record AS debit_record,
               credit.claim AS credit_claim, credit.kind AS credit_kind, credit.first_record AS credit_record
        FROM placed AS debit JOIN placed AS credit
          ON {same} AND debit.place = credit.place AND credit.cancels AND NOT debit.cancels
        """
    )
    engine.execute(
        f"""
        INSERT INTO {struck}
        SELECT debit_claim, debit_kind, '{CANCELLED}' FROM pairs
        UNION ALL
        SELECT credit_claim, credit_kind, '{CANCELLATION}' FROM pairs
        """
    )


def pairs_of_other_amounts(engine: DuckDbEngine) -> list[tuple[int, int, int, int]]:
    """The pairs of different amounts that `strike` has just made: file and record of the cancellation, of what it struck.

    Pairs of equal amounts are made first, so all that were made after them differ.
    """
    return [
        (int(file), int(record), int(of_file), int(of_record))
        for file, record, of_file, of_record in engine.execute(
            "SELECT credit_record.file, credit_record.record, debit_record.file, debit_record.record FROM pairs ORDER BY ALL"
        )
    ]
