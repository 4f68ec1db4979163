"""`openasm report` on runs of `openasm episodes`: the page says what the run's files hold, names no patient, and teaches where there is nothing."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from lxml import html as lxml_html
from typer.testing import CliRunner

from openasm.base.errors import InputRefused, NotFound, WrongUsage
from openasm.base.money import dollars_text
from openasm.cli.report import app
from openasm.episodes.specifications.construction import demonstration_workbook
from openasm.report.episodes_page import render
from openasm.report.files import write_episodes_report
from openasm.report.from_episodes import MOST_TINS, episodes_report
from openasm.runs.cost.episodes import run_episodes
from openasm.runs.cost.synthesis import synthetic_region
from tests.builders.report_pages import check_page, page_words

HEART, BACK, YEAR = "heart_failure", "low_back_pain", 2027
CLOCK = dt.datetime(2028, 2, 1, tzinfo=dt.UTC)


def made(region: Path, out: Path, cohort: str, year: int = YEAR) -> Path:
    run_episodes(
        region, out, cohort=cohort, codes_file=demonstration_workbook(cohort), year=year, now=lambda: CLOCK, threads=2
    )
    return out


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("region") / "made"
    synthetic_region(7, folder, participants=12, beneficiaries=900)
    return folder / "tables"


@pytest.fixture(scope="module")
def run(region: Path) -> Path:
    return made(region, region.parent / "heart", HEART)


@pytest.fixture(scope="module")
def back(region: Path) -> Path:
    return made(region, region.parent / "back", BACK)


def rows(run: Path, table: str) -> list[dict[str, str]]:
    with (run / "scores" / f"{table}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def largest_tin(run: Path) -> str:
    return max((row for row in rows(run, "cost") if not row["npi"]), key=lambda row: int(row["episodes"]))["tin"]


def cells(page: str, table_label: str) -> list[list[str]]:
    """The body of the table in the region of that label, as texts."""
    [table] = lxml_html.fromstring(page).xpath(f"//div[@aria-label='{table_label}']/table")
    return [[cell.text_content().strip() for cell in row] for row in table.xpath("./tbody/tr")]


def whole(value: float) -> str:
    return dollars_text(value, cents=False)


def test_the_page_says_what_the_files_hold(run: Path, tmp_path: Path) -> None:
    tin = largest_tin(run)
    target = write_episodes_report([run], tins=[tin], out=tmp_path / "page.html")
    assert target.stat().st_mode & 0o777 == 0o600
    page = target.read_text(encoding="utf-8")
    check_page(page)
    episodes = pq.read_table(run / "patients" / "episodes.parquet").to_pylist()
    counted = {row["episode_id"]: row for row in episodes if row["excluded_reason"] is None and row["tin"] == tin}
    attribution = pq.read_table(run / "patients" / "attribution.parquet").to_pylist()
    mips = {(row["tin"], row["npi"]): row for row in rows(run, "mips")}
    shown = cells(page, "Cost and score, Heart failure")
    scored = {(row["tin"], row["npi"]): row for row in rows(run, "cost") if row["tin"] == tin}
    assert len(shown) == len(scored)
    for cell in shown:
        npi = cell[0].removeprefix("NPI ") if cell[0].startswith("NPI ") else ""
        score, points = scored[tin, npi], mips.get((tin, npi))
        own = [
            counted[row["episode_id"]]["annualized_cents"] / 100
            for row in attribution
            if row["attributed"] and row["npi"] == npi and row["episode_id"] in counted
        ]
        own = own or [row["annualized_cents"] / 100 for row in counted.values()]
        assert cell[1] == score["episodes"] == str(len(own))
        assert cell[2:6] == [
            *(whole(float(score["score"])), whole(sum(own) / len(own))),
            *(whole(min(own)), whole(max(own))),
        ]
        earned = [points["mips_2024_points"], points["mips_2025_points"]] if points else ["–", "–"]
        assert cell[6:] == earned
    for npi in {row["npi"] for row in rows(run, "categories") if row["tin"] == tin}:
        label = f"NPI {npi}" if npi else f"TIN •••••{tin[-4:]}"
        drivers = {row["category"]: row for row in rows(run, "categories") if (row["tin"], row["npi"]) == (tin, npi)}
        for name, services, own_dollars, peers, _ in cells(page, f"Cost drivers of {label}, Heart failure"):
            row = drivers[name]
            assert services.replace(",", "") == row["services"]
            assert (own_dollars, peers) == (
                whole(float(row["dollars_a_year"])),
                whole(float(row["peers_dollars_a_year"])),
            )
    words = page_words(page)
    for sentence in ("MIPS points are not ASM's", "Made-up codes list", "The codes list is a made-up demonstration"):
        assert sentence in words
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    for problem in manifest["problems"]:
        assert problem["title"][1:] in words
        assert problem["code"] in words
    for rule in manifest["parameters"]:
        assert rule["name"] in words
        assert rule["status"] in words


def test_the_costliest_episodes_stand_with_their_days_and_without_their_patients(run: Path, tmp_path: Path) -> None:
    tin = largest_tin(run)
    page = write_episodes_report([run], tins=[tin], out=tmp_path / "page.html").read_text(encoding="utf-8")
    costliest = [row for row in pq.read_table(run / "patients" / "costliest.parquet").to_pylist() if row["tin"] == tin]
    timeline = pq.read_table(run / "patients" / "timeline.parquet").to_pylist()
    shown = cells(page, "Costliest episodes, Heart failure")
    assert len(shown) == len(costliest) == 10
    for place, (cell, row) in enumerate(zip(shown, costliest, strict=True), start=1):
        assert cell[1].endswith(f"{tin[-4:]}, {row['rank']}")
        assert cell[4:7] == [
            whole(row[name] / 100) for name in ("observed_cents", "annualized_cents", "expected_cents")
        ]
        days = cells(page, f"Days of episode {place}, Heart failure")
        own = [each for each in timeline if each["episode_id"] == row["episode_id"]]
        assert [(int(day[0]), day[3], day[5]) for day in days] == [
            ((each["date"] - row["start_date"]).days + 1, each["code"], dollars_text(each["cents"] / 100))
            for each in own
        ]
        assert sum(each["cents"] for each in own) == row["observed_cents"]
    book = write_episodes_report([run], form="xlsx", out=tmp_path / "book.xlsx")
    assert book.stat().st_mode & 0o777 == 0o600
    sheets = openpyxl.load_workbook(book)
    told = page + "".join(
        str(value) for sheet in sheets for line in sheet.iter_rows(values_only=True) for value in line if value
    )
    people = pq.read_table(run / "patients" / "episodes.parquet")
    for column in ("beneficiary", "episode_id"):
        assert not [value for value in people[column].to_pylist() if value in told]
    assert not [value for value in {each["claim_id"] for each in timeline} if value in told]
    assert not [day for day in {each["date"].isoformat() for each in timeline} if day in told]
    assert sheets["Cost and score"].max_row - 2 == len(rows(run, "cost"))
    again = write_episodes_report([run], form="xlsx", out=tmp_path / "again.xlsx")
    assert again.read_bytes() == book.read_bytes()


def test_a_clinician_alone(run: Path) -> None:
    tin = largest_tin(run)
    holders = pq.read_table(run / "patients" / "attribution.parquet").to_pylist()
    shown = {
        row["episode_id"]
        for row in pq.read_table(run / "patients" / "costliest.parquet").to_pylist()
        if row["tin"] == tin
    }
    npi = next(row["npi"] for row in holders if row["attributed"] and row["episode_id"] in shown)
    report = episodes_report([run], tins=[tin], npi=npi)
    [view] = report.cohorts
    assert [(each.tin, each.npi) for each in view.groups] == [(tin, ""), (tin, npi)]
    assert [each.npi for each in view.drivers] == ["", npi]
    assert view.costliest
    assert all(npi in each.npis for each in view.costliest)
    check_page(render(report, run_name="run"))


def test_two_cohorts_in_one_report(run: Path, back: Path, tmp_path: Path) -> None:
    report = episodes_report([run, back])
    assert [view.cohort for view in report.cohorts] == [HEART, BACK]
    page = render(report, run_name="heart back")
    check_page(page)
    for folder, title in ((run, "Heart failure"), (back, "Low back pain")):
        shown = cells(page, f"Cost and score, {title}")
        assert sorted(row[2] for row in shown) == sorted(whole(float(row["score"])) for row in rows(folder, "cost"))
    done = CliRunner().invoke(app, [str(run), str(back), "--out", str(tmp_path / "both.html")])
    assert done.exit_code == 0, done.output
    assert f"openasm report {run} {back} --tin TIN" in done.stdout
    for wrong in ([run, run], [run, made(run.parent / "tables", tmp_path / "other", BACK, 2026)]):
        with pytest.raises(WrongUsage):
            episodes_report(wrong)


def with_lines(region: Path, folder: Path, lines: pa.Table) -> Path:
    """A copy of the claims with other lines."""
    shutil.copytree(region, folder)
    pq.write_table(lines, folder / "claim_lines.parquet")
    return folder


def test_a_run_without_an_episode_says_what_to_do(region: Path, tmp_path: Path) -> None:
    lines = pq.read_table(region / "claim_lines.parquet")
    others = lines.filter(pc.not_equal(lines["setting"], "professional"))
    folder = made(with_lines(region, tmp_path / "claims", others), tmp_path / "run", HEART)
    assert rows(folder, "cost") == []
    done = CliRunner().invoke(app, [str(folder)])
    assert done.exit_code == 0, done.output
    page = (folder / "report.html").read_text(encoding="utf-8")
    check_page(page)
    words = page_words(page)
    assert "No episode counts, so there is no score" in words
    assert "openasm claims check" in words
    assert "No episode ends in the year" in words
    assert write_episodes_report([folder], form="xlsx").is_file()


def test_few_episodes_of_one_practice_have_no_peers_and_no_points(region: Path, run: Path, tmp_path: Path) -> None:
    lines = pq.read_table(region / "claim_lines.parquet")
    tin = largest_tin(run)
    seen = lines.filter(pc.equal(lines["tin"], tin))["beneficiary"].unique()[:12]
    own = pc.and_(pc.is_in(lines["beneficiary"], seen), pc.fill_null(pc.equal(lines["tin"], tin), fill_value=True))
    folder = made(with_lines(region, tmp_path / "claims", lines.filter(own)), tmp_path / "run", HEART)
    report = episodes_report([folder])
    [view] = report.cohorts
    assert {each.tin for each in view.groups} == {tin}
    assert 0 < view.counted < 20
    assert {each.mips for each in view.groups} == {(None, None)}
    page = render(report, run_name="run")
    check_page(page)
    words = page_words(page)
    assert "there is nothing to compare with" in words

    for problem in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["problems"]:
        assert problem["title"][1:] in words


def test_without_the_patients_folder_scores_are_still_shown(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "patients")
    report = episodes_report([copy])
    assert {each.mean for each in report.cohorts[0].groups} == {None}
    page = render(report, run_name="run")
    check_page(page)
    assert "costs of single episodes are not shown" in page_words(page)


def test_many_practices_are_not_all_drawn(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    for name in ("cost", "categories"):
        header, *body = (copy / "scores" / f"{name}.csv").read_text().splitlines()
        mine = [line for line in body if line.startswith(f"{largest_tin(run)},,")]
        more = [line.replace(largest_tin(run), f"0001{place:05}") for place in range(MOST_TINS) for line in mine]
        (copy / "scores" / f"{name}.csv").write_text("\n".join([header, *body, *more]) + "\n")
    report = episodes_report([copy])
    [view] = report.cohorts
    assert (len(view.groups), view.drivers) == (MOST_TINS, ())
    assert view.further == len([row for row in rows(copy, "cost") if not row["npi"]]) - MOST_TINS
    differences = [driver.difference for _, driver in view.differences]
    assert differences == sorted(differences, reverse=True)
    page = render(report, run_name="run")
    check_page(page)
    assert f"{view.further} further practices" in page_words(page)
    assert len(episodes_report([copy], all_tins=True).cohorts[0].groups) == MOST_TINS + view.further


def _no_cost(folder: Path) -> None:
    (folder / "scores" / "cost.csv").unlink()


def _no_column(folder: Path) -> None:
    path = folder / "scores" / "mips.csv"
    path.write_text(path.read_text().replace("mips_2024_points", "points"))


def _no_number(folder: Path) -> None:
    path = folder / "scores" / "categories.csv"
    header, first, *others = path.read_text().splitlines()
    path.write_text("\n".join([header, first.rsplit(",", 1)[0] + ",many", *others]))


def _no_parquet(folder: Path) -> None:
    (folder / "patients" / "timeline.parquet").write_bytes(b"nothing")


def _other_parquet(folder: Path) -> None:
    pq.write_table(pa.table({"other": [1]}), folder / "patients" / "episodes.parquet")


@pytest.mark.parametrize(
    ("damage", "file"),
    [
        (_no_cost, "scores/cost.csv"),
        (_no_column, "scores/mips.csv"),
        (_no_number, "scores/categories.csv"),
        (_no_parquet, "patients/timeline.parquet"),
        (_other_parquet, "patients/episodes.parquet"),
    ],
)
def test_damaged_runs_are_numbered_problems(
    run: Path, tmp_path: Path, damage: Callable[[Path], None], file: str
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    damage(copy)
    done = CliRunner().invoke(app, [str(copy)])
    assert isinstance(done.exception, InputRefused)
    assert {(problem.kind.code, problem.file) for problem in done.exception.problems} == {("D001", file)}
    assert not (copy / "report.html").exists()


def test_what_is_not_there(run: Path, tmp_path: Path) -> None:
    for given in ({"tins": ["999999999"]}, {"npi": "2999999999"}, {"tins": [largest_tin(run)], "npi": "2999999999"}):
        with pytest.raises(NotFound):
            episodes_report([run], **given)
    with pytest.raises(WrongUsage, match="html or xlsx"):
        write_episodes_report([run], form="pdf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused) as refused:
        write_episodes_report([tmp_path / "empty"])
    assert [problem.kind.code for problem in refused.value.problems] == ["S901"]
