"""The layouts as data: which fields each CCLF file has, where they stand, how long its records are."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from openasm.base.errors import InputRefused
from openasm.base.problems import Problem, declare
from openasm.claims import codes
from openasm.tables.fixed_width import Field, FieldKind

UNKNOWN_VERSION = declare(
    "C101",
    "the CCLF layout version is not known",
    expected="v36, v37 or v38",
    next_step="Update OpenASM, or ask for the layout of this version to be added; a file is never read by guesswork.",
    citation="CCLF Information Packet",
)

NO_DATES = frozenset({"1000-01-01", "9999-12-31"})
"""Dates that mean that there is none (section 3.6)."""

CLEANING: dict[str, Callable[[str], str | None]] = {
    "CLM_LINE_HCPCS_CD": codes.hcpcs,
    "CLM_PRVDR_SPCLTY_CD": codes.two,
    "CLM_POS_CD": codes.two,
    "CLM_LINE_DGNS_CD": codes.diagnosis,
    "CLM_DGNS_CD": codes.diagnosis,
    "PRNCPL_DGNS_CD": codes.diagnosis,
    "CLM_RNDRG_PRVDR_TAX_NUM": codes.tin,
    "DGNS_DRG_CD": codes.drg,
    "CLM_LINE_PROD_REV_CTR_CD": codes.revenue_center,
    "CLM_LINE_NDC_CD": codes.ndc,
    "GEO_ZIP5_CD": codes.zip_code,
    "BENE_ZIP_CD": codes.zip_code,
    **{f"CLM_DGNS_{place}_CD": codes.diagnosis for place in range(1, 13)},
    **{f"HCPCS_{place}_MDFR_CD": codes.two for place in range(1, 6)},
    **dict.fromkeys(
        (
            "RNDRG_PRVDR_NPI_NUM",
            "CLM_RNDRG_PRVDR_NPI_NUM",
            "ATNDG_PRVDR_NPI_NUM",
            "CLM_ATNDG_PRVDR_NPI_NUM",
            "PAYTO_PRVDR_NPI_NUM",
            "CLM_BLG_PRVDR_NPI_NUM",
            "CLM_PRSBNG_PRVDR_GNRC_ID_NUM",
        ),
        codes.npi,
    ),
}

IDENTIFYING = frozenset(
    (
        *("CUR_CLM_UNIQ_ID", "CLM_CNTL_NUM", "BENE_MBI_ID", "CRNT_NUM", "PRVS_NUM"),
        *("PRVDR_OSCAR_NUM", "CLM_BLG_PRVDR_OSCAR_NUM", "CLM_SRVC_PRVDR_GNRC_ID_NUM", "CLM_LINE_RX_SRVC_RFRNC_NUM"),
    )
)
"""Fields that join records to claims, histories, persons and fills; a damaged character would part them in silence."""


@dataclass(frozen=True, slots=True)
class FileLayout:
    """One CCLF file: its name (`CCLF1`), record length in characters, fields by label."""

    file: str
    record_length: int
    content: str
    fields: dict[str, Field]

    def chosen(self, *labels: str) -> list[Field]:
        """Some fields, in the order asked; an unknown label raises KeyError."""
        return [self.fields[label] for label in labels]


@cache
def layout(version: str = "v38") -> dict[str, FileLayout]:
    """The files of a layout version by name; an unknown version raises InputRefused (C101).

    Versions v36, v37 and v38 agree in every field, so they are one table.
    """
    folder = resources.files("openasm.claims.sources.cclf") / "layouts"
    files: dict[str, tuple[int, str]] = {}
    table = ""
    for row in csv.DictReader((folder / "files.csv").read_text(encoding="utf-8").splitlines()):
        if version in row["versions"].split():
            files[row["file"]] = (int(row["record_length"]), row["content"])
            table = row["layout"]
    if not files:
        raise InputRefused([Problem(UNKNOWN_VERSION, "CCLF", found=version[:20])])
    fields: dict[str, dict[str, Field]] = {name: {} for name in files}
    for row in csv.DictReader((folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()):
        label = row["label"]
        start, length, kind = int(row["start"]), int(row["length"]), FieldKind(row["kind"])
        clean = CLEANING.get(label)
        fields[row["file"]][label] = Field(label, start, length, kind, clean, printable=label in IDENTIFYING)
    return {name: FileLayout(name, length, content, fields[name]) for name, (length, content) in sorted(files.items())}
