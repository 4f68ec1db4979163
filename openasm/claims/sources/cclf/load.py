"""One or several CCLF deliveries to the four claims tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from openasm.base.problems import Problems, Severity, declare
from openasm.claims.accounting import Account, refuse_errors
from openasm.claims.coded import CLAIM_FORM, CODED_TABLES, CodedTables
from openasm.claims.covered import Days, make_covered
from openasm.claims.sources.cclf import lines
from openasm.claims.sources.cclf.files import CclfFile, find_files
from openasm.claims.sources.cclf.findings import report_findings
from openasm.claims.sources.cclf.layout import FileLayout, layout
from openasm.claims.sources.cclf.people import make_crosswalk, make_enrollment
from openasm.claims.sources.cclf.reading import newest, read_kind
from openasm.claims.sources.cclf.settling import InTurn, settle
from openasm.claims.sources.cclf.summary import check_summary, count_records
from openasm.claims.sources.cclf.usual import HELPING_DOMAINS, UsualLines, read_usual
from openasm.claims.sources.delivery import Delivery, beside, hash_beside
from openasm.tables.duckdb_engine import DuckDbEngine

FILE_NOT_THERE = declare(
    "C119",
    "a kind of CCLF file is not in the delivery",
    expected="CCLF1, 2, 4, 5, 6, 7, 8 and 9",
    next_step="Add it if it was delivered; what it would give is missing from the tables.",
    severity=Severity.WARNING,
)

NOTES = (
    "CCLF has no allowed amount for Part A: facility costs are what Medicare paid (cost_basis paid), without deductible and coinsurance.",
    "CCLF has no price of drugs: a drug's cost is the patient's payment (cost_basis paid), an underestimate.",
    "CCLF has no payment-standardized amounts, no service ZIP codes, no Part C or D enrollment and no institutional status.",
    "Part D enrollment is read from drug fills: a calendar year with a fill counts as enrolled, any other is unknown.",
    "People who declined data sharing and substance-use claims are absent, so totals are biased low.",
    "Where the NPI as billed and the NPI from Medicare's registry differ, the one as billed is taken.",
)

NEEDED_FIELDS: dict[str, tuple[str, ...]] = {
    "CCLF1": (
        *("CUR_CLM_UNIQ_ID", "PRVDR_OSCAR_NUM", "BENE_MBI_ID", "CLM_TYPE_CD", "CLM_FROM_DT", "CLM_THRU_DT"),
        *("PRNCPL_DGNS_CD", "CLM_MDCR_NPMT_RSN_CD", "CLM_PMT_AMT", "DGNS_DRG_CD", "ATNDG_PRVDR_NPI_NUM"),
        *("CLM_ADJSMT_TYPE_CD", "CLM_EFCTV_DT", "CLM_IDR_LD_DT", "DGNS_PRCDR_ICD_IND", "CLM_BLG_PRVDR_OSCAR_NUM"),
        "CLM_ATNDG_PRVDR_NPI_NUM",
    ),
    "CCLF2": (
        *("CUR_CLM_UNIQ_ID", "CLM_LINE_NUM", "CLM_LINE_FROM_DT", "CLM_LINE_THRU_DT", "CLM_LINE_PROD_REV_CTR_CD"),
        *("CLM_LINE_INSTNL_REV_CTR_DT", "CLM_LINE_HCPCS_CD", "CLM_LINE_CVRD_PD_AMT"),
        *(f"HCPCS_{place}_MDFR_CD" for place in range(1, 6)),
    ),
    "CCLF4": ("CUR_CLM_UNIQ_ID", "CLM_PROD_TYPE_CD", "CLM_VAL_SQNC_NUM", "CLM_DGNS_CD", "DGNS_PRCDR_ICD_IND"),
    "CCLF5": (
        *("CUR_CLM_UNIQ_ID", "CLM_LINE_NUM", "BENE_MBI_ID", "CLM_FROM_DT", "CLM_THRU_DT", "CLM_PRVDR_SPCLTY_CD"),
        *("CLM_POS_CD", "CLM_LINE_FROM_DT", "CLM_LINE_THRU_DT", "CLM_LINE_HCPCS_CD", "CLM_LINE_CVRD_PD_AMT"),
        *("CLM_LINE_DGNS_CD", "CLM_RNDRG_PRVDR_TAX_NUM", "RNDRG_PRVDR_NPI_NUM", "CLM_CARR_PMT_DNL_CD"),
        *("CLM_PRCSG_IND_CD", "CLM_ADJSMT_TYPE_CD", "CLM_EFCTV_DT", "CLM_IDR_LD_DT", "CLM_CNTL_NUM"),
        *("CLM_LINE_ALOWD_CHRG_AMT", *(f"HCPCS_{place}_MDFR_CD" for place in range(1, 6))),
        *(*(f"CLM_DGNS_{place}_CD" for place in range(1, 13)), "DGNS_PRCDR_ICD_IND", "CLM_RNDRG_PRVDR_NPI_NUM"),
    ),
    "CCLF6": (
        *("CUR_CLM_UNIQ_ID", "CLM_LINE_NUM", "BENE_MBI_ID", "CLM_FROM_DT", "CLM_THRU_DT", "CLM_POS_CD"),
        *("CLM_LINE_FROM_DT", "CLM_LINE_THRU_DT", "CLM_LINE_HCPCS_CD", "CLM_LINE_CVRD_PD_AMT", "PAYTO_PRVDR_NPI_NUM"),
        *("CLM_CARR_PMT_DNL_CD", "CLM_PRCSG_IND_CD", "CLM_ADJSMT_TYPE_CD", "CLM_EFCTV_DT", "CLM_IDR_LD_DT"),
        *("CLM_CNTL_NUM", "CLM_LINE_ALOWD_CHRG_AMT", "CLM_BLG_PRVDR_NPI_NUM"),
    ),
    "CCLF7": (
        *("CUR_CLM_UNIQ_ID", "BENE_MBI_ID", "CLM_LINE_NDC_CD", "CLM_TYPE_CD", "CLM_LINE_FROM_DT"),
        *(
            "PRVDR_SRVC_ID_QLFYR_CD",
            "CLM_SRVC_PRVDR_GNRC_ID_NUM",
            "CLM_DSPNSNG_STUS_CD",
            "CLM_PRSBNG_PRVDR_GNRC_ID_NUM",
        ),
        *("CLM_LINE_BENE_PMT_AMT", "CLM_ADJSMT_TYPE_CD", "CLM_EFCTV_DT", "CLM_IDR_LD_DT"),
        *("CLM_LINE_RX_SRVC_RFRNC_NUM", "CLM_LINE_RX_FILL_NUM"),
    ),
    "CCLF8": (
        *("BENE_MBI_ID", "BENE_FIPS_STATE_CD", "BENE_FIPS_CNTY_CD", "BENE_ZIP_CD", "BENE_DOB", "BENE_SEX_CD"),
        *("BENE_MDCR_STUS_CD", "BENE_DUAL_STUS_CD", "BENE_DEATH_DT", "BENE_RNG_BGN_DT", "BENE_RNG_END_DT"),
        *("BENE_ORGNL_ENTLMT_RSN_CD", "BENE_ENTLMT_BUYIN_IND", "BENE_PART_A_ENRLMT_BGN_DT"),
        *("BENE_PART_B_ENRLMT_BGN_DT", "GEO_ZIP5_CD"),
    ),
    "CCLF9": ("CRNT_NUM", "PRVS_NUM"),
}
"""The fields read of each kind of file."""
_CODED_BYTES = 400  # memory a record may take at most while its line is held as codes, or as the engine's text
_OPTIONAL = ("CCLF0", "CCLF3", "CCLFA", "CCLFB")


def load_cclf(
    engine: DuckDbEngine,
    sources: Sequence[Path],
    work: Path,
    *,
    threads: int,
    memory_bytes: int,
    version: str = "v38",
    stated: Days | None = None,
) -> Delivery:
    """Read CCLF files, folders or zips into the four tables.

    work: a private folder for unpacking; memory_bytes: half of it may go to lines held as codes (`usual`; beyond that
    everything goes through the engine, which spills); version: layout version; stated: days covered that the user gave.
    Raises InputRefused with every problem that stops: unknown version (C101), no file (C102), damaged or oversized zip, wrong
    record length (C107), counts other than CCLF0's (C110), more than one record in a hundred unreadable (C010). Everything else
    is counted in the delivery.
    """
    layouts = layout(version)
    problems = Problems()
    files, paths = find_files(sources, work, problems)
    problems.refuse_errors()
    inputs = hash_beside(paths)
    check_summary(files, layouts, problems)
    latest = newest(files)
    last_day = latest or dt.date(2100, 12, 31)
    found_numbers, circles = Problems(), Problems()
    room = _has_room(files, layouts, memory_bytes)
    read = partial(_read_kind, engine=engine, files=files, layouts=layouts, threads=threads, held=room)
    numbers, _ = read("CCLF9", problems=found_numbers)
    numbers.kept = make_crosswalk(engine, [file for file in files if file.kind == "CCLF9"], circles)
    wait_for_usual = None
    if room:
        crosswalk = dict(engine.execute("SELECT previous, current FROM crosswalk"))
        of_kind = [file for file in files if file.kind == "CCLF5"]
        # Clinicians' lines are cut while the other kinds go to the engine.
        wait_for_usual = beside(lambda: read_usual(of_kind, layouts["CCLF5"], crosswalk, last_day, threads=threads))
    with InTurn(engine, threads=threads if room else 1) as settling:  # two things at once need more memory than one

        def settle_beside(account: Account) -> None:
            of_kind = [file for file in files if file.kind == account.source]
            settling.begin(lambda handle: settle(handle, account, of_kind, last_day.isoformat()))

        accounts = _read(files, layouts, read, problems, numbers=(numbers, found_numbers), then=settle_beside)
        problems.extend(circles)
        usual = wait_for_usual() if wait_for_usual else None
        if not _claims_are_numbers(engine):
            usual = None
        accounts["CCLF5"], filled = read("CCLF5", problems=problems, chosen=usual.others if usual else None)
        refuse_errors(problems)
        settle_beside(accounts["CCLF5"])
        settling.finish()
        tables = _tables(engine, accounts, filled, usual)
        make_covered(engine, "SELECT from_date FROM all_lines", stated, others=_lines_by_day(usual) if usual else None)
        coded = _coded(settling, tables, usual) if usual else None
        make_enrollment(engine)
    for kind in sorted(accounts):
        accounts[kind].close()
        report_findings(accounts[kind], problems)
    frames = {name: engine.sql(query) for name, query in tables.items()}
    sorted_accounts = [accounts[kind] for kind in sorted(accounts)]
    return Delivery(frames, problems, sorted_accounts, inputs, list(NOTES), latest, coded)


def _coded(settling: InTurn, tables: dict[str, str], usual: UsualLines) -> CodedTables:
    others = {name: settling.begin(partial(_fetched, query=tables[name])) for name in CODED_TABLES}
    return CodedTables(
        usual.columns,
        {name: domain for name, domain in usual.domains.items() if name not in HELPING_DOMAINS},
        {"setting": "professional", "cost_basis": "allowed"},
        others["claim_lines"],
        others["claim_diagnoses"],
    )


def _fetched(engine: DuckDbEngine, *, query: str) -> Any:
    return engine.to_arrow(engine.sql(query))


def _read(
    files: Sequence[CclfFile],
    layouts: dict[str, FileLayout],
    read: Callable[..., tuple[Account, set[str]]],
    problems: Problems,
    *,
    numbers: tuple[Account, Problems],
    then: Callable[[Account], None],
) -> dict[str, Account]:
    """Every kind but CCLF5; numbers: account and problems of CCLF9, which has been read; then: called after each other kind."""
    accounts: dict[str, Account] = {}
    for kind in NEEDED_FIELDS:
        if not any(file.kind == kind for file in files):
            problems.add(FILE_NOT_THERE, kind)
        if kind == "CCLF9":
            accounts[kind] = numbers[0]
            problems.extend(numbers[1])
        elif kind != "CCLF5":
            accounts[kind], _ = read(kind, problems=problems)
            then(accounts[kind])
    accounts["CCLF9"].drop(
        "no new number, blank, in a circle or repeated",
        accounts["CCLF9"].records - sum(accounts["CCLF9"].dropped.values()) - accounts["CCLF9"].kept,
    )
    for kind in _OPTIONAL[1:]:
        records = sum(count_records(file, layouts[kind].record_length) for file in files if file.kind == kind)
        accounts[kind] = Account(kind, records, dropped={lines.NOT_USED: records} if records else {})
    return accounts


def _read_kind(
    kind: str,
    *,
    engine: DuckDbEngine,
    files: Sequence[CclfFile],
    layouts: dict[str, FileLayout],
    threads: int,
    problems: Problems,
    held: bool,
    chosen: Sequence[Any] | None = None,
) -> tuple[Account, set[str]]:
    return read_kind(
        engine,
        kind.lower(),
        [file for file in files if file.kind == kind],
        layouts[kind],
        layouts[kind].chosen(*NEEDED_FIELDS[kind]),
        threads=threads,
        problems=problems,
        chosen=chosen,
        held=held,
    )


def _has_room(files: Sequence[CclfFile], layouts: dict[str, FileLayout], memory_bytes: int) -> bool:
    """Whether there is memory to hold the lines as codes."""
    records = sum(count_records(file, layouts[file.kind].record_length) for file in files if file.kind in NEEDED_FIELDS)
    return records * _CODED_BYTES <= memory_bytes // 2


def _claims_are_numbers(engine: DuckDbEngine) -> bool:
    """Whether the claims of every other kind can be held as integers too."""
    return not any(
        engine.execute(f"SELECT 1 FROM {kind} WHERE NOT regexp_full_match(CUR_CLM_UNIQ_ID, '{CLAIM_FORM}') LIMIT 1")
        for kind in ("cclf1", "cclf2", "cclf4", "cclf6", "cclf7")
    )


def _tables(
    engine: DuckDbEngine, accounts: dict[str, Account], filled: set[str], usual: UsualLines | None
) -> dict[str, str]:
    """Fill the accounts with what went the short way and return the query of each table."""
    if usual is not None:
        accounts["CCLF5"].kept += usual.kept
        for reason, file, count, rows in usual.dropped:
            accounts["CCLF5"].drop(reason, count)
            accounts["CCLF5"].note(reason, file, count, dict.fromkeys(rows, ""))
    every_line = [lines.clinician_lines(), lines.equipment_lines(), lines.facility_lines(), lines.drug_lines()]
    engine.execute("CREATE OR REPLACE VIEW all_lines AS " + " UNION ALL ".join(every_line))
    engine.execute(
        "CREATE OR REPLACE VIEW part_d_lines AS SELECT person AS beneficiary, CLM_LINE_FROM_DT AS from_date "
        "FROM cclf7_fates WHERE fate IS NULL"
    )
    return {
        "claim_lines": "SELECT * FROM all_lines",
        "claim_diagnoses": f"{lines.clinician_diagnoses(filled)} UNION ALL {lines.facility_diagnoses()}",
        "enrollment": "SELECT * FROM enrollment",
        "beneficiaries": "SELECT * FROM beneficiaries",
    }


def _lines_by_day(usual: UsualLines) -> dict[dt.date, int]:
    days = usual.columns["from_date"]
    if not len(days):
        return {}
    earliest = int(days.min())
    counts = np.bincount(days - earliest)
    return {dt.date(1970, 1, 1) + dt.timedelta(earliest + int(day)): int(counts[day]) for day in np.flatnonzero(counts)}
