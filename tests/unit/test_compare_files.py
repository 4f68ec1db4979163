"""The comparison as page, workbook, table and JSON, and the three commands as people call them."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import html as page_reader
from openpyxl import load_workbook
from typer.testing import CliRunner

from openasm.archive.comparison import Comparison
from openasm.base.errors import WrongUsage
from openasm.cli import compare as compare_command
from openasm.cli import export as export_command
from openasm.cli import trend as trend_command
from openasm.report.from_comparison import write_comparison
from openasm.runs.comparison.compare import compare_runs
from openasm.runs.scoring.run import score_folder
from tests.builders.score_folders import cohort_rows, tin, write_folder

NOW = dt.datetime(2028, 4, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    for name, seed in (("march", 1), ("june", 2)):
        rows = cohort_rows(40, seed=seed)
        rows["participants"][0]["name"] = '=HYPERLINK("x") <script>'
        score_folder(write_folder(folder / f"{name}-inputs", rows), folder / name, year=2027, now=NOW, report=False)
    return folder / "march", folder / "june"


@pytest.fixture(scope="module")
def comparison(runs: tuple[Path, Path]) -> Comparison:
    return compare_runs(*runs, tin=tin(1))


def test_the_page_is_escaped_and_its_parts_add_up(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    page = page_reader.fromstring(text)
    tables = [table for table in page.iter("table") if table.xpath(".//thead/tr/th[1]")[0].text == "Cause"]
    assert tables
    for table in tables:
        cells = [row.xpath("td")[0].text for row in table.xpath(".//tbody/tr")]
        amounts = [Decimal(cell.replace("−", "-").replace("$", "").replace(",", "")) for cell in cells]
        assert sum(amounts[:-1]) == amounts[-1]


def test_workbook_and_table_hold_every_participant(comparison: Comparison, tmp_path: Path) -> None:
    for name in ("book.xlsx", "table.csv"):
        write_comparison(comparison, tmp_path / name)
    sheet = load_workbook(tmp_path / "book.xlsx")["Changes"]
    values = list(sheet.iter_rows(min_row=3, values_only=True))
    with (tmp_path / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(values) == len(rows) == len(comparison.participants) > 0
    for row, each in zip(rows, comparison.participants, strict=True):
        assert float(row["dollars_change"]) == each.dollars.change
        parts = [float(row[f"dollars_{part}"]) for part in ("own", "peers", "rules", "program")]
        assert sum(parts) == each.dollars.change
    again = tmp_path / "again.xlsx"
    write_comparison(comparison, again)
    assert again.read_bytes() == (tmp_path / "book.xlsx").read_bytes()
    with pytest.raises(WrongUsage):
        write_comparison(comparison, tmp_path / "table.txt")


def test_the_commands(runs: tuple[Path, Path], tmp_path: Path) -> None:
    runner = CliRunner()
    march, june = map(str, runs)
    shown = runner.invoke(compare_command.app, [march, june, "--out", str(tmp_path / "page.html")])
    assert shown.exit_code == 0, shown.output
    assert "Inputs that differ" in shown.output
    assert (tmp_path / "page.html").is_file()
    as_json = runner.invoke(compare_command.app, [march, june, "--json"])
    record = json.loads(as_json.output)
    for each in record["participants"]:
        split = each["dollars"]
        assert split["data"] + split["rules"] + split["program"] == split["change"]
    trend = runner.invoke(trend_command.app, [march, june, "--as-of", "2027-09-30", "--json"])
    assert json.loads(trend.output)["forecasts"]
    table = runner.invoke(trend_command.app, [march, june, "--measure", "236", "--out", str(tmp_path / "trend.csv")])
    assert table.exit_code == 0, table.output
    assert (tmp_path / "trend.csv").read_text().startswith("run,day,measure,unit,count,value,month\n")
    key = str(tmp_path / "key")
    made = runner.invoke(export_command.app, ["--new-key", key])
    assert made.exit_code == 0, made.output
    done = runner.invoke(export_command.app, [june, "--out", str(tmp_path / "shared"), "--key-file", key, "--json"])
    assert json.loads(done.output)["files"]["scores/scores.csv"] > 0
    for bad in ([], [june], ["--new-key", key, "--out", "x"]):
        assert isinstance(runner.invoke(export_command.app, bad).exception, WrongUsage)
    for bad in ([march, june, "--tin", "1"], [march, june, "--npi", "1"], [march, june, "--out", "x.pdf"]):
        assert isinstance(runner.invoke(compare_command.app, bad).exception, WrongUsage)
    for bad in ([march, "--as-of", "June"], [march, "--out", "x.pdf"], [march, "--tin", "1"]):
        assert isinstance(runner.invoke(trend_command.app, bad).exception, WrongUsage)
