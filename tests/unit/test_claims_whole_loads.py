"""A whole CCLF delivery with its history: equal bytes however it is loaded, nothing left of a load that was broken off, and
every figure of the check on claims that have each fault once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.claims import coded
from openasm.claims.checks import check_claims
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.loading import load_claims
from openasm.claims.sources.cclf import load, settling, usual
from openasm.runs.cost.synthesis import synthetic_region
from openasm.tables import fixed_width
from openasm.tables.engine import open_engine
from tests.builders import cclf

ANNA = "1SA0A00AA00"


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delivery") / "region"
    synthetic_region(5, folder, participants=2, beneficiaries=60, formats=("cclf",))
    return folder / "cclf"


@pytest.fixture(scope="module")
def whole(delivery: Path) -> Path:
    load_claims("cclf", [delivery], delivery.parent / "whole", threads=1)
    return delivery.parent / "whole"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_any_number_of_threads_gives_the_same_bytes(delivery: Path, whole: Path, tmp_path: Path) -> None:
    seen: list[Any] = []
    real = load.read_usual

    def spied(*given: Any, **named: Any) -> Any:
        seen.append(real(*given, **named))
        return seen[-1]

    # Blocks so small that every thread has several.
    small = mock.patch.object(usual, "BLOCK_RECORDS", 100), mock.patch.object(fixed_width, "BLOCK_RECORDS", 64)
    with mock.patch.object(load, "read_usual", spied), small[0], small[1]:
        load_claims("cclf", [delivery], tmp_path / "three", threads=3)
    first = bytes_of(whole)
    assert set(first) == {"claims.json", *(f"{name}.parquet" for name in CLAIMS_TABLES)}
    assert bytes_of(tmp_path / "three") == first
    # Most of a delivery's lines go the short way, some of every kind of history the long one.
    (others,) = seen[0].others
    assert seen[0].kept > 5 * len(others) > 0


def test_little_memory_gives_the_same_rows(delivery: Path, whole: Path, tmp_path: Path) -> None:
    held = mock.patch.object(load, "read_usual", side_effect=AssertionError("held as codes without room for them"))
    with held, mock.patch.object(load, "_CODED_BYTES", 100_000):  # as if each record were so large
        load_claims("cclf", [delivery], tmp_path / "little", threads=2, memory_bytes=64 * 1024**2)
    for name, contract in CLAIMS_TABLES.items():
        one, other = (pq.read_table(out / f"{name}.parquet") for out in (whole, tmp_path / "little"))
        order = [(key, "ascending") for key in contract.key]
        assert one.to_pylist() == other.to_pylist() == other.sort_by(order).to_pylist()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("owner", "name"), [(load, "read_kind"), (settling, "make_people"), (coded, "_write")])
def test_a_load_broken_off_leaves_nothing_and_goes_well_again(
    delivery: Path, whole: Path, tmp_path: Path, owner: Any, name: str, threads: int
) -> None:
    real: Callable[..., Any] = getattr(owner, name)
    left = [2]

    def breaks(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] <= 0 or name == "make_people":
            raise KeyboardInterrupt
        return real(*given, **named)

    with mock.patch.object(owner, name, breaks), pytest.raises(KeyboardInterrupt):
        load_claims("cclf", [delivery], tmp_path / "cut", threads=threads)
    assert list(tmp_path.iterdir()) == []
    load_claims("cclf", [delivery], tmp_path / "cut", threads=threads)
    assert bytes_of(tmp_path / "cut") == bytes_of(whole)


def test_the_payment_of_a_bill_stays_whole_when_a_line_has_no_number(tmp_path: Path) -> None:
    """The line that is left out takes its amount along; the claim's payment then stands on the first of the others."""
    day = {"CLM_TYPE_CD": "40", "CLM_FROM_DT": "2026-04-01", "CLM_THRU_DT": "2026-04-01"}
    cclf.write(tmp_path / "in" / "CCLF1", "CCLF1", [cclf.header(2, ANNA, **day, CLM_PMT_AMT="30.00")])
    lines = [("1", "10.00", ""), ("", "20.00", "93306"), ("3", "0.00", "99213")]
    cclf.write(
        tmp_path / "in" / "CCLF2",
        "CCLF2",
        [
            {
                "CUR_CLM_UNIQ_ID": f"{2:013d}",
                "CLM_LINE_NUM": number,
                "CLM_LINE_CVRD_PD_AMT": amount,
                "CLM_LINE_HCPCS_CD": code,
            }
            for number, amount, code in lines
        ],
    )
    manifest = load_claims("cclf", [tmp_path / "in"], tmp_path / "out", threads=1)
    rows = pq.read_table(tmp_path / "out" / "claim_lines.parquet").to_pylist()
    assert [(row["line"], row["cost_cents"]) for row in rows] == [(1, 0), (3, 3000)]
    assert {"C111", "C118"} <= {each["code"] for each in manifest["problems"]}
    (account,) = (each for each in manifest["records"] if each["source"] == "CCLF2")
    assert account["dropped"] == {"claim number, person, line number or date missing": 1}


def claims_with_every_fault(folder: Path) -> Path:
    """A loaded folder of fifteen months with a line a month, then rows put in that no load would write."""
    empty = dict.fromkeys(CLAIMS_TABLES["claim_lines"].names)
    months = [dt.date(2025 + place // 12, place % 12 + 1, 5) for place in range(15)]

    def line(number: int, day: dt.date, **more: object) -> dict[str, object]:
        basics = {"beneficiary": ANNA, "claim_id": f"{number:03d}", "line": 1, "setting": "professional"}
        money = {"cost_cents": 1000, "cost_basis": "allowed"}
        who = {"tin": "000000012", "npi": "2999000047", "specialty": "06", "line_diagnosis": "I5022"}
        return {**empty, **basics, **money, **who, "from_date": day, "thru_date": day, **more}

    lines = [line(number, day) for number, day in enumerate(months) if number < 13 or number == 14]
    enrolled = [{"beneficiary": ANNA, "month": day.replace(day=1), "part_a": True, "part_b": True} for day in months]
    nothing = dict.fromkeys(CLAIMS_TABLES["enrollment"].names)
    rows: dict[str, list[dict[str, Any]]] = {
        "claim_lines": lines,
        "claim_diagnoses": [{"beneficiary": ANNA, "claim_id": "001", "position": 1, "code": "I5022"}],
        "enrollment": [{**nothing, **month} for month in enrolled],
        "beneficiaries": [
            {**dict.fromkeys(CLAIMS_TABLES["beneficiaries"].names), "beneficiary": ANNA, "sex": "female"}
        ],
    }
    (folder / "in").mkdir(parents=True)
    for name, each in rows.items():
        pq.write_table(pa.Table.from_pylist(each), folder / "in" / f"{name}.parquet")
    load_claims("tables", [folder / "in"], folder / "out", threads=1)
    first = months[0]
    faults = [
        line(20, first, tin=None, cost_cents=-300),
        line(21, first, npi=None, cost_basis="paid"),
        line(22, first, specialty=None, thru_date=first - dt.timedelta(days=1)),
        line(23, first, line_diagnosis=None),
        line(24, dt.date(2026, 5, 1)),
        line(0, first),
        line(26, first, beneficiary="1SA0A00AA01"),
    ]
    for name, more in (
        ("claim_lines", faults),
        ("claim_diagnoses", [{"beneficiary": ANNA, "claim_id": "900", "position": 1, "code": "I5022"}]),
    ):
        path = folder / "out" / f"{name}.parquet"
        table = pq.read_table(path)
        pq.write_table(pa.concat_tables([table, pa.Table.from_pylist(more, schema=table.schema)]), path)
    return folder / "out"


def test_every_figure_of_the_check(tmp_path: Path) -> None:
    with open_engine(threads=1) as engine:
        found = check_claims(claims_with_every_fault(tmp_path), engine).as_record()
    counts = {each["name"]: (each["count"], each["of"]) for each in found["findings"]}
    assert counts == {
        "professional lines without TIN": (1, 21),
        "professional lines without NPI": (1, 21),
        "professional lines without specialty": (1, 21),
        "professional lines without a line diagnosis": (1, 21),
        "professional lines without any diagnosis": (1, 21),
        "lines whose cost is only what was paid": (1, 21),
        "lines with a negative cost": (1, 21),
        "lines that end before they start": (1, 21),
        "lines before the first day covered": (0, 21),
        "lines after the last day covered": (1, 21),
        "people with claims but no enrollment": (1, 2),
        "people with claims but no row in beneficiaries": (1, 2),
        "lines in months without enrollment": (2, 21),
        "diagnoses without a claim line": (1, 2),
        "claim lines sharing claim and line number with another": (2, 21),
        "lines outside the months that hold nearly all others": (0, 21),
    }
    assert all(each["effect"] for each in found["findings"])
    shares = {each["name"]: each["share"] for each in found["findings"]}
    assert shares["professional lines without TIN"] == round(1 / 21, 6)
    assert (found["data_start"], found["data_end"], found["people"]) == ("2025-01-01", "2026-03-31", 2)
    assert found["rows"] == {"claim_lines": 21, "claim_diagnoses": 2, "enrollment": 15, "beneficiaries": 1}
    volumes = {row["month"]: (row["setting"], row["lines"], row["cents"]) for row in found["volumes"]}
    assert len(volumes) == 15  # no line in February 2026, one in May
    assert volumes["2025-01"] == ("professional", 7, 6 * 1000 - 300)
    assert volumes["2026-03"] == ("professional", 1, 1000)
    assert found["cost_basis"] == [
        {"setting": "professional", "cost_basis": "allowed", "lines": 20, "cents": 19 * 1000 - 300},
        {"setting": "professional", "cost_basis": "paid", "lines": 1, "cents": 1000},
    ]
    assert found["run_out"]["months_looked_at"] == ["2026-01", "2026-02", "2026-03"]
    assert found["run_out"]["usual_lines_a_month"] == 1
    assert found["run_out"]["share_of_usual"] == {"2026-01": 1.0, "2026-02": 0.0, "2026-03": 1.0}
    assert found["run_out"]["incomplete_months"] == ["2026-02"]
    assert "will still rise" in found["run_out"]["effect"]
