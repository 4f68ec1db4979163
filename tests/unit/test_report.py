"""The report: the run's own numbers, in a page that loads nothing, and in a workbook that runs nothing."""

from __future__ import annotations

import csv
import datetime as dt
import doctest
import hashlib
import importlib
import re
from pathlib import Path

import openpyxl
import pytest
from lxml import etree
from lxml import html as lxml_html

from openasm.base.errors import NotFound, WrongUsage
from openasm.quality.specification import measure_ids, specification_for
from openasm.report import charts, drawings
from openasm.report.content import Report
from openasm.report.drawings import Lever, MeasurePosition, Step
from openasm.report.files import write_report
from openasm.report.from_run import report_of
from openasm.report.html import render
from openasm.report.svg import svg
from openasm.report.text import share
from openasm.report.titles import OF_RECORDS, measure_title
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, write_folder

NOW = dt.datetime(2028, 4, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_folder(folder / "inputs", cohort_rows(50, seed=5))
    score_folder(folder / "inputs", folder / "run", year=2027, now=NOW)
    return folder / "run"


def rows(run: Path, table: str) -> list[dict[str, str]]:
    with (run / "scores" / f"{table}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def everyone(run: Path) -> Report:
    return report_of(run, tins=sorted({row["tin"] for row in rows(run, "scores")}))


@pytest.mark.parametrize("name", ["cells", "cohort_view", "from_run", "text"])
def test_examples_in_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"openasm.report.{name}")).failed == 0


def test_every_step_adds_up_to_the_final_score(run: Path) -> None:
    assert report_of(run).clinicians == ()  # too many for one page: the cohort is shown
    report = everyone(run)
    assert len(report.clinicians) == len(rows(run, "scores"))
    for who in report.clinicians:
        if who.steps:
            assert who.final_score == pytest.approx(min(100.0, max(0.0, sum(step.points for step in who.steps))))
        else:
            assert who.status in ("zero_minimum_submission", "no_final_score")


def test_the_numbers_are_the_runs_own(run: Path) -> None:
    scores = {(row["tin"], row["npi"], row["cohort"]): row for row in rows(run, "scores")}
    for who in everyone(run).clinicians:
        row = scores[who.tin, who.npi, who.cohort]
        assert who.change_dollars == float(row["payment_change_dollars"])
        assert who.factor == float(row["payment_adjustment_factor"])
    for view in report_of(run).cohorts:
        mine = [row for row in scores.values() if row["cohort"] == view.cohort]
        assert view.participants == len(mine) == view.scored + view.zero + view.without_score
        assert view.groups[0].participants == view.participants
        assert sum(group.participants for group in view.groups[1:]) == view.participants
        assert sum(view.histogram.counts) == view.scored


def test_the_page_is_self_contained_and_accessible(run: Path) -> None:
    page = render(report_of(run, tins=[row["tin"] for row in rows(run, "scores")[:3]]), run_name="run")
    assert not re.search(r"(src|href)=[\"'](https?:)?//", page)
    assert "<script" not in page
    tree = lxml_html.fromstring(page)
    assert tree.get("lang") == "en"
    assert len(tree.xpath("//h1")) == 1
    assert tree.xpath("//main")
    assert all(figure.xpath(".//table") or not figure.xpath(".//svg") for figure in tree.xpath("//figure"))
    assert all(svg.xpath("./*[local-name()='title']") for svg in tree.xpath("//*[local-name()='svg']"))
    assert all(cell.get("scope") for cell in tree.xpath("//th"))
    targets = {anchor.get("href")[1:] for anchor in tree.xpath("//a[starts-with(@href, '#')]")}
    assert targets <= set(tree.xpath("//@id"))
    assert len(tree.xpath("//@id")) == len(set(tree.xpath("//@id")))


def test_unconfirmed_values_are_named(run: Path) -> None:
    report = report_of(run)
    page = (run / "report.html").read_text()
    assert report.unconfirmed
    assert f"{len(report.unconfirmed)} of {len(report.rules)} rule values are unconfirmed" in page
    assert all(rule.name in page for rule in report.unconfirmed)


def test_hostile_names_are_text_in_page_and_workbook(run: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "inputs", cohort_rows(50, seed=5))
    path = tmp_path / "inputs" / "participants.csv"
    with path.open(newline="") as stream:
        table = list(csv.reader(stream))
    table[1][table[0].index("name")] = "=1+1<script>alert(1)</script>"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(table)
    score_folder(tmp_path / "inputs", tmp_path / "run", year=2027, now=NOW)
    tin = table[1][table[0].index("tin")]
    assert "<script>alert" not in write_report(tmp_path / "run", tins=[tin]).read_text()
    book = openpyxl.load_workbook(write_report(tmp_path / "run", form="xlsx", tins=[tin]))
    cells = [cell for sheet in book.worksheets for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert any(str(cell.value).startswith("=1+1") for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)


def test_the_workbook_holds_the_same_numbers_and_repeats_to_the_byte(run: Path, tmp_path: Path) -> None:
    tins = sorted({row["tin"] for row in rows(run, "scores")})
    first = write_report(run, form="xlsx", tins=tins, out=tmp_path / "a.xlsx")
    second = write_report(run, form="xlsx", tins=tins, out=tmp_path / "b.xlsx")
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()
    sheet = openpyxl.load_workbook(first)["Clinicians"]
    header = [cell.value for cell in sheet[2]]
    change = header.index("Payment change")
    shown = [line[change] for line in sheet.iter_rows(min_row=3, values_only=True)]
    assert shown == pytest.approx([who.change_dollars for who in report_of(run, tins=tins).clinicians], rel=1e-15)
    assert sheet.freeze_panes == "B3"


def test_one_practice_and_one_clinician(run: Path, tmp_path: Path) -> None:
    row = rows(run, "scores")[0]
    report = report_of(run, tins=[row["tin"]], npi=row["npi"])
    assert {(who.tin, who.npi) for who in report.clinicians} == {(row["tin"], row["npi"])}
    page = render(report, run_name="the run")
    assert f"openasm explain the run --tin {row['tin']} --npi {row['npi']}" in page
    with pytest.raises(NotFound, match="000999999"):
        report_of(run, tins=["000999999"])
    with pytest.raises(NotFound, match="2999999999"):
        report_of(run, npi="2999999999")
    with pytest.raises(WrongUsage, match="docx"):
        write_report(run, form="docx")


def test_equal_runs_draw_equal_pages(run: Path) -> None:
    assert render(report_of(run), run_name="x") == render(report_of(run), run_name="x")


def test_a_chance_that_is_not_certain_is_never_shown_as_certain() -> None:
    assert [share(value) for value in (0.0, 0.001, 0.5, 0.996, 1.0)] == [
        "0%",
        "under 1%",
        "50%",
        "more than 99%",
        "100%",
    ]


def test_charts_speak_in_page_colours_and_are_read_aloud() -> None:
    steps = [Step("A & B", 60.0), Step("C", -70.0), Step("Final", 0.0, total=True)]
    drawn = [
        drawings.waterfall(steps, title="t", width=300),
        drawings.measure_points([MeasurePosition("236", 7.3, "7.3 of 10")], title="t", width=400),
        drawings.histogram(
            [-2.0, 0.0, 2.0], [1, 3], marker=(0.5, "middle $1"), title="t", axis="a", width=300, money=True
        ),
        drawings.levers([Lever("x", -5.0)], title="t", width=400),
    ]
    for each in drawn:
        element = etree.fromstring(svg(each))
        assert element.get("role") == "img"
        assert element[0].text == each[1]
        wide, high = (float(side) for side in element.get("viewBox").split()[2:])
        colours = {part.get("fill") or part.get("stroke") for part in element[1:]}
        assert colours <= {f"var(--{name})" for name in ("ink", "soft", "line", "good", "bad", "neutral", "focus")}
        assert len(element) - 1 == len(each[0].contents)
        for part in element[1:]:
            across, down = (float(part.get(f"{axis}1") or part.get(axis)) for axis in "xy")
            assert 0 <= across <= wide
            assert 0 <= down <= high
    texts = [part.text for part in etree.fromstring(svg(drawn[0])) if part.tag.endswith("text")]
    assert texts[-6:] == ["A & B", "+60.0", "C", "−70.0", "Final", "0.0"]
    bars = [part for part in etree.fromstring(svg(drawn[3])) if part.tag.endswith("rect")]
    assert [bar.get("fill") for bar in bars] == ["var(--bad)"]


def test_measures_of_records_have_the_titles_of_their_numbers() -> None:
    assert {name: specification_for(name, 2026).quality_id for name in measure_ids()} == dict(OF_RECORDS)
    assert measure_title("CMS165") == measure_title("236") == "Controlling high blood pressure"


def test_charts_of_a_library_carry_no_placeholder() -> None:
    drawn = [
        charts.paired_histogram([-0.1, 0.0, 0.1], [1, 3], [2, 2], title="t", axis="a", percent=True),
        charts.over_time(
            [charts.TimePoint("A", 0.5), charts.TimePoint("B", 0.6, 0.5, 0.7)], title="t", axis="a", form=".0%"
        ),
    ]
    for element in drawn:
        assert element.startswith("<svg ")
        assert "<title>t</title>" in element
        assert "var(--" in element
        assert not re.search(r"#0102\d\d", element)
