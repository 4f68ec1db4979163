"""Tables of a synthetic region cut down to what CCLF files can tell: the exact expectation of the chain behind them."""

from __future__ import annotations

import shutil

import duckdb

LINES = """
WITH lines AS (SELECT *, count(*) OVER claim AS many, sum(paid_cents) OVER claim AS claim_paid, min(line) OVER claim AS first_line
               FROM read_parquet('{source}/claim_lines.parquet') WINDOW claim AS (PARTITION BY beneficiary, claim_id))
SELECT * EXCLUDE (many, claim_paid, first_line) REPLACE (
    CASE WHEN setting = 'dme' THEN NULL ELSE line_diagnosis END AS line_diagnosis,
    CASE WHEN setting IN ('professional', 'dme') THEN cost_cents
         WHEN setting = 'drug' THEN cost_cents - paid_cents
         -- The generator gives the lines of one outpatient bill in nine no payment; the loader puts the claim's on the first.
         WHEN setting = 'outpatient' AND many > 1 AND claim_id[-7:]::BIGINT % 9 = 0
              THEN CASE WHEN line = first_line THEN claim_paid::BIGINT ELSE 0 END
         ELSE paid_cents END AS cost_cents)
FROM lines"""
DIAGNOSES = """
SELECT d.* FROM read_parquet('{source}/claim_diagnoses.parquet') d
ANTI JOIN (SELECT beneficiary, claim_id FROM read_parquet('{source}/claim_lines.parquet') WHERE setting = 'dme')
    USING (beneficiary, claim_id)"""
ENROLLMENT = """
SELECT * REPLACE (false AS institutional, NOT part_c AND (beneficiary, year(month)) IN (
    SELECT (beneficiary, year(from_date)) FROM read_parquet('{source}/claim_lines.parquet') WHERE setting = 'drug') AS part_d)
FROM read_parquet('{source}/enrollment.parquet')"""


def as_cclf_tells(source, folder):
    """Write the tables of `source` to `folder` without what CCLF does not carry, and with the amounts it has instead.

    Facilities: what Medicare paid. Drugs: what the patient paid. Equipment: no diagnosis. Part D: the years with a drug
    bought, without the months of Part C, in which nobody is on the monthly files. Institutional status: none.
    """
    folder.mkdir()
    with duckdb.connect() as connection:
        for name, query in (("claim_lines", LINES), ("claim_diagnoses", DIAGNOSES), ("enrollment", ENROLLMENT)):
            connection.execute(f"COPY ({query.format(source=source)}) TO '{folder}/{name}.parquet' (FORMAT parquet)")
    shutil.copy(source / "beneficiaries.parquet", folder)
    if (source / "claims.json").exists():
        shutil.copy(source / "claims.json", folder)
    return folder
