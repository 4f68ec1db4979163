"""Loading claims: CCLF against the same bytes read as one column of text.

The lines are clinicians' claims (CCLF5, 388 characters), one in a hundred cancelled. Size: `OPENASM_BENCH_CCLF_LINES`
(default 4,000,000).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.measure import Row, measured
from openasm.claims.loading import load_claims
from tests.builders import cclf

PATTERN = 10_000  # distinct claims numbers and amounts are laid over this many different records


def write_lines(path: Path, lines: int) -> None:
    """A CCLF5 file: records of a pattern with numbers, persons and amounts of their own."""
    layout = dict(_places("CCLF5"))
    records = [
        cclf.record(
            "CCLF5",
            cclf.visit(
                1,
                each % 3 + 1,
                "1SA0A00AA00",
                CLM_RNDRG_PRVDR_TAX_NUM=f"{each % 500 + 1:09d}",
                RNDRG_PRVDR_NPI_NUM=f"2999{each % 2000:06d}",
                CLM_LINE_FROM_DT=f"2026-{each % 12 + 1:02d}-{each % 28 + 1:02d}",
                CLM_LINE_HCPCS_CD=f"99{each % 400:03d}",
                CLM_LINE_ALOWD_CHRG_AMT=cclf.money(each * 7 % 90_000),
                CLM_DGNS_2_CD="E119",
            ),
        )
        + "\n"
        for each in range(PATTERN)
    ]
    block = np.frombuffer("".join(records).encode(), dtype=np.uint8).reshape(PATTERN, -1).copy()
    with path.open("wb") as stream:
        for start in range(0, lines, PATTERN):
            rows = min(PATTERN, lines - start)
            claims = (start + np.arange(rows)) // 3 + 1
            _digits(block[:rows], layout["CUR_CLM_UNIQ_ID"], 13, claims)
            _digits(block[:rows], layout["CLM_CNTL_NUM"], 13, np.where(claims % 100 == 1, claims - 1, claims))
            _digits(block[:rows], layout["BENE_MBI_ID"] + 2, 9, claims % (lines // 60 + 1))
            kind = np.where(claims % 100 == 1, ord("1"), ord("0"))
            block[:rows, layout["CLM_ADJSMT_TYPE_CD"]] = kind
            stream.write(block[:rows].tobytes())


def _places(kind: str) -> list[tuple[str, int]]:
    places, at = [], 0
    for label, length in cclf.FIELDS[kind]:
        places.append((label, at))
        at += length
    return places


def _digits(block: np.ndarray, at: int, width: int, numbers: np.ndarray) -> None:
    for place in range(width):
        block[:, at + width - 1 - place] = numbers // 10**place % 10 + ord("0")


def run() -> list[Row]:
    """A whole load (read, cancel, order, write, hash) against DuckDB making a table of one text column."""
    lines = int(os.environ.get("OPENASM_BENCH_CCLF_LINES", "4000000"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "in").mkdir()
        path = folder / "in" / "CCLF5"
        write_lines(path, lines)

        def one_column() -> None:
            with duckdb.connect() as connection:
                connection.execute(
                    f"CREATE TABLE t AS SELECT * FROM read_csv('{path}', header = false, columns = {{'record': 'VARCHAR'}}, "
                    "delim = '\x01', quote = '', escape = '', auto_detect = false)"
                )

        theirs = measured(one_column, repeat=2)
        ours = measured(lambda: load_claims("cclf", [folder / "in"], folder / "out", replace=True), repeat=2)
    return [
        Row(
            name="CCLF load",
            what=f"{lines:,} lines of CCLF5 to the four tables, ordered and hashed",
            took=ours,
            reference="DuckDB making a table of the same bytes as one text column",
            reference_took=theirs,
            limit_seconds=2 * theirs.seconds,
            note="promise: at most twice the time of the reference; one thread reads while another hashes. Of the processor time "
            "about 40 % is cutting the records into words and looking up their codes, 17 % SHA-256 of the input, 25 % ordering and "
            "writing Parquet, the rest records that others cancel (through the engine) and fixed costs",
        )
    ]
