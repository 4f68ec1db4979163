"""CCLF files that are cut, empty, misdescribed or hold records nothing can be done with: what is said, with file and row."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from openasm.base.errors import InputRefused
from openasm.claims.loading import load_claims
from openasm.claims.sources.cclf.layout import layout
from openasm.cli.claims import app
from openasm.runs.cost.synthesis import synthetic_region
from tests.builders import cclf

ANNA, BERT = "1SA0A00AA00", "1SA0A00AA01"
NAME = "P.A9999.ACO.ZC{}Y26.D{}.T{}"


def summary(*rows: tuple[str, str, int, int]) -> str:
    """A CCLF0 as CMS's own samples are: descriptions where the packet has file names."""
    head = f"{'File Number':<13}|{'File Description':<20}|{'Total Records Count':<20}|{'Record Length':<13}\n"
    return head + "".join(f"{kind:<7}|{text:<43}|{records:>11}|{length:>5} \n" for kind, text, records, length in rows)


def lines(first: int, count: int) -> list[dict[str, object]]:
    return [cclf.visit(first + each, 1, ANNA) for each in range(count)]


def delivered(folder: Path, day: str, rows: list[dict[str, object]], stated: int, length: int = 388) -> Path:
    """CCLF5 and CCLF0 of one delivery; the time of day in their names differs, as it does in CMS's."""
    path = cclf.write(folder / NAME.format(5, day, "1000007"), "CCLF5", rows)
    text = summary(("CCLF5", "Part B Physicians File", stated, length), ("CCLF3", "Part A Procedure Code File", 7, 114))
    (folder / NAME.format(0, day, "1000011")).write_text(text)
    return path


def refused(*sources: Path, out: Path) -> list[tuple[str, str, int | None]]:
    with pytest.raises(InputRefused) as refusal:
        load_claims("cclf", list(sources), out, threads=1)
    assert not out.exists()
    assert ANNA not in str(refusal.value)
    return [(problem.kind.code, problem.file, problem.row) for problem in refusal.value.problems]


def warned(source: Path, out: Path, code: str) -> list[tuple[str, int | None, str, int]]:
    problems = load_claims("cclf", [source], out, threads=1)["problems"]
    return [(each["file"], each["row"], each["found"], each["count"]) for each in problems if each["code"] == code]


def test_a_file_cut_at_the_end_of_a_record_is_refused(tmp_path: Path) -> None:
    path = delivered(tmp_path / "in", "261001", lines(1, 9), 10)
    assert refused(tmp_path / "in", out=tmp_path / "out") == [("C110", path.name, None)]
    delivered(tmp_path / "in", "261001", lines(1, 10), 10)
    assert load_claims("cclf", [tmp_path / "in"], tmp_path / "out")["tables"]["claim_lines"] == 10


def test_a_file_of_the_synthetic_region_cut_short_is_refused(tmp_path: Path) -> None:
    synthetic_region(5, tmp_path / "region", participants=2, beneficiaries=30, formats=("cclf",))
    (path,) = (tmp_path / "region" / "cclf").glob("*.ZC6Y*")
    path.write_bytes(path.read_bytes()[: -(layout()["CCLF6"].record_length + 1)])
    assert refused(tmp_path / "region" / "cclf", out=tmp_path / "out") == [("C110", path.name, None)]


def test_a_record_length_stated_wrongly_is_refused(tmp_path: Path) -> None:
    delivered(tmp_path / "in", "261001", lines(1, 3), 3, length=387)
    assert refused(tmp_path / "in", out=tmp_path / "out") == [("C107", NAME.format(0, "261001", "1000011"), None)]


def test_deliveries_side_by_side_are_held_against_their_own_summaries(tmp_path: Path) -> None:
    """In one folder told apart by the day in the names, in several folders by the folder."""
    delivered(tmp_path / "one", "260901", lines(1, 3), 3)
    late = delivered(tmp_path / "one", "261001", lines(10, 5), 5)
    other = tmp_path / "other"
    cclf.write(other / "CCLF5.txt", "CCLF5", lines(20, 4))
    (other / "CCLF0.txt").write_text(summary(("CCLF5", "Part B Physicians File", 4, 388)))
    manifest = load_claims("cclf", [tmp_path / "one", other], tmp_path / "out")
    assert manifest["tables"]["claim_lines"] == 12
    assert not {"C110", "C120"} & {each["code"] for each in manifest["problems"]}
    cclf.write(late, "CCLF5", lines(10, 3))  # as many as the other delivery of the folder has
    assert refused(tmp_path / "one", other, out=tmp_path / "none") == [("C110", late.name, None)]


def test_a_zip_is_held_against_the_summary_in_it(tmp_path: Path) -> None:
    """Two deliveries of the same names in two zips."""
    for number, rows in ((1, 3), (2, 4)):
        path = delivered(tmp_path / str(number), "261001", lines(10 * number, rows), rows)
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            for each in path.parent.iterdir():
                archive.write(each, f"sub/{each.name}")
    one, two = tmp_path / "1.zip", tmp_path / "2.zip"
    assert load_claims("cclf", [one, two], tmp_path / "out")["tables"]["claim_lines"] == 7
    with zipfile.ZipFile(two, "w") as archive:
        archive.write(path, path.name)
    problems = load_claims("cclf", [one, two], tmp_path / "without", threads=1)["problems"]
    assert "C120" not in {each["code"] for each in problems}  # nothing is stated about the second
    with zipfile.ZipFile(two, "a") as archive:
        archive.write(tmp_path / "1" / NAME.format(0, "261001", "1000011"), NAME.format(0, "261001", "1000011"))
    assert refused(one, two, out=tmp_path / "none") == [("C110", path.name, None)]


def test_a_summary_of_other_files_is_warned_of(tmp_path: Path) -> None:
    cclf.write(tmp_path / "in" / NAME.format(5, "260901", "1"), "CCLF5", lines(1, 3))
    name = NAME.format(0, "261001", "1")
    (tmp_path / "in" / name).write_text(summary(("CCLF5", "Part B Physicians File", 4, 388)))
    assert warned(tmp_path / "in", tmp_path / "out", "C120") == [(name, None, "CCLF5 with 4 records", 1)]
    (tmp_path / "in" / name).write_text("no summary\n")
    (found,) = warned(tmp_path / "in", tmp_path / "second", "C120")
    assert found[2].startswith("no line with a file")


def test_files_without_a_record_are_warned_of(tmp_path: Path) -> None:
    for kind in ("1", "5", "8", "9"):
        cclf.write(tmp_path / "in" / f"CCLF{kind}_2", f"CCLF{kind}", [])
    cclf.write(tmp_path / "in" / "CCLF5_1", "CCLF5", lines(1, 3))
    found = warned(tmp_path / "in", tmp_path / "out", "C121")
    assert [file for file, *_ in found] == [
        "CCLF1_2",
        "CCLF5_2",
        "CCLF8_2",
    ]  # numbers rarely change: CCLF9 may be empty
    assert pq.read_metadata(tmp_path / "out" / "claim_lines.parquet").num_rows == 3


def test_records_left_out_are_named_by_file_and_row(tmp_path: Path) -> None:
    """The first twenty of a finding and file, in whichever way clinicians' lines go, and how many more there are."""
    name = NAME.format("{}", "261001", "1")
    late = {"CLM_LINE_FROM_DT": "2026-12-01", "CLM_LINE_THRU_DT": "2026-12-01"}
    rows = [
        *(cclf.visit(each, 1, ANNA, **late) for each in range(1, 26)),
        cclf.visit(30, 1, ANNA),
        cclf.visit(31, 1, ANNA, CLM_ADJSMT_TYPE_CD="1"),
        cclf.visit(32, 1, ""),
    ]
    cclf.write(tmp_path / "in" / name.format(5), "CCLF5", rows)
    cclf.write(
        tmp_path / "in" / name.format(1),
        "CCLF1",
        [
            cclf.header(50, ANNA),
            cclf.header(51, BERT, CLM_TYPE_CD="77"),
            cclf.header(52, BERT, CLM_FROM_DT="2026-12-01"),
            cclf.header(53, BERT, CLM_TYPE_CD="40", CLM_PMT_AMT="31.00"),
        ],
    )
    detail = {"CUR_CLM_UNIQ_ID": f"{53:013d}", "CLM_LINE_CVRD_PD_AMT": "10.00"}
    cclf.write(tmp_path / "in" / name.format(2), "CCLF2", [{**detail, "CLM_LINE_NUM": place} for place in (2, 1)])
    fill = {"CLM_LINE_FROM_DT": "2027-05-05"}
    cclf.write(tmp_path / "in" / name.format(7), "CCLF7", [cclf.fill(60, ANNA), cclf.fill(61, ANNA, **fill)])
    cclf.write(tmp_path / "in" / name.format(8), "CCLF8", [cclf.person(""), cclf.person(ANNA)])
    manifest = load_claims("cclf", [tmp_path / "in"], tmp_path / "out", threads=1)
    found: dict[str, list[tuple[str, int | None, int]]] = {}
    for each in manifest["problems"]:
        kind = each["file"][12:15] if each["file"].startswith("P.") else each["file"]
        found.setdefault(each["code"], []).append((kind, each["row"], each["count"]))
    assert found["C111"] == [("ZC5", 28, 1), ("ZC8", 1, 1)]
    assert found["C112"] == [
        ("ZC1", 3, 1),
        *(("ZC5", row, 1) for row in range(1, 21)),
        ("ZC7", 2, 1),
        ("ZC5", None, 5),
    ]
    assert found["C115"] == [("ZC5", 27, 1)]
    assert found["C117"] == [("ZC1", 2, 1)]
    assert found["C118"] == [("ZC2", None, 1)]  # every delivery has such claims: counted by file


def test_repeats_and_denials_are_said_once_a_file(tmp_path: Path) -> None:
    rows = [
        cclf.visit(1, 1, ANNA),
        cclf.visit(2, 1, ANNA, CLM_PRCSG_IND_CD="D"),
        cclf.visit(3, 1, ANNA, CLM_CARR_PMT_DNL_CD="0"),
    ]
    cclf.write(tmp_path / "in" / "CCLF5_1", "CCLF5", rows)
    cclf.write(tmp_path / "in" / "CCLF5_2", "CCLF5", [*rows[:1], cclf.visit(4, 1, ANNA, CLM_PRCSG_IND_CD="D")])
    assert warned(tmp_path / "in", tmp_path / "out", "C114") == [("CCLF5_2", None, "1 record", 1)]
    assert warned(tmp_path / "in", tmp_path / "second", "C116") == [
        ("CCLF5_1", None, "2 records", 2),
        ("CCLF5_2", None, "1 record", 1),
    ]


def test_a_cancellation_of_another_amount_is_named(tmp_path: Path) -> None:
    """It strikes the whole claim, as the packet's rule has it, and says so; equal amounts strike in silence."""

    def visit(claim: int, line: int, cents: int, control: str, **more: str) -> dict[str, object]:
        amounts = {"CLM_LINE_ALOWD_CHRG_AMT": cclf.money(cents), "CLM_LINE_CVRD_PD_AMT": cclf.money(cents * 4 // 5)}
        return cclf.visit(claim, line, ANNA, CLM_CNTL_NUM=control, **amounts, **more)

    rows = [
        visit(9, 1, 100_00, "Z"),
        visit(8, 1, 300_00, "E"),
        *(visit(1, line, 200_00, "K") for line in (1, 2, 3)),
        visit(2, 1, 50_00, "K", CLM_ADJSMT_TYPE_CD="1"),
        visit(7, 1, 300_00, "E", CLM_ADJSMT_TYPE_CD="1"),
    ]
    cclf.write(tmp_path / "in" / "CCLF5.txt", "CCLF5", rows)
    cclf.write(
        tmp_path / "in" / "CCLF1.txt",
        "CCLF1",
        [cclf.header(20, ANNA, CLM_PMT_AMT="10.00", CLM_ADJSMT_TYPE_CD="1"), cclf.header(21, ANNA)],
    )
    assert warned(tmp_path / "in", tmp_path / "out", "C122") == [
        ("CCLF1.txt", 1, "the claim struck: CCLF1.txt, row 2", 1),
        ("CCLF5.txt", 6, "the claim struck: CCLF5.txt, row 3", 1),
    ]
    written = pq.read_table(tmp_path / "out" / "claim_lines.parquet", columns=["claim_id"]).to_pylist()
    assert [int(row["claim_id"]) for row in written] == [9]


def test_a_damaged_character_in_what_identifies_a_record_makes_it_unreadable(tmp_path: Path) -> None:
    """Such a record would make a claim, a history or a person of its own."""
    name = NAME.format("{}", "261001", "1")
    path = cclf.write(tmp_path / "in" / name.format(5), "CCLF5", lines(1, 400))
    whole = bytearray(path.read_bytes())
    field = layout()["CCLF5"].fields
    for record, label, byte in ((3, "CUR_CLM_UNIQ_ID", 0xE9), (5, "BENE_MBI_ID", 0x00), (7, "CLM_CNTL_NUM", 0x7F)):
        whole[(record - 1) * 389 + field[label].start] = byte
    path.write_bytes(bytes(whole))
    headers = cclf.write(
        tmp_path / "in" / name.format(1), "CCLF1", [cclf.header(each, ANNA) for each in range(500, 700)]
    )
    whole = bytearray(headers.read_bytes())
    whole[438 * 9 + layout()["CCLF1"].fields["PRVDR_OSCAR_NUM"].start - 1] = 0xC3
    headers.write_bytes(bytes(whole))
    manifest = load_claims("cclf", [tmp_path / "in"], tmp_path / "out", threads=2)
    assert manifest["tables"]["claim_lines"] == 397 + 199
    found = [(each["file"], each["row"], each["column"]) for each in manifest["problems"] if each["code"] == "C108"]
    assert found == [
        (headers.name, 10, "PRVDR_OSCAR_NUM"),
        (path.name, 3, "CUR_CLM_UNIQ_ID"),
        (path.name, 5, "BENE_MBI_ID"),
        (path.name, 7, "CLM_CNTL_NUM"),
    ]


def test_warnings_are_printed_with_what_to_do_once_a_kind(tmp_path: Path) -> None:
    late = {"CLM_LINE_FROM_DT": "2026-12-01", "CLM_LINE_THRU_DT": "2026-12-01"}
    name = NAME.format("{}", "261001", "1")
    rows = [cclf.visit(1, 1, ANNA), *(cclf.visit(each, 1, ANNA, **late) for each in range(2, 25))]
    denied = [cclf.visit(30, 1, ANNA, CLM_PRCSG_IND_CD="D"), cclf.visit(31, 1, ANNA, CLM_CARR_PMT_DNL_CD="0")]
    cclf.write(tmp_path / "in" / name.format(5), "CCLF5", [*rows, *denied])
    cclf.write(tmp_path / "in" / name.format(7), "CCLF7", [cclf.fill(60, ANNA, CLM_LINE_FROM_DT="2026-12-01")])
    done = CliRunner().invoke(
        app, ["load", "--format", "cclf", str(tmp_path / "in"), "--out", str(tmp_path / "out")], env={"COLUMNS": "400"}
    )
    assert done.exception is None, done.exception
    said = done.stdout.split("Warnings:\n")[1].splitlines()
    at = next(place for place, line in enumerate(said) if line.startswith("  C112: "))
    assert said[at].endswith("Check the file names' dates; a few such records are known errors of the source.")
    numbers = ", ".join(map(str, range(2, 22)))
    assert said[at + 1 : at + 3] == [
        f"    {name.format(5)}, rows {numbers} and 3 more",
        f"    {name.format(7)}, row 1",
    ]
    at = next(place for place, line in enumerate(said) if line.startswith("  C116: "))
    assert said[at + 1] == f"    {name.format(5)}: 2 records"
    assert "1 records" not in done.stdout
    assert "1 people" not in done.stdout
    assert sum(line.startswith("  C119: ") for line in said) == 1
