"""CCLF to claims: the packet's worked case, and each rule on a delivery of a few records."""

from __future__ import annotations

import csv
import datetime as dt
import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.claims.loading import load_claims
from openasm.claims.sources.cclf.layout import layout
from openasm.claims.sources.cclf.people import follow_chains
from tests.builders import cclf

ANNA, BERT = "1SA0A00AA00", "1SA0A00AA01"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "cclf"


def load(folder: Path, out: Path, **options: object) -> tuple[dict[str, list[dict]], dict]:
    manifest = load_claims("cclf", [folder], out, threads=2, **options)
    tables = {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in manifest["tables"]}
    return tables, manifest


def dropped(manifest: dict, source: str) -> dict[str, int]:
    return next(each["dropped"] for each in manifest["records"] if each["source"] == source)


def refused(folder: Path, out: Path, **options: object) -> list[str]:
    with pytest.raises(InputRefused) as refusal:
        load(folder, out, **options)
    assert not out.exists()
    assert ANNA not in str(refusal.value)
    return [problem.kind.code for problem in refusal.value.problems]


PACKET_PART_A = [  # claim, payment, kind, effective; the packet's section 5.3.2
    (1, 200_00, "0", "2012-07-20"),
    (2, 0, "2", "2012-09-20"),
    (3, 200_00, "1", "2012-08-07"),
    (4, 210_00, "2", "2012-09-20"),
    (5, 0, "2", "2012-08-07"),
    (6, 0, "1", "2012-10-07"),
]
PACKET_PART_B = [  # claim, line, payment, kind, effective
    (1, 3, 0, "1", "2012-09-02"),
    (1, 1, 380_00, "1", "2012-09-02"),
    (1, 2, 227_00, "1", "2012-09-02"),
    (2, 1, 380_00, "0", "2012-09-02"),
    (2, 2, 227_00, "0", "2012-09-02"),
    (2, 3, 100_00, "0", "2012-09-02"),
    (3, 3, 0, "0", "2012-08-15"),
    (3, 1, 380_00, "0", "2012-08-15"),
    (3, 2, 227_00, "0", "2012-08-15"),
]


def packet_files(folder: Path) -> None:
    july = {"CLM_FROM_DT": "2012-07-01", "CLM_THRU_DT": "2012-07-08"}
    headers = [
        cclf.header(claim, ANNA, CLM_PMT_AMT=cclf.money(cents), CLM_ADJSMT_TYPE_CD=kind, CLM_EFCTV_DT=day, **july)
        for claim, cents, kind, day in PACKET_PART_A
    ]
    headers.append(
        cclf.header(
            7, ANNA, CLM_PMT_AMT="50.00", CLM_FROM_DT="2012-08-20", CLM_THRU_DT="2012-08-29", CLM_EFCTV_DT="2012-09-20"
        )
    )
    cclf.write(folder / "CCLF1.txt", "CCLF1", headers)
    lines = [
        cclf.visit(
            claim + 100,
            line,
            ANNA,
            CLM_LINE_CVRD_PD_AMT=cclf.money(cents),
            CLM_LINE_ALOWD_CHRG_AMT="",
            CLM_ADJSMT_TYPE_CD=kind,
            CLM_EFCTV_DT=day,
            CLM_CNTL_NUM="7",
            CLM_LINE_FROM_DT="2012-06-01",
            CLM_LINE_THRU_DT="2012-06-01",
        )
        for claim, line, cents, kind, day in PACKET_PART_B
    ]
    cclf.write(folder / "CCLF5.txt", "CCLF5", lines)


def test_the_packets_worked_case(tmp_path: Path) -> None:
    packet_files(tmp_path / "in")
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    part_a = [row for row in tables["claim_lines"] if row["setting"] == "inpatient"]
    part_b = [row for row in tables["claim_lines"] if row["setting"] == "professional"]
    assert sum(row["paid_cents"] for row in part_a) == 260_00
    assert sum(row["paid_cents"] for row in part_b) == 707_00
    # Claims 2 and 5 are equal; the earlier one is struck by the packet's "one of the two".
    assert sorted(int(row["claim_id"]) for row in part_a) == [2, 4, 7]
    assert {int(row["claim_id"]) for row in part_b} == {102}
    assert dropped(manifest, "CCLF1") == {"cancelled claim": 2, "cancellation matched with its claim": 2}
    assert dropped(manifest, "CCLF5") == {"cancelled claim": 3, "cancellation matched with its claim": 3}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the CCLF material beside the project is absent")
def test_worked_case_and_layouts_are_those_of_the_packet() -> None:
    with (SHARED / "example_part_a.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [
        (int(r["CUR_CLM_UNIQ_ID"]), round(float(r["CLM_PMT_AMT"]) * 100), r["CLM_ADJSMT_TYPE_CD"], r["CLM_EFCTV_DT"])
        for r in rows[:-1]
    ] == PACKET_PART_A
    assert sum(float(r["signed_amount"]) for r in rows) == 260
    with (SHARED / "example_part_b.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [
        (
            int(r["CUR_CLM_UNIQ_ID"]),
            int(r["CLM_LINE_NUM"]),
            round(float(r["CLM_LINE_CVRD_PD_AMT"]) * 100),
            r["CLM_ADJSMT_TYPE_CD"],
            r["CLM_EFCTV_DT"],
        )
        for r in rows
    ] == PACKET_PART_B
    ours = layout()
    for file in (f"CCLF{each}" for each in "123456789AB"):
        with (SHARED / "layouts" / f"{file}.csv").open() as stream:
            theirs = {r["label"]: (int(r["start"]), int(r["length"])) for r in csv.DictReader(stream)}
        assert {label: (field.start, field.length) for label, field in ours[file].fields.items()} == theirs
    with (SHARED / "files.csv").open() as stream:
        lengths = {r["file"]: int(r["record_length"]) for r in csv.DictReader(stream)}
    assert {file: each.record_length for file, each in ours.items() if file != "CCLF0"} == {
        file: length for file, length in lengths.items() if not file.startswith("CCLF0")
    }


def test_versions() -> None:
    assert layout("v36") == layout("v37") == layout("v38")
    with pytest.raises(InputRefused, match="C101"):
        layout("v41")


def test_a_clinicians_line_field_by_field(tmp_path: Path) -> None:
    cclf.write(
        tmp_path / "in" / "P.A9999.ACO.ZC5Y26.D261001.T0000000",
        "CCLF5",
        [
            cclf.visit(
                5, 2, ANNA, HCPCS_1_MDFR_CD="25", HCPCS_2_MDFR_CD="LT", CLM_DGNS_3_CD="E11.9", CLM_LINE_DGNS_CD="M5450"
            )
        ],
        end="\r\n",
    )
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    assert tables["claim_lines"] == [
        {
            "beneficiary": ANNA,
            "claim_id": "0000000000005",
            "line": 2,
            "setting": "professional",
            "from_date": dt.date(2026, 3, 2),
            "thru_date": dt.date(2026, 3, 2),
            "hcpcs": "99214",
            "modifiers": "25 LT",
            "line_diagnosis": "M5450",
            "place_of_service": "11",
            "specialty": "06",
            "npi": "2999000047",
            "tin": "000000012",
            "service_zip": None,
            "drg": None,
            "revenue_center": None,
            "ndc": None,
            "allowed_cents": 10000,
            "paid_cents": 8000,
            "cost_cents": 10000,
            "cost_basis": "allowed",
        }
    ]
    assert [(row["position"], row["code"]) for row in tables["claim_diagnoses"]] == [(1, "I5022"), (3, "E119")]
    assert manifest["data_start"] == "2026-03-01"
    assert manifest["data_end"] == "2026-03-31"
    assert (tmp_path / "out" / "claim_lines.parquet").stat().st_mode & 0o077 == 0
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_facility_claims(tmp_path: Path) -> None:
    """Inpatient: one line. Outpatient: lines that add up keep their payments, others give it all to one line."""
    day = {"CLM_TYPE_CD": "40", "CLM_FROM_DT": "2026-04-01", "CLM_THRU_DT": "2026-04-01"}
    cclf.write(
        tmp_path / "in" / "CCLF1",
        "CCLF1",
        [
            cclf.header(1, ANNA, DGNS_DRG_CD="0291"),
            cclf.header(2, ANNA, **day, CLM_PMT_AMT="30.00"),
            cclf.header(3, BERT, **day, CLM_PMT_AMT="31.00"),
            cclf.header(4, BERT, **{**day, "CLM_FROM_DT": "2026-04-02"}, CLM_PMT_AMT="9.00"),
            cclf.header(5, BERT, CLM_MDCR_NPMT_RSN_CD="N", CLM_PMT_AMT="0.00"),
            cclf.header(6, BERT, CLM_TYPE_CD="77", CLM_FROM_DT="2026-01-01"),
        ],
    )
    line = {"CLM_LINE_FROM_DT": "2026-04-01", "CLM_LINE_THRU_DT": "2026-04-01", "CLM_LINE_PROD_REV_CTR_CD": "0510"}
    rows = [
        {
            "CUR_CLM_UNIQ_ID": f"{claim:013d}",
            "CLM_LINE_NUM": number,
            "CLM_LINE_CVRD_PD_AMT": amount,
            "CLM_LINE_HCPCS_CD": code,
            **line,
        }
        for claim, number, amount, code in (
            (1, 1, "5.00", ""),
            (2, 1, "10.00", ""),
            (2, 2, "20.00", "93306"),
            (3, 1, "10.00", ""),
            (3, 2, "20.00", "93306"),
            (9, 1, "1.00", ""),
        )
    ]
    cclf.write(tmp_path / "in" / "CCLF2", "CCLF2", rows)
    dx = [
        {"CUR_CLM_UNIQ_ID": f"{1:013d}", "CLM_PROD_TYPE_CD": kind, "CLM_VAL_SQNC_NUM": place, "CLM_DGNS_CD": code}
        for kind, place, code in (("D", 1, "I5023"), ("D", 2, "N183"), ("E", 1, "W19XXXA"), ("D", 3, "N183"))
    ]
    cclf.write(tmp_path / "in" / "CCLF4", "CCLF4", dx)
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    found = {(int(row["claim_id"]), row["line"]): row for row in tables["claim_lines"]}
    assert {key: (row["setting"], row["cost_cents"]) for key, row in found.items()} == {
        (1, 1): ("inpatient", 20000),
        (2, 1): ("outpatient", 1000),
        (2, 2): ("outpatient", 2000),
        (3, 1): ("outpatient", 0),
        (3, 2): ("outpatient", 3100),
        (4, 1): ("outpatient", 900),
    }
    assert found[1, 1]["drg"] == "291"
    assert {row["cost_basis"] for row in found.values()} == {"paid"}
    of_one = [(r["position"], r["code"]) for r in tables["claim_diagnoses"] if int(r["claim_id"]) == 1]
    assert of_one == [(1, "I5023"), (2, "N183"), (3, "W19XXXA")]
    assert dropped(manifest, "CCLF1") == {"denied claim": 1, "claim type not known": 1}
    assert dropped(manifest, "CCLF2") == {"its claim does not stand": 1, "part of a bill that counts as one line": 1}
    assert {"C116", "C117", "C118"} <= {each["code"] for each in manifest["problems"]}


def test_denials(tmp_path: Path) -> None:
    cclf.write(
        tmp_path / "in" / "CCLF5",
        "CCLF5",
        [
            cclf.visit(1, 1, ANNA),
            cclf.visit(1, 2, ANNA, CLM_PRCSG_IND_CD="D"),
            cclf.visit(2, 1, ANNA, CLM_CARR_PMT_DNL_CD="0"),
            cclf.visit(3, 1, ANNA, CLM_CARR_PMT_DNL_CD="E", CLM_PRCSG_IND_CD="S"),
        ],
    )
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    assert [int(row["claim_id"]) for row in tables["claim_lines"]] == [1, 3]
    assert dropped(manifest, "CCLF5") == {"denied claim": 1, "denied line": 1}


def test_drugs_keep_the_newest_record_and_only_the_patients_payment(tmp_path: Path) -> None:
    same = {"CLM_LINE_RX_SRVC_RFRNC_NUM": "77"}
    cclf.write(
        tmp_path / "in" / "CCLF7",
        "CCLF7",
        [
            cclf.fill(1, ANNA, **same),
            cclf.fill(
                2, ANNA, **same, CLM_ADJSMT_TYPE_CD="2", CLM_EFCTV_DT="2026-06-01", CLM_LINE_BENE_PMT_AMT="13.00"
            ),
            cclf.fill(3, ANNA, CLM_TYPE_CD="03", CLM_ADJSMT_TYPE_CD="1", CLM_LINE_BENE_PMT_AMT="0.00"),
        ],
    )
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    (row,) = tables["claim_lines"]
    assert (row["cost_cents"], row["paid_cents"], row["allowed_cents"], row["cost_basis"]) == (1300, None, None, "paid")
    assert (row["ndc"], row["npi"], row["setting"]) == ("00338004904", "2999000047", "drug")
    assert dropped(manifest, "CCLF7") == {"deleted drug fill": 1, "older version of a drug fill": 1}


def test_old_numbers_lead_to_one_person(tmp_path: Path) -> None:
    old, middle = "1SA0A00AA08", "1SA0A00AA09"
    cclf.write(
        tmp_path / "in" / "CCLF9",
        "CCLF9",
        [{"CRNT_NUM": ANNA, "PRVS_NUM": middle}, {"CRNT_NUM": middle, "PRVS_NUM": old}],
    )
    cclf.write(
        tmp_path / "in" / "CCLF5",
        "CCLF5",
        [
            cclf.visit(1, 1, old),
            cclf.visit(2, 1, middle, CLM_ADJSMT_TYPE_CD="1", CLM_CNTL_NUM="C1"),
            cclf.visit(3, 1, middle),
        ],
    )
    cclf.write(tmp_path / "in" / "CCLF8", "CCLF8", [cclf.person(old)])
    tables, _ = load(tmp_path / "in", tmp_path / "out")
    assert [(row["beneficiary"], int(row["claim_id"])) for row in tables["claim_lines"]] == [(ANNA, 3)]
    assert [row["beneficiary"] for row in tables["beneficiaries"]] == [ANNA]
    assert follow_chains({"A": "B", "B": "A"}) == ({}, 2)


def test_enrollment_follows_the_deliveries(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    cclf.write(
        folder / "CCLF5",
        "CCLF5",
        [
            cclf.visit(1, 1, ANNA, CLM_LINE_FROM_DT="2026-01-05", CLM_LINE_THRU_DT="2026-01-05"),
            cclf.visit(2, 1, BERT, CLM_LINE_FROM_DT="2026-04-05", CLM_LINE_THRU_DT="2026-04-05"),
        ],
    )
    name = "P.A9999.ACO.ZC8Y26.D26{:02d}05.T0000000"
    cclf.write(
        folder / name.format(2),
        "CCLF8",
        [
            cclf.person(ANNA),
            cclf.person(BERT, BENE_MDCR_STUS_CD="21", BENE_ORGNL_ENTLMT_RSN_CD="1", BENE_DUAL_STUS_CD="02"),
        ],
    )
    cclf.write(folder / name.format(3), "CCLF8", [cclf.person(ANNA, BENE_ENTLMT_BUYIN_IND="1")])
    cclf.write(folder / name.format(5), "CCLF8", [cclf.person(ANNA, BENE_DEATH_DT="2026-03-10"), cclf.person(BERT)])
    tables, _ = load(folder, tmp_path / "out")
    months = {(row["beneficiary"], row["month"].month): row for row in tables["enrollment"]}
    assert set(months) == {(ANNA, 1), (ANNA, 2), (ANNA, 3), (BERT, 1), (BERT, 3), (BERT, 4)}
    assert [months[ANNA, month]["part_b"] for month in (1, 2, 3)] == [True, False, True]
    assert (months[BERT, 1]["esrd"], months[BERT, 1]["dual"], months[BERT, 1]["disabled_origin"]) == (True, True, True)
    assert months[ANNA, 1]["part_c"] is None
    anna = next(row for row in tables["beneficiaries"] if row["beneficiary"] == ANNA)
    assert (anna["death_date"], anna["sex"], anna["county_fips"], anna["zip"]) == (
        dt.date(2026, 3, 10),
        "female",
        "36001",
        "12207",
    )


def test_repeats_and_lone_cancellations_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    cclf.write(folder / "CCLF5_1", "CCLF5", [cclf.visit(1, 1, ANNA), cclf.visit(9, 1, ANNA, CLM_ADJSMT_TYPE_CD="1")])
    cclf.write(
        folder / "CCLF5_2", "CCLF5", [cclf.visit(1, 1, ANNA, CLM_IDR_LD_DT="2026-04-06", CLM_LINE_CVRD_PD_AMT="81.00")]
    )
    tables, manifest = load(folder, tmp_path / "out")
    assert [row["paid_cents"] for row in tables["claim_lines"]] == [8100]
    assert dropped(manifest, "CCLF5") == {"repeats another record": 1, "cancellation without the claim it cancels": 1}
    assert {"C114", "C115", "C005", "C006"} <= {each["code"] for each in manifest["problems"]}


def test_zip_and_summary(tmp_path: Path) -> None:
    name = "P.A9999.ACO.ZC5Y26.D261001.T0000000"
    summary = f"CCLF5  |{name:<43}|{'2':>11}|{'388':>5} \n"
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, cclf.record("CCLF5", cclf.visit(1, 1, ANNA)) + "\n")
        archive.writestr("P.A9999.ACO.ZC0Y26.D261001.T0000000", summary)
    assert refused(tmp_path / "in.zip", tmp_path / "out") == ["C110"]
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"sub/../{name}", cclf.record("CCLF5", cclf.visit(1, 1, ANNA)) + "\n")
        archive.writestr("P.A9999.ACO.ZC0Y26.D261001.T0000000", summary.replace("  2|", "  1|"))
    tables, _ = load(tmp_path / "in.zip", tmp_path / "out")
    assert len(tables["claim_lines"]) == 1


def test_wrong_length_stops_with_its_records(tmp_path: Path) -> None:
    path = cclf.write(tmp_path / "in" / "CCLF5", "CCLF5", [cclf.visit(each, 1, ANNA) for each in range(3)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:-1], lines[2] + " "]) + "\n")
    with pytest.raises(InputRefused) as refusal:
        load(tmp_path / "in", tmp_path / "out")
    assert [(each.kind.code, each.row, each.found) for each in refusal.value.problems] == [
        ("C107", 2, "387 characters"),
        ("C107", 3, "389 characters"),
    ]
    assert ANNA not in str(refusal.value)


@pytest.mark.parametrize("rows", [1, 150])
def test_unreadable_dates_and_amounts(tmp_path: Path, rows: int) -> None:
    """One bad record among many is left out and named; one of few stops the load."""
    good = [cclf.visit(each, 1, ANNA) for each in range(rows)]
    bad = cclf.visit(999, 1, ANNA, CLM_LINE_FROM_DT="2026-02-30")
    cclf.write(tmp_path / "in" / "CCLF5", "CCLF5", [*good, bad])
    if rows == 1:
        with pytest.raises(InputRefused) as refusal:  # with the records that stopped it
            load(tmp_path / "in", tmp_path / "out")
        named = [(each.kind.code, each.file, each.row) for each in refusal.value.problems]
        assert named == [("C108", "CCLF5", 2), ("C010", "CCLF5", None)]
        return
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    assert len(tables["claim_lines"]) == rows
    problem = next(each for each in manifest["problems"] if each["code"] == "C108")
    assert (problem["row"], problem["column"]) == (151, "CLM_LINE_FROM_DT")
    assert dropped(manifest, "CCLF5") == {"a date, an amount or an identifying number cannot be read": 1}


def test_sentinel_dates_and_dates_after_the_file_was_made(tmp_path: Path) -> None:
    late = {"CLM_LINE_FROM_DT": "2026-12-01", "CLM_LINE_THRU_DT": "2026-12-01"}
    none = {"CLM_LINE_FROM_DT": "1000-01-01", "CLM_LINE_THRU_DT": "9999-12-31"}
    cclf.write(
        tmp_path / "in" / "P.A9999.ACO.ZC5Y26.D261001.T0000000",
        "CCLF5",
        [cclf.visit(1, 1, ANNA), cclf.visit(2, 1, ANNA, **late), cclf.visit(3, 1, ANNA, **none)],
    )
    tables, manifest = load(tmp_path / "in", tmp_path / "out")
    assert {int(row["claim_id"]): row["from_date"] for row in tables["claim_lines"]} == {
        1: dt.date(2026, 3, 2),
        3: dt.date(2026, 3, 2),
    }
    assert dropped(manifest, "CCLF5") == {"dated outside the possible years or after the file was made": 1}
    assert "C112" in {each["code"] for each in manifest["problems"]}


def test_zip_bomb_damaged_zip_and_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CCLF5.txt", b" " * 20_000_000)
    assert refused(tmp_path / "bomb.zip", tmp_path / "out") == ["C105"]
    whole = (tmp_path / "bomb.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path / "cut.zip", tmp_path / "out") == ["C104"]
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty", tmp_path / "out") == ["C102"]
    with pytest.raises(NotFound, match="nowhere"):
        load(tmp_path / "nowhere", tmp_path / "out")


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    cclf.write(tmp_path / "in" / "CCLF5", "CCLF5", [cclf.visit(1, 1, ANNA)])
    out = tmp_path / "out"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    with pytest.raises(InputRefused, match="C007"):
        load(tmp_path / "in", out)
    assert [path.name for path in out.iterdir()] == ["diary.txt"]
    (out / "diary.txt").unlink()
    load(tmp_path / "in", out)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(WrongUsage, match="--replace"):
        load(tmp_path / "in", out)
    load(tmp_path / "in", out, replace=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    assert json.loads(first["claims.json"])["source_format"] == "cclf"
