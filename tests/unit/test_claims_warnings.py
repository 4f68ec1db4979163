"""What loading claims warns of, each with its count, and the two refusals of claims that hold nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.loading import load_claims
from openasm.cli.claims import app
from tests.builders import cclf, eob

ANNA, BERT, CARL = "1SA0A00AA00", "1SA0A00AA01", "1SA0A00AA02"


def loaded(source_format: str, source: Path, out: Path) -> tuple[dict[str, list[dict]], dict[str, list[dict]], dict]:
    """Tables, warnings by code, manifest; nothing of a patient may stand in a warning."""
    manifest = load_claims(source_format, [source], out, threads=1)
    tables = {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in manifest["tables"]}
    warnings: dict[str, list[dict]] = {}
    for problem in manifest["problems"]:
        assert problem["severity"] == "warning"
        warnings.setdefault(problem["code"], []).append(problem)
    assert not any(person in json.dumps(manifest["problems"]) for person in (ANNA, BERT, CARL))
    return tables, warnings, manifest


def dropped(manifest: dict, source: str) -> dict[str, int]:
    return next(each["dropped"] for each in manifest["records"] if each["source"] == source)


# CCLF


def test_a_file_with_another_name_is_named_and_not_read(tmp_path: Path) -> None:
    cclf.write(tmp_path / "in" / "CCLF5.txt", "CCLF5", [cclf.visit(1, 1, ANNA)])
    cclf.write(tmp_path / "in" / "lines of march.txt", "CCLF5", [cclf.visit(2, 1, ANNA)])
    tables, warnings, manifest = loaded("cclf", tmp_path / "in", tmp_path / "out")
    (warning,) = warnings["C103"]
    assert warning["file"] == "lines of march.txt"
    assert "was not read" in warning["title"]
    assert len(tables["claim_lines"]) == 1
    assert [each["name"] for each in manifest["inputs"]] == ["CCLF5.txt"]


def test_absent_kinds_of_file_are_named(tmp_path: Path) -> None:
    cclf.write(tmp_path / "in" / "CCLF5.txt", "CCLF5", [cclf.visit(1, 1, ANNA)])
    cclf.write(tmp_path / "in" / "CCLF8.txt", "CCLF8", [cclf.person(ANNA)])
    _, warnings, _ = loaded("cclf", tmp_path / "in", tmp_path / "out")
    assert [each["file"] for each in warnings["C119"]] == ["CCLF1", "CCLF2", "CCLF4", "CCLF6", "CCLF7", "CCLF9"]
    assert "not in the delivery" in warnings["C119"][0]["title"]


def test_codes_of_another_form_are_missing_and_counted_by_field(tmp_path: Path) -> None:
    rows = [
        cclf.visit(1, 1, ANNA),
        cclf.visit(2, 1, ANNA, CLM_LINE_HCPCS_CD="99"),
        cclf.visit(3, 1, ANNA, CLM_LINE_HCPCS_CD="9921-", RNDRG_PRVDR_NPI_NUM="12"),
    ]
    cclf.write(tmp_path / "in" / "CCLF5.txt", "CCLF5", rows)
    tables, warnings, _ = loaded("cclf", tmp_path / "in", tmp_path / "out")
    assert {(each["file"], each["column"], each["count"], each["found"]) for each in warnings["C109"]} == {
        ("CCLF5.txt", "CLM_LINE_HCPCS_CD", 2, "2 records"),
        ("CCLF5.txt", "RNDRG_PRVDR_NPI_NUM", 1, "1 record"),
    }
    assert "taken as missing" in warnings["C109"][0]["title"]
    got = {int(row["claim_id"]): (row["hcpcs"], row["npi"]) for row in tables["claim_lines"]}
    assert got == {1: ("99214", "2999000047"), 2: (None, "2999000047"), 3: (None, None)}


def test_records_that_lack_what_names_them_are_left_out(tmp_path: Path) -> None:
    rows = [
        cclf.visit(1, 1, ANNA),
        cclf.visit(2, 1, ""),
        cclf.visit(3, 1, ANNA, CLM_FROM_DT="", CLM_LINE_FROM_DT=""),
        cclf.visit(4, 1, ANNA, CUR_CLM_UNIQ_ID=""),
    ]
    cclf.write(tmp_path / "in" / "CCLF5.txt", "CCLF5", rows)
    tables, warnings, manifest = loaded("cclf", tmp_path / "in", tmp_path / "out")
    assert [(each["file"], each["row"], each["count"]) for each in warnings["C111"]] == [
        ("CCLF5.txt", 2, 1),
        ("CCLF5.txt", 3, 1),
        ("CCLF5.txt", 4, 1),
    ]
    assert "lacks its claim number, person, line number or date" in warnings["C111"][0]["title"]
    assert dropped(manifest, "CCLF5") == {"claim number, person, line number or date missing": 3}
    assert [int(row["claim_id"]) for row in tables["claim_lines"]] == [1]


def test_numbers_in_a_circle_stay_as_they_are(tmp_path: Path) -> None:
    circle = [{"CRNT_NUM": ANNA, "PRVS_NUM": BERT}, {"CRNT_NUM": BERT, "PRVS_NUM": ANNA}]
    cclf.write(tmp_path / "in" / "CCLF9", "CCLF9", circle)
    cclf.write(tmp_path / "in" / "CCLF5", "CCLF5", [cclf.visit(1, 1, ANNA), cclf.visit(2, 1, BERT)])
    tables, warnings, _ = loaded("cclf", tmp_path / "in", tmp_path / "out")
    (warning,) = warnings["C113"]
    assert (warning["file"], warning["count"], warning["found"]) == ("CCLF9", 2, "2 numbers")
    assert "in a circle" in warning["title"]
    assert {row["beneficiary"] for row in tables["claim_lines"]} == {ANNA, BERT}


def test_a_delivery_of_denied_claims_alone_is_refused(tmp_path: Path) -> None:
    cclf.write(tmp_path / "in" / "CCLF5", "CCLF5", [cclf.visit(1, 1, ANNA, CLM_CARR_PMT_DNL_CD="0")])
    with pytest.raises(InputRefused) as refusal:
        load_claims("cclf", [tmp_path / "in"], tmp_path / "out", threads=1)
    (problem,) = refusal.value.problems
    assert (refusal.value.exit_code, problem.kind.code, problem.where) == (3, "C004", "claim_lines")
    assert "no claim line is left" in problem.as_text()
    assert problem.found == "1 denied claim (CCLF5)"  # nothing is written, so the message itself must say why
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# ExplanationOfBenefit


def written(path: Path, *resources: dict) -> Path:
    path.write_text("\n".join(json.dumps(each) for each in resources) + "\n")
    return path


def carrier(number: str, **more: Any) -> dict:
    return eob.claim(number, "CARRIER", **{"item": [eob.visit(1, {"line_alowd_chrg_amt": 1.0})], **more})


def test_a_resource_that_cannot_be_read_is_left_out_with_its_line(tmp_path: Path) -> None:
    bad = carrier("bad", item=[eob.visit(1, {}, servicedPeriod={"start": "2026-02-30"})])
    resources = [*(carrier(str(each)) for each in range(120)), bad]
    tables, warnings, manifest = loaded("eob", written(tmp_path / "eob.ndjson", *resources), tmp_path / "out")
    (warning,) = warnings["C206"]
    assert (warning["file"], warning["row"]) == ("eob.ndjson", 121)
    assert warning["column"] == "ExplanationOfBenefit.item.serviced"
    assert (warning["found"], warning["count"]) == ("a value not shown", 1)
    assert "was left out" in warning["title"]
    assert dropped(manifest, "ExplanationOfBenefit") == {"cannot be read": 1}
    assert len(tables["claim_lines"]) == 120


def test_repeats_unknown_types_and_denials_are_counted(tmp_path: Path) -> None:
    denied_line = eob.visit(2, {"line_alowd_chrg_amt": 1.0}, extension=[eob.coded("line_prcsg_ind_cd", "D")])
    resources = [
        carrier("1"),
        carrier("1"),
        carrier("2", type=eob.concept(("x", "71"))),
        carrier("3", meta={}, type=eob.concept(("x", "71"))),
        carrier("4", extension=[eob.coded("carr_clm_pmt_dnl_cd", "0")]),
        carrier("5", item=[eob.visit(1, {"line_alowd_chrg_amt": 2.0}), denied_line]),
    ]
    tables, warnings, _ = loaded("eob", written(tmp_path / "eob.ndjson", *resources), tmp_path / "out")
    assert sorted(row["claim_id"] for row in tables["claim_lines"]) == ["1", "5"]
    found = {
        code: [(each["file"], each["row"], each["count"]) for each in found]
        for code, found in warnings.items()
        if code >= "C207"
    }
    assert found == {
        "C207": [("eob.ndjson", None, 1)],
        "C209": [("eob.ndjson", 3, 1), ("eob.ndjson", 4, 1)],
        "C210": [("eob.ndjson", None, 2)],  # a claim and a line
    }
    assert "updated last was kept" in warnings["C207"][0]["next_step"]
    assert "version 2 or 3" in warnings["C209"][0]["expected"]
    assert "denied" in warnings["C210"][0]["title"]


def test_claims_of_lines_without_a_taxpayer_number_are_named(tmp_path: Path) -> None:
    """By row where others have one; a file in which none has one is named once."""
    bare = eob.visit(1, {"line_alowd_chrg_amt": 1.0}, extension=[eob.coded("line_prcsg_ind_cd", "A")])
    (tmp_path / "in").mkdir()
    written(tmp_path / "in" / "some.ndjson", carrier("1"), carrier("2", item=[bare]))
    written(tmp_path / "in" / "none.ndjson", carrier("3", item=[bare]), carrier("4", item=[bare]))
    tables, warnings, _ = loaded("eob", tmp_path / "in", tmp_path / "out")
    assert [(each["file"], each["row"], each["column"], each["found"], each["count"]) for each in warnings["C208"]] == [
        ("none.ndjson", None, "tin", "none of 2 lines has one", 2),
        ("some.ndjson", 2, "tin", "", 1),
    ]
    assert "qualifies for no episode" in warnings["C208"][0]["next_step"]
    tins = {row["claim_id"]: row["tin"] for row in tables["claim_lines"]}
    assert tins == {"1": "000000012", "2": None, "3": None, "4": None}


# Tables


def tables_folder(folder: Path, **changes: object) -> Path:
    """Our four tables as CSV, one claim line with changes; None in `tables_folder(..., name=None)` leaves a value empty."""
    folder.mkdir()
    rows = {
        "claim_lines": {
            "beneficiary": ANNA,
            "claim_id": "1",
            "line": 1,
            "setting": "professional",
            "from_date": "2026-03-02",
            "thru_date": "2026-03-02",
            "hcpcs": "99214",
            "tin": "000000012",
            "npi": "2999000047",
            "cost_cents": 10000,
            "cost_basis": "allowed",
            **changes,
        },
        "claim_diagnoses": {"beneficiary": ANNA, "claim_id": "1", "position": 1, "code": "I5022"},
        "enrollment": {"beneficiary": ANNA, "month": "2026-03-01", "part_a": "true", "part_b": "true"},
        "beneficiaries": {"beneficiary": ANNA, "birth_date": "1950-05-05", "sex": "female"},
    }
    for name, row in rows.items():
        header = [*CLAIMS_TABLES[name].names, *(column for column in row if column not in CLAIMS_TABLES[name].names)]
        body = ",".join("" if row.get(column) is None else str(row[column]) for column in header)
        (folder / f"{name}.csv").write_text(",".join(header) + "\n" + body + "\n")
    return folder


def test_unknown_columns_and_unusable_codes_are_warned_of(tmp_path: Path) -> None:
    folder = tables_folder(tmp_path / "in", tin="12", hcpcs="99214", service_zip="1220", colour="blue")
    tables, warnings, _ = loaded("tables", folder, tmp_path / "out")
    (extra,) = warnings["C304"]
    assert (extra["file"], extra["row"], extra["column"]) == ("claim_lines.csv", 0, "colour")
    assert "ignored" in extra["title"]
    assert {(each["file"], each["row"], each["column"], each["count"]) for each in warnings["C307"]} == {
        ("claim_lines.csv", 1, "tin", 1),
        ("claim_lines.csv", 1, "service_zip", 1),
    }
    assert "leading zeros" in warnings["C307"][0]["next_step"]
    (line,) = tables["claim_lines"]
    assert (line["tin"], line["service_zip"], line["hcpcs"]) == (None, None, "99214")
    assert "colour" not in line


# The folder


def check(folder: Path, *options: str) -> Any:
    return CliRunner().invoke(app, ["check", str(folder), *options])


def test_a_folder_without_lines_is_refused_by_the_check(tmp_path: Path) -> None:
    load_claims("tables", [tables_folder(tmp_path / "in")], tmp_path / "out", threads=1)
    (tmp_path / "out" / "claims.json").unlink()
    path = tmp_path / "out" / "claim_lines.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    done = check(tmp_path / "out")
    assert isinstance(done.exception, InputRefused)
    (problem,) = done.exception.problems
    assert (done.exception.exit_code, problem.kind.code, problem.where) == (3, "C003", "claim_lines")
    assert "at least one claim line" in problem.as_text()
    assert done.stdout == ""


def test_a_folder_that_breaks_the_contract_is_described_with_every_break(tmp_path: Path) -> None:
    """Breaks in values do not stop the check, which is there to describe them; one entry a kind and column, with its count."""
    load_claims("tables", [tables_folder(tmp_path / "in")], tmp_path / "out", threads=1)
    path = tmp_path / "out" / "claim_lines.parquet"
    table = pq.read_table(path)

    def put(table: pa.Table, column: str, value: object) -> pa.Table:
        place = table.column_names.index(column)
        return table.set_column(place, column, pa.array([value] * len(table), table.schema.field(column).type))

    other = put(put(put(table, "setting", "balcony"), "tin", "12-3"), "cost_cents", None)
    pq.write_table(pa.concat_tables([table, put(table, "line", 1), put(other, "claim_id", "2")]), path)
    done = check(tmp_path / "out", "--json")
    assert done.exception is None, done.exception
    found = {
        (each["code"], each["file"], each["column"], each["count"]) for each in json.loads(done.stdout)["problems"]
    }
    assert found == {
        ("T004", "claim_lines.parquet", "cost_cents", 1),
        ("T005", "claim_lines.parquet", "setting", 1),
        ("T007", "claim_lines.parquet", "beneficiary+claim_id+line", 2),
        ("T008", "claim_lines.parquet", "tin", 1),
    }
    words = check(tmp_path / "out").stdout
    assert "T007 claim_lines.parquet" in words
    assert ANNA not in words


def test_a_folder_of_another_shape_is_refused_by_the_check(tmp_path: Path) -> None:
    load_claims("tables", [tables_folder(tmp_path / "in")], tmp_path / "out", threads=1)
    lines = tmp_path / "out" / "claim_lines.parquet"
    table = pq.read_table(lines)
    place = table.column_names.index("from_date")
    pq.write_table(table.set_column(place, "from_date", pc.cast(table["from_date"], pa.string())), lines)
    people = tmp_path / "out" / "beneficiaries.parquet"
    pq.write_table(pq.read_table(people).drop_columns(["sex"]), people)
    done = check(tmp_path / "out")
    assert isinstance(done.exception, InputRefused)
    assert done.exception.exit_code == 3
    assert {(each.kind.code, each.file, each.column) for each in done.exception.problems} == {
        ("T002", "claim_lines.parquet", "from_date"),
        ("T001", "beneficiaries.parquet", "sex"),
    }


def test_the_last_day_covered_must_be_a_date(tmp_path: Path) -> None:
    source = tables_folder(tmp_path / "in")
    arguments = ["load", "--format", "tables", str(source), "--out", str(tmp_path / "out"), "--data-end", "tomorrow"]
    done = CliRunner().invoke(app, arguments)
    assert done.exception is not None
    assert getattr(done.exception, "exit_code", None) == 2
    assert "2027-12-31" in str(done.exception)
    assert not (tmp_path / "out").exists()
    assert dt.date(2026, 3, 31).isoformat() == load_claims("tables", [source], tmp_path / "out", threads=1)["data_end"]
