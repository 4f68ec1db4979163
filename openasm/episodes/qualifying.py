"""Step 1: the lines that can open, confirm or extend a window."""

from __future__ import annotations

import narwhals as nw

from openasm.episodes.frames import CLAIM, PERSON
from openasm.episodes.specifications.lists import CodesList
from openasm.tables.engine import Frame


def qualifying_lines(lines: Frame, diagnoses: Frame, codes: CodesList) -> Frame:
    """Professional lines with a TIN and a service of the trigger list whose claim carries a trigger diagnosis.

    Returns tin, beneficiary, day, claim_id, line, npi and the roles `trigger` and `confirming` as 0 or 1. As
    `plain.qualifying_lines`.
    """
    services = list(codes.triggers)
    triggers = [code for code, role in codes.triggers.items() if role.trigger]
    confirming = [code for code, role in codes.triggers.items() if role.confirming]
    listed = sorted(codes.trigger_diagnoses)
    candidates = lines.filter(
        (nw.col("setting") == "professional") & ~nw.col("tin").is_null() & nw.col("hcpcs").is_in(services)
    )
    by_header = diagnoses.filter(nw.col("code").is_in(listed)).select(*CLAIM).unique().with_columns(carried=nw.lit(1))
    return (
        candidates.join(by_header, on=CLAIM, how="left")
        .filter(~nw.col("carried").is_null() | nw.col("line_diagnosis").fill_null("").is_in(listed))
        .select(
            "tin",
            PERSON,
            "day",
            "claim_id",
            "line",
            "npi",
            nw.col("hcpcs").is_in(triggers).cast(nw.Int64).alias("trigger"),
            nw.col("hcpcs").is_in(confirming).cast(nw.Int64).alias("confirming"),
        )
    )
