"""Standing records to claim lines and diagnoses; every record's fate is told in one expression and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openasm.claims.accounting import FIRST_ROWS, Account
from openasm.claims.sources.cclf.denials import CLAIM_DENIED, FACILITY_NOT_DENIED, LINE_DENIED
from openasm.claims.sources.cclf.files import CclfFile
from openasm.claims.sources.cclf.reading import BLANK, IMPOSSIBLE_DATE
from openasm.tables.duckdb_engine import DuckDbEngine

DENIED_CLAIM = "denied claim"
DENIED_LINE = "denied line"
NO_CLAIM = "its claim does not stand"
NOT_USED = "read for its count only"
FOLDED = "part of a bill that counts as one line"
UNKNOWN_TYPE = "claim type not known"
DELETED_FILL = "deleted drug fill"
OLDER_FILL = "older version of a drug fill"
MOVED_PAYMENT = "got the payment of its claim"
CODE_UNUSABLE = "no usable ICD-10 code"
REPEATED_DIAGNOSIS = "repeats a diagnosis of the claim"

_FACILITY_SETTING = """
    CASE WHEN CLM_TYPE_CD = '10' THEN 'home_health' WHEN CLM_TYPE_CD IN ('20', '30') THEN 'snf'
         WHEN CLM_TYPE_CD = '40' THEN 'outpatient' WHEN CLM_TYPE_CD = '50' THEN 'hospice'
         WHEN CLM_TYPE_CD IN ('60', '61') THEN 'inpatient' END
"""


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _with_person(table: str) -> str:
    return f"""(
        SELECT t.* REPLACE (coalesce(t.CLM_ADJSMT_TYPE_CD, '0') AS CLM_ADJSMT_TYPE_CD),
               coalesce(x.current, t.BENE_MBI_ID) AS person
        FROM {table} AS t LEFT JOIN crosswalk AS x ON x.previous = t.BENE_MBI_ID
    )"""


def name_person(engine: DuckDbEngine, table: str) -> str:
    """A view of the table with the person key (current MBI) and the adjustment kind filled in; returns its name."""
    engine.execute(f"CREATE OR REPLACE VIEW {table}_named AS SELECT * FROM {_with_person(table)}")
    return f"{table}_named"


def count_fates(
    engine: DuckDbEngine, view: str, account: Account, files: Sequence[CclfFile], named: Iterable[str]
) -> None:
    """Enter kept and dropped records of a view with the column `fate` (null: kept) in an account.

    files: those of the kind, by `file_number`; named: the fates whose first records are kept by their rows.
    """
    rows = f"min(record_number, {FIRST_ROWS}) FILTER (fate IN ({_listed(tuple(named))}))"
    for fate, file, count, first in engine.execute(
        f"SELECT fate, file_number, count(*), {rows} FROM {view} GROUP BY fate, file_number ORDER BY fate, file_number"
    ):
        if fate is None:
            account.kept += int(count)
        else:
            account.drop(fate, int(count))
            account.note(fate, files[file].name, int(count), dict.fromkeys(first or (), ""))


def note_where(engine: DuckDbEngine, account: Account, finding: str, source: str, files: Sequence[CclfFile]) -> None:
    """Enter in an account where the records of a finding stand; source: what follows FROM in a query of these records."""
    query = f"SELECT file_number, count(*), min(record_number, {FIRST_ROWS}) FROM {source} GROUP BY file_number"
    for file, count, first in engine.execute(query):
        account.note(finding, files[file].name, int(count), dict.fromkeys(first, ""))


def part_b_fates(engine: DuckDbEngine, table: str, latest: str) -> None:
    """The view `<table>_fates` of CCLF5 or CCLF6 records: dates settled, `fate` null for those that stand."""
    engine.execute(
        f"""
        CREATE OR REPLACE VIEW {table}_fates AS
        SELECT *, CASE
            WHEN CUR_CLM_UNIQ_ID IS NULL OR person IS NULL OR CLM_LINE_NUM IS NULL OR from_date IS NULL THEN '{BLANK}'
            WHEN reason IS NOT NULL THEN reason
            WHEN CLM_CARR_PMT_DNL_CD IN ({_listed(CLAIM_DENIED)}) THEN '{DENIED_CLAIM}'
            WHEN CLM_PRCSG_IND_CD IN ({_listed(LINE_DENIED)}) THEN '{DENIED_LINE}'
            WHEN from_date NOT BETWEEN DATE '1900-01-01' AND DATE '{latest}' THEN '{IMPOSSIBLE_DATE}'
        END AS fate
        FROM (
            SELECT r.*, coalesce(r.CLM_LINE_FROM_DT, r.CLM_FROM_DT) AS from_date,
                   coalesce(r.CLM_LINE_THRU_DT, r.CLM_THRU_DT, r.CLM_LINE_FROM_DT, r.CLM_FROM_DT) AS thru_date, s.reason
            FROM {table}_named AS r
            LEFT JOIN (
                SELECT claim, kind, min(reason) AS reason FROM {table}_struck GROUP BY claim, kind
            ) AS s ON s.claim = r.CUR_CLM_UNIQ_ID AND s.kind = r.CLM_ADJSMT_TYPE_CD
        )
        """
    )


def clinician_lines() -> str:
    """CCLF5 records that stand as claim lines."""
    modifiers = ", ".join(f"HCPCS_{place}_MDFR_CD" for place in range(1, 6))
    return f"""
        SELECT person AS beneficiary, CUR_CLM_UNIQ_ID AS claim_id, CLM_LINE_NUM AS line, 'professional' AS setting,
               from_date, greatest(from_date, thru_date) AS thru_date, CLM_LINE_HCPCS_CD AS hcpcs,
               nullif(concat_ws(' ', {modifiers}), '') AS modifiers, CLM_LINE_DGNS_CD AS line_diagnosis,
               CLM_POS_CD AS place_of_service, CLM_PRVDR_SPCLTY_CD AS specialty,
               coalesce(CLM_RNDRG_PRVDR_NPI_NUM, RNDRG_PRVDR_NPI_NUM) AS npi, CLM_RNDRG_PRVDR_TAX_NUM AS tin,
               NULL::VARCHAR AS service_zip, NULL::VARCHAR AS drg, NULL::VARCHAR AS revenue_center, NULL::VARCHAR AS ndc,
               CLM_LINE_ALOWD_CHRG_AMT AS allowed_cents, CLM_LINE_CVRD_PD_AMT AS paid_cents,
               coalesce(CLM_LINE_ALOWD_CHRG_AMT, CLM_LINE_CVRD_PD_AMT, 0) AS cost_cents,
               CASE WHEN CLM_LINE_ALOWD_CHRG_AMT IS NULL THEN 'paid' ELSE 'allowed' END AS cost_basis
        FROM cclf5_fates WHERE fate IS NULL
    """


def equipment_lines() -> str:
    """CCLF6 records that stand as claim lines; CCLF6 has no modifiers, diagnoses, specialty or TIN."""
    return """
        SELECT person, CUR_CLM_UNIQ_ID, CLM_LINE_NUM, 'dme', from_date, greatest(from_date, thru_date), CLM_LINE_HCPCS_CD,
               NULL, NULL, CLM_POS_CD, NULL, coalesce(CLM_BLG_PRVDR_NPI_NUM, PAYTO_PRVDR_NPI_NUM), NULL, NULL, NULL, NULL,
               NULL, CLM_LINE_ALOWD_CHRG_AMT, CLM_LINE_CVRD_PD_AMT,
               coalesce(CLM_LINE_ALOWD_CHRG_AMT, CLM_LINE_CVRD_PD_AMT, 0),
               CASE WHEN CLM_LINE_ALOWD_CHRG_AMT IS NULL THEN 'paid' ELSE 'allowed' END
        FROM cclf6_fates WHERE fate IS NULL
    """


def facility_fates(engine: DuckDbEngine, latest: str) -> None:
    """The view `cclf1_fates` of claim headers, and the table `facility` of those that stand."""
    engine.execute(
        f"""
        CREATE OR REPLACE VIEW cclf1_fates AS
        SELECT *, CASE
            WHEN CUR_CLM_UNIQ_ID IS NULL OR person IS NULL OR CLM_FROM_DT IS NULL THEN '{BLANK}'
            WHEN reason IS NOT NULL THEN reason
            WHEN setting IS NULL THEN '{UNKNOWN_TYPE}'
            WHEN CLM_MDCR_NPMT_RSN_CD IS NOT NULL AND CLM_MDCR_NPMT_RSN_CD NOT IN ({_listed(FACILITY_NOT_DENIED)})
                 AND coalesce(CLM_PMT_AMT, 0) = 0 THEN '{DENIED_CLAIM}'
            WHEN CLM_FROM_DT NOT BETWEEN DATE '1900-01-01' AND DATE '{latest}' THEN '{IMPOSSIBLE_DATE}'
        END AS fate
        FROM (
            SELECT r.*, {_FACILITY_SETTING} AS setting, s.reason
            FROM cclf1_named AS r
            LEFT JOIN (
                SELECT claim, kind, min(reason) AS reason FROM cclf1_struck GROUP BY claim, kind
            ) AS s ON s.claim = r.CUR_CLM_UNIQ_ID AND s.kind = r.CLM_ADJSMT_TYPE_CD
        )
        """
    )
    engine.execute(
        """
        CREATE OR REPLACE TABLE facility AS
        SELECT person, CUR_CLM_UNIQ_ID AS claim, setting, CLM_FROM_DT AS from_date,
               greatest(CLM_FROM_DT, coalesce(CLM_THRU_DT, CLM_FROM_DT)) AS thru_date, PRNCPL_DGNS_CD AS principal,
               coalesce(CLM_ATNDG_PRVDR_NPI_NUM, ATNDG_PRVDR_NPI_NUM) AS npi,
               CASE WHEN setting = 'inpatient' THEN DGNS_DRG_CD END AS drg, coalesce(CLM_PMT_AMT, 0) AS paid,
               coalesce(DGNS_PRCDR_ICD_IND, '0') AS version
        FROM cclf1_fates WHERE fate IS NULL
        """
    )


_PLACE = "CASE WHEN CLM_LINE_HCPCS_CD IS NULL THEN 1000000000000 ELSE 0 END + CLM_LINE_NUM"
"""Orders a claim's service lines: those with a HCPCS code first, then by number (of ten digits at most)."""


def service_line_fates(engine: DuckDbEngine) -> None:
    """The table `cclf2_fates`: service lines of outpatient claims that stand; lines of whole bills are folded into them.

    Line payments hold only where they add up to the claim's payment (section 3.5); otherwise the whole payment goes to the
    claim's first line with a HCPCS code (else its first line) and the others get nothing.
    """
    modifiers = ", ".join(f"l.HCPCS_{place}_MDFR_CD" for place in range(1, 6))
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE cclf2_fates AS
        SELECT l.file_number, l.record_number, l.CUR_CLM_UNIQ_ID, l.CLM_LINE_NUM, l.CLM_LINE_FROM_DT, l.CLM_LINE_THRU_DT,
               l.CLM_LINE_INSTNL_REV_CTR_DT,
               l.CLM_LINE_HCPCS_CD, l.CLM_LINE_PROD_REV_CTR_CD, l.CLM_LINE_CVRD_PD_AMT, {modifiers}, f.*, t.line_total,
               ({_PLACE} = t.first) AS is_first,
               CASE
                   WHEN l.CUR_CLM_UNIQ_ID IS NULL OR CLM_LINE_NUM IS NULL THEN '{BLANK}'
                   WHEN f.claim IS NULL THEN '{NO_CLAIM}'
                   WHEN setting <> 'outpatient' THEN '{FOLDED}'
               END AS fate
        FROM cclf2 AS l
        LEFT JOIN facility AS f ON f.claim = l.CUR_CLM_UNIQ_ID
        LEFT JOIN (
            SELECT CUR_CLM_UNIQ_ID AS claim, sum(coalesce(CLM_LINE_CVRD_PD_AMT, 0)) AS line_total, min({_PLACE}) AS first
            FROM cclf2
            WHERE CLM_LINE_NUM IS NOT NULL AND CUR_CLM_UNIQ_ID IN (SELECT claim FROM facility WHERE setting = 'outpatient')
            GROUP BY CUR_CLM_UNIQ_ID
        ) AS t ON t.claim = l.CUR_CLM_UNIQ_ID
        """
    )


def facility_lines() -> str:
    """Outpatient service lines, then one line for every other facility claim and for outpatient claims without lines.

    The one line of a home health or hospice claim carries the claim's first HCPCS code.
    """
    modifiers = ", ".join(f"HCPCS_{place}_MDFR_CD" for place in range(1, 6))
    return f"""
        SELECT person, claim, CLM_LINE_NUM, setting, start, greatest(start, coalesce(CLM_LINE_THRU_DT, start)),
               CLM_LINE_HCPCS_CD, nullif(concat_ws(' ', {modifiers}), ''), NULL, NULL, NULL, npi, NULL, NULL, NULL,
               CLM_LINE_PROD_REV_CTR_CD, NULL, NULL, cents, cents, 'paid'
        FROM (
            SELECT *, coalesce(CLM_LINE_FROM_DT, CLM_LINE_INSTNL_REV_CTR_DT, from_date) AS start,
                   CASE WHEN line_total = paid THEN coalesce(CLM_LINE_CVRD_PD_AMT, 0) WHEN is_first THEN paid ELSE 0 END
                   AS cents
            FROM cclf2_fates WHERE fate IS NULL
        )
        UNION ALL
        SELECT person, claim, 1, setting, from_date, thru_date, first.hcpcs, NULL, NULL, NULL, NULL, npi, NULL, NULL, drg,
               NULL, NULL, NULL, paid, paid, 'paid'
        FROM facility
        LEFT JOIN (
            SELECT claim, arg_min(CLM_LINE_HCPCS_CD, CLM_LINE_NUM) AS hcpcs FROM cclf2_fates
            WHERE setting IN ('home_health', 'hospice') AND CLM_LINE_HCPCS_CD IS NOT NULL GROUP BY claim
        ) AS first USING (claim)
        WHERE setting <> 'outpatient'
           OR claim NOT IN (SELECT CUR_CLM_UNIQ_ID FROM cclf2_fates WHERE fate IS NULL)
    """


def drug_fates(engine: DuckDbEngine, latest: str) -> None:
    """The table `cclf7_fates`: the newest record of each fill stands unless it deletes the fill (sections 3.3, 5.2.4)."""
    fill = (
        "person, CLM_LINE_FROM_DT, PRVDR_SRVC_ID_QLFYR_CD, CLM_SRVC_PRVDR_GNRC_ID_NUM, CLM_DSPNSNG_STUS_CD, "
        "CLM_LINE_RX_SRVC_RFRNC_NUM, CLM_LINE_RX_FILL_NUM"
    )
    # Few fills have several records: only those that agree in what differs most have to be put in order.
    bucket = "hash(CLM_LINE_FROM_DT, CLM_SRVC_PRVDR_GNRC_ID_NUM, CLM_LINE_RX_SRVC_RFRNC_NUM)"
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE older_fills AS
        SELECT file_number, record_number FROM (
            SELECT file_number, record_number, row_number() OVER (
                PARTITION BY {fill}
                ORDER BY CLM_EFCTV_DT DESC NULLS LAST, CLM_IDR_LD_DT DESC NULLS LAST, CUR_CLM_UNIQ_ID DESC,
                         CLM_ADJSMT_TYPE_CD DESC
            ) AS place
            FROM cclf7_named
            WHERE CLM_LINE_RX_SRVC_RFRNC_NUM IS NOT NULL
              AND {bucket} IN (SELECT {bucket} FROM cclf7 GROUP BY 1 HAVING count(*) > 1)
        ) WHERE place > 1
        """
    )
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE cclf7_fates AS
        SELECT r.file_number, r.record_number, person, CUR_CLM_UNIQ_ID, CLM_LINE_FROM_DT, CLM_PRSBNG_PRVDR_GNRC_ID_NUM,
               CLM_LINE_NDC_CD, CLM_LINE_BENE_PMT_AMT, CASE
            WHEN CUR_CLM_UNIQ_ID IS NULL OR person IS NULL OR CLM_LINE_FROM_DT IS NULL THEN '{BLANK}'
            WHEN o.record_number IS NOT NULL THEN '{OLDER_FILL}'
            WHEN CLM_ADJSMT_TYPE_CD = '1' OR CLM_TYPE_CD IN ('03', '3') THEN '{DELETED_FILL}'
            WHEN CLM_LINE_FROM_DT NOT BETWEEN DATE '1900-01-01' AND DATE '{latest}' THEN '{IMPOSSIBLE_DATE}'
        END AS fate
        FROM cclf7_named AS r LEFT JOIN older_fills AS o
          ON o.file_number = r.file_number AND o.record_number = r.record_number
        """
    )


def drug_lines() -> str:
    """CCLF7 records that stand. Only the patient's payment is known: neither the plan's nor the whole price."""
    return """
        SELECT person, CUR_CLM_UNIQ_ID, 1, 'drug', CLM_LINE_FROM_DT, CLM_LINE_FROM_DT, NULL, NULL, NULL, NULL, NULL,
               CLM_PRSBNG_PRVDR_GNRC_ID_NUM, NULL, NULL, NULL, NULL, CLM_LINE_NDC_CD, NULL, NULL,
               coalesce(CLM_LINE_BENE_PMT_AMT, 0), 'paid'
        FROM cclf7_fates WHERE fate IS NULL
    """


def clinician_diagnoses(filled: set[str]) -> str:
    """Header diagnoses of CCLF5: every record repeats them, so one value a position and claim (where records differ, the first in order)."""
    places = [place for place in range(1, 13) if f"CLM_DGNS_{place}_CD" in filled]
    if not places:
        return "SELECT NULL::VARCHAR AS beneficiary, NULL::VARCHAR AS claim_id, NULL::BIGINT AS position, NULL::VARCHAR AS code WHERE false"
    firsts = ", ".join(f"min(CLM_DGNS_{place}_CD) AS d{place}" for place in places)
    codes = ", ".join(f"d{place}" for place in places)
    return f"""
        SELECT beneficiary, claim_id, position, code FROM (
            SELECT person AS beneficiary, CUR_CLM_UNIQ_ID AS claim_id, unnest([{", ".join(map(str, places))}])::BIGINT AS position,
                   unnest([{codes}]) AS code
            FROM (
                SELECT person, CUR_CLM_UNIQ_ID, {firsts} FROM cclf5_fates
                WHERE fate IS NULL AND coalesce(DGNS_PRCDR_ICD_IND, '0') <> '9'
                GROUP BY person, CUR_CLM_UNIQ_ID
            )
        ) WHERE code IS NOT NULL
    """


def facility_diagnosis_fates(engine: DuckDbEngine) -> None:
    """The table `cclf4_fates`: diagnoses of facility claims that stand, numbered after the principal diagnosis of CCLF1."""
    engine.execute(
        """
        CREATE OR REPLACE TABLE named_diagnoses AS
        SELECT d.file_number, d.record_number, f.claim, f.person, f.principal, d.CLM_DGNS_CD, d.CLM_PROD_TYPE_CD,
               d.CLM_VAL_SQNC_NUM, coalesce(d.DGNS_PRCDR_ICD_IND, f.version) AS version,
               hash(f.claim, d.CLM_DGNS_CD) AS bucket
        FROM cclf4 AS d LEFT JOIN facility AS f ON f.claim = d.CUR_CLM_UNIQ_ID
        """
    )
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE cclf4_fates AS
        SELECT d.file_number, d.claim, d.person, d.CLM_DGNS_CD, d.CLM_PROD_TYPE_CD, d.CLM_VAL_SQNC_NUM, d.record_number, CASE
            WHEN d.claim IS NULL THEN '{NO_CLAIM}'
            WHEN d.CLM_DGNS_CD IS NULL OR version = '9' THEN '{CODE_UNUSABLE}'
            WHEN r.place > 1 OR d.CLM_DGNS_CD = principal THEN '{REPEATED_DIAGNOSIS}'
        END AS fate
        FROM named_diagnoses AS d LEFT JOIN (
            SELECT file_number, record_number, claim, row_number() OVER (
                PARTITION BY claim, CLM_DGNS_CD
                ORDER BY CLM_PROD_TYPE_CD = 'D' DESC, CLM_VAL_SQNC_NUM, CLM_PROD_TYPE_CD
            ) AS place
            FROM named_diagnoses
            WHERE bucket IN (SELECT bucket FROM named_diagnoses GROUP BY bucket HAVING count(*) > 1)
        ) AS r ON r.file_number = d.file_number AND r.record_number = d.record_number AND r.claim = d.claim
        """
    )


def facility_diagnoses() -> str:
    """Principal diagnosis at position 1, the others behind it in the order of CCLF4."""
    return """
        SELECT person, claim, row_number() OVER (
                   PARTITION BY person, claim ORDER BY rank, type = 'D' DESC NULLS LAST, sequence, code
               ), code
        FROM (
            SELECT person, claim, principal AS code, 0 AS rank, 'D' AS type, 0 AS sequence FROM facility
            WHERE principal IS NOT NULL AND version <> '9'
            UNION ALL
            SELECT person, claim, CLM_DGNS_CD, 1, CLM_PROD_TYPE_CD, CLM_VAL_SQNC_NUM FROM cclf4_fates WHERE fate IS NULL
        )
    """
