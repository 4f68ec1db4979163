"""Claims sent as tables: ours and Tuva's input layer, strict reading, the folder, the check and the command."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.claims.checks import check_claims
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.covered import last_of_month
from openasm.claims.folder import open_claims
from openasm.claims.loading import load_claims
from openasm.tables.engine import open_engine

BAD = Path(__file__).parents[1] / "fixtures" / "bad" / "claims"
PERSON = "1SA0A00AA00"


def lines(**changes: object) -> dict[str, object]:
    row = dict.fromkeys(CLAIMS_TABLES["claim_lines"].names)
    day = dt.date(2026, 3, 2)
    return {
        **row,
        **{
            "beneficiary": PERSON,
            "claim_id": "1",
            "line": 1,
            "setting": "professional",
            "from_date": day,
            "thru_date": day,
        },
        **{"hcpcs": "99214", "tin": "000000012", "npi": "2999000047", "cost_cents": 10000, "cost_basis": "allowed"},
        **changes,
    }


def write_tables(folder: Path, claim_lines: list[dict], *, csv: bool = False) -> Path:
    folder.mkdir(parents=True)
    month = {"beneficiary": PERSON, "month": dt.date(2026, 3, 1), "part_a": True, "part_b": True}
    tables = {
        "claim_lines": claim_lines,
        "claim_diagnoses": [{"beneficiary": PERSON, "claim_id": "1", "position": 1, "code": "I50.22"}],
        "enrollment": [{**dict.fromkeys(CLAIMS_TABLES["enrollment"].names), **month}],
        "beneficiaries": [
            {
                "beneficiary": PERSON,
                "birth_date": dt.date(1950, 5, 5),
                "death_date": None,
                "sex": "F",
                "county_fips": "36001",
                "zip": "12207-1234",
            }
        ],
    }
    for name, rows in tables.items():
        if csv:
            head = ",".join(rows[0])
            body = [",".join("" if value is None else f'"{value}"' for value in row.values()) for row in rows]
            (folder / f"{name}.csv").write_text("\n".join([head, *body]) + "\n")
        else:
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


@pytest.mark.parametrize("csv", [False, True])
def test_our_shape_in_and_out(tmp_path: Path, csv: bool) -> None:
    rows = [
        lines(),
        lines(claim_id="2", line_diagnosis="i50.22", modifiers="25,LT", service_zip="122071111" if csv else "12207"),
    ]
    manifest = load_claims("tables", [write_tables(tmp_path / "in", rows, csv=csv)], tmp_path / "out")
    assert manifest["tables"] == {"claim_lines": 2, "claim_diagnoses": 1, "enrollment": 1, "beneficiaries": 1}
    with open_engine() as engine:
        claims = open_claims(tmp_path / "out", engine)
        got = engine.to_arrow(claims.claim_lines.sort("claim_id")).to_pylist()
        people = engine.to_arrow(claims.beneficiaries).to_pylist()
        codes = engine.to_arrow(claims.claim_diagnoses).to_pylist()
        assert (claims.data_start, claims.data_end) == (dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    assert got[0] == lines()
    assert (got[1]["line_diagnosis"], got[1]["service_zip"]) == ("I5022", "12207")
    assert got[1]["modifiers"] == "25 LT"
    assert people[0]["sex"] == "female"
    assert people[0]["zip"] == "12207"
    assert codes[0]["code"] == "I5022"


def test_the_bad_folder_is_refused_with_every_problem(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refusal:
        load_claims("tables", [BAD / "tables"], tmp_path / "out")
    found = {(each.kind.code, each.file, each.row, each.column) for each in refusal.value.problems}
    assert found == {
        ("C303", "claim_diagnoses.csv", 0, "position"),
        ("C308", "claim_lines.csv", 1, "beneficiary+claim_id+line"),
        ("C308", "claim_lines.csv", 2, "beneficiary+claim_id+line"),
        ("C305", "claim_lines.csv", 3, "setting"),
        ("C305", "claim_lines.csv", 3, "from_date"),
        ("C305", "claim_lines.csv", 3, "allowed_cents"),
        ("C306", "claim_lines.csv", 3, "cost_cents"),
        ("C305", "enrollment.csv", 1, "part_b"),
        ("C301", "beneficiaries", None, ""),
    }
    assert PERSON not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_repeated_keys_and_broken_files(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "in", [lines(), lines()])
    with pytest.raises(InputRefused, match="C308"):
        load_claims("tables", [folder], tmp_path / "out")
    (folder / "claim_lines.parquet").write_bytes(b"PAR1 this is none")
    with pytest.raises(InputRefused, match="C302"):
        load_claims("tables", [folder], tmp_path / "out")
    (folder / "claim_lines.parquet").unlink()
    (folder / "claim_lines.csv").write_text(",".join(CLAIMS_TABLES["claim_lines"].names) + "\n1,2,3\n")
    with pytest.raises(InputRefused, match=r"C302 claim_lines.csv, row 1"):
        load_claims("tables", [folder], tmp_path / "out")


def test_opening_what_is_not_whole(tmp_path: Path) -> None:
    load_claims("tables", [write_tables(tmp_path / "in", [lines()])], tmp_path / "out")
    with open_engine() as engine:
        with pytest.raises(NotFound):
            open_claims(tmp_path / "nowhere", engine)
        (tmp_path / "out" / "claims.json").unlink()
        assert open_claims(tmp_path / "out", engine).data_end == dt.date(2026, 3, 31)
        (tmp_path / "out" / "claims.json").write_text("{")
        with pytest.raises(InputRefused, match="C002"):
            open_claims(tmp_path / "out", engine)
        (tmp_path / "out" / "enrollment.parquet").unlink()
        with pytest.raises(InputRefused, match="C001"):
            open_claims(tmp_path / "out", engine)
    assert last_of_month(dt.date(2028, 2, 1)) == dt.date(2028, 2, 29)
    with pytest.raises(WrongUsage, match="format"):
        load_claims("paper", [tmp_path], tmp_path / "x")


def test_data_end_can_be_given(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "in", [lines()])
    manifest = load_claims("tables", [folder], tmp_path / "out", data_end=dt.date(2026, 6, 30))
    assert manifest["data_end"] == "2026-06-30"


def test_the_check_counts_what_is_missing(tmp_path: Path) -> None:
    rows = [
        lines(),
        lines(claim_id="2", tin=None, npi=None),
        lines(claim_id="3", beneficiary="other", specialty="06", line_diagnosis="I5022"),
        lines(claim_id="4", setting="drug", cost_basis="paid", cost_cents=-5, tin=None),
    ]
    load_claims("tables", [write_tables(tmp_path / "in", rows)], tmp_path / "out")
    with open_engine() as engine:
        result = check_claims(tmp_path / "out", engine).as_record()
    counts = {each["name"]: (each["count"], each["of"]) for each in result["findings"]}
    assert counts == {
        "professional lines without TIN": (1, 3),
        "professional lines without NPI": (1, 3),
        "professional lines without specialty": (2, 3),
        "professional lines without a line diagnosis": (2, 3),
        "professional lines without any diagnosis": (1, 3),
        "lines whose cost is only what was paid": (1, 4),
        "lines with a negative cost": (1, 4),
        "lines that end before they start": (0, 4),
        "lines before the first day covered": (0, 4),
        "lines after the last day covered": (0, 4),
        "people with claims but no enrollment": (1, 2),
        "people with claims but no row in beneficiaries": (1, 2),
        "lines in months without enrollment": (1, 4),
        "diagnoses without a claim line": (0, 1),
        "claim lines sharing claim and line number with another": (0, 4),
        "lines outside the months that hold nearly all others": (0, 4),
    }
    assert {(row["setting"], row["lines"]) for row in result["volumes"]} == {("professional", 3), ("drug", 1)}
    assert result["problems"] == []


def test_tuva_input_layer(tmp_path: Path) -> None:
    folder = tmp_path / "tuva"
    folder.mkdir()
    (folder / "medical_claim.csv").write_text(
        "claim_id,claim_line_number,claim_type,person_id,claim_start_date,claim_end_date,claim_line_start_date,bill_type_code,"
        "drg_code,hcpcs_code,hcpcs_modifier_1,rendering_npi,billing_tin,paid_amount,allowed_amount,diagnosis_code_type,"
        "diagnosis_code_1,diagnosis_code_2,data_source\n"
        "A,1,professional,11,2026-03-02,2026-03-02,2026-03-02,,,99214,25,2999000047,00-0000012,80.00,100.00,icd-10-cm,I50.22,E119,x\n"
        "B,1,institutional,11,2026-04-01,2026-04-05,,0111,291,,,,,1000.5,,icd-10-cm,I5023,,x\n"
        "C,1,dental,11,2026-04-01,2026-04-01,,,,,,,,1.00,,,,,x\n"
    )
    (folder / "eligibility.csv").write_text(
        "person_id,birth_date,death_date,gender,enrollment_start_date,enrollment_end_date,zip_code,dual_status_code\n"
        "11,1950-05-05,,female,2026-03-01,2026-12-31,12207,02\n"
    )
    (folder / "pharmacy_claim.csv").write_text(
        "claim_id,claim_line_number,person_id,dispensing_date,ndc_code,paid_amount,prescribing_provider_npi\n"
        "D,1,11,2026-05-05,00338004904,7.25,2999000047\n"
    )
    manifest = load_claims("tuva", [folder], tmp_path / "out")
    got = {row["claim_id"]: row for row in pq.read_table(tmp_path / "out" / "claim_lines.parquet").to_pylist()}
    assert {key: (row["setting"], row["cost_cents"], row["cost_basis"]) for key, row in got.items()} == {
        "A": ("professional", 10000, "allowed"),
        "B": ("inpatient", 100050, "paid"),
        "D": ("drug", 725, "paid"),
    }
    assert (got["A"]["tin"], got["A"]["modifiers"], got["B"]["drg"]) == ("000000012", "25", "291")
    months = pq.read_table(tmp_path / "out" / "enrollment.parquet").to_pylist()
    assert [(row["month"].month, row["dual"]) for row in months] == [(3, True), (4, True), (5, True)]
    assert "C309" in {each["code"] for each in manifest["problems"]}
    (folder / "eligibility.csv").write_text("person_id,gender\n11,female\n")
    with pytest.raises(InputRefused, match="C303"):
        load_claims("tuva", [folder], tmp_path / "none")


def openasm(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from openasm.cli.main import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENASM_DEBUG": ""},
    )


def test_the_commands(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "in", [lines()])
    done = openasm("claims", "load", "--format", "tables", folder, "--out", tmp_path / "out", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["tables"]["claim_lines"] == 1
    done = openasm("claims", "check", tmp_path / "out", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["people"] == 1
    words = openasm("claims", "check", tmp_path / "out")
    assert "Next: openasm episodes" in words.stdout
    refused = openasm("claims", "load", "--format", "tables", BAD / "tables", "--out", tmp_path / "none")
    assert refused.returncode == 3
    assert "C305" in refused.stderr
    assert PERSON not in refused.stderr + refused.stdout
    assert openasm("claims", "load", "--format", "paper", folder, "--out", tmp_path / "none").returncode == 2
    assert openasm("claims", "check", tmp_path / "nowhere").returncode == 5
