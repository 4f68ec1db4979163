"""Writes small CCLF files from a few named fields, by the project's own layout table, and nothing of the reader's code."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

_LAYOUTS = Path(__file__).parents[2] / "openasm" / "claims" / "sources" / "cclf" / "layouts"


def _fields() -> dict[str, list[tuple[str, int]]]:
    fields: dict[str, list[tuple[str, int]]] = {}
    with (_LAYOUTS / "v36-v38.csv").open() as stream:
        for row in csv.DictReader(stream):
            fields.setdefault(row["file"], []).append((row["label"], int(row["length"])))
    return fields


FIELDS = _fields()
RIGHT = ("_AMT", "_QTY", "_LINE_NUM")


def record(kind: str, values: Mapping[str, object]) -> str:
    """One record: values by label, numbers right-aligned, everything else left-aligned and blank-filled."""
    known = {label for label, _ in FIELDS[kind]}
    assert set(values) <= known, set(values) - known
    cells = []
    for label, length in FIELDS[kind]:
        text = str(values.get(label, ""))
        assert len(text) <= length, (label, text)
        cells.append(text.rjust(length) if label.endswith(RIGHT) and text else text.ljust(length))
    return "".join(cells)


def write(path: Path, kind: str, rows: Sequence[Mapping[str, object]], end: str = "\n") -> Path:
    """A file of records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(record(kind, row) + end for row in rows).encode("latin-1"))
    return path


def money(cents: int) -> str:
    """Cents as CCLF writes them."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def header(claim: int, person: str, **more: object) -> dict[str, object]:
    """A facility claim header (CCLF1)."""
    return {
        "CUR_CLM_UNIQ_ID": f"{claim:013d}",
        "PRVDR_OSCAR_NUM": "654321",
        "BENE_MBI_ID": person,
        "CLM_TYPE_CD": "60",
        "CLM_FROM_DT": "2026-07-01",
        "CLM_THRU_DT": "2026-07-08",
        "PRNCPL_DGNS_CD": "I5023",
        "CLM_PMT_AMT": "200.00",
        "DGNS_DRG_CD": "291",
        "CLM_ADJSMT_TYPE_CD": "0",
        "CLM_EFCTV_DT": "2026-07-20",
        "CLM_IDR_LD_DT": "2026-07-27",
        "DGNS_PRCDR_ICD_IND": "0",
        "CLM_BLG_PRVDR_OSCAR_NUM": "654321",
        **more,
    }


def visit(claim: int, line: int, person: str, **more: object) -> dict[str, object]:
    """A clinician's line (CCLF5)."""
    return {
        "CUR_CLM_UNIQ_ID": f"{claim:013d}",
        "CLM_LINE_NUM": line,
        "BENE_MBI_ID": person,
        "CLM_TYPE_CD": "71",
        "CLM_FROM_DT": "2026-03-02",
        "CLM_THRU_DT": "2026-03-02",
        "CLM_PRVDR_SPCLTY_CD": "06",
        "CLM_POS_CD": "11",
        "CLM_LINE_FROM_DT": "2026-03-02",
        "CLM_LINE_THRU_DT": "2026-03-02",
        "CLM_LINE_HCPCS_CD": "99214",
        "CLM_LINE_CVRD_PD_AMT": "80.00",
        "CLM_LINE_DGNS_CD": "I5022",
        "CLM_RNDRG_PRVDR_TAX_NUM": "000000012",
        "RNDRG_PRVDR_NPI_NUM": "2999000047",
        "CLM_CARR_PMT_DNL_CD": "1",
        "CLM_PRCSG_IND_CD": "A",
        "CLM_ADJSMT_TYPE_CD": "0",
        "CLM_EFCTV_DT": "2026-03-20",
        "CLM_IDR_LD_DT": "2026-03-23",
        "CLM_CNTL_NUM": f"C{claim}",
        "CLM_LINE_ALOWD_CHRG_AMT": "100.00",
        "DGNS_PRCDR_ICD_IND": "0",
        "CLM_DGNS_1_CD": "I5022",
        **more,
    }


def fill(claim: int, person: str, **more: object) -> dict[str, object]:
    """A drug fill (CCLF7)."""
    return {
        "CUR_CLM_UNIQ_ID": f"{claim:013d}",
        "BENE_MBI_ID": person,
        "CLM_LINE_NDC_CD": "00338004904",
        "CLM_TYPE_CD": "01",
        "CLM_LINE_FROM_DT": "2026-05-05",
        "PRVDR_SRVC_ID_QLFYR_CD": "01",
        "CLM_SRVC_PRVDR_GNRC_ID_NUM": "2999000099",
        "CLM_DSPNSNG_STUS_CD": "C",
        "PRVDR_PRSBNG_ID_QLFYR_CD": "01",
        "CLM_PRSBNG_PRVDR_GNRC_ID_NUM": "2999000047",
        "CLM_LINE_BENE_PMT_AMT": "12.50",
        "CLM_ADJSMT_TYPE_CD": "0",
        "CLM_EFCTV_DT": "2026-05-10",
        "CLM_IDR_LD_DT": "2026-05-11",
        "CLM_LINE_RX_SRVC_RFRNC_NUM": f"{claim:012d}",
        "CLM_LINE_RX_FILL_NUM": "1",
        **more,
    }


def person(mbi: str, **more: object) -> dict[str, object]:
    """A person (CCLF8)."""
    return {
        "BENE_MBI_ID": mbi,
        "BENE_FIPS_STATE_CD": "36",
        "BENE_FIPS_CNTY_CD": "001",
        "BENE_ZIP_CD": "12207",
        "BENE_DOB": "1950-05-05",
        "BENE_SEX_CD": "2",
        "BENE_MDCR_STUS_CD": "10",
        "BENE_DUAL_STUS_CD": "NA",
        "BENE_ORGNL_ENTLMT_RSN_CD": "0",
        "BENE_ENTLMT_BUYIN_IND": "3",
        "BENE_PART_A_ENRLMT_BGN_DT": "2015-05-01",
        "BENE_PART_B_ENRLMT_BGN_DT": "2015-05-01",
        "GEO_ZIP5_CD": "12207",
        **more,
    }
