"""Claims sent as tables with several faults at once: every one is said, with file and row, before anything is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from openasm.base.errors import InputRefused
from openasm.claims.contract import CLAIMS_TABLES
from openasm.claims.loading import load_claims

PERSON = "1SA0A00AA00"
KEY = "beneficiary+claim_id+line"
LINES = CLAIMS_TABLES["claim_lines"].names


def row(claim: object, line: object = 1, **more: object) -> str:
    values = {"beneficiary": PERSON, "claim_id": claim, "line": line, "setting": "professional", "cost_cents": 100}
    values |= {"from_date": "2026-03-02", "thru_date": "2026-03-02", "cost_basis": "allowed", **more}
    return ",".join(str(values.get(column, "")) for column in LINES)


def tables(folder: Path, *files: list[str]) -> Path:
    """The four tables, claim lines in one or several files."""
    folder.mkdir()
    for number, rows in enumerate(files, start=1):
        (folder / f"claim_lines_{number}.csv").write_text("\n".join([",".join(LINES), *rows]) + "\n")
    for name in ("claim_diagnoses", "enrollment", "beneficiaries"):
        (folder / f"{name}.csv").write_text(",".join(CLAIMS_TABLES[name].names) + "\n")
    return folder


def refused(folder: Path, out: Path, source_format: str = "tables") -> list[tuple[str, str, int | None, str, int]]:
    with pytest.raises(InputRefused) as refusal:
        load_claims(source_format, [folder], out, threads=1)
    assert PERSON not in str(refusal.value)
    return [(each.kind.code, each.file, each.row, each.column, each.count) for each in refusal.value.problems]


def test_broken_lines_bad_values_and_repeated_keys_are_said_together(tmp_path: Path) -> None:
    """Rows are those of the file, however many lines before them are no rows."""
    rows = [
        row(1),
        "a,b",
        row(2, cost_cents="ten"),
        row(1),
        row(3) + ",1",
        row(4, line="x"),
        row(4, line="x"),
        row(3, 2),
    ]
    found = refused(tables(tmp_path / "in", rows, [row(3, 2), row(9)]), tmp_path / "out")
    one, two = "claim_lines_1.csv", "claim_lines_2.csv"
    assert sorted(found, key=str) == sorted(
        [
            *(("C302", one, line, "", 1) for line in (2, 5)),
            ("C305", one, 3, "cost_cents", 1),
            *(("C305", one, line, "line", 1) for line in (6, 7)),
            *(("C308", one, line, KEY, 1) for line in (1, 4, 8)),
            ("C308", two, 1, KEY, 1),
        ],
        key=str,
    )


def test_of_many_rows_the_first_twenty_are_named(tmp_path: Path) -> None:
    rows = [row(each) for each in range(25)] * 2
    found = refused(tables(tmp_path / "in", rows), tmp_path / "out")
    assert [line for _, _, line, _, _ in found[:20]] == list(range(1, 21))
    assert found[20] == ("C308", "claim_lines_1.csv", None, KEY, 30)
    assert len(found) == 21


def test_a_missing_column_hides_nothing(tmp_path: Path) -> None:
    folder = tables(tmp_path / "in", [])
    (folder / "claim_lines_1.csv").unlink()
    rows = [
        f"{PERSON},1,1,professional,2026-02-30",
        f"{PERSON},1,1,professional,2026-03-01",
        f"{PERSON},2,1,professional,2026-03-01",
    ]
    (folder / "claim_lines.csv").write_text("beneficiary,claim_id,line,setting,from_date\n" + "\n".join(rows) + "\n")
    found = {(code, line, column) for code, _, line, column, _ in refused(folder, tmp_path / "out")}
    assert {("C303", 0, "thru_date"), ("C305", 1, "from_date"), ("C308", 1, KEY), ("C308", 2, KEY)} <= found


def test_a_file_that_cannot_be_read_to_its_end_hides_no_other(tmp_path: Path) -> None:
    folder = tables(tmp_path / "in", [row(1), row(1)])
    (folder / "claim_lines_2.csv.gz").write_bytes(b"\x1f\x8b none")
    found = {(code, file, line) for code, file, line, _, _ in refused(folder, tmp_path / "out")}
    assert {("C308", "claim_lines_1.csv", 1), ("C308", "claim_lines_1.csv", 2)} <= found
    assert ("C302", "claim_lines_2.csv.gz", None) in found


def test_repeated_lines_of_the_tuva_layer_are_named(tmp_path: Path) -> None:
    head = "claim_id,claim_line_number,claim_type,person_id,claim_start_date,paid_amount\n"
    folder = tmp_path / "in"
    folder.mkdir()
    claims = [f"A,1,professional,{PERSON},2026-03-02,80.00", f"B,1,professional,{PERSON},2026-03-02,80.00"]
    (folder / "medical_claim.csv").write_text(head + "\n".join([*claims, claims[0]]) + "\n")
    people = "person_id,birth_date,gender,enrollment_start_date,enrollment_end_date\n"
    (folder / "eligibility.csv").write_text(people + f"{PERSON},1950-05-05,female,2026-03-01,2026-12-31\n")
    key = "person_id+claim_id+claim_line_number"
    expected = [("C308", "medical_claim.csv", line, key, 1) for line in (1, 3)]
    assert refused(folder, tmp_path / "out", "tuva") == expected
    (folder / "eligibility.csv").write_text(people + f"{PERSON},soon,female,2026-03-01,2026-12-31\n")
    both = [*expected, ("C305", "eligibility.csv", 1, "birth_date", 1)]
    assert refused(folder, tmp_path / "none", "tuva") == both
    (folder / "medical_claim.csv").write_text(head + "\n".join([*claims, "C,1,dental,7,2026-03-02,1.00"]) + "\n")
    (folder / "eligibility.csv").write_text(people)
    problems = load_claims("tuva", [folder], tmp_path / "out", threads=1)["problems"]
    dental = [(each["file"], each["found"], each["count"]) for each in problems if each["code"] == "C309"]
    assert dental == [("medical_claim.csv", "1 row", 1)]
