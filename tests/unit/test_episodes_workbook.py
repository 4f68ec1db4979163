"""The codes-list reader on the workbooks that ship, on the traps they hold, and on broken ones."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook as Xlsx
from openpyxl import load_workbook

from openasm.base.errors import InputRefused
from openasm.base.problems import Problems
from openasm.episodes.specifications.codes_list import WHOLE_EPISODE, Window
from openasm.episodes.specifications.construction import construction_for, demonstration_workbook
from openasm.episodes.specifications.lists import (
    CodeKind,
    CodesList,
    DiagnosisCondition,
    Role,
    ServiceRule,
    load_codes_list,
)
from openasm.episodes.specifications.workbook import read_workbook
from openasm.runs.cost.synthesis import synthetic_region

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "codes"
HEART, BACK = "heart_failure", "low_back_pain"


def loaded(path: Path, cohort: str) -> tuple[CodesList, Problems]:
    problems = Problems()
    return load_codes_list(path, construction_for(cohort, 2027), problems), problems


def changed(cohort: str, folder: Path, change: Callable[[Any], None]) -> Path:
    """The demonstration workbook of a cohort with something done to it."""
    book = load_workbook(demonstration_workbook(cohort))
    change(book)
    path = folder / "changed.xlsx"
    book.save(path)
    return path


def codes_of(path: Path, cohort: str = HEART) -> set[str]:
    with pytest.raises(InputRefused) as refused:
        loaded(path, cohort)
    return {problem.kind.code for problem in refused.value.problems}


@pytest.mark.parametrize("cohort", [HEART, BACK])
def test_the_demonstration_reads_whole_and_says_what_it_is(cohort: str) -> None:
    codes, problems = loaded(demonstration_workbook(cohort), cohort)
    assert codes.is_demonstration
    assert [problem.kind.code for problem in problems] == ["E015"]
    assert codes.triggers["99213"] == Role(True, True)
    assert codes.triggers["99304"] == Role(False, True)
    assert len(codes.trigger_diagnoses) == (10 if cohort == HEART else 9)
    assert codes.exclusions == ("DEMO_EXCL_1", "DEMO_EXCL_2")
    assert codes.risk_variables == ("DEMO_VAR_1",)
    assert len(codes.subgroups) == (0 if cohort == HEART else 4)


def test_traps_of_the_layout() -> None:
    codes, _ = loaded(demonstration_workbook(BACK), BACK)
    assert ("CMS Specialty Code", "05") in codes.attribution_codes  # leading zero
    assert ("CMS Specialty Code", "06") in codes.attribution_codes  # blank at the end
    assert codes.service_rules[-1].code == "00000000002"
    assert "M48061" in codes.trigger_diagnoses  # the list writes M48.061
    joint = codes.exclusion_conditions[0]
    assert joint.codes == ((CodeKind.DIAGNOSIS, "M5450"), (CodeKind.HCPCS, "99214"))
    assert (joint.first_position, joint.days_before) == (True, 120)
    assert set(joint.settings) == {"inpatient", "professional", "dme"}
    assert codes.risk_conditions[0].days_before == 365


def test_service_rules_in_workbook_order() -> None:
    codes, _ = loaded(demonstration_workbook(HEART), HEART)
    assert codes.service_rules[:2] == (
        ServiceRule(
            0, ("professional", "dme"), CodeKind.HCPCS, "99213", DiagnosisCondition("I50"), "Invented category A"
        ),
        ServiceRule(
            1,
            ("outpatient",),
            CodeKind.HCPCS,
            "99284",
            DiagnosisCondition("I50", listed="I5020"),
            "Invented category B",
        ),
    )
    assert [rule.order for rule in codes.service_rules] == list(range(5))
    assert codes.service_rules[3].settings == ("drug",)


@pytest.mark.parametrize(
    ("condition", "met", "not_met"),
    [
        (DiagnosisCondition("I50"), ["I5020", "I509"], ["I110", "E1122"]),
        (DiagnosisCondition("I50", listed="I5020"), ["I5020"], ["I509"]),
        (DiagnosisCondition("I50", barred=("I5021", "I509")), ["I5020"], ["I5021", "I509", "I110"]),
        (DiagnosisCondition(listed="I110"), ["I110"], ["I130"]),
    ],
)
def test_diagnosis_conditions(condition: DiagnosisCondition, met: list[str], not_met: list[str]) -> None:
    assert all(condition.met_by(code) for code in met)
    assert not any(condition.met_by(code) for code in not_met)


def assignment(*rows: tuple[str, ...]) -> Callable[[Any], None]:
    """The first rows of the A and B sheet: setting, category, its decision, diagnosis, its decision; all of 99213."""

    def write(book: Any) -> None:
        sheet = book["Service_Assignment_AB"]
        for number, (setting, *asked) in enumerate(rows, start=8):
            cells = (number, setting, "CPT/HCPCS", "99213", "Visit", *asked, "Episode", "Visits")
            for column, value in enumerate(cells, start=1):
                sheet.cell(number, column).value = value

    return write


def test_a_code_that_one_row_excludes_is_barred_from_all_rows_of_its_service(tmp_path: Path) -> None:
    path = changed(
        HEART,
        tmp_path,
        assignment(
            ("Part B", "I50", "Include", "I50.9", "Exclude"),
            ("Part B, Outpatient", "I50", "Include", "I50.20", "Exclude"),
            ("Part B", "I50", "Include if diagnosis", "I50.22", "Exclude"),
        ),
    )
    codes, problems = loaded(path, HEART)
    part_b, outpatient = ("professional", "dme"), ("outpatient",)
    all_three, one = ("I5020", "I5022", "I509"), ("I5020",)
    assert [(rule.order, rule.settings, rule.condition) for rule in codes.service_rules[:3]] == [
        (0, part_b, DiagnosisCondition("I50", barred=all_three)),
        (1, part_b, DiagnosisCondition("I50", barred=all_three)),
        (2, outpatient, DiagnosisCondition("I50", barred=one)),
    ]
    assert [rule.order for rule in codes.service_rules] == list(range(len(codes.service_rules)))
    assert {rule.code for rule in codes.service_rules[3:]} == {"00000000001", "00000000002"}  # the third row takes none
    assert [problem.kind.code for problem in problems] == ["E015"]


def test_a_diagnosis_taken_by_name_and_excluded_is_warned_of(tmp_path: Path) -> None:
    path = changed(
        HEART,
        tmp_path,
        assignment(
            ("Part B", "I50", "Include", "I50.9", "Exclude"),
            ("Part B", "I50", "Include if diagnosis", "I50.9", "Include"),
            ("Outpatient", "I50", "Include if diagnosis", "I50.9", "Include"),
        ),
    )
    codes, problems = loaded(path, HEART)
    assert codes.service_rules[1].condition == DiagnosisCondition("I50", listed="I509")
    [warned] = [problem for problem in problems if problem.kind.code == "E029"]
    assert (warned.row, warned.column, warned.found) == (9, "Service_Assignment_AB", "'I509'")


WINDOW_WORDS = """
section: cost_measure
parameters:
  window_words:
    values:
      - years: [2027]
        value:
          during episode: episode
          episode: episode
          first fortnight: {first_day: 0, last_day: 13}
          run-up: {first_day: -30, last_day: -1}
        citation: made up for a test
"""


@pytest.mark.parametrize(
    ("cell", "window"),
    [
        ("Episode", WHOLE_EPISODE),
        ("", WHOLE_EPISODE),
        ("30 days after trigger", Window(0, 30)),
        ("Within 1 day after the episode's start", Window(0, 1)),
        ("90 days from episode start date", Window(0, 90)),
        ("7 days before", Window(-7, -1)),
        ("14 Days Prior to the Episode Start", Window(-14, -1)),
        ("First fortnight", Window(0, 13)),
        ("Run-up", Window(-30, -1)),
    ],
)
def test_windows_of_service_rules(tmp_path: Path, cell: str, window: Window) -> None:
    def put(book: Any) -> None:
        book["Service_Assignment_AB"]["J8"] = cell
        book["Service_Assignment_D"]["E8"] = cell

    spec = tmp_path / "words.yaml"
    spec.write_text(WINDOW_WORDS, encoding="utf-8")
    path = changed(HEART, tmp_path, put)
    codes = load_codes_list(path, construction_for(HEART, 2027, overlays=[spec]), Problems())
    drugs = [rule for rule in codes.service_rules if rule.settings == ("drug",)]
    assert (codes.service_rules[0].window, drugs[0].window) == (window, window)
    assert codes.service_rules[1].window == WHOLE_EPISODE


@pytest.mark.parametrize(
    "cell", ["30 days", "0 days before", "days 1 to 30", "30 days after discharge", "-3 days after"]
)
def test_windows_that_are_not_understood_are_refused(tmp_path: Path, cell: str) -> None:
    path = changed(HEART, tmp_path, lambda book: book["Service_Assignment_AB"].__setitem__("J8", cell))
    [(code, _, row, column, found)] = problems_of(path)
    assert (code, row, column) == ("E010", 8, "Service_Assignment_AB: Window")
    assert cell in found


@pytest.mark.parametrize(
    "meaning", ["whenever", "{first_day: 3, last_day: 2}", "{first_day: 0}", "{first_day: 0, last_day: 1.5}"]
)
def test_a_word_whose_meaning_is_no_window_is_refused(tmp_path: Path, meaning: str) -> None:
    spec = tmp_path / "words.yaml"
    spec.write_text(
        WINDOW_WORDS.replace("{first_day: 0, last_day: 13}", meaning).replace("first fortnight", "soon"),
        encoding="utf-8",
    )
    with pytest.raises(InputRefused) as refused:
        load_codes_list(demonstration_workbook(HEART), construction_for(HEART, 2027, overlays=[spec]), Problems())
    wrong = [each for each in refused.value.problems if each.kind.code == "E031"]
    assert [(each.file, each.column, each.found) for each in wrong] == [("--spec", "window_words", "'soon'")]


def test_no_region_is_made_for_a_list_with_windows(tmp_path: Path) -> None:
    path = changed(HEART, tmp_path, lambda book: book["Service_Assignment_AB"].__setitem__("J8", "30 days after"))
    with pytest.raises(InputRefused) as refused:
        synthetic_region(1, tmp_path / "region", participants=2, beneficiaries=20, workbooks={HEART: path})
    [problem] = [each for each in refused.value.problems if each.kind.code == "G002"]
    assert (problem.file, problem.found) == ("changed.xlsx", "a window on 1 of 5 rules")
    assert not (tmp_path / "region").exists()


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the material beside the project is absent")
def test_sheets_are_those_the_maker_lists() -> None:
    with (SHARED / "demo_sheets.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for name in {row["workbook"] for row in rows}:
        problems = Problems()
        workbook = read_workbook(SHARED / name, problems)
        assert workbook is not None
        assert not list(problems)
        wanted = [row for row in rows if row["workbook"] == name]
        assert set(workbook.sheets) == {row["sheet"] for row in wanted}
        for row in wanted:
            sheet = workbook.sheets[row["sheet"]]
            assert sheet.header_row == int(row["header_row"])
            assert len(sheet.headers) == int(row["columns"])
            assert len(sheet.rows) == int(row["rows"])
            assert (sheet.rows[0].number, sheet.rows[-1].number) == (
                int(row["data_start_row"]),
                int(row["data_end_row"]),
            )


def test_a_sister_layout_with_its_header_in_another_column_and_row(tmp_path: Path) -> None:
    def shift(book: Any) -> None:
        sheet = book["Triggers_DGN"]
        sheet.insert_cols(1)
        sheet.insert_rows(1, 3)

    codes, problems = loaded(changed(HEART, tmp_path, shift), HEART)
    assert len(codes.trigger_diagnoses) == 10
    assert [problem.kind.code for problem in problems] == ["E015"]


def test_columns_are_found_by_header_not_by_place(tmp_path: Path) -> None:
    def swap(book: Any) -> None:
        sheet = book["Triggers_HCPCS"]
        for row in range(6, 19):
            a, b = sheet.cell(row, 3).value, sheet.cell(row, 5).value
            sheet.cell(row, 3).value, sheet.cell(row, 5).value = b, a

    codes, _ = loaded(changed(HEART, tmp_path, swap), HEART)
    assert codes.triggers["99304"] == Role(False, True)


def test_every_problem_of_a_workbook_at_once(tmp_path: Path) -> None:
    def break_it(book: Any) -> None:
        del book["Exclusions_Details"]
        book["Triggers_HCPCS"]["E6"] = "Usage"
        book["Service_Assignment_AB"]["J8"] = "30 days"
        book["Service_Assignment_AB"]["B9"] = "Somewhere"
        book["RA_Details"]["H8"] = "sometimes"
        book["Triggers_DGN"]["C8"] = "50.20"

    assert codes_of(changed(HEART, tmp_path, break_it)) == {"E003", "E005", "E010", "E017"}


@pytest.mark.parametrize("sheet", ["Triggers_HCPCS", "Service_Assignment_D", "RA", "Exclusions", "Attribution"])
def test_a_missing_sheet_is_named(tmp_path: Path, sheet: str) -> None:
    path = changed(HEART, tmp_path, lambda book: book.remove(book[sheet]))
    with pytest.raises(InputRefused) as refused:
        loaded(path, HEART)
    assert ("E003", sheet) in {(problem.kind.code, problem.column) for problem in refused.value.problems}


def test_low_back_pain_needs_its_sub_groups(tmp_path: Path) -> None:
    def drop(book: Any) -> None:
        del book["Sub_Groups"]
        del book["Sub_Groups_Details"]

    assert codes_of(changed(BACK, tmp_path, drop), BACK) == {"E003"}


def test_a_renamed_header_can_be_named_in_a_spec(tmp_path: Path) -> None:
    path = changed(HEART, tmp_path, lambda book: book["RA"].__setitem__("D5", "Variable Label"))
    assert codes_of(path) == {"E005"}
    spec = tmp_path / "mine.yaml"
    spec.write_text(
        "section: cost_measure\nparameters:\n  header_names:\n    values:\n      - years: [2027]\n"
        "        value: {RA: {name: [Variable Label]}}\n        citation: the workbook of PY2027\n",
        encoding="utf-8",
    )
    codes = load_codes_list(path, construction_for(HEART, 2027, overlays=[spec]), Problems())
    assert codes.risk_variables == ("DEMO_VAR_1",)


def test_the_other_measures_list_is_refused() -> None:
    assert "E013" in codes_of(demonstration_workbook(BACK), HEART)


def test_an_end_that_is_not_marked_and_a_gap_are_warned_of(tmp_path: Path) -> None:
    def cut(book: Any) -> None:
        sheet = book["Triggers_DGN"]
        sheet.cell(18, 1).value = None
        for column in range(1, 5):
            sheet.cell(12, column).value = None

    codes, problems = loaded(changed(HEART, tmp_path, cut), HEART)
    assert len(codes.trigger_diagnoses) == 9
    assert {problem.kind.code for problem in problems} == {"E007", "E008", "E015"}


def test_row_counts_that_differ_are_warned_of_sheet_by_sheet(tmp_path: Path) -> None:
    def undemo(book: Any) -> None:
        for sheet in book.worksheets:
            for row in sheet.iter_rows(max_row=4):
                for cell in row:
                    if cell.value and "DEMONSTRATION" in str(cell.value):
                        cell.value = "Measure codes list"

    codes, problems = loaded(changed(HEART, tmp_path, undemo), HEART)
    assert not codes.is_demonstration
    warned = {problem.column: problem for problem in problems if problem.kind.code == "E014"}
    assert len(warned) == 9
    assert "161" in warned["Triggers_HCPCS"].expected
    assert "11 rows" in warned["Triggers_HCPCS"].found


def test_right_counts_name_the_years_and_warn_of_nothing(tmp_path: Path) -> None:
    counts = construction_for(HEART, 2027).rules["heart_failure.known_row_counts"].table["2026"]
    assert isinstance(counts, dict)

    def fill(book: Any) -> None:
        for name, rows in counts.items():
            sheet = book[name]
            if int(rows) > 1_000:  # long sheets are left as they are; this test is about the comparison
                continue
            start = next(row for row in range(1, 30) if sheet.cell(row, 1).value == "Initial Sort Order") + 2
            width = sheet.max_column
            pattern = [sheet.cell(start, column).value for column in range(1, width + 1)]
            for place in range(int(rows)):
                for column, value in enumerate(pattern, start=1):
                    sheet.cell(start + place, column).value = value
                if name == "RA":
                    sheet.cell(start + place, 4).value = "DEMO_VAR_1" if place == 0 else f"V{place}"
                if name == "Exclusions":
                    sheet.cell(start + place, 2).value = f"DEMO_EXCL_{place + 1}"
            sheet.cell(start + int(rows), 1).value = "End of worksheet"
        for sheet in book.worksheets:
            sheet["A1"], sheet["A2"] = "Heart failure", "list"

    _, problems = loaded(changed(HEART, tmp_path, fill), HEART)
    assert {problem.column for problem in problems if problem.kind.code == "E014"} == {
        "Service_Assignment_AB",
        "Service_Assignment_D",
    }


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_what_is_no_workbook(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(content)
    assert codes_of(path) == {"E001"}


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert codes_of(path) == {"E001"}


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (60 * 1024**2))
    assert codes_of(path) == {"E002"}


def test_entities_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    assert codes_of(path) == {"E001"}


def test_a_workbook_without_tables(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    book = Xlsx()
    book.active.title = "Triggers_HCPCS"
    book.active["A1"] = "nothing here"
    book.save(path)
    assert "E004" in codes_of(path)


def test_a_code_stored_as_a_number_keeps_its_form(tmp_path: Path) -> None:
    def numbers(book: Any) -> None:
        book["Service_Assignment_AB"]["D10"] = 65  # a DRG whose leading zero the spreadsheet dropped
        book["Triggers_HCPCS"]["C8"] = 99202.0

    codes, _ = loaded(changed(HEART, tmp_path, numbers), HEART)
    assert codes.service_rules[2].code == "065"
    assert "99202" in codes.triggers


def test_a_drug_code_that_lost_its_zeros_is_refused(tmp_path: Path) -> None:
    assert codes_of(changed(HEART, tmp_path, lambda book: book["Service_Assignment_D"].__setitem__("C8", 1))) == {
        "E017"
    }


def problems_of(path: Path, cohort: str = HEART) -> list[tuple[str, str, int | None, str, str]]:
    """Code, file, Excel row, sheet and what was found, of every error of a list that is refused."""
    with pytest.raises(InputRefused) as refused:
        loaded(path, cohort)
    assert refused.value.exit_code == 3
    return [(each.kind.code, each.file, each.row, each.column, each.found) for each in refused.value.problems]


def test_a_header_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = changed(HEART, tmp_path, lambda book: book["Triggers_DGN"].__setitem__("D6", " CODE"))
    assert problems_of(path) == [("E006", "changed.xlsx", 6, "Triggers_DGN: code", "")]


def test_rows_without_a_name_a_code_or_a_category_are_refused_together(tmp_path: Path) -> None:
    def empty(book: Any) -> None:
        book["Exclusions"]["B8"] = None
        book["Service_Assignment_AB"]["K8"] = None
        book["Service_Assignment_AB"]["H9"] = None
        book["Service_Assignment_D"]["F9"] = " "
        book["RA_Details"]["D9"] = None
        book["Exclusions_Details"]["B8"] = None

    assert sorted(problems_of(changed(HEART, tmp_path, empty))) == [
        ("E011", "changed.xlsx", 8, "Exclusions", "no name"),
        ("E011", "changed.xlsx", 8, "Exclusions_Details", ""),
        ("E011", "changed.xlsx", 8, "Service_Assignment_AB", "no service category"),
        ("E011", "changed.xlsx", 9, "RA_Details", ""),
        ("E011", "changed.xlsx", 9, "Service_Assignment_AB", "a decision by diagnosis without a diagnosis"),
        ("E011", "changed.xlsx", 9, "Service_Assignment_D", "no service category"),
    ]


def test_a_details_row_of_an_unlisted_name_is_warned_of_and_has_no_effect(tmp_path: Path) -> None:
    def rename(book: Any) -> None:
        book["Exclusions_Details"]["B9"] = "DEMO_EXCL_9"
        book["RA_Details"]["B9"] = "DEMO_VAR_9"

    codes, problems = loaded(changed(HEART, tmp_path, rename), HEART)
    warned = [problem for problem in problems if problem.kind.code == "E012"]
    assert [(each.row, each.column, each.found) for each in warned] == [
        (9, "RA_Details", "'DEMO_VAR_9'"),
        (9, "Exclusions_Details", "'DEMO_EXCL_9'"),
    ]
    assert "has no effect" in warned[0].as_text()
    assert codes.exclusions == ("DEMO_EXCL_1", "DEMO_EXCL_2")
    assert codes.risk_variables == ("DEMO_VAR_1",)
    assert {condition.name for condition in codes.exclusion_conditions} == {"DEMO_EXCL_1"}
    assert {condition.name for condition in codes.risk_conditions} == {"DEMO_VAR_1"}


def confirm_only(book: Any) -> None:
    for row in range(8, 19):
        book["Triggers_HCPCS"].cell(row, 5).value = "Confirming Code"


def trigger_only(book: Any) -> None:
    for row in range(8, 19):
        book["Triggers_HCPCS"].cell(row, 5).value = "Trigger Code"


@pytest.mark.parametrize(
    ("change", "sheet", "found"),
    [
        (confirm_only, "Triggers_HCPCS", "no service that triggers"),
        (trigger_only, "Triggers_HCPCS", "no service that confirms"),
        (
            lambda book: book["Triggers_HCPCS"].delete_rows(8, 11),
            "Triggers_HCPCS",
            "no service that triggers and no service that confirms",
        ),
        (lambda book: book["Triggers_DGN"].delete_rows(8, 10), "Triggers_DGN", "no diagnosis"),
    ],
)
def test_a_list_from_which_no_episode_can_begin_is_refused(
    tmp_path: Path, change: Callable[[Any], None], sheet: str, found: str
) -> None:
    assert problems_of(changed(HEART, tmp_path, change)) == [("E016", "changed.xlsx", None, sheet, found)]
