"""The short way of clinicians' lines against the long way through the engine: equal tables and equal accounts, whatever comes."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from openasm.base.errors import InputRefused
from openasm.claims.loading import load_claims
from openasm.claims.sources.cclf import load, usual
from openasm.tables import fixed_width, words
from tests.builders import cclf

PEOPLE = ["1SA0A00AA00", "1SA0A00AA01", "1SA0A00AA08", ""]
DAY = "2026-03-02"
ODD_VALUES = {  # every field the short way reads, in forms usual and unusual
    "CUR_CLM_UNIQ_ID": ["-000000000001", "-000000000002", "-000000000010", "-00000000001\xe9"],
    "CLM_LINE_NUM": ["0000000001", "0000000002", "00      1", "0000000a01"],
    "CLM_FROM_DT": [DAY, "1999-12-31", "1000-01-01", ""],
    "CLM_THRU_DT": [DAY, "2026-03-09"],
    "CLM_LINE_FROM_DT": [DAY, "2026-02-28", "9999-12-31", "", "2100-01-01"],
    "CLM_LINE_THRU_DT": [DAY, "2026-03-01", ""],
    "CLM_PRVDR_SPCLTY_CD": ["06", "6", "a1", "", "*"],
    "CLM_POS_CD": ["11", "1", ""],
    "CLM_LINE_HCPCS_CD": ["99214", "j1745", "00000", "", "993"],
    "CLM_LINE_CVRD_PD_AMT": ["80.00", "0.00", "123456.78", "-5.00", "", "7.5"],
    "CLM_LINE_ALOWD_CHRG_AMT": ["100.00", "99999.99", "100000.00", ""],
    "CLM_LINE_DGNS_CD": ["I5022", "i50.22", "4280", ""],
    "CLM_RNDRG_PRVDR_TAX_NUM": ["000000012", "12-3456789", "000000000", "", "1234567890"],
    "RNDRG_PRVDR_NPI_NUM": ["2999000047", "0000000000", "", "299900004"],
    "CLM_RNDRG_PRVDR_NPI_NUM": ["", "2999000048", "1111111111"],
    "CLM_CARR_PMT_DNL_CD": ["1", "0", "D", ""],
    "CLM_PRCSG_IND_CD": ["A", "D", "", " B"],
    "CLM_ADJSMT_TYPE_CD": ["0", "0", "0", "1", "2", ""],
    "CLM_EFCTV_DT": ["2026-03-20", "2026-03-21", ""],
    "CLM_CNTL_NUM": ["C1", "C2", "C3", "", "0000000000001", "C" * 40, "C1\x7f", "C\x7f"],
    "HCPCS_1_MDFR_CD": ["", "25", "5", "lt"],
    "HCPCS_4_MDFR_CD": ["", "RT"],
    "HCPCS_5_MDFR_CD": ["", "59"],
    "CLM_DGNS_1_CD": ["I5022", "M5450", ""],
    "CLM_DGNS_2_CD": ["", "E119", "E11.9"],
    "CLM_DGNS_12_CD": ["", "N183"],
    "DGNS_PRCDR_ICD_IND": ["0", "", "9"],
}
RECORD = st.tuples(
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from(PEOPLE),
    st.sampled_from(["C1", "C2", "C3", "C4", "C5"]),
    st.sampled_from(["0", "0", "0", "1", "2"]),
    st.lists(
        st.sampled_from(sorted(ODD_VALUES)).flatmap(
            lambda label: st.tuples(st.just(label), st.sampled_from(ODD_VALUES[label]))
        ),
        max_size=2,
    ),
)


# Enough sound records that a few unreadable ones do not stop the load.
SOUND = "".join(
    cclf.record("CCLF5", cclf.visit(1000 + each, 1, PEOPLE[each % 2])) + "\n" for each in range(1500)
).encode()


def _loaded(folder: Path, out: Path, threads: int = 2) -> tuple[dict, dict]:
    try:
        manifest = load_claims("cclf", [folder], out, threads=threads)
    except InputRefused as refused:
        return {}, {"refused": sorted(str(problem) for problem in refused.problems)}
    # A claim of which two versions stand has rows of one key, which stand in any order.
    tables = {
        name: sorted(pq.read_table(out / f"{name}.parquet").to_pylist(), key=lambda row: str(list(row.values())))
        for name in manifest["tables"]
    }
    return tables, json.loads((out / "claims.json").read_text())


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(RECORD, min_size=1, max_size=12), st.integers(1, 2))
def test_both_ways_are_equal(records, files: int) -> None:
    rows = [
        cclf.visit(claim, line, person, **{"CLM_CNTL_NUM": control, "CLM_ADJSMT_TYPE_CD": kind, **dict(changes)})
        for claim, line, person, control, kind, changes in records
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for each in range(files):
            name = f"P.A9999.ACO.ZC5Y26.D26100{each + 1}.T0000000"
            path = cclf.write(folder / "in" / name, "CCLF5", rows[each::files])
            path.write_bytes(path.read_bytes() + SOUND)
        cclf.write(folder / "in" / "CCLF9", "CCLF9", [{"CRNT_NUM": PEOPLE[0], "PRVS_NUM": PEOPLE[2]}])
        cclf.write(folder / "in" / "CCLF7", "CCLF7", [cclf.fill(903, PEOPLE[1]), cclf.fill(7, PEOPLE[0])])
        short, short_manifest = _loaded(folder / "in", folder / "short")
        with mock.patch.object(load, "_has_room", return_value=False):
            long, long_manifest = _loaded(folder / "in", folder / "long")
    for manifest in (short_manifest, long_manifest):
        for account in manifest.get("records", []):
            account["dropped"] = dict(sorted(account["dropped"].items()))
    assert short == long
    assert short_manifest == long_manifest


def test_both_ways_find_the_same(tmp_path: Path) -> None:
    """Problems with code, file and row: each kind of finding in two files, some with more records than are named."""
    late, nowhere = {"CLM_LINE_FROM_DT": "2026-12-01"}, {"CLM_FROM_DT": "", "CLM_LINE_FROM_DT": ""}
    for each in (1, 2):
        rows = [
            *(cclf.visit(100 * each + row, 1, PEOPLE[0], **late) for row in range(30)),
            *(cclf.visit(20 + row, 1, PEOPLE[1], CLM_PRCSG_IND_CD="D") for row in range(25)),  # repeated in both files
            cclf.visit(50 + each, 1, PEOPLE[0], CLM_CARR_PMT_DNL_CD="0"),
            cclf.visit(60 + each, 1, PEOPLE[0], CLM_ADJSMT_TYPE_CD="1", CLM_CNTL_NUM="alone"),
            cclf.visit(60 + each, 2, PEOPLE[0], CLM_ADJSMT_TYPE_CD="1", CLM_CNTL_NUM="alone"),
            cclf.visit(70 + each, 1, PEOPLE[0], CLM_CNTL_NUM=f"part {each}"),
            cclf.visit(
                80 + each,
                1,
                PEOPLE[0],
                CLM_CNTL_NUM=f"part {each}",
                CLM_ADJSMT_TYPE_CD="1",
                CLM_LINE_CVRD_PD_AMT="1.00",
            ),
            cclf.visit(90, each, "", **late),
            cclf.visit(91, each, PEOPLE[1], **nowhere),
            cclf.visit(92, each, PEOPLE[1], CLM_LINE_HCPCS_CD="*"),
            cclf.visit(93, each, PEOPLE[1], CLM_LINE_THRU_DT="2026-02-30"),
            cclf.visit(94, each, PEOPLE[1], CLM_CNTL_NUM="C\x7f"),
            cclf.visit(95, each, PEOPLE[1], **late, CLM_LINE_HCPCS_CD="*"),
        ]
        path = cclf.write(tmp_path / "in" / f"P.A9999.ACO.ZC5Y26.D26100{each}.T0000000", "CCLF5", rows)
        path.write_bytes(path.read_bytes() + SOUND)
    _, short = _loaded(tmp_path / "in", tmp_path / "short")
    with mock.patch.object(load, "_has_room", return_value=False):
        _, long = _loaded(tmp_path / "in", tmp_path / "long")

    def found(manifest: dict) -> list[tuple[str, str, int | None, str, int]]:
        return [tuple(each[key] for key in ("code", "file", "row", "column", "count")) for each in manifest["problems"]]

    assert found(short) == found(long)
    codes = {code for code, file, *_ in found(short) if file.startswith("P.")}
    assert codes == {"C108", "C109", "C111", "C112", "C114", "C115", "C116", "C122"}
    assert [row for code, _, row, _, _ in found(short) if code == "C112" and row == 20] == [20, 20]
    assert [count for code, _, row, _, count in found(short) if code == "C112" and row is None] == [11, 11]


HISTORY = st.tuples(
    st.integers(1, 9), st.sampled_from(PEOPLE), st.sampled_from("0001 2"), st.sampled_from(["200.00", "", "x"])
)


@settings(
    max_examples=4,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(RECORD, max_size=12), st.lists(HISTORY, min_size=1, max_size=12), st.integers(1, 3))
def test_any_number_of_threads_gives_the_same(records, histories, files: int) -> None:
    """Every kind of file with cancelled, odd and broken records, in one file or several, read in one block or many."""
    visits = [
        cclf.visit(claim, line, person, **{"CLM_CNTL_NUM": control, "CLM_ADJSMT_TYPE_CD": kind, **dict(changes)})
        for claim, line, person, control, kind, changes in records
    ]
    sound = [cclf.visit(1000 + each, 1, PEOPLE[each % 2]) for each in range(300)]
    headers = [cclf.header(200 + each, PEOPLE[each % 3]) for each in range(300)]
    fills = [cclf.fill(600 + each, PEOPLE[each % 3]) for each in range(300)]
    for claim, person, kind, amount in histories:
        headers.append(
            cclf.header(
                claim, person, CLM_ADJSMT_TYPE_CD=kind, CLM_PMT_AMT=amount, CLM_TYPE_CD="4060"[claim % 2 * 2 :][:2]
            )
        )
        fills.append(cclf.fill(claim % 4, person, CLM_ADJSMT_TYPE_CD=kind, CLM_LINE_BENE_PMT_AMT=amount))
    lines = [{"CUR_CLM_UNIQ_ID": f"{claim % 9:013d}", "CLM_LINE_NUM": claim} for claim in range(40)]
    coded = [
        {
            "CUR_CLM_UNIQ_ID": f"{claim % 9:013d}",
            "CLM_PROD_TYPE_CD": "D",
            "CLM_VAL_SQNC_NUM": claim,
            "CLM_DGNS_CD": "E119",
        }
        for claim in range(40)
    ]
    people = [cclf.person(mbi) for mbi in PEOPLE[:3]]
    kinds = {"1": headers, "2": lines, "4": coded, "5": sound + visits, "7": fills, "8": people}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for each in range(files):
            for kind, rows in kinds.items():
                cclf.write(
                    folder / "in" / f"P.A9999.ACO.ZC{kind}Y26.D26100{each + 1}.T0000000",
                    f"CCLF{kind}",
                    rows[each::files],
                )
        cclf.write(folder / "in" / "CCLF9", "CCLF9", [{"CRNT_NUM": PEOPLE[0], "PRVS_NUM": PEOPLE[2]}])
        one = _loaded(folder / "in", folder / "one", threads=1)
        with mock.patch.object(fixed_width, "BLOCK_RECORDS", 64), mock.patch.object(usual, "BLOCK_RECORDS", 100):
            several = _loaded(folder / "in", folder / "several", threads=3)
    assert one == several


def test_signed_claim_numbers_and_padded_lines_go_the_short_way(tmp_path: Path) -> None:
    """The forms of CMS's made-up deliveries: a minus sign and twelve digits, line numbers with zeros before them."""
    rows = [
        cclf.visit(0, 1, PEOPLE[0], CUR_CLM_UNIQ_ID=claim, CLM_LINE_NUM=f"{line:010d}", CLM_CNTL_NUM=claim)
        for claim in ("-000000000010", "0000000000001", "-000000000002", "0000000000010", "-000000000000")
        for line in (10, 9)
    ]
    cclf.write(tmp_path / "in" / "CCLF5", "CCLF5", rows)
    taken = []
    real = load.read_usual

    def spied(*given: object, **named: object) -> object:
        taken.append(real(*given, **named))
        return taken[-1]

    with mock.patch.object(load, "read_usual", spied):
        short, _ = _loaded(tmp_path / "in", tmp_path / "short")
    assert (taken[0].kept, [len(each) for each in taken[0].others]) == (10, [0])
    with mock.patch.object(load, "_has_room", return_value=False):
        long, _ = _loaded(tmp_path / "in", tmp_path / "long")
    assert short == long
    for way in ("short", "long"):
        written = pq.read_table(tmp_path / way / "claim_lines.parquet", columns=["claim_id", "line"]).to_pylist()
        assert [(row["claim_id"], row["line"]) for row in written] == [
            (claim, line)
            for claim in ("-000000000000", "-000000000002", "-000000000010", "0000000000001", "0000000000010")
            for line in (9, 10)
        ]


@given(st.lists(st.text("0123456789 .-", min_size=8, max_size=8), min_size=1), st.integers(0, 9_999_999))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_amounts_are_read_or_left(texts: list[str], cents: int) -> None:
    texts = [*texts, f"{cents / 100:8.2f}"]
    cells = np.frombuffer("".join(texts).encode(), dtype=np.uint64)
    found, odd = words.amounts(cells, np.full(len(cells), words.blank(7)), 7)
    assert not odd[-1]
    for text, value, left in zip(texts, found.tolist(), odd.tolist(), strict=True):
        if not left:
            assert round(float(text) * 100) == value


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.integers(0, 99_999_999))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_eight_digits(day: dt.date, number: int) -> None:
    texts = f"{number:08d}{day:%Y%m%d}12345 78"
    cells = np.frombuffer(texts.encode(), dtype=np.uint64)
    assert words.are_digits(cells).tolist() == [True, True, False]
    assert words.number(cells[:2]).tolist() == [number, int(f"{day:%Y%m%d}")]
