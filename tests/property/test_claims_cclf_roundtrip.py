"""CCLF written and read gives the claims it was written from, however files and records are cut and ordered."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openasm.claims.loading import load_claims
from tests.builders import cclf

PEOPLE = ["1SA0A00AA00", "1SA0A00AA01"]
DAYS = st.dates(dt.date(2025, 1, 1), dt.date(2026, 12, 31))
CENTS = st.integers(0, 10**7)
LINES = st.tuples(DAYS, st.sampled_from(["99214", "93306", "J1745"]), CENTS, st.sampled_from(["I5022", "M5450", ""]))
CLAIMS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.lists(LINES, min_size=1, max_size=3),
        st.integers(0, 3),  # earlier versions of the claim, each cancelled
        st.booleans(),  # whether the last version is cancelled too
    ),
    min_size=1,
    max_size=5,
)


def records(claims) -> tuple[list[dict], list[tuple]]:
    """CCLF5 records of the claims with their history, and the lines that stand."""
    written, stand = [], []
    number = 0
    for place, (person, lines, earlier, gone) in enumerate(claims):
        versions = [(kind, version) for version in range(earlier) for kind in ("0", "1")] + [("0", earlier)]
        versions += [("1", earlier)] if gone else []
        for kind, version in versions:
            number += 1
            for line, (day, code, cents, diagnosis) in enumerate(lines, start=1):
                # Versions differ by their amounts; a cancellation repeats those of the version it cancels.
                amount = cents + version
                written.append(
                    cclf.visit(
                        number,
                        line,
                        person,
                        CLM_CNTL_NUM=f"C{place}",
                        CLM_ADJSMT_TYPE_CD=kind,
                        CLM_LINE_FROM_DT=day.isoformat(),
                        CLM_LINE_THRU_DT=day.isoformat(),
                        CLM_LINE_HCPCS_CD=code,
                        CLM_LINE_ALOWD_CHRG_AMT=cclf.money(amount),
                        CLM_LINE_CVRD_PD_AMT=cclf.money(amount // 2),
                        CLM_LINE_DGNS_CD=diagnosis,
                        CLM_EFCTV_DT=(day + dt.timedelta(days=version)).isoformat(),
                    )
                )
                if kind == "0" and version == earlier and not gone:
                    stand.append((person, number, line, day, code, amount, diagnosis or None))
    return written, stand


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CLAIMS, st.randoms(use_true_random=False), st.integers(1, 3))
def test_written_and_read(claims, random, files: int) -> None:
    written, stand = records(claims)
    if not stand:
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cclf.write(folder / "a" / "CCLF5", "CCLF5", written)
        manifest = load_claims("cclf", [folder / "a"], folder / "out_a", threads=1)
        read = pq.read_table(folder / "out_a" / "claim_lines.parquet").to_pylist()
        assert Counter(
            (
                r["beneficiary"],
                int(r["claim_id"]),
                r["line"],
                r["from_date"],
                r["hcpcs"],
                r["cost_cents"],
                r["line_diagnosis"],
            )
            for r in read
        ) == Counter(stand)
        for account in manifest["records"]:
            assert account["records"] == account["kept"] + sum(account["dropped"].values())
        shuffled = list(written)
        random.shuffle(shuffled)
        for each in range(files):
            cclf.write(folder / "b" / f"CCLF5_{each}", "CCLF5", shuffled[each::files])
        load_claims("cclf", [folder / "b"], folder / "out_b", threads=2)
        for name in ("claim_lines", "claim_diagnoses"):
            one, other = (pq.read_table(folder / out / f"{name}.parquet") for out in ("out_a", "out_b"))
            assert one.equals(other)
